//! How much memory the process took at most.

/// The peak of the resident memory, in bytes, where the system tells (Linux: `VmHWM`).
#[must_use]
pub fn peak_memory_bytes() -> Option<u64> {
    peak_in(&std::fs::read_to_string("/proc/self/status").ok()?)
}

fn peak_in(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_high_water_mark_is_found() {
        assert_eq!(peak_in("VmPeak:\t 9 kB\nVmHWM:\t  1234 kB\n"), Some(1234 * 1024));
        assert_eq!(peak_in("VmHWM:\t many\n"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn linux_tells() {
        assert!(peak_memory_bytes().unwrap() > 1 << 20);
    }
}
