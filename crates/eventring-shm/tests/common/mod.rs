//! What several test programs share.

use eventring_shm::EventRing;

pub(crate) fn memory(descriptors: u64, payload: u64) -> EventRing {
    EventRing::builder()
        .descriptors(descriptors)
        .payload(payload)
        .memfd("test")
        .unwrap()
}
