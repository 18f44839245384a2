//! One bus for events of any type, and subscriptions by type: `cargo run --example typed_bus`
//!
//! The bus carries `Arc<dyn Any + Send + Sync>`. A subscription looks at each event by reference
//! and clones the `Arc` of those of its type only. New types need no change to the bus, and all
//! events are in one order, whatever their types.

use eventring::EventBus;
use futures::{Stream, StreamExt};
use std::any::Any;
use std::sync::Arc;

/// A handle of the bus.
#[derive(Clone)]
struct TypedBus(EventBus<Arc<dyn Any + Send + Sync>>);

impl TypedBus {
    fn new(capacity: usize) -> Self {
        Self(EventBus::new(capacity))
    }

    /// The sequence number of the event.
    async fn publish<T: Any + Send + Sync>(&self, event: T) -> u64 {
        let published = self.0.publish(Arc::new(event)).await;
        published.unwrap_or_else(|_| panic!("the bus is open"))
    }

    /// The events of this type.
    fn subscribe<T: Any + Send + Sync>(&self) -> impl Stream<Item = Arc<T>> + use<T> {
        self.0.subscribe().filter_map_ref(|event| {
            // `Any::is` of what is in the `Arc`, not of the `Arc`.
            let matches = (**event).is::<T>();
            matches.then(|| Arc::clone(event).downcast().expect("checked"))
        })
    }

    fn close(&self) {
        self.0.close();
    }
}

struct OrderPlaced {
    order: u32,
    euros: u32,
}

struct OrderShipped {
    order: u32,
}

#[tokio::main]
async fn main() {
    let bus = TypedBus::new(16);
    let placed = bus.subscribe::<OrderPlaced>();
    let shipped = bus.subscribe::<OrderShipped>();
    // Any type will do.
    let notes = bus.subscribe::<&str>();
    let nobody = bus.subscribe::<String>();

    for (order, euros) in [(1, 20), (2, 30), (3, 50)] {
        bus.publish(OrderPlaced { order, euros }).await;
    }
    bus.publish("a note").await;
    bus.publish(OrderShipped { order: 2 }).await;
    let last = bus.publish(OrderShipped { order: 1 }).await;
    bus.close();

    let mut placed = placed.map(|event| format!("{} for {} euros", event.order, event.euros));
    while let Some(order) = placed.next().await {
        println!("placed: {order}");
    }
    let orders: Vec<_> = shipped.map(|event| event.order).collect().await;
    println!("shipped: {orders:?}");
    println!("notes: {:?}", notes.collect::<Vec<_>>().await);
    println!("strings: {}", nobody.count().await);
    println!("events: {}", last + 1);
}
