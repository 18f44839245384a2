//! The parts put together.

use crate::args::Args;
use crate::audit::{self, Audit};
use crate::event::AuditEvent;
use crate::layer::audited;
use crate::nats::{Route, Sending};
use crate::problem::Problem;
use crate::shutdown::{Running, Signals, exit_at_next};
use crate::stats::{self, Sources};
use crate::stored::{self, AuditLog, Reader};
use crate::{api, marks, page, prometheus, sse};
use anyhow::{Context, bail};
use axum::Router;
use axum::http::StatusCode;
use axum::middleware::map_response_with_state;
use axum::routing::get;
use axum::serve::ListenerExt;
use eventring::{BuildError, EventBus};
use eventring_log::{Attached, Options, Trouble};
use metrics_exporter_prometheus::PrometheusHandle;
use std::sync::Arc;
use std::time::Instant;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Serves until it is told to stop.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let (log, bus, attached) = open(&args)?;
    let first = bus.stats().next_sequence;
    let reader = Reader::new(log.clone());
    let route = args.nats.clone().map(|server| Route {
        log,
        bus: bus.clone(),
        server,
        source: args.nats_source.clone(),
    });
    let audit = Arc::new(Audit::new(bus, attached.watermark()));
    let sources = Sources {
        audit: Arc::clone(&audit),
        attached: Arc::clone(&attached),
    };
    let listener = TcpListener::bind(args.listen).await.with_context(|| {
        format!(
            "cannot listen on {}: choose another address or port with --listen",
            args.listen
        )
    })?;
    let address = listener.local_addr()?;
    let metrics = prometheus::install()?;
    tokio::spawn(prometheus::upkeep(metrics.clone()));

    let stop = CancellationToken::new();
    let app = app(&args, &sources, reader, metrics);
    let listener = listener.tap_io(|connection| {
        // Small answers are not to wait for more. Whoever cannot set it is slower, that is all.
        let _ = connection.set_nodelay(true);
    });
    let serving = axum::serve(listener, app).with_graceful_shutdown(stop.clone().cancelled_owned());
    let mut serving = tokio::spawn(serving.into_future());
    let mut signals = Signals::new().context("cannot listen for signals")?;
    let sending = route.map(Sending::start);
    println!(
        "listening on http://{address}; the audit goes to {}, from event {first} on",
        args.database.display()
    );

    tokio::select! {
        signal = signals.next() => tracing::info!("{signal}: shutting down"),
        () = attached.ended() => bail!("the audit's sink has died: nothing more can be audited"),
        served = &mut serving => bail!("the server has ended by itself: {served:?}"),
    }
    tokio::spawn(exit_at_next(signals));
    let running = Running {
        audit,
        stop,
        serving,
        attached: Arc::clone(&attached),
    };
    let begun = Instant::now();
    let lost = running.shut_down(args.shutdown_timeout).await;
    if let Some(sending) = sending {
        let left = args.shutdown_timeout.saturating_sub(begun.elapsed());
        sending.finish(left).await;
    }
    match lost {
        0 => Ok(()),
        events => bail!(
            "{events} events could not be stored within {:?} and are lost{}",
            args.shutdown_timeout,
            attached
                .stats()
                .trouble
                .map_or_else(String::new, |trouble| format!(": {}", trouble.error))
        ),
    }
}

type Event = Arc<AuditEvent>;
type Opened = (AuditLog, EventBus<Event>, Arc<Attached<Event>>);

/// The log in the database, the audit's bus, which goes on where that ends, and what stores its events there.
fn open(args: &Args) -> anyhow::Result<Opened> {
    let warn = |trouble: &Trouble| tracing::warn!("{trouble}; again in {:?}", trouble.pause);
    let options = Options::new().chained().on_trouble(warn);
    let log = AuditLog::open(&args.database, options).with_context(|| {
        format!(
            "cannot use {} as the audit's database: name another one with --database",
            args.database.display()
        )
    })?;
    let bus = audit::bus(log.next(), args.capacity).map_err(|error| {
        let what = match error {
            BuildError::FirstTooLarge(_) => "the audit's numbers have come to their end",
            _ => "--capacity cannot be used",
        };
        anyhow::Error::new(error).context(what)
    })?;
    let attached = log.attach(&bus)?;
    Ok((log, bus, Arc::new(attached)))
}

fn app(args: &Args, sources: &Sources, reader: Reader, metrics: PrometheusHandle) -> Router {
    let mut api = api::routes();
    if !args.no_audit {
        api = audited(api, &sources.audit, args);
    }
    let events = get(sse::events).with_state(Arc::clone(&sources.audit));
    let marks = map_response_with_state(Arc::clone(&sources.audit), marks::add);
    let render = get(prometheus::render).with_state((sources.clone(), metrics));
    Router::new()
        .route("/", get(page::page))
        .route("/events", events.layer(marks))
        .route("/stored", get(stored::page).with_state(reader))
        .route("/stats", get(stats::stats).with_state(sources.clone()))
        .route("/metrics", render)
        .merge(api)
        .fallback(no_such_path)
}

async fn no_such_path() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "no such path: there are /, /events, /stored, /stats, /metrics and /api/items",
    )
}
