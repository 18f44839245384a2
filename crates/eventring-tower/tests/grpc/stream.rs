//! A receiver is the response stream.

use crate::{Answer, asking, bus, outcome, serve, told, watched};
use eventring::{EventBus, TryRecvError};
use eventring_tower::{AuditLayer, End, Update, Updates};
use futures::stream::{self, BoxStream, StreamExt};
use tonic::{Code, Status};

/// That there was a gap, in words of this service's own.
const MISSED: i32 = 1000;

/// What the service answers who watches.
pub(crate) fn answers(service: &str, watched: &EventBus<i32>) -> BoxStream<'static, Answer> {
    let events = Updates::from(watched.subscribe_lossy());
    let events = events.map(|update| match update {
        Update::Event(_, event) => Ok(told(event)),
        Update::Gap { missed, .. } => Ok(told(MISSED + missed as i32)),
        Update::Restart => unreachable!("nobody resumes"),
    });
    match service {
        "fail" => events
            .chain(stream::iter([Err(Status::data_loss("on purpose"))]))
            .boxed(),
        "panic" => events
            .chain(stream::once(async { panic!("on purpose") }))
            .boxed(),
        _ => events.boxed(),
    }
}

#[tokio::test]
async fn it_ends_with_the_bus_and_tells_of_gaps() {
    watched(async {
        let (bus, mut events) = bus(4);
        let setup = serve(AuditLayer::new(bus, outcome)).await;
        let answer = setup.client.clone().watch(asking("")).await.unwrap();
        let mut answers = answer.into_inner();
        setup.watched.publish(1).await.unwrap();
        assert_eq!(answers.message().await.unwrap(), Some(told(1)));
        assert_eq!(events.try_recv().err(), Some(TryRecvError::Empty));
        // At once, on this test's only thread: the receiver is not asked in between.
        for event in 2..12 {
            setup.watched.try_publish(event).unwrap();
        }
        setup.watched.close();
        assert_eq!(answers.message().await.unwrap(), Some(told(MISSED + 6)));
        for event in 8..12 {
            assert_eq!(answers.message().await.unwrap(), Some(told(event)));
        }
        assert_eq!(answers.message().await.unwrap(), None);
        let trailers = answers.trailers().await.unwrap().unwrap();
        assert_eq!(trailers.get("x-audit-sequence").unwrap(), "100");
        let outcome = events.recv().await.unwrap();
        assert_eq!((outcome.end, outcome.grpc), (End::Answered, Some(0)));
        assert_eq!(outcome.bytes, 6 * 5 + 5 * 2 + 3);
    })
    .await;
}

#[tokio::test]
async fn it_fails_or_panics() {
    watched(async {
        let cases = [
            ("fail", Code::DataLoss, End::Answered, Some(15)),
            ("panic", Code::Internal, End::Panicked, None),
        ];
        for (service, code, end, recorded) in cases {
            let (bus, mut events) = bus(4);
            let setup = serve(AuditLayer::new(bus, outcome)).await;
            let mut answers = setup
                .client
                .clone()
                .watch(asking(service))
                .await
                .unwrap()
                .into_inner();
            setup.watched.try_publish(1).unwrap();
            assert_eq!(answers.message().await.unwrap(), Some(told(1)));
            setup.watched.close();
            let status = answers.message().await.unwrap_err();
            if service == "fail" {
                assert_eq!(status.code(), code);
                assert_eq!(status.metadata().get("x-audit-sequence").unwrap(), "100");
            }
            let outcome = events.recv().await.unwrap();
            assert_eq!((outcome.end, outcome.grpc), (end, recorded));
        }
    })
    .await;
}

#[tokio::test]
async fn the_client_is_gone_before_its_end() {
    watched(async {
        let (bus, mut events) = bus(4);
        let setup = serve(AuditLayer::new(bus, outcome)).await;
        let mut answers = setup
            .client
            .clone()
            .watch(asking(""))
            .await
            .unwrap()
            .into_inner();
        setup.watched.try_publish(1).unwrap();
        assert_eq!(answers.message().await.unwrap(), Some(told(1)));
        assert_eq!(events.try_recv().err(), Some(TryRecvError::Empty));
        drop(answers);
        let outcome = events.recv().await.unwrap();
        assert_eq!(
            (outcome.end, outcome.grpc, outcome.bytes),
            (End::Cut, None, 7)
        );
        assert_eq!(setup.watched.receiver_count(), 0);
    })
    .await;
}
