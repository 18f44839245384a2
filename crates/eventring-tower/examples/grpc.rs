//! A gRPC service that is audited, and whose response stream is a receiver: the health of a server, watched.
//!
//! `cargo run -p eventring-tower --example grpc` shows both ends: a client asks and watches, and what the audit has.

use eventring::{EventBus, Receiver};
use eventring_tower::{AuditLayer, Outcome, Update, Updates};
use futures::{Stream, StreamExt};
use http::request::Parts;
use std::error::Error;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Channel, Server};
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

/// Tells of every change of the health.
struct Watched {
    changes: EventBus<ServingStatus>,
}

type Answer = Result<HealthCheckResponse, Status>;

#[tonic::async_trait]
impl Health for Watched {
    type WatchStream = std::pin::Pin<Box<dyn Stream<Item = Answer> + Send>>;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        match request.into_inner().service.as_str() {
            "" => Ok(Response::new(told(ServingStatus::Serving))),
            other => Err(Status::not_found(format!("there is no service {other}"))),
        }
    }

    async fn watch(
        &self,
        _: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        Ok(Response::new(Box::pin(answers(
            self.changes.subscribe_lossy(),
        ))))
    }
}

/// A receiver is the response stream. Where it was too slow, the client is told, by a message of this service's own.
fn answers(changes: Receiver<ServingStatus>) -> impl Stream<Item = Answer> + Send {
    Updates::from(changes).map(|update| match update {
        Update::Event(_, status) => Ok(told(status)),
        Update::Gap { .. } | Update::Restart => Ok(told(ServingStatus::Unknown)),
    })
}

fn told(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse {
        status: status.into(),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let audit = EventBus::new(64);
    let mut audited = audit.subscribe();
    let layer = AuditLayer::new(audit, |request: &Parts| {
        let method = request.uri.path().to_owned();
        move |outcome: &Outcome| format!("{method}: {:?}, code {:?}", outcome.end, outcome.grpc)
    });
    let changes = EventBus::new(64);
    let service = HealthServer::new(Watched {
        changes: changes.clone(),
    });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    let server = Server::builder().layer(layer).add_service(service);
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));

    let mut client = HealthClient::new(Channel::from_shared(address)?.connect().await?);
    let healthy = client.check(HealthCheckRequest::default()).await?;
    println!(
        "{:?}, event {:?}",
        healthy.get_ref(),
        healthy.metadata().get("x-audit-sequence")
    );
    let service = "teapot".to_owned();
    let unknown = client
        .check(HealthCheckRequest { service })
        .await
        .unwrap_err();
    println!(
        "{}, event {:?}",
        unknown.message(),
        unknown.metadata().get("x-audit-sequence")
    );

    let mut watched = client
        .watch(HealthCheckRequest::default())
        .await?
        .into_inner();
    changes.publish(ServingStatus::NotServing).await?;
    changes.publish(ServingStatus::Serving).await?;
    changes.close();
    while let Some(change) = watched.message().await? {
        println!("watched: {:?}", change.status());
    }
    for _ in 0..3 {
        println!(
            "audit: {}",
            audited.recv().await.expect("there is one for each call")
        );
    }
    Ok(())
}
