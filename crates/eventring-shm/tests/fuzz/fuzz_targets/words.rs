//! A ring some of whose words say anything: ten bytes each, place and value.
#![no_main]

#[path = "../../hostile/scribble.rs"]
mod scribble;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let home = tempfile::tempdir_in("/dev/shm").unwrap();
    let path = home.path().join("ring");
    let scribbles: Vec<_> = bytes
        .chunks_exact(10)
        .map(|chunk| {
            let place = u16::from_ne_bytes([chunk[0], chunk[1]]);
            (place, u64::from_ne_bytes(chunk[2..].try_into().unwrap()))
        })
        .collect();
    scribble::make(&path, &scribbles);
    scribble::look(&path);
    scribble::go_on(&path);
});
