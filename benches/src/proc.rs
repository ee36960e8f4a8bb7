//! What Linux tells of a process under `/proc`: memory and processor time.
//!
//! On other systems nothing is found, and the figures are left out.

use std::fs;
use std::time::Duration;

/// The processor time of everything since the machine started, and of two processes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct CpuMark {
    server: Duration,
    client: Duration,
    machine: Duration,
}

/// Processor time spent between two marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CpuSpent {
    pub(crate) server: Duration,
    pub(crate) client: Duration,
    /// By all other processes: how much the figures may be trusted on a shared machine.
    pub(crate) others: Duration,
}

impl CpuMark {
    pub(crate) fn now(server: u32) -> Self {
        let machine = read("/proc/stat").and_then(|text| busy_ticks(&text)).unwrap_or_default();
        Self { server: cpu(&server.to_string()), client: cpu("self"), machine: from_ticks(machine) }
    }

    pub(crate) fn until(self, end: Self) -> CpuSpent {
        let server = end.server.saturating_sub(self.server);
        let client = end.client.saturating_sub(self.client);
        let machine = end.machine.saturating_sub(self.machine);
        CpuSpent { server, client, others: machine.saturating_sub(server + client) }
    }
}

/// The most memory a process has held at once.
pub(crate) fn peak_bytes(pid: u32) -> Option<u64> {
    status_bytes(&read(&format!("/proc/{pid}/status"))?, "VmHWM:")
}

/// The memory a process holds now.
pub(crate) fn held_bytes(pid: u32) -> Option<u64> {
    status_bytes(&read(&format!("/proc/{pid}/status"))?, "VmRSS:")
}

/// The processor time of a process, in the clock ticks the kernel counts.
pub(crate) fn process_ticks(pid: u32) -> Option<u64> {
    used_ticks(&read(&format!("/proc/{pid}/stat"))?)
}

fn cpu(process: &str) -> Duration {
    let text = read(&format!("/proc/{process}/stat"));
    from_ticks(text.and_then(|text| used_ticks(&text)).unwrap_or_default())
}

fn from_ticks(ticks: u64) -> Duration {
    Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

fn read(path: &str) -> Option<String> {
    // A process that has gone, or a system without /proc, has no figures.
    fs::read_to_string(path).ok()
}

fn status_bytes(status: &str, name: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = value.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    Some(kibibytes * 1024)
}

fn used_ticks(stat: &str) -> Option<u64> {
    // The second field is the program's name, which may contain anything but ends at the last `)`.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

fn busy_ticks(stat: &str) -> Option<u64> {
    let fields = stat.lines().next()?.strip_prefix("cpu ")?.split_ascii_whitespace();
    let ticks: Vec<u64> = fields.map_while(|field| field.parse().ok()).collect();
    // user, nice, system, (idle, iowait,) irq, softirq; guests are within user, stolen time is not ours.
    let [user, nice, system, _, _, irq, softirq, ..] = ticks[..] else { return None };
    Some(user + nice + system + irq + softirq)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_found_in_a_status_file() {
        let status = "Name:\tworker\nVmPeak:\t  9000 kB\nVmHWM:\t   1536 kB\nVmRSS:\t    12 kB\n";
        assert_eq!(status_bytes(status, "VmHWM:"), Some(1_572_864));
        assert_eq!(status_bytes(status, "VmRSS:"), Some(12_288));
        assert_eq!(status_bytes("Name:\tkthread\n", "VmHWM:"), None);
    }

    #[test]
    fn a_name_with_spaces_and_brackets_does_not_shift_the_ticks() {
        let stat = "42 (a ) b (c) S 1 42 42 0 -1 4194560 100 0 0 0 170 30 7 9 20 0 4 0 1";
        assert_eq!(used_ticks(stat), Some(200));
        assert_eq!(used_ticks("42 (short) S 1"), None);
    }

    #[test]
    fn waiting_is_not_counted_as_busy() {
        let stat = "cpu  100 20 30 9999 888 4 5 7 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n";
        assert_eq!(busy_ticks(stat), Some(159));
    }

    #[test]
    fn what_neither_used_was_used_by_others() {
        let seconds = Duration::from_secs;
        let start = CpuMark { server: seconds(1), client: seconds(1), machine: seconds(100) };
        let end = CpuMark { server: seconds(4), client: seconds(2), machine: seconds(110) };
        let spent = CpuSpent { server: seconds(3), client: seconds(1), others: seconds(6) };
        assert_eq!(start.until(end), spent);
    }
}
