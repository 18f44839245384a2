//! What a ring says of itself.

use crate::output::{bytes, clock, json_string};
use crate::{Outcome, open};
use eventring_shm::EventRing;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

pub(crate) fn info(name: &Path, json: bool) -> Outcome {
    let ring = open(name)?;
    let text = match json {
        true => as_json(&ring),
        false => as_text(&ring),
    };
    writeln!(std::io::stdout(), "{text}")?;
    Ok(())
}

fn as_text(ring: &EventRing) -> String {
    let (info, writer) = (ring.info(), ring.writer());
    let written = match (writer.epoch, writer.alive) {
        (0, _) => "never".to_owned(),
        (_, true) => format!("by process {} since {}", writer.pid, clock(writer.since)),
        (_, false) => format!("no more; last by process {}", writer.pid),
    };
    let hash: String = info
        .schema_hash
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    [
        (
            "file",
            ring.path().unwrap_or(Path::new("-")).display().to_string(),
        ),
        ("id", format!("{:032x}", info.id)),
        ("content type", info.content_type.0.to_string()),
        ("schema", hash),
        ("descriptors", info.descriptors.to_string()),
        ("payload", bytes(info.payload)),
        ("largest event", bytes(info.payload_max as u64)),
        ("memory", bytes(info.file_len)),
        ("made at", clock(info.created)),
        ("written", written),
        ("writers so far", writer.epoch.to_string()),
        (
            "events",
            format!("{} ({} to {})", ring.len(), ring.oldest(), ring.tail()),
        ),
    ]
    .map(|(what, value)| format!("{what:<15} {value}"))
    .join("\n")
}

fn as_json(ring: &EventRing) -> String {
    let (info, writer) = (ring.info(), ring.writer());
    let path = ring.path().unwrap_or(Path::new("")).display().to_string();
    format!(
        "{{\"file\":{},\"id\":\"{:032x}\",\"content_type\":{},\"descriptors\":{},\"payload\":{},\
         \"payload_max\":{},\"file_len\":{},\"created\":{},\"oldest\":{},\"tail\":{},\
         \"writer\":{{\"pid\":{},\"since\":{},\"epoch\":{},\"alive\":{}}}}}",
        json_string(&path),
        info.id,
        info.content_type.0,
        info.descriptors,
        info.payload,
        info.payload_max,
        info.file_len,
        info.created,
        ring.oldest(),
        ring.tail(),
        writer.pid,
        writer.since,
        writer.epoch,
        writer.alive,
    )
}

pub(crate) fn stat(name: &Path, count: Option<u64>) -> Outcome {
    let ring = open(name)?;
    let mut out = std::io::stdout();
    writeln!(
        out,
        "{:>12} {:>12} {:>12}  written",
        "events/s", "tail", "retained"
    )?;
    let (mut before, mut at) = (ring.tail(), Instant::now());
    for _ in 0..count.unwrap_or(u64::MAX) {
        std::thread::sleep(Duration::from_secs(1));
        let (tail, now) = (ring.tail(), Instant::now());
        let rate = (tail - before) as f64 / now.duration_since(at).as_secs_f64();
        let alive = if ring.writer().alive { "yes" } else { "no" };
        writeln!(out, "{rate:>12.0} {tail:>12} {:>12}  {alive}", ring.len())?;
        (before, at) = (tail, now);
    }
    Ok(())
}
