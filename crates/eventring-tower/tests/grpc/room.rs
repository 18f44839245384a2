//! Fail closed, and what answers wait for.

use crate::{bus, outcome, serve, watched};
use eventring_tower::{AuditLayer, End};
use std::time::Duration;
use tonic::Code;

#[tokio::test]
async fn no_room() {
    watched(async {
        let (bus, mut events) = bus(1);
        let setup = serve(AuditLayer::new(bus, outcome).max_wait(Duration::from_millis(1))).await;
        setup.check("answer").await.unwrap();
        events.recv().await.unwrap();
        // It was received, and is not stored yet. The service would panic.
        let status = setup
            .fails(
                "not called",
                Code::Unavailable,
                "the audit is full: the request waited 1ms",
            )
            .await;
        assert!(status.metadata().contains_key("x-request-id"));
        assert!(!status.metadata().contains_key("x-audit-sequence"));
        assert!(events.try_recv().is_err());
        events.commit_all();
        setup.check("answer").await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn closed() {
    watched(async {
        let (bus, _events) = bus(4);
        let layer = AuditLayer::new(bus.clone(), outcome);
        let gate = layer.gate();
        let setup = serve(layer).await;
        gate.finish().await;
        setup
            .fails("not called", Code::Unavailable, "shutting down")
            .await;

        let setup = serve(AuditLayer::new(bus.clone(), outcome)).await;
        bus.close();
        setup
            .fails("not called", Code::Unavailable, "shutting down")
            .await;
    })
    .await;
}

/// An answer that began, whose event cannot be published: its code is not the service's.
#[tokio::test]
async fn the_bus_is_closed_meanwhile() {
    watched(async {
        let (bus, _events) = bus(4);
        let closing = bus.clone();
        let layer = AuditLayer::new(bus, move |_: &_| {
            let closing = closing.clone();
            move |outcome: &eventring_tower::Outcome| {
                closing.close();
                outcome.clone()
            }
        });
        let gate = layer.gate();
        let setup = serve(layer).await;
        setup
            .fails("answer", Code::Internal, "could not be audited")
            .await;
        assert_eq!(gate.unrecorded(), 1);
    })
    .await;
}

/// With its code in the trailers, and in the headers.
#[tokio::test]
async fn an_answer_waits_until_its_event_is_stored() {
    watched(async {
        for (service, code) in [("answer", Code::Ok), ("fail", Code::DataLoss)] {
            let (bus, mut events) = bus(4);
            let layer = AuditLayer::new(bus.clone(), outcome);
            let setup = serve(layer.durable(events.watermark(), Duration::MAX)).await;
            let mut client = setup.client.clone();
            let call = tokio::spawn(async move { client.check(crate::asking(service)).await });
            assert_eq!(events.recv().await.unwrap().grpc, Some(code.into()));
            while !bus.receivers()[0].awaited {
                tokio::task::yield_now().await;
            }
            assert!(!call.is_finished());
            events.commit_all();
            let answered = call.await.unwrap();
            assert_eq!(
                answered.err().map_or(Code::Ok, |status| status.code()),
                code
            );
        }
    })
    .await;
}

#[tokio::test]
async fn an_answer_whose_event_is_not_stored_says_so() {
    watched(async {
        for service in ["answer", "fail"] {
            let (bus, mut events) = bus(4);
            let layer = AuditLayer::new(bus, outcome);
            let setup = serve(layer.durable(events.watermark(), Duration::from_millis(1))).await;
            let says = "but its event 100 is not stored after 1ms";
            setup.fails(service, Code::DeadlineExceeded, says).await;
            assert_eq!(events.recv().await.unwrap().end, End::Answered);
        }
    })
    .await;
}
