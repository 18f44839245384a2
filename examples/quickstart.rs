//! One bus, one stream: `cargo run --example quickstart`

use eventring::EventBus;
use futures::StreamExt;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bus = EventBus::new(1024);
    let mut stream = bus.subscribe();

    let reader = tokio::spawn(async move {
        while let Some(event) = stream.next().await {
            println!("received {event}");
        }
    });

    for number in 1..=3 {
        bus.publish(format!("event {number}")).await?;
    }
    bus.close();
    reader.await?;
    Ok(())
}
