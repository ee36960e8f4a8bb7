//! `oriel agent`: agents that are built in, each a program that speaks the Agent Client Protocol.

use std::sync::Arc;

use oriel_daemon::Surroundings;
use oriel_gateway::echo;

use crate::Exit;
use crate::args::Agent;

/// Is the agent until its input ends.
pub(super) fn run(agent: &Agent, surroundings: &Surroundings) -> anyhow::Result<Exit> {
    match agent {
        Agent::Echo => {
            let clock = surroundings.clock.clone();
            let thread = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let code = thread.block_on(echo::run_as_program(Arc::new(move || clock.now())))?;
            // Nobody waits for who still reads its input.
            thread.shutdown_background();
            Ok(Exit::Agent(code))
        }
    }
}
