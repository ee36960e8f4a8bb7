//! What the programs under measurement take: all processes that this one has started, with what those have
//! started, whichever of them have ended.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::clock::pause;

/// How often memory is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What something took.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spent {
    /// From the beginning to the end.
    pub(super) wall: Duration,
    /// Processor time of all of them, of users and the system.
    pub(super) cpu: Duration,
    /// The most memory that they were seen to hold together, what they share counted once.
    pub(super) peak_mb: f64,
}

/// Measures from its start to its end.
pub(super) struct Meter {
    began: Instant,
    cpu: Duration,
    looker: Looker,
}

/// A thread that looks at memory.
struct Looker {
    is_over: Arc<AtomicBool>,
    most: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

/// What the system tells of one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Told {
    parent: u32,
    /// Its own ticks.
    own: u64,
    /// Those of its children that have ended.
    ended: u64,
}

impl Meter {
    pub(super) fn start() -> Self {
        Self { began: Instant::now(), cpu: cpu(), looker: Looker::start() }
    }

    /// Returns what was spent until now, with a time that was taken before.
    pub(super) fn end_with(mut self, wall: Duration) -> Spent {
        let cpu = cpu().saturating_sub(self.cpu);
        Spent { wall, cpu, peak_mb: self.looker.end() }
    }

    /// Returns what was spent until now.
    pub(super) fn end(self) -> Spent {
        let wall = self.began.elapsed();
        self.end_with(wall)
    }

    /// Returns how long it has been.
    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }
}

impl Looker {
    fn start() -> Self {
        let (is_over, most) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let thread = std::thread::spawn({
            let (is_over, most) = (is_over.clone(), most.clone());
            move || {
                while !is_over.load(Ordering::Relaxed) {
                    most.fetch_max(held_bytes(), Ordering::Relaxed);
                    pause(LOOK_EVERY);
                }
            }
        });
        Self { is_over, most, thread: Some(thread) }
    }

    fn end(&mut self) -> f64 {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It cannot panic, and if it did, what it saw before is still true.
            let _ = thread.join();
        }
        self.most.load(Ordering::Relaxed).max(held_bytes()) as f64 / 1e6
    }
}

impl Drop for Looker {
    fn drop(&mut self) {
        self.end();
    }
}

/// The memory that all of them hold now, what they share counted once.
pub(super) fn held_mb() -> f64 {
    held_bytes() as f64 / 1e6
}

/// The processor time that all of them have taken since this program began.
pub(super) fn cpu() -> Duration {
    let processes = processes();
    let own = processes.get(&std::process::id()).map_or(0, |told| told.ended);
    let below = below(&processes, std::process::id());
    let ticks = below.iter().filter_map(|pid| processes.get(pid)).map(|told| told.own + told.ended);
    let ticks = own + ticks.sum::<u64>();
    Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

fn held_bytes() -> u64 {
    let processes = processes();
    let below = below(&processes, std::process::id());
    below.into_iter().filter_map(proportional_bytes).sum()
}

fn processes() -> BTreeMap<u32, Told> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid: u32| {
        // One that has ended meanwhile is not there any more.
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        Some((pid, told(&stat)?))
    })
    .collect()
}

/// The processes that one has started, and those that they have.
fn below(processes: &BTreeMap<u32, Told>, pid: u32) -> Vec<u32> {
    let mut found = vec![pid];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        let children = processes.iter().filter(|(_, told)| told.parent == parent);
        found.extend(children.map(|(&pid, _)| pid));
        next += 1;
    }
    found.split_off(1)
}

fn told(stat: &str) -> Option<Told> {
    // The second field is the program's name, which may contain anything but ends at the last `)`.
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<_> = fields.split_ascii_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    let parent = u32::try_from(number(1)?).ok()?;
    Some(Told { parent, own: number(11)? + number(12)?, ended: number(13)? + number(14)? })
}

fn proportional_bytes(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    let kibibytes: u64 = value.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_of_a_process_and_of_those_it_outlived_are_told_apart() {
        let stat = "42 (a ) b) S 7 42 42 0 -1 4194560 100 0 0 0 170 30 7 9 20 0 4 0 1";
        assert_eq!(told(stat), Some(Told { parent: 7, own: 200, ended: 16 }));
        assert_eq!(told("42 (short) S 1"), None);
    }

    #[test]
    fn grandchildren_count_and_strangers_do_not() {
        let of = |parent| Told { parent, own: 1, ended: 0 };
        let processes = [(2, of(1)), (3, of(2)), (4, of(3)), (5, of(1)), (9, of(4))];
        assert_eq!(below(&processes.into_iter().collect(), 2), [3, 4, 9]);
    }
}
