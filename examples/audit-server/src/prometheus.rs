//! `/metrics`: the same counts for Prometheus, and the histograms that only it has.

use crate::stats::Sources;
use anyhow::Context;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use metrics_util::MetricKindMask;
use std::time::Duration;

/// How often the histograms' samples are gathered when nobody asks for them.
const UPKEEP: Duration = Duration::from_secs(5);

/// A gauge that was not set for so long is that of a viewer that has gone.
const VIEWER_GONE: Duration = Duration::from_secs(60);

const BUCKETS: [f64; 12] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 10.0,
];

/// Makes this the process's recorder of metrics.
pub fn install() -> anyhow::Result<PrometheusHandle> {
    let handle = PrometheusBuilder::new()
        .set_buckets(&BUCKETS)?
        .idle_timeout(MetricKindMask::GAUGE, Some(VIEWER_GONE))
        .install_recorder()
        .context("cannot record metrics")?;
    describe_counter!("audit_published_total", "Events published");
    describe_counter!("audit_stored_total", "Events on disk");
    describe_counter!(
        "audit_refused_total",
        "Requests refused because the audit was full"
    );
    describe_counter!("audit_store_retries_total", "Transactions tried again");
    describe_counter!(
        "audit_viewer_missed_total",
        "Events missed by slow viewers, in all"
    );
    describe_gauge!("audit_viewers", "Viewers there are");
    describe_gauge!("audit_viewer_missed", "Events missed by this viewer");
    describe_gauge!("audit_ring_fill", "The part of the ring that is taken");
    describe_gauge!("audit_in_flight", "Requests being handled");
    describe_histogram!(
        "audit_wait_seconds",
        Unit::Seconds,
        "Waiting for room in the ring"
    );
    describe_histogram!(
        "http_request_seconds",
        Unit::Seconds,
        "From request to answer"
    );
    Ok(handle)
}

/// Keeps memory flat between scrapes. Never ends.
pub async fn upkeep(handle: PrometheusHandle) {
    let mut ticks = tokio::time::interval(UPKEEP);
    loop {
        ticks.tick().await;
        handle.run_upkeep();
    }
}

pub async fn render(
    State((sources, handle)): State<(Sources, PrometheusHandle)>,
) -> impl IntoResponse {
    let stats = sources.snapshot();
    let viewers = stats.receivers.iter().filter(|one| one.kind == "lossy");
    gauge!("audit_viewers").set(viewers.clone().count() as f64);
    for viewer in viewers {
        gauge!("audit_viewer_missed", "viewer" => viewer.id.to_string()).set(viewer.missed as f64);
    }
    counter!("audit_published_total").absolute(stats.published);
    counter!("audit_stored_total").absolute(stats.stored);
    counter!("audit_refused_total").absolute(stats.waiting.refused);
    counter!("audit_store_retries_total").absolute(stats.sink.retries);
    counter!("audit_viewer_missed_total").absolute(stats.missed);
    gauge!("audit_ring_fill").set(stats.ring.fill);
    gauge!("audit_in_flight").set(stats.ring.in_flight as f64);
    (
        [(CONTENT_TYPE, "text/plain; version=0.0.4")],
        handle.render(),
    )
}
