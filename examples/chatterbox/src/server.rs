//! The server's end of the wire.

use crate::events::Events;
use crate::proto::chatterbox_server::{Chatterbox, ChatterboxServer};
use crate::proto::{Empty, Send, send};
use crate::room::Room;
use crate::session::Session;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{self, Server};
use tonic::{Request, Response, Status, Streaming};

/// The most bytes that a message may have.
pub const MAX_MESSAGE: usize = 4096;

#[derive(Clone, Debug)]
pub struct Settings {
    /// A client that does not answer to a ping, sent after this time of silence, in this time is
    /// gone.
    pub keepalive: Duration,
    /// How long clients have to receive their backlog when the server shuts down.
    pub grace: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            keepalive: Duration::from_secs(20),
            grace: Duration::from_secs(5),
        }
    }
}

/// How the server came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Every client has got everything.
    Gracefully,
    /// Some did not read on in time: they are cut off when the runtime ends.
    CutOff,
}

/// Serves the room until `stop` resolves, then closes it, so that every stream ends.
pub async fn serve(
    listener: TcpListener,
    room: Room,
    settings: Settings,
    stop: impl Future<Output = ()>,
) -> Result<Ended, transport::Error> {
    let service = ChatterboxServer::new(room.clone()).max_decoding_message_size(MAX_MESSAGE);
    let (stop_accepting, stopped) = oneshot::channel::<()>();
    let serving = Server::builder()
        .http2_keepalive_interval(Some(settings.keepalive))
        .http2_keepalive_timeout(Some(settings.keepalive))
        .add_service(service)
        .serve_with_incoming_shutdown(
            TcpIncoming::from(listener).with_nodelay(Some(true)),
            async {
                let _ = stopped.await;
            },
        );
    let mut serving = pin!(serving);
    tokio::select! {
        ended = &mut serving => return ended.map(|()| Ended::Gracefully),
        () = stop => {}
    }
    room.close();
    drop(stop_accepting);
    match timeout(settings.grace, serving).await {
        Ok(ended) => ended.map(|()| Ended::Gracefully),
        Err(_) => Ok(Ended::CutOff),
    }
}

#[tonic::async_trait]
impl Chatterbox for Room {
    type ChatStream = Session;
    type MonitorStream = Events;

    async fn chat(&self, request: Request<Streaming<Send>>) -> Result<Response<Session>, Status> {
        let mut requests = request.into_inner();
        let first = tokio::select! {
            first = requests.message() => first?,
            () = self.closed() => None,
        };
        let Some(send::What::Join(name)) = first.and_then(|send| send.what) else {
            return Err(Status::invalid_argument(
                "the first message has to be `join`, with a name",
            ));
        };
        let (member, events) = self.join(&name)?;
        Ok(Response::new(Session::new(member, events, requests)))
    }

    async fn monitor(&self, _: Request<Empty>) -> Result<Response<Events>, Status> {
        Ok(Response::new(self.listen()?))
    }
}
