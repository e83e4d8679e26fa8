//! The body of an answer that may be a stream: what a request holds is held until its stream ends,
//! and its time runs on.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};

/// A body, what is let go of with it, and what may end it early.
pub(super) struct Held<B, Guards> {
    body: B,
    end: Pin<Box<dyn Future<Output = ()> + Send + Sync>>,
    _guards: Guards,
}

impl<B, Guards> Held<B, Guards> {
    /// `body`, which ends early with `end`.
    pub(super) fn new(
        body: B,
        end: impl Future<Output = ()> + Send + Sync + 'static,
        guards: Guards,
    ) -> Self {
        Self { body, end: Box::pin(end), _guards: guards }
    }
}

impl<B, Guards> Body for Held<B, Guards>
where
    B: Body<Data = Bytes, Error = Infallible> + Unpin,
    Guards: Unpin,
{
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match Pin::new(&mut self.body).poll_frame(context) {
            // What is there goes out, also at the end of the time.
            Poll::Pending => self.end.as_mut().poll(context).map(|()| None),
            ready @ Poll::Ready(_) => ready,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http_body_util::{BodyExt, Full};

    use super::*;

    /// A stream on which nothing ever comes.
    struct Silent;

    impl Body for Silent {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Pending
        }
    }

    #[tokio::test]
    async fn guards_are_let_go_of_with_the_body() {
        let guard = Arc::new(());
        let whole = Held::new(Full::new(Bytes::from("x")), std::future::pending(), Arc::clone(&guard));
        assert_eq!((whole.size_hint().exact(), Arc::strong_count(&guard)), (Some(1), 2));
        assert_eq!(whole.collect().await.unwrap().to_bytes(), "x");
        assert_eq!(Arc::strong_count(&guard), 1);
    }

    #[tokio::test]
    async fn a_stream_ends_with_its_time() {
        let silent = Held::new(Silent, std::future::ready(()), ());
        assert_eq!(silent.collect().await.unwrap().to_bytes(), "");
    }
}
