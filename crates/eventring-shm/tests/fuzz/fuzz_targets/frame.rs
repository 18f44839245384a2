//! A frame of any bytes.
#![no_main]

use eventring_shm::{EventRef, Kind, topics};

libfuzzer_sys::fuzz_target!(|payload: &[u8]| {
    let event = EventRef {
        seq: 0,
        kind: Kind(1),
        time: 0,
        ext: [0; 4],
        truncated: false,
        payload,
    };
    if let Some(event) = topics::decode(event) {
        assert!(event.payload.len() <= payload.len());
    }
});
