//! What the numbers were measured on, and how busy it was otherwise.

use std::fs;

use serde::Serialize;

/// The machine, and its load around the run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Machine {
    /// Kernel release.
    pub kernel: String,
    /// Model of the first processor.
    pub cpu: String,
    /// Number of processors.
    pub cpus: usize,
    /// Before the run.
    pub before: Load,
    /// After it.
    pub after: Load,
}

impl Machine {
    /// This machine, without its load.
    pub fn here() -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpuinfo.lines().find(|line| line.starts_with("model name") || line.starts_with("Model"));
        let cpu = model.and_then(|line| line.split_once(':')).map_or("unknown", |(_, name)| name.trim());
        Self {
            kernel: read("/proc/sys/kernel/osrelease"),
            cpu: cpu.to_owned(),
            cpus: std::thread::available_parallelism().map_or(0, usize::from),
            ..Self::default()
        }
    }
}

/// How busy a machine is.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Load {
    /// First three fields of `/proc/loadavg`: tasks that run or wait, over 1, 5 and 15 minutes.
    pub average: String,
    /// Share of time in which some task waited for a processor, over 10 seconds, in percent; `None` without PSI.
    pub pressure: Option<f64>,
}

impl Load {
    /// At this moment.
    pub fn now() -> Self {
        let average = read("/proc/loadavg").split_whitespace().take(3).collect::<Vec<_>>().join(" ");
        Self { average, pressure: avg10(&read("/proc/pressure/cpu")) }
    }
}

fn avg10(pressure: &str) -> Option<f64> {
    let some = pressure.lines().find(|line| line.starts_with("some "))?;
    some.split_whitespace().find_map(|field| field.strip_prefix("avg10="))?.parse().ok()
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pressure_is_read_where_there_is_some() {
        let text =
            "some avg10=0.60 avg60=2.66 avg300=18.31 total=396656632\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0";
        assert_eq!(avg10(text), Some(0.6));
        assert_eq!(avg10(""), None);
    }
}
