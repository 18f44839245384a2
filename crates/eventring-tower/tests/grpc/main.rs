//! A real server of tonic's, whose service is what `tonic-health` has a trait and a client for: the code of an answer
//! is where it is, in the trailers or the headers.

mod outcomes;
mod room;
mod stream;

use eventring::{EventBus, Receiver, WaitStrategy};
use eventring_tower::{AuditLayer, Outcome};
use futures::stream::BoxStream;
use http::request::Parts;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Channel, Server};
use tonic::{Code, Request, Response, Status};
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

/// Runs the test, and fails if it hangs. Not a measure of anything.
async fn watched<T>(test: impl Future<Output = T>) -> T {
    let limit = Duration::from_secs(120);
    tokio::time::timeout(limit, test)
        .await
        .expect("the test hangs")
}

/// A bus of outcomes, on which an event takes room until it is committed.
fn bus(capacity: usize) -> (EventBus<Outcome>, Receiver<Outcome>) {
    let builder = EventBus::builder().capacity(capacity).first(100);
    let bus = builder.strategy(WaitStrategy::Block).build().unwrap();
    let sink = bus.subscribe_committing();
    (bus, sink)
}

fn outcome(_: &Parts) -> impl FnOnce(&Outcome) -> Outcome + Send + 'static + use<> {
    Outcome::clone
}

type Answer = Result<HealthCheckResponse, Status>;

/// Does what it is asked for.
struct Obedient {
    /// Who is asked to wait says so here.
    begun: mpsc::UnboundedSender<()>,
    watched: EventBus<i32>,
}

fn told(status: i32) -> HealthCheckResponse {
    HealthCheckResponse { status }
}

#[tonic::async_trait]
impl Health for Obedient {
    type WatchStream = BoxStream<'static, Answer>;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        match request.into_inner().service.as_str() {
            "answer" => Ok(Response::new(told(1))),
            "fail" => Err(Status::data_loss("on purpose")),
            "panic" => panic!("on purpose"),
            "wait" => {
                self.begun.send(()).unwrap();
                std::future::pending().await
            }
            other => panic!("{other}"),
        }
    }

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        Ok(Response::new(stream::answers(
            &request.into_inner().service,
            &self.watched,
        )))
    }
}

struct Setup {
    client: HealthClient<Channel>,
    begins: mpsc::UnboundedReceiver<()>,
    watched: EventBus<i32>,
}

async fn serve<R, D>(layer: AuditLayer<Outcome, R>) -> Setup
where
    R: Fn(&Parts) -> D + Send + Sync + 'static,
    D: FnOnce(&Outcome) -> Outcome + Send + 'static,
{
    let (begun, begins) = mpsc::unbounded_channel();
    let watched = EventBus::new(4);
    let service = Obedient {
        begun,
        watched: watched.clone(),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let server = Server::builder()
        .layer(layer)
        .add_service(HealthServer::new(service));
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    let channel = Channel::from_shared(address)
        .unwrap()
        .connect()
        .await
        .unwrap();
    Setup {
        client: HealthClient::new(channel),
        begins,
        watched,
    }
}

fn asking(service: &str) -> HealthCheckRequest {
    HealthCheckRequest {
        service: service.to_owned(),
    }
}

impl Setup {
    async fn check(&self, service: &str) -> Result<Response<HealthCheckResponse>, Status> {
        self.client.clone().check(asking(service)).await
    }

    /// A call that is refused, or ends badly, with this code.
    async fn fails(&self, service: &str, code: Code, says: &str) -> Status {
        let status = self.check(service).await.unwrap_err();
        assert_eq!(status.code(), code);
        assert!(status.message().contains(says), "{}", status.message());
        status
    }
}
