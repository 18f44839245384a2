//! A web server whose every request is audited: on disk before it is answered, and live on `/audit`.

use axum::{Router, http::request::Parts, response::sse::Event, routing::get};
use eventring::{EventBus, Start, WaitStrategy};
use eventring_log::{Json, Log, Options};
use eventring_tower::{AuditLayer, LastEventId, Outcome, Updates, sse};
use std::{error::Error, time::Duration};
use tokio::{net::TcpListener, signal::ctrl_c};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://{}/ is audited to audit.db", listener.local_addr()?);
    serve(listener, "audit.db", async { drop(ctrl_c().await) }).await
}

pub(crate) async fn serve(
    listener: TcpListener,
    file: &str,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Box<dyn Error>> {
    let log = Log::<Json<String>>::open(file, Options::new().chained())?;
    let ring = EventBus::builder().strategy(WaitStrategy::Block);
    let bus = ring.history(1024).first(log.next()).build()?;
    let stored = log.attach(&bus)?;

    let audit = AuditLayer::new(bus.clone(), |request: &Parts| {
        let asked = format!("{} {}", request.method, request.uri.path());
        move |outcome: &Outcome| format!("{asked}: {:?} {:?}", outcome.end, outcome.status)
    });
    let audit = audit.durable(stored.watermark(), Duration::from_secs(1));
    let (gate, live) = (audit.gate(), bus.clone());
    let events = |LastEventId(last): LastEventId| async move {
        let receive = |start| live.subscribe_lossy_from(start);
        let updates = Updates::resume(last, Start::Last(100), receive);
        sse(updates, |_number, event| Ok(Event::default().data(event)))
    };
    let api = Router::new().route("/", get("hello")).layer(audit);
    let app = api.route("/audit", get(events));

    let stopped = async move {
        stop.await;
        gate.finish().await; // who was let in is recorded
        bus.close(); // ends the streams, and the sink
    };
    let server = axum::serve(listener, app);
    server.with_graceful_shutdown(stopped).await?;
    stored.ended().await; // all of it is on disk
    Ok(())
}
