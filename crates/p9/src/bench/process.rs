//! What this process has used, where the host tells.

use std::fs;

/// Of the whole process, up to now.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// User and system together; 0 where it is not known.
    pub(crate) cpu_seconds: f64,
    /// Most memory that was resident at once, in bytes.
    pub(crate) peak_memory: Option<u64>,
}

impl Usage {
    /// From Linux's /proc.
    pub(crate) fn now() -> Self {
        Self {
            cpu_seconds: fs::read_to_string("/proc/self/stat")
                .ok()
                .and_then(|stat| cpu_seconds(&stat))
                .unwrap_or_default(),
            peak_memory: fs::read_to_string("/proc/self/status")
                .ok()
                .and_then(|status| peak_memory(&status)),
        }
    }
}

/// Fields 14 and 15, in ticks of 10 ms: the unit is part of Linux's interface to programs.
fn cpu_seconds(stat: &str) -> Option<f64> {
    // The name in field 2 may hold anything, but ends with the last parenthesis.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / 100.0)
}

fn peak_memory(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::{cpu_seconds, peak_memory};

    #[test]
    fn what_linux_says() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 9 9 20 0 1 0 5";
        assert_eq!(cpu_seconds(stat), Some(3.0));
        assert_eq!(cpu_seconds("7"), None);
        assert_eq!(
            peak_memory("VmPeak:\t 9 kB\nVmHWM:\t    2048 kB\n"),
            Some(2 << 20)
        );
        assert_eq!(peak_memory(""), None);
    }
}
