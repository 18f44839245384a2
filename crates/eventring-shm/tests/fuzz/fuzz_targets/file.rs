//! A file of any bytes.
#![no_main]

#[path = "../../hostile/scribble.rs"]
mod scribble;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let home = tempfile::tempdir_in("/dev/shm").unwrap();
    let path = home.path().join("ring");
    // As it is, and behind a good start.
    std::fs::write(&path, bytes).unwrap();
    scribble::look(&path);
    std::fs::remove_file(&path).unwrap();
    scribble::make(&path, &[]);
    let mut whole = std::fs::read(&path).unwrap();
    let at = bytes
        .first()
        .map_or(0, |first| usize::from(*first) * 16)
        .min(whole.len());
    let end = (at + bytes.len()).min(whole.len());
    whole[at..end].copy_from_slice(&bytes[..end - at]);
    std::fs::write(&path, whole).unwrap();
    scribble::look(&path);
});
