//! The tower layer: one event for each request.

use crate::body::{AuditBody, Closing, Open, Watched};
use crate::entry::Entry;
use crate::gate::Gate;
use crate::grpc;
use crate::id::{REQUEST_ID, RequestId, SEQUENCE};
use crate::outcome::{End, Moment, Outcome};
use crate::refusal::Refusal;
use bytes::Bytes;
use eventring::{EventBus, Watermark};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::timeout;
use tower_layer::Layer;
use tower_service::Service;

/// Audits the requests to a service, of HTTP or gRPC: for each one that is handled, one event is published on a bus,
/// whatever becomes of it.
///
/// A request takes room for its event before the service is called. If there is none within
/// [`max_wait`](Self::max_wait), it is [refused](Refusal), and nothing has happened. Requests find their
/// [`RequestId`] among their extensions; answers have it in the header [`REQUEST_ID`](crate::REQUEST_ID), and the
/// event's number in [`SEQUENCE`](crate::SEQUENCE).
///
/// ```
/// use bytes::Bytes;
/// use eventring::EventBus;
/// use eventring_tower::{AuditLayer, Outcome};
/// use http::{Request, Response, request::Parts};
/// use tower::{Layer, ServiceExt, service_fn};
///
/// # type Body = String;
/// # tokio_test::block_on(async {
/// let bus = EventBus::new(1024);
/// let mut events = bus.subscribe();
/// let audit = AuditLayer::new(bus, |request: &Parts| {
///     let path = request.uri.path().to_owned();
///     move |outcome: &Outcome| format!("{path}: {}", outcome.status.unwrap())
/// });
/// let service = audit.layer(service_fn(async |_: Request<Body>| Ok::<_, ()>(Response::new(Body::new()))));
///
/// let answer = service.oneshot(Request::get("/items").body(Body::new()).unwrap()).await.unwrap();
/// assert_eq!(answer.headers()["x-audit-sequence"], "0");
/// assert_eq!(events.recv().await.unwrap(), "/items: 200 OK");
/// # });
/// ```
pub struct AuditLayer<E, R> {
    gate: Gate<E>,
    describe: Arc<R>,
    max_wait: Duration,
    timeout: Option<Duration>,
    durable: Option<Durable<E>>,
    moment: Moment,
    on_wait: Option<Arc<dyn Fn(Duration) + Send + Sync>>,
}

/// What answers wait for.
struct Durable<E> {
    stored: Watermark<E>,
    limit: Duration,
}

impl<E, R> AuditLayer<E, R> {
    /// Audits on this bus. `describe` gets a request before it is handled, and keeps what is to be recorded of it:
    /// what it returns makes the event, of the request's [`Outcome`].
    ///
    /// Whether an event may be lost later is up to the bus: it needs receivers that hold publishers up, on a bus with
    /// `WaitStrategy::Block`, or `DropNewest`, where a request that finds no room is refused at once.
    ///
    /// # Panics
    ///
    /// If `describe` panics, so does the request: it was not handled, and has no event. If what it returns panics,
    /// the answer is [`NotRecorded`](Refusal::NotRecorded).
    ///
    /// ```
    /// use eventring_tower::{AuditLayer, Outcome, RequestId};
    /// use http::request::Parts;
    ///
    /// struct Event { id: RequestId, path: String, outcome: Outcome }
    ///
    /// let bus = eventring::EventBus::new(1024);
    /// let audit = AuditLayer::new(bus, |request: &Parts| {
    ///     let id = request.extensions.get::<RequestId>().cloned().unwrap();
    ///     let path = request.uri.path().to_owned();
    ///     move |outcome: &Outcome| Event { id, path, outcome: outcome.clone() }
    /// });
    /// # let _ = audit;
    /// ```
    pub fn new<D>(bus: EventBus<E>, describe: R) -> Self
    where
        R: Fn(&Parts) -> D,
        D: FnOnce(&Outcome) -> E,
    {
        Self::with_gate(Gate::new(bus), describe)
    }

