//! How events are printed.

use eventring_shm::topics::{self, CONTENT_TYPE};
use eventring_shm::{ContentType, EventRef};
use std::fmt::Write;

/// A line for an event.
pub(crate) fn line(event: EventRef<'_>, content: ContentType, json: bool) -> String {
    match json {
        true => as_json(event, content),
        false => as_text(event, content),
    }
}

fn as_text(event: EventRef<'_>, content: ContentType) -> String {
    let mut line = format!(
        "{:>10}  {}  {:>5}  ",
        event.seq,
        clock(event.time),
        event.kind.0
    );
    if content == CONTENT_TYPE {
        if let Some(event) = topics::decode(event) {
            let _ = write!(
                line,
                "[{}] {} ",
                event.id.node.0,
                event.topic.escape_debug()
            );
            line += &readable(&event.payload);
            return line;
        }
    }
    if event.ext != [0; 4] {
        let _ = write!(line, "{:?} ", event.ext);
    }
    line += &readable(event.payload);
    if event.truncated {
        line += " (truncated)";
    }
    line
}

fn as_json(event: EventRef<'_>, content: ContentType) -> String {
    let mut line = format!(
        "{{\"seq\":{},\"kind\":{},\"time\":{},\"ext\":{:?},\"truncated\":{}",
        event.seq, event.kind.0, event.time, event.ext, event.truncated
    );
    let decoded = (content == CONTENT_TYPE)
        .then(|| topics::decode(event))
        .flatten();
    let payload = match &decoded {
        Some(decoded) => {
            let topic = json_string(&decoded.topic);
            let _ = write!(line, ",\"node\":{},\"topic\":{topic}", decoded.id.node.0);
            &decoded.payload
        }
        None => event.payload,
    };
    match std::str::from_utf8(payload) {
        Ok(text) => line += &format!(",\"text\":{}", json_string(text)),
        Err(_) => line += &format!(",\"hex\":\"{}\"", hex(payload)),
    }
    line.push('}');
    line
}

/// Text if it is that, hexadecimal digits else.
fn readable(payload: &[u8]) -> String {
    match std::str::from_utf8(payload) {
        Ok(text) => text.escape_debug().to_string(),
        Err(_) => hex(payload),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

pub(crate) fn json_string(text: &str) -> String {
    let mut json = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => json += "\\\"",
            '\\' => json += "\\\\",
            '\n' => json += "\\n",
            control if control < ' ' => {
                let _ = write!(json, "\\u{:04x}", control as u32);
            }
            other => json.push(other),
        }
    }
    json.push('"');
    json
}

/// The time of day, UTC.
pub(crate) fn clock(time: u64) -> String {
    let (seconds, micros) = (time / 1_000_000_000, time / 1_000 % 1_000_000);
    let (hours, minutes) = (seconds / 3600 % 24, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02}.{micros:06}", seconds % 60)
}

/// Bytes, as one reads them.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let step = (0..UNITS.len() - 1)
        .take_while(|step| bytes >> (10 * (step + 1)) > 0)
        .count();
    match step {
        0 => format!("{bytes} B"),
        _ => format!(
            "{:.1} {}",
            bytes as f64 / (1u64 << (10 * step)) as f64,
            UNITS[step]
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::{bytes, clock, json_string};

    #[test]
    fn readable_numbers() {
        assert_eq!(bytes(512), "512 B");
        assert_eq!(bytes(4096), "4.0 KiB");
        assert_eq!(bytes(3 << 29), "1.5 GiB");
        assert_eq!(clock(3_723_000_004_000), "01:02:03.000004");
    }

    #[test]
    fn strings() {
        assert_eq!(json_string("a\"\\\n\u{1}é"), "\"a\\\"\\\\\\n\\u0001é\"");
    }
}
