//! The pages, one module each: read the request into a value, ask the runtime, answer with a template.

pub(crate) mod agents;
pub(crate) mod costs;
pub(crate) mod imports;
pub(crate) mod inbox;
pub(crate) mod modules;
pub(crate) mod nav;
pub(crate) mod opinions;
pub(crate) mod readiness;
pub(crate) mod session;
pub(crate) mod status;
pub(crate) mod tools;

pub(crate) mod event;
pub(crate) mod filters;
pub(crate) mod now;
pub(crate) mod palette;
pub(crate) mod search;
pub(crate) mod sessions;
pub(crate) mod settings;
pub(crate) mod sync;
