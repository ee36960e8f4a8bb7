//! What a daemon's syncs are told of the settings.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use oriel_gateway::Gateway;
use oriel_runtime::config::Config;
use oriel_sync::{Gateway as Way, Syncs, SyncsConfig};

/// Goes on with what was synced. A daemon whose gateway another process has asks that one; `is_talking` says
/// whether there is to be any.
pub(crate) async fn open(
    config: &Config,
    gateway: Option<&Gateway>,
    is_talking: bool,
    home: Option<PathBuf>,
) -> Arc<Syncs> {
    let clock = config.clock.clone();
    let now = move || {
        let since = clock.now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    };
    let way = match gateway {
        Some(gateway) => {
            Way::Link { link: gateway.link(), token: gateway.token().path().to_owned() }
        }
        None if is_talking => Way::Folder(config.data_dir.join("gateway")),
        None => Way::None,
    };
    let config = SyncsConfig {
        own: config.data_dir.join("sync"),
        closed: vec![config.data_dir.clone()],
        home,
        gateway: way,
        now: Arc::new(now),
        umask: config.setup.umask,
    };
    Syncs::open(config).await
}
