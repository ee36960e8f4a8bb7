//! What the gateway keeps, as the monitor's task reads it.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::{Batch, Behind, Feed};
use crate::hub::Hub;

/// The journals of all sessions.
pub(crate) struct Kept(pub(crate) Arc<Hub>);

impl Feed for Kept {
    fn behind(&self) -> Vec<Behind> {
        self.0.unhanded()
    }

    fn read(
        &self,
        session: &str,
        after_seq: u64,
        limit: usize,
    ) -> BoxFuture<'static, Result<Option<Batch>, String>> {
        let (hub, id) = (Arc::clone(&self.0), session.to_owned());
        Box::pin(async move {
            let read = hub.events_after(&id, after_seq, limit).await;
            let Some((session, native_session, events)) =
                read.map_err(|error| error.to_string())?
            else {
                return Ok(None);
            };
            let agent = hub.agents.monitor_name(&session.agent_type);
            Ok(Some(Batch { session, agent, native_session, events }))
        })
    }

    fn taken(&self, session: &str, seq: u64) -> BoxFuture<'static, Result<(), String>> {
        let (hub, id) = (Arc::clone(&self.0), session.to_owned());
        Box::pin(async move { hub.set_handed(&id, seq).await.map_err(|error| error.to_string()) })
    }

    fn news(&self) -> BoxFuture<'static, ()> {
        let hub = Arc::clone(&self.0);
        Box::pin(async move { hub.stored.notified().await })
    }
}
