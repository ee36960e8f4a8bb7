//! Processes that belong together, and end together: a driver, its browser, and whatever these started.

use std::fs;
use std::process::Child;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::wait;

/// A process as the system tells of it.
pub(crate) struct Process {
    pub(crate) pid: u32,
    pub(crate) parent: u32,
    pub(crate) name: String,
    is_ours: bool,
}

/// Ends a child with its process group, every process below it, and those that left it but name `folder`.
/// The folder can be removed afterwards, since nobody writes to it any more.
pub(crate) fn end(child: &mut Child, folder: &str) {
    let root = child.id();
    let family = of(root, folder);
    // Each fails only where the process is gone already.
    _ = kill_process_group(Pid::from_child(child), Signal::KILL);
    for process in family.iter().filter_map(|process| pid(process.pid)) {
        _ = kill_process(process, Signal::KILL);
    }
    _ = child.wait();
    if !std::thread::panicking() {
        wait::until("every process to be gone", || of(root, folder).is_empty().then_some(()));
    }
}

/// Returns the processes below one, the nearest first, and those that name `folder`.
pub(crate) fn of(root: u32, folder: &str) -> Vec<Process> {
    let mut others = processes(folder);
    others.retain(|one| one.pid != std::process::id());
    let mut known = vec![root];
    let mut family: Vec<Process> = Vec::new();
    loop {
        let (found, rest): (Vec<_>, Vec<_>) = others
            .into_iter()
            .partition(|one| one.pid == root || one.is_ours || known.contains(&one.parent));
        others = rest;
        if found.is_empty() {
            return family;
        }
        known.extend(found.iter().map(|one| one.pid));
        family.extend(found);
    }
}

fn pid(pid: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(pid).ok()?)
}

/// Lists what runs on this machine, as far as the system tells.
fn processes(folder: &str) -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let read = |entry: fs::DirEntry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        // The name of the program may hold anything, and ends with the last bracket.
        let (start, rest) = stat.rsplit_once(')')?;
        let name = start.split_once('(')?.1.to_owned();
        let mut fields = rest.split_ascii_whitespace();
        // A process that has ended and whose end nobody asked for is no process.
        let state = fields.next()?;
        if state == "Z" || state == "X" {
            return None;
        }
        let parent = fields.next()?.parse().ok()?;
        let names = |file: &str| {
            let text = fs::read(entry.path().join(file)).unwrap_or_default();
            !folder.is_empty() && String::from_utf8_lossy(&text).contains(folder)
        };
        Some(Process { pid, parent, name, is_ours: names("cmdline") || names("environ") })
    };
    entries.flatten().filter_map(read).collect()
}