    /// As [`new`](Self::new), on the bus of a gate that there is: what lets requests in may be made before the layer, and
    /// be that of several.
    ///
    /// ```
    /// use eventring_tower::{AuditLayer, Gate, Outcome};
    ///
    /// let gate = Gate::new(eventring::EventBus::new(1024));
    /// let api = AuditLayer::with_gate(gate.clone(), |_| |_: &Outcome| "api");
    /// let admin = AuditLayer::with_gate(gate, |_| |_: &Outcome| "admin");
    /// # let _ = (api, admin);
    /// ```
    pub fn with_gate<D>(gate: Gate<E>, describe: R) -> Self
    where
        R: Fn(&Parts) -> D,
        D: FnOnce(&Outcome) -> E,
    {
        Self {
            gate,
            describe: Arc::new(describe),
            max_wait: Duration::from_secs(1),
            timeout: None,
            durable: None,
            moment: Moment::default(),
            on_wait: None,
        }
    }

    /// How long a request waits for room before it is refused; a second, if nothing is said.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # let layer = eventring_tower::AuditLayer::new(eventring::EventBus::new(16), |_| |_: &_| ());
    /// let layer = layer.max_wait(Duration::from_millis(50));
    /// # let _ = layer;
    /// ```
    pub fn max_wait(mut self, limit: Duration) -> Self {
        self.max_wait = limit;
        self
    }

    /// Answers only once this watermark has reached the request's event: once it is stored. If that takes longer than
    /// `limit`, or whatever stores is gone, the answer is [`NotStored`](Refusal::NotStored). The answer of gRPC, and
    /// any that is [recorded at its end](Moment), has begun then: its code says it, or it is cut off.
    ///
    /// ```
    /// use eventring::{EventBus, WaitStrategy};
    /// use eventring_tower::AuditLayer;
    /// use std::time::Duration;
    ///
    /// let bus = EventBus::with_strategy(1024, WaitStrategy::Block);
    /// let sink = bus.subscribe_committing(); // that of `eventring-log`, say
    /// let layer = AuditLayer::new(bus, |_| |_: &_| "an event");
    /// let layer = layer.durable(sink.watermark(), Duration::from_secs(1));
    /// # let _ = layer;
    /// ```
    pub fn durable(mut self, stored: Watermark<E>, limit: Duration) -> Self {
        self.durable = Some(Durable { stored, limit });
        self
    }

    /// How long the service may take until its answer begins; without end, if nothing is said. Then it is dropped,
    /// and the answer is [`TimedOut`](Refusal::TimedOut).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # let layer = eventring_tower::AuditLayer::new(eventring::EventBus::new(16), |_| |_: &_| ());
    /// let layer = layer.timeout(Duration::from_secs(30));
    /// # let _ = layer;
    /// ```
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// When a request's event is published. Until then it has a place in the ring: as many streams as the ring has
    /// places leave no room for anybody, if they are recorded at their end.
    ///
    /// ```
    /// use eventring_tower::Moment;
    ///
    /// # let layer = eventring_tower::AuditLayer::new(eventring::EventBus::new(16), |_| |_: &_| ());
    /// let layer = layer.moment(Moment::End);
    /// # let _ = layer;
    /// ```
    pub fn moment(mut self, moment: Moment) -> Self {
        self.moment = moment;
        self
    }

    /// Calls this with how long a request waited for room, if there was none at once: for a histogram.
    ///
    /// ```
    /// # let layer = eventring_tower::AuditLayer::new(eventring::EventBus::new(16), |_| |_: &_| ());
    /// let layer = layer.on_wait(|waited| println!("waited {waited:?}"));
    /// # let _ = layer;
    /// ```
    pub fn on_wait(mut self, call: impl Fn(Duration) + Send + Sync + 'static) -> Self {
        self.on_wait = Some(Arc::new(call));
        self
    }

    /// Who is in: to look at, and to end it. All services that this layer, or a clone of it, is put around share it.
    ///
    /// ```
    /// # let layer = eventring_tower::AuditLayer::new(eventring::EventBus::new(16), |_| |_: &_| ());
    /// let gate = layer.gate();
    /// assert_eq!(gate.in_flight(), 0);
    /// ```
    pub fn gate(&self) -> Gate<E> {
        self.gate.clone()
    }
}

impl<E, R> Clone for AuditLayer<E, R> {
    fn clone(&self) -> Self {
        Self {
            gate: self.gate.clone(),
            describe: Arc::clone(&self.describe),
            max_wait: self.max_wait,
            timeout: self.timeout,
            durable: self.durable.clone(),
            moment: self.moment,
            on_wait: self.on_wait.clone(),
        }
    }
}

