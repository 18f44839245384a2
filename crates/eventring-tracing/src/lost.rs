//! What is told in a sink's output of records that are not there.

use std::fmt;

/// Records that are not in a sink's output: what a [notice](crate::Sink::notice) tells.
///
/// ```
/// use eventring_tracing::{LogBus, Lost, Sink};
/// use std::io::{self, Write};
///
/// // For a file of JSON lines.
/// let sink = Sink::new("json", io::sink()).lossy().notice(|lost: &Lost, line| {
///     let why = lost.error.as_deref().unwrap_or("slow");
///     writeln!(line, r#"{{"lost":{},"why":{why:?}}}"#, lost.records).unwrap();
/// });
/// # let _ = sink;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lost {
    /// How many.
    pub records: u64,
    /// What the writer said last, if it refused them. Otherwise the sink was too slow.
    pub error: Option<String>,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let records = match self.records {
            1 => "record",
            _ => "records",
        };
        let why = self.error.as_deref().unwrap_or("the sink was too slow");
        write!(f, "... {} {records} lost: {why}", self.records)
    }
}
