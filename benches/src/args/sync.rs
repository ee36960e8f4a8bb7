//! What is measured of folders that are kept equal.

use std::time::Duration;

use clap::ValueEnum;
use oriel_bench::sync::{Edits, Kind, Part, Shape, SyncPlan};

use super::{at_least_one, count, parse_seconds};

#[derive(Debug, clap::Args)]
pub(crate) struct SyncArgs {
    /// Trees: how many files, and the bytes of each
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "10000x4096,100000x256,1x1073741824", value_parser = parse_shape)]
    trees: Vec<Shape>,
    /// Programs to measure, one after another
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        default_value = "cp,rsync,oriel,oriel-up,unison,syncthing-soon,syncthing"
    )]
    tools: Vec<ToolArg>,
    /// What to do with each tree
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        default_value = "first,edits,burst,saves,reader,idle,restart"
    )]
    only: Vec<PartArg>,
    /// How many single saves are followed each way
    #[arg(long, value_name = "N", default_value = "100", value_parser = at_least_one)]
    edits: u64,
    /// Follow fewer of them where they would take longer than this each way
    #[arg(long, value_name = "S", default_value = "60", value_parser = parse_seconds)]
    edit_seconds: Duration,
    /// How long processor time is counted while nothing happens
    #[arg(long, value_name = "S", default_value = "60", value_parser = parse_seconds)]
    idle_seconds: Duration,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ToolArg {
    Cp,
    Rsync,
    /// The agent's workspace is filled and the person's folder empty
    Oriel,
    /// The same the other way round, for the first sync alone
    OrielUp,
    Unison,
    /// With a delay of one second, the least that it takes
    SyncthingSoon,
    /// With its usual delay of ten seconds
    Syncthing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum PartArg {
    First,
    Edits,
    Burst,
    Saves,
    Reader,
    Idle,
    Restart,
}

impl SyncArgs {
    pub(crate) fn plan(&self) -> SyncPlan {
        let mut parts = self.only.clone();
        parts.sort_unstable();
        parts.dedup();
        SyncPlan {
            shapes: self.trees.clone(),
            kinds: self.tools.iter().map(|&tool| tool.into()).collect(),
            parts: parts.into_iter().map(Part::from).collect(),
            edits: Edits { count: count(self.edits), span_max: self.edit_seconds },
            idle: self.idle_seconds,
        }
    }
}

impl From<ToolArg> for Kind {
    fn from(arg: ToolArg) -> Self {
        match arg {
            ToolArg::Cp => Self::Cp,
            ToolArg::Rsync => Self::Rsync,
            ToolArg::Oriel => Self::Oriel,
            ToolArg::OrielUp => Self::OrielUp,
            ToolArg::Unison => Self::Unison,
            ToolArg::SyncthingSoon => Self::SyncthingSoon,
            ToolArg::Syncthing => Self::Syncthing,
        }
    }
}

impl From<PartArg> for Part {
    fn from(arg: PartArg) -> Self {
        match arg {
            PartArg::First => Self::First,
            PartArg::Edits => Self::Edits,
            PartArg::Burst => Self::Burst,
            PartArg::Saves => Self::Saves,
            PartArg::Reader => Self::Reader,
            PartArg::Idle => Self::Idle,
            PartArg::Restart => Self::Restart,
        }
    }
}

fn parse_shape(text: &str) -> Result<Shape, String> {
    let told = || "must be FILESxBYTES, both of at least 1".to_owned();
    let (files, bytes) = text.split_once('x').ok_or_else(told)?;
    let number = |text: &str| at_least_one(text).map(count).map_err(|_| told());
    Ok(Shape { files: number(files)?, bytes: number(bytes)? })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Alone {
        #[command(flatten)]
        sync: SyncArgs,
    }

    #[test]
    fn parts_of_a_sync_are_measured_in_one_order_however_they_are_named() {
        let line = "bench --trees 3x5 --tools unison,oriel --only idle,first,idle";
        let plan = parse(line).unwrap().plan();
        assert_eq!(plan.shapes, [Shape { files: 3, bytes: 5 }]);
        assert_eq!(plan.kinds, [Kind::Unison, Kind::Oriel]);
        assert_eq!(plan.parts, [Part::First, Part::Idle]);
    }

    #[test]
    fn a_tree_without_files_is_refused() {
        for trees in ["10", "0x5", "5x0", "x", "5x5x5"] {
            assert!(parse(&format!("bench --trees {trees}")).is_err(), "{trees}");
        }
    }

    fn parse(line: &str) -> Result<SyncArgs, clap::Error> {
        Alone::try_parse_from(line.split(' ')).map(|alone| alone.sync)
    }
}
