//! One bus for events of any type, and subscriptions by type: `cargo run --example typed_bus`
//!
//! All events are in one order, whatever their types.

use eventring::TypedBus;
use futures::StreamExt;

struct OrderPlaced {
    order: u32,
    euros: u32,
}

struct OrderShipped {
    order: u32,
}

/// The sequence number of the event.
async fn publish<T: Send + Sync + 'static>(bus: &TypedBus, event: T) -> u64 {
    let published = bus.publish(event).await;
    published.unwrap_or_else(|_| panic!("the bus is open"))
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
        publish(&bus, OrderPlaced { order, euros }).await;
    }
    publish(&bus, "a note").await;
    publish(&bus, OrderShipped { order: 2 }).await;
    let last = publish(&bus, OrderShipped { order: 1 }).await;
    bus.bus().close();

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
