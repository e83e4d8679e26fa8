//! The process that an agent starts: it passes bytes on.

use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, copy};
use tokio::net::UnixStream;
use tokio::time::sleep;

use super::SharedError;
use super::place::Meeting;
use crate::mcp::failure::ServeError;
use crate::mcp::stdio::stop_signal;

/// How long a process that was started may take until it can be reached.
const START: Duration = Duration::from_secs(20);
/// After this, one that was started and is not there is started again: another may have been ending.
const AGAIN: Duration = Duration::from_secs(2);
const STEP: Duration = Duration::from_millis(10);

/// Connects standard input and output to the process behind, which `start` starts if there is none.
/// Ends with the input, with a signal, or with the process behind.
///
/// # Errors
/// Where the process behind cannot be reached, or ends before the input does.
pub fn relay_stdio(meeting: &Meeting, start: impl FnMut() -> std::io::Result<()>) -> Result<(), ServeError> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(ServeError::Runtime)?;
    let relayed = runtime.block_on(async {
        tokio::select! {
            biased;
            stopped = stop_signal() => stopped.map_err(ServeError::Runtime),
            relayed = async {
                let stream = reach(meeting, start).await?;
                let (input, output) = rmcp::transport::io::stdio_pipes();
                Ok(pass_on(stream, input, output).await?)
            } => relayed,
        }
    });
    // A read of standard input may still be waiting on a thread of its own.
    runtime.shutdown_background();
    relayed
}

async fn reach(
    meeting: &Meeting,
    mut start: impl FnMut() -> std::io::Result<()>,
) -> Result<UnixStream, SharedError> {
    let begun = Instant::now();
    let mut started: Option<Instant> = None;
    while begun.elapsed() < START {
        if let Ok(stream) = UnixStream::connect(meeting.socket()).await {
            return Ok(stream);
        }
        let is_due = started.is_none_or(|started| started.elapsed() > AGAIN);
        // Where somebody holds the place it is beginning or ending.
        if is_due && meeting.take()?.is_some() {
            start().map_err(SharedError::Start)?;
            started = Some(Instant::now());
        }
        sleep(STEP).await;
    }
    Err(SharedError::Silent { path: meeting.socket().to_owned() })
}

async fn pass_on(
    stream: UnixStream,
    mut input: impl AsyncRead + Unpin,
    mut output: impl AsyncWrite + Unpin,
) -> Result<(), SharedError> {
    let (mut answers, mut questions) = stream.into_split();
    let mut ended = false;
    {
        let upwards = async {
            let _ = copy(&mut input, &mut questions).await;
            ended = true;
            // The process behind finishes what it was asked, and hangs up.
            let _ = questions.shutdown().await;
            std::future::pending::<()>().await;
        };
        let downwards = copy(&mut answers, &mut output);
        tokio::select! {
            () = upwards => {}
            passed = downwards => {
                // An agent that does not read any more has left.
                ended = ended || passed.is_err();
            }
        }
    }
    let _ = output.flush().await;
    if ended { Ok(()) } else { Err(SharedError::Gone) }
}