impl<E> Clone for Durable<E> {
    fn clone(&self) -> Self {
        Self {
            stored: self.stored.clone(),
            limit: self.limit,
        }
    }
}

impl<E, R> fmt::Debug for AuditLayer<E, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditLayer")
            .field("gate", &self.gate)
            .field("max_wait", &self.max_wait)
            .field("timeout", &self.timeout)
            .field(
                "durable",
                &self.durable.as_ref().map(|durable| durable.limit),
            )
            .field("moment", &self.moment)
            .finish_non_exhaustive()
    }
}

impl<S, E, R> Layer<S> for AuditLayer<E, R> {
    type Service = Audited<S, E, R>;

    fn layer(&self, inner: S) -> Self::Service {
        Audited {
            layer: Arc::new(self.clone()),
            inner,
        }
    }
}

/// A service behind an [`AuditLayer`].
///
/// ```
/// use eventring_tower::{AuditLayer, Audited};
/// use tower::Layer;
///
/// # let layer = AuditLayer::new(eventring::EventBus::new(16), |_| |_: &_| ());
/// # let service = ();
/// let audited: Audited<_, _, _> = layer.layer(service);
/// # let _ = audited;
/// ```
pub struct Audited<S, E, R> {
    layer: Arc<AuditLayer<E, R>>,
    inner: S,
}

impl<S: Clone, E, R> Clone for Audited<S, E, R> {
    fn clone(&self) -> Self {
        Self {
            layer: Arc::clone(&self.layer),
            inner: self.inner.clone(),
        }
    }
}

impl<S: fmt::Debug, E, R> fmt::Debug for Audited<S, E, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audited")
            .field("layer", &self.layer)
            .field("inner", &self.inner)
            .finish()
    }
}

impl<S, E, R, D, Q, B> Service<Request<Q>> for Audited<S, E, R>
where
    S: Service<Request<Q>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    E: Send + Sync + 'static,
    R: Fn(&Parts) -> D + Send + Sync + 'static,
    D: FnOnce(&Outcome) -> E + Send + 'static,
    Q: Send + 'static,
    B: Body<Data = Bytes> + Send,
{
    type Response = Response<AuditBody<B>>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        // The clone may not be ready; the one that was polled is.
        let clone = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, clone);
        let layer = Arc::clone(&self.layer);
        Box::pin(async move { layer.respond(request, inner).await })
    }
}

/// The service's answer, or what there is to say if it does not.
enum Handled<B> {
    Answered(Response<B>),
    Ended(End, Refusal),
}

