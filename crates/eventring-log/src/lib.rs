//! An event bus with a memory on disk.
//!
//! ```
//! use eventring::{EventBus, WaitStrategy};
//! use eventring_log::{Json, Log, Options};
//!
//! # tokio_test::block_on(async {
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("events.db");
//! let log = Log::<Json<String>>::open(path, Options::new())?;
//! let bus = EventBus::builder()
//!     .strategy(WaitStrategy::Block)
//!     .first(log.next()) // numbers go on where they ended
//!     .build()?;
//! let attached = log.attach(&bus)?;
//!
//! let sequence = bus.publish("login".to_string()).await?;
//! attached.watermark().reached(sequence).await?; // it is on disk
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

mod attached;
mod encoding;
mod error;
mod head;
mod log;
mod options;
mod read;
mod sink;
mod stats;
mod store;
mod subscription;
mod verify;
mod wait;

pub use attached::Attached;
#[cfg(feature = "serde_json")]
pub use encoding::Json;
pub use encoding::{Encoding, Raw};
pub use error::{BoxError, Broken, Error};
pub use head::{Hash, Head, ParseHeadError};
pub use log::Log;
pub use options::Options;
pub use read::Events;
pub use stats::{Stats, Trouble};
pub use store::sqlite::Sqlite;
pub use store::{Entry, Extent, Store};
pub use subscription::Subscription;
