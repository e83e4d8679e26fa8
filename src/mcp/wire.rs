//! Standard output while we serve: the wire to the client, and nobody else's.
//!
//! The descriptor that libraries know by its number leads to standard error from then on: what one of
//! them prints, whatever it is written in, is read as what it is.

use tokio::io::{AsyncRead, AsyncWrite};

/// Where answers go.
pub(super) type Output = Box<dyn AsyncWrite + Send + Unpin>;

/// Standard input, and a standard output that nothing else in this process can write to.
#[cfg(unix)]
pub(super) fn take() -> std::io::Result<(impl AsyncRead + Send + Unpin, Output)> {
    use std::os::fd::AsFd as _;
    let (input, _) = rmcp::transport::io::stdio_pipes();
    let own = std::io::stdout().as_fd().try_clone_to_owned()?;
    rustix::stdio::dup2_stdout(std::io::stderr())?;
    Ok((input, unix::output(own)))
}

#[cfg(not(unix))]
pub(super) fn take() -> std::io::Result<(impl AsyncRead + Send + Unpin, Output)> {
    let (input, output) = rmcp::transport::io::stdio_pipes();
    Ok((input, Box::new(output)))
}

#[cfg(unix)]
mod unix {
    use std::fs::File;
    use std::io::Write as _;
    use std::os::fd::OwnedFd;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use tokio::io::AsyncWrite;
    use tokio::task::block_in_place;

    /// A pipe is written without holding a thread up; anything else (a file, a terminal, a socket) is
    /// shared with others for whom that must not change.
    pub(super) fn output(own: OwnedFd) -> super::Output {
        #[cfg(target_os = "linux")]
        {
            use std::os::fd::AsRawFd as _;
            // Opened anew: whether writing waits is then ours alone to say.
            let path = format!("/proc/self/fd/{}", own.as_raw_fd());
            if let Ok(pipe) = tokio::net::unix::pipe::OpenOptions::new().open_sender(path) {
                return Box::new(pipe);
            }
        }
        Box::new(Waiting(own.into()))
    }

    /// Written on the thread that is at it, whose other tasks go elsewhere meanwhile.
    struct Waiting(File);

    impl AsyncWrite for Waiting {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _context: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<std::io::Result<usize>> {
            Poll::Ready(block_in_place(|| self.0.write(bytes)))
        }

        fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }
}
