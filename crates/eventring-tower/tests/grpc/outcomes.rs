//! What there is to record.

use crate::{bus, outcome, serve, watched};
use eventring::TryRecvError;
use eventring_tower::{AuditLayer, End, Moment};
use std::time::Duration;
use tonic::Code;

#[tokio::test]
async fn the_code_is_in_the_trailers() {
    watched(async {
        let (bus, mut events) = bus(4);
        let setup = serve(AuditLayer::new(bus, outcome)).await;
        let answer = setup.check("answer").await.unwrap();
        // Both headers and trailers are its metadata.
        assert_eq!(answer.metadata().get("x-audit-sequence").unwrap(), "100");
        assert!(answer.metadata().contains_key("x-request-id"));
        let outcome = events.recv().await.unwrap();
        assert_eq!((outcome.end, outcome.grpc), (End::Answered, Some(0)));
        assert_eq!(
            (outcome.status.unwrap().as_u16(), outcome.bytes),
            (200, 5 + 2)
        );
    })
    .await;
}

#[tokio::test]
async fn the_code_is_in_the_headers() {
    watched(async {
        let (bus, mut events) = bus(4);
        let setup = serve(AuditLayer::new(bus, outcome)).await;
        let status = setup.fails("fail", Code::DataLoss, "on purpose").await;
        assert_eq!(status.metadata().get("x-audit-sequence").unwrap(), "100");
        let outcome = events.recv().await.unwrap();
        assert_eq!((outcome.end, outcome.grpc), (End::Answered, Some(15)));
    })
    .await;
}

#[tokio::test]
async fn what_is_recorded_as_it_begins_has_no_code() {
    watched(async {
        let (bus, mut events) = bus(4);
        let setup = serve(AuditLayer::new(bus, outcome).moment(Moment::Head)).await;
        let answer = setup.check("answer").await.unwrap();
        assert_eq!(answer.metadata().get("x-audit-sequence").unwrap(), "100");
        let outcome = events.recv().await.unwrap();
        assert_eq!((outcome.end, outcome.grpc), (End::Answered, None));
    })
    .await;
}

#[tokio::test]
async fn the_handler_panics() {
    watched(async {
        let (bus, mut events) = bus(4);
        let setup = serve(AuditLayer::new(bus, outcome)).await;
        let status = setup.fails("panic", Code::Internal, "panicked").await;
        assert_eq!(status.metadata().get("x-audit-sequence").unwrap(), "100");
        let outcome = events.recv().await.unwrap();
        assert_eq!((outcome.end, outcome.grpc), (End::Panicked, Some(13)));
    })
    .await;
}

#[tokio::test]
async fn it_takes_too_long() {
    watched(async {
        let (bus, mut events) = bus(4);
        let layer = AuditLayer::new(bus, outcome).timeout(Duration::from_millis(1));
        let setup = serve(layer).await;
        setup
            .fails("wait", Code::DeadlineExceeded, "within 1ms")
            .await;
        let outcome = events.recv().await.unwrap();
        assert_eq!((outcome.end, outcome.grpc), (End::TimedOut, Some(4)));
    })
    .await;
}

#[tokio::test]
async fn the_client_is_gone() {
    watched(async {
        let (bus, mut events) = bus(4);
        let mut setup = serve(AuditLayer::new(bus, outcome)).await;
        let mut client = setup.client.clone();
        let call = tokio::spawn(async move { client.check(crate::asking("wait")).await });
        setup.begins.recv().await.unwrap();
        assert_eq!(events.try_recv().err(), Some(TryRecvError::Empty));
        call.abort();
        let outcome = events.recv().await.unwrap();
        assert_eq!(
            (outcome.end, outcome.status, outcome.grpc),
            (End::Gone, None, None)
        );
    })
    .await;
}
