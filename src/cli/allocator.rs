//! What the memory allocator gives back to the system.
//!
//! glibc takes large blocks from the system one by one and gives each back when it is freed, but by default counts a
//! block as large from a size on that grows to 32 MiB with what is freed (mallopt(3), `M_MMAP_THRESHOLD`). After a
//! build has let go of its first arrays, the next come from the heap, and the heap only shrinks from its end: of
//! 20,000 chunks that left 32 MB behind for the rest of the build. Other allocators give back what they do.

pub(super) use setting::{give_back_everything_free, give_back_large_blocks};

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod setting {
    /// A block from this many bytes on is one that is given back: twice what glibc starts with.
    const LARGE: libc::c_int = 256 << 10;

    /// Has large blocks given back as soon as they are freed. Called once, before the program starts threads.
    #[expect(unsafe_code, reason = "a setting of the C library; the argument is in the body")]
    pub(in crate::cli) fn give_back_large_blocks() {
        // SAFETY: `mallopt` takes the allocator's lock and changes two numbers that decide where later blocks come
        // from; no block that is in use is touched. A value that it does not take leaves things as they were.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
            libc::mallopt(libc::M_TRIM_THRESHOLD, LARGE);
        }
    }

    /// Gives back what is free between blocks that are not. It takes milliseconds: for between the steps of a build.
    #[expect(unsafe_code, reason = "a call of the C library; the argument is in the body")]
    pub(in crate::cli) fn give_back_everything_free() {
        // SAFETY: `malloc_trim` locks each arena in turn, and touches no block that is in use.
        unsafe {
            libc::malloc_trim(0);
        }
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
mod setting {
    pub(in crate::cli) fn give_back_large_blocks() {}
    pub(in crate::cli) fn give_back_everything_free() {}
}
