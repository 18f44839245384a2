//! The audit around the API: `eventring-tower`'s layer, with what this server records and measures.

use crate::args::Args;
use crate::audit::Audit;
use crate::request::{check, describe};
use axum::Router;
use axum::middleware::map_request;
use eventring_tower::AuditLayer;

/// Audits the requests to these routes.
pub fn audited(api: Router, audit: &Audit, args: &Args) -> Router {
    let mut layer = AuditLayer::with_gate(audit.gate.clone(), describe)
        .max_wait(args.max_wait)
        .timeout(args.request_timeout)
        .on_wait(|waited| metrics::histogram!("audit_wait_seconds").record(waited));
    if args.durable {
        layer = layer.durable(audit.stored.clone(), args.max_wait);
    }
    // What is wrong with a request is said, and audited, before the API sees it.
    api.layer((layer, map_request(check)))
}

#[cfg(test)]
mod tests;