impl<E, R> AuditLayer<E, R>
where
    E: Send + Sync + 'static,
{
    async fn respond<S, D, Q, B>(
        &self,
        request: Request<Q>,
        inner: S,
    ) -> Result<Response<AuditBody<B>>, S::Error>
    where
        S: Service<Request<Q>, Response = Response<B>>,
        R: Fn(&Parts) -> D,
        D: FnOnce(&Outcome) -> E + Send + 'static,
        B: Body<Data = Bytes>,
    {
        let (mut parts, body) = request.into_parts();
        let id = RequestId::of(&parts.headers);
        parts.extensions.insert(id.clone());
        let (grpc, bodiless) = (
            grpc::is_spoken(&parts.headers),
            parts.method == Method::HEAD,
        );
        let on_wait = |waited| {
            if let Some(call) = &self.on_wait {
                call(waited);
            }
        };
        let opening = self
            .gate
            .open((self.describe)(&parts), self.max_wait, on_wait);
        let mut response = match opening.await {
            Err(refusal) => refusal.answer(grpc),
            // From here to its `close` nothing may be lost: a dropped `entry` publishes too.
            Ok(entry) => match self.handle(Request::from_parts(parts, body), inner).await {
                Err(error) => {
                    entry.close(End::Failed, None);
                    return Err(error);
                }
                Ok(Handled::Answered(response)) => self.answer(response, entry, bodiless).await,
                Ok(Handled::Ended(end, refusal)) => {
                    self.close(end, refusal.answer(grpc), entry).await
                }
            },
        };
        response.headers_mut().insert(REQUEST_ID, id.into());
        Ok(response)
    }

    async fn handle<S, Q, B>(
        &self,
        request: Request<Q>,
        mut inner: S,
    ) -> Result<Handled<B>, S::Error>
    where
        S: Service<Request<Q>, Response = Response<B>>,
    {
        let handling = AssertUnwindSafe(async { inner.call(request).await }).catch_unwind();
        let limited = async {
            match self.timeout {
                Some(limit) => timeout(limit, handling).await.map_err(|_| limit),
                None => Ok(handling.await),
            }
        };
        Ok(match self.gate.unless_aborted(limited).await {
            Some(Ok(Ok(answered))) => Handled::Answered(answered?),
            Some(Ok(Err(_panic))) => Handled::Ended(End::Panicked, Refusal::Panicked),
            Some(Err(limit)) => Handled::Ended(End::TimedOut, Refusal::TimedOut(limit)),
            None => Handled::Ended(End::Aborted, Refusal::Aborted),
        })
    }

    /// The service's answer, recorded now or to be recorded at its end.
    async fn answer<D, B>(
        &self,
        response: Response<B>,
        mut entry: Entry<E, D>,
        bodiless: bool,
    ) -> Response<AuditBody<B>>
    where
        D: FnOnce(&Outcome) -> E + Send + 'static,
        B: Body<Data = Bytes>,
    {
        let (headers, body, status) = (response.headers(), response.body(), response.status());
        let grpc = grpc::is_spoken(headers);
        let exact = body.size_hint().exact();
        let declared = headers
            .get(CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse().ok());
        let length = exact.or(declared);
        // Of an answer that has no body, whoever sends it does not ask for its end.
        let bodiless = bodiless
            || body.is_end_stream()
            || status.is_informational()
            || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
            || (length == Some(0) && !grpc);
        let at_head = match self.moment {
            Moment::Head => true,
            Moment::Code => !grpc || grpc::code(headers).is_some() || bodiless,
            Moment::End => bodiless,
        };
        if at_head {
            return self
                .close(End::Answered, response.map(AuditBody::passing), entry)
                .await;
        }
        entry.begin(status);
        let open = Box::new(Begun {
            entry,
            status,
            durable: self.durable.clone(),
        });
        let length = length.filter(|_| !grpc);
        response.map(|body| AuditBody::watched(body, Watched { open, length, grpc }))
    }

    /// The answer, recorded as it is, once it may be given.
    async fn close<D, B>(
        &self,
        end: End,
        mut response: Response<AuditBody<B>>,
        mut entry: Entry<E, D>,
    ) -> Response<AuditBody<B>>
    where
        D: FnOnce(&Outcome) -> E,
        B: Body<Data = Bytes>,
    {
        let grpc = grpc::is_spoken(response.headers());
        entry.begin(response.status());
        entry.sent(response.body().length());
        let closed = entry.close(end, grpc::code(response.headers()));
        match acknowledge(closed, response.status(), self.durable.as_ref()).await {
            Ok(sequence) => {
                response.headers_mut().insert(SEQUENCE, sequence.into());
            }
            Err(refusal) => {
                response = refusal.answer(grpc);
                if let Some(sequence) = closed {
                    response.headers_mut().insert(SEQUENCE, sequence.into());
                }
            }
        }
        response
    }
}

/// The event's number, once the answer may be given.
async fn acknowledge<E>(
    published: Option<u64>,
    status: StatusCode,
    durable: Option<&Durable<E>>,
) -> Result<u64, Refusal> {
    let sequence = published.ok_or(Refusal::NotRecorded)?;
    let Some(Durable { stored, limit }) = durable else {
        return Ok(sequence);
    };
    match timeout(*limit, stored.reached(sequence)).await {
        Ok(Ok(())) => Ok(sequence),
        _ => Err(Refusal::NotStored {
            sequence,
            status,
            waited: *limit,
        }),
    }
}

/// A request whose answer has begun.
struct Begun<E, D: FnOnce(&Outcome) -> E> {
    entry: Entry<E, D>,
    status: StatusCode,
    durable: Option<Durable<E>>,
}

impl<E, D> Open for Begun<E, D>
where
    E: Send + Sync + 'static,
    D: FnOnce(&Outcome) -> E + Send,
{
    fn sent(&mut self, bytes: u64) -> u64 {
        self.entry.sent(bytes)
    }

    fn close(self: Box<Self>, end: End, grpc: Option<i32>) -> Closing {
        let Self {
            entry,
            status,
            durable,
        } = *self;
        let published = entry.close(end, grpc);
        Box::pin(async move { acknowledge(published, status, durable.as_ref()).await })
    }
}
