//! Processor time of a measurement, told apart from that of everybody else on the machine.
//!
//! A packet over a veth pair is handled by a software interrupt that runs in the sending thread when its system call
//! ends, or in `ksoftirqd` when there is too much. So the work done for a flow of packets is the time of the threads
//! that send and receive, that of `ksoftirqd`, and, where the kernel takes interrupts out of the time of the threads
//! that they hit (`CONFIG_IRQ_TIME_ACCOUNTING`), the machine's time in software interrupts.

use std::fs;
use std::sync::OnceLock;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// Processor time of the calling thread.
pub fn thread() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from).unwrap_or_default()
}

/// Processor time spent on software interrupts outside of the threads that caused them, since the machine started.
pub fn elsewhere() -> Duration {
    let daemons = daemons().iter().filter_map(|pid| {
        let text = fs::read_to_string(format!("/proc/{pid}/schedstat")).ok()?;
        text.split_whitespace().next()?.parse().map(Duration::from_nanos).ok()
    });
    let outside = if interrupts_are_apart() { softirq() } else { Duration::ZERO };
    daemons.sum::<Duration>() + outside
}

/// Processes called `ksoftirqd/N`.
fn daemons() -> &'static [u32] {
    static DAEMONS: OnceLock<Vec<u32>> = OnceLock::new();
    DAEMONS.get_or_init(|| {
        let pids = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter(|pid| {
            fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.starts_with("ksoftirqd/"))
        })
        .collect()
    })
}

/// Whether the kernel has `CONFIG_IRQ_TIME_ACCOUNTING`: the function that does it is there only then.
fn interrupts_are_apart() -> bool {
    static APART: OnceLock<bool> = OnceLock::new();
    *APART.get_or_init(|| {
        fs::read_to_string("/proc/kallsyms").is_ok_and(|symbols| symbols.contains(" irqtime_account_irq\n"))
    })
}

/// The seventh number of the first line of `/proc/stat`, in hundredths of a second (`USER_HZ` on all architectures that
/// Linux still has).
fn softirq() -> Duration {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let ticks = text.lines().next().and_then(|line| line.split_whitespace().nth(7)?.parse::<u64>().ok());
    Duration::from_millis(ticks.unwrap_or_default() * 10)
}
