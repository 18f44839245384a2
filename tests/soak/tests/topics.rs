//! What topics take, and give back. One test: what others allocate meanwhile would be counted too.

use eventring::Topics;
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const WAVE: usize = 10_000;
const WAVES: usize = 100;

#[test]
fn a_million_topics_made_and_left() {
    let topics: Topics<String, u64> = Topics::new(16);
    let wave = |number: usize| {
        let keys = (number * WAVE..(number + 1) * WAVE).map(|key| key.to_string());
        let mut receivers: Vec<_> = keys.map(|key| topics.subscribe(&key)).collect();
        for receiver in &mut receivers {
            topics.try_publish(receiver.key(), 1).unwrap();
            assert_eq!(receiver.try_recv(), Ok(1));
        }
        MEMORY.current_usage()
    };
    wave(0);
    let before = MEMORY.current_usage();
    for number in 1..WAVES {
        wave(number);
    }
    let after = MEMORY.current_usage();
    assert_eq!((topics.len(), topics.stats().opened), (0, 1_000_000));
    // The tables' sizes are left to the hasher's chance; an entry that stays takes hundreds of bytes.
    let grown = after.saturating_sub(before);
    assert!(grown < WAVE * WAVES, "{before} bytes, then {after}");

    let taken = (wave(WAVES) - after) / WAVE;
    println!("a topic of capacity 16 with a receiver: {taken} bytes");

    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    for _ in 0..1_000 {
        assert_eq!(topics.try_publish("nobody", 1), Ok(None));
        assert_eq!(topics.publish_blocking("nobody", 1), Ok(None));
    }
    assert_eq!(
        MEMORY.peak_usage(),
        before,
        "publishing to nobody allocates"
    );
}
