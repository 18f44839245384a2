//! The body of an audited answer.

use crate::grpc;
use crate::id::SEQUENCE;
use crate::outcome::End;
use crate::refusal::Refusal;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

type BoxError = Box<dyn Error + Send + Sync>;

pin_project! {
    /// The body of an audited answer: the service's, or what [`AuditLayer`](crate::AuditLayer) has to say. If the
    /// request's event is published at the body's end, this is what does it; its last frame comes after that and, if
    /// answers are [durable](crate::AuditLayer::durable), once the event is stored.
    ///
    /// ```
    /// use eventring_tower::AuditBody;
    ///
    /// fn is_a_body<B: http_body::Body<Data = bytes::Bytes>>() {}
    /// is_a_body::<AuditBody<String>>();
    /// ```
    pub struct AuditBody<B> {
        #[pin]
        inner: Inner<B>,
        state: State,
    }
}

pin_project! {
    #[project = InnerProjection]
    enum Inner<B> {
        Service { #[pin] body: B },
        Text { text: Option<Bytes> },
    }
}

enum State {
    /// There is nothing to be recorded, or no more.
    Passing,
    /// The event is published at the end.
    Watched(Watched),
    /// It is published; this frame follows when it may.
    Held(Option<Frame<Bytes>>, Closing, bool),
    Ended,
}

/// A body whose end is to be recorded.
pub(crate) struct Watched {
    pub(crate) open: Box<dyn Open>,
    /// How many bytes there will be, if that is known: who sends them may not ask for the end.
    pub(crate) length: Option<u64>,
    /// Whether the answer is gRPC's.
    pub(crate) grpc: bool,
}

/// What comes of publishing: the event's number once the answer may be given.
pub(crate) type Closing = BoxFuture<'static, Result<u64, Refusal>>;

/// The event of a request whose answer has begun. Dropped, it is published as cut.
pub(crate) trait Open: Send {
    /// So many more bytes of the answer; how many these are together.
    fn sent(&mut self, bytes: u64) -> u64;
    /// Publishes the event, now.
    fn close(self: Box<Self>, end: End, grpc: Option<i32>) -> Closing;
}

impl<B> AuditBody<B> {
    pub(crate) fn passing(body: B) -> Self {
        Self {
            inner: Inner::Service { body },
            state: State::Passing,
        }
    }

    pub(crate) fn watched(body: B, watched: Watched) -> Self {
        Self {
            inner: Inner::Service { body },
            state: State::Watched(watched),
        }
    }

    pub(crate) fn text(text: Bytes) -> Self {
        let text = Some(text).filter(|text| !text.is_empty());
        Self {
            inner: Inner::Text { text },
            state: State::Passing,
        }
    }
}

impl<B: Body<Data = Bytes>> AuditBody<B> {
    /// How many bytes there will be; 0 if it does not say.
    pub(crate) fn length(&self) -> u64 {
        self.inner.size_hint().exact().unwrap_or(0)
    }
}

impl<B> Body for AuditBody<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut this = self.project();
        loop {
            match &mut *this.state {
                State::Passing => return this.inner.poll_frame(cx),
                State::Ended => return Poll::Ready(None),
                State::Held(frame, closing, grpc) => {
                    let (closed, grpc) = (ready!(closing.as_mut().poll(cx)), *grpc);
                    let frame = frame.take();
                    // After the last frame of data there may be trailers, which nobody waits for.
                    *this.state = match frame.as_ref().is_some_and(Frame::is_data) && closed.is_ok()
                    {
                        true => State::Passing,
                        false => State::Ended,
                    };
                    return Poll::Ready(match closed {
                        Ok(sequence) => frame.map(|frame| Ok(numbered(frame, sequence))),
                        Err(refusal) if grpc => Some(Ok(Frame::trailers(refusal.trailers()))),
                        Err(refusal) => Some(Err(refusal.into())),
                    });
                }
                State::Watched(watched) => {
                    let polled =
                        catch_unwind(AssertUnwindSafe(|| this.inner.as_mut().poll_frame(cx)));
                    let frame = match polled {
                        Ok(frame) => ready!(frame),
                        Err(panic) => {
                            this.state.close(End::Panicked, None, None);
                            resume_unwind(panic);
                        }
                    };
                    match frame {
                        Some(Ok(frame)) => match frame.into_data() {
                            Ok(data) => {
                                let sent = watched.open.sent(data.len() as u64);
                                let all = watched.length.is_some_and(|length| sent >= length);
                                let frame = Frame::data(data);
                                if !(all || this.inner.is_end_stream()) {
                                    return Poll::Ready(Some(Ok(frame)));
                                }
                                this.state.close(End::Answered, None, Some(frame));
                            }
                            Err(frame) => {
                                let code = frame.trailers_ref().and_then(grpc::code);
                                this.state.close(End::Answered, code, Some(frame));
                            }
                        },
                        None => this.state.close(End::Answered, None, None),
                        Some(Err(error)) => {
                            this.state.close(End::Failed, None, None);
                            *this.state = State::Ended;
                            return Poll::Ready(Some(Err(error)));
                        }
                    }
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.state {
            State::Passing => self.inner.is_end_stream(),
            State::Watched(_) | State::Held(..) => false,
            State::Ended => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<B: Body<Data = Bytes>> Inner<B> {
    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>>
    where
        B::Error: Into<BoxError>,
    {
        match self.project() {
            InnerProjection::Service { body } => body
                .poll_frame(cx)
                .map(|frame| frame.map(|frame| frame.map_err(Into::into))),
            InnerProjection::Text { text } => {
                Poll::Ready(text.take().map(|text| Ok(Frame::data(text))))
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Service { body } => body.size_hint(),
            Self::Text { text } => SizeHint::with_exact(text.as_ref().map_or(0, Bytes::len) as u64),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Service { body } => body.is_end_stream(),
            Self::Text { text } => text.is_none(),
        }
    }
}

impl State {
    /// Publishes the event. What is known to be the end follows when it may.
    fn close(&mut self, end: End, grpc: Option<i32>, frame: Option<Frame<Bytes>>) {
        *self = match std::mem::replace(self, Self::Ended) {
            Self::Watched(watched) => {
                Self::Held(frame, watched.open.close(end, grpc), watched.grpc)
            }
            other => other,
        };
    }
}

/// A number in the trailers, if these are some.
fn numbered(mut frame: Frame<Bytes>, sequence: u64) -> Frame<Bytes> {
    if let Some(trailers) = frame.trailers_mut() {
        trailers.insert(SEQUENCE, sequence.into());
    }
    frame
}

impl<B> fmt::Debug for AuditBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Passing => "passing",
            State::Watched(_) => "watched",
            State::Held(..) => "held",
            State::Ended => "ended",
        };
        f.debug_struct("AuditBody")
            .field("state", &state)
            .finish_non_exhaustive()
    }
}
