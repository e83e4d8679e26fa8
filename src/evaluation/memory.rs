//! How much memory the process has, and took at most.

/// The peak of the resident memory, in bytes, where the system tells (Linux: `VmHWM`).
#[must_use]
pub fn peak_memory_bytes() -> Option<u64> {
    figure_in(&std::fs::read_to_string("/proc/self/status").ok()?, "VmHWM:")
}

/// The resident memory, in bytes, mapped files included, where the system tells (Linux: `VmRSS`).
#[must_use]
pub fn resident_memory_bytes() -> Option<u64> {
    figure_in(&std::fs::read_to_string("/proc/self/status").ok()?, "VmRSS:")
}

fn figure_in(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_found_by_their_names() {
        let status = "VmPeak:\t 9 kB\nVmHWM:\t  1234 kB\nVmRSS:\t 7 kB\n";
        assert_eq!(figure_in(status, "VmHWM:"), Some(1234 * 1024));
        assert_eq!(figure_in(status, "VmRSS:"), Some(7 * 1024));
        assert_eq!(figure_in("VmHWM:\t many\n", "VmHWM:"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn linux_tells() {
        let resident = resident_memory_bytes().unwrap();
        assert!(resident > 1 << 20 && peak_memory_bytes().unwrap() >= resident);
    }
}
