//! `iceoryx2`: publish and subscribe, spinning, copying as the others do.

use super::{Link, Side, both, names};
use crate::Message;
use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::prelude::*;
use std::path::{Path, PathBuf};

struct Ring {
    node: Node<ipc::Service>,
    publisher: Publisher<ipc::Service, Message, ()>,
    subscriber: Option<Subscriber<ipc::Service, Message, ()>>,
    back: PathBuf,
}

fn service(
    node: &Node<ipc::Service>,
    path: &Path,
) -> iceoryx2::service::port_factory::publish_subscribe::PortFactory<ipc::Service, Message, ()> {
    let name = path.to_str().unwrap().try_into().unwrap();
    node.service_builder(&name)
        .publish_subscribe::<Message>()
        .open_or_create()
        .unwrap()
}

pub(super) fn open(side: Side, base: &Path) -> Box<dyn Link> {
    let node = NodeBuilder::new().create::<ipc::Service>().unwrap();
    let (publisher, subscriber) = both(
        side,
        base,
        |path| service(&node, path).publisher_builder().create().unwrap(),
        |path| service(&node, path).subscriber_builder().create().unwrap(),
    );
    let back = names(base).1;
    Box::new(Ring {
        node,
        publisher,
        subscriber,
        back,
    })
}

impl Link for Ring {
    fn send(&mut self, message: &Message) {
        self.publisher.send_copy(*message).unwrap();
    }

    fn receive(&mut self) -> Message {
        let subscriber = self.subscriber.as_ref().expect("they have met");
        loop {
            match subscriber.receive().unwrap() {
                Some(sample) => return *sample,
                None => std::hint::spin_loop(),
            }
        }
    }

    fn meet(&mut self) {
        self.subscriber = Some(
            service(&self.node, &self.back)
                .subscriber_builder()
                .create()
                .unwrap(),
        );
    }
}
