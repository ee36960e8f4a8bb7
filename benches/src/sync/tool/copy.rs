//! Programs that make a copy and end: what any first sync is held against.

use std::process::Command;

use super::{Places, Tool, contents_of};
use crate::bench::BenchError;
use crate::sync::child::Kept;
use crate::sync::trees::Shape;

/// `cp`, or another that takes the same words.
pub(super) struct Copy {
    program: &'static str,
    places: Places,
}

impl Copy {
    pub(super) fn new(program: &'static str, places: Places) -> Self {
        Self { program, places }
    }
}

impl Tool for Copy {
    fn fill(&mut self, _shape: Shape) -> Result<(), BenchError> {
        let mut command = Command::new(self.program);
        command.arg("-a").arg(contents_of(&self.places.one)).arg(&self.places.other);
        Kept::start(&mut command, &self.places.log())?.finish()
    }

    fn keep(&mut self) -> Result<(), BenchError> {
        Ok(())
    }

    fn stop(&mut self) -> Result<(), BenchError> {
        Ok(())
    }
}
