//! How an event is printed.

use eventring_log::{Entry, Hash};
use serde::Serialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt::Write;

/// A line of JSON: the event as it is if it is JSON, else as text if it is that, else in hexadecimal digits.
#[derive(Serialize)]
struct Line<'a> {
    sequence: u64,
    #[serde(flatten)]
    event: Shown<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Shown<'a> {
    #[serde(rename = "event")]
    Json(Box<RawValue>),
    Text(&'a str),
    Hex(String),
}

pub(crate) fn json(entry: &Entry) -> Result<String, serde_json::Error> {
    let line = Line {
        sequence: entry.sequence,
        event: shown(&entry.bytes),
        hash: entry.hash.map(|hash: Hash| hex(&hash)),
    };
    serde_json::to_string(&line)
}

fn shown(bytes: &[u8]) -> Shown<'_> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Shown::Hex(hex(bytes));
    };
    // Within JSON's strings there are none.
    let one_line = text.replace(['\n', '\r'], " ");
    RawValue::from_string(one_line).map_or(Shown::Text(text), Shown::Json)
}

/// The event, to be looked at.
pub(crate) fn text(entry: &Entry) -> String {
    let shown = match std::str::from_utf8(&entry.bytes) {
        Ok(text) if text.chars().any(char::is_control) => text.escape_debug().to_string().into(),
        Ok(text) => Cow::from(text),
        Err(_) => hex(&entry.bytes).into(),
    };
    format!("{:>10}  {shown}", entry.sequence)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
