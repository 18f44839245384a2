//! The stream: made if it is not there, and checked for what the promises need of it.

use crate::error::StartError;
use crate::identity::is_name;
use async_nats::jetstream::context::{GetStreamByNameErrorKind, GetStreamErrorKind};
use async_nats::jetstream::stream::{Config, RetentionPolicy, StorageType, Stream};
use async_nats::jetstream::{Context, ErrorCode};

/// Where a relay's messages go.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) context: Context,
    /// Of the stream, if there is none of the name.
    pub(crate) config: Config,
    pub(crate) in_memory: bool,
    pub(crate) source: String,
    pub(crate) subject: Option<String>,
}

impl Place {
    /// The stream, which is made if there is none, and the subject.
    pub(crate) async fn open(&self) -> Result<(Stream, String), StartError> {
        if !is_name(&self.source) {
            return Err(StartError::Name(self.source.clone()));
        }
        let name = &self.config.name;
        let subject = match &self.subject {
            Some(subject) => subject.clone(),
            None => format!("{}.{}", name.to_lowercase(), self.source),
        };
        let stream = match self.context.get_stream(name).await {
            Err(error) if is_missing(error.kind()) => {
                fit(&self.config, self.in_memory)?;
                let made = self.context.get_or_create_stream(&self.config).await;
                made.map_err(StartError::broker)?
            }
            found => found.map_err(StartError::broker)?,
        };
        fit(&stream.cached_info().config, self.in_memory)?;
        match self.context.stream_by_subject(subject.as_str()).await {
            Ok(taker) if taker == *name => Ok((stream, subject)),
            Err(error) if error.kind() != GetStreamByNameErrorKind::NotFound => {
                Err(StartError::broker(error))
            }
            _ => Err(StartError::Subject(subject)),
        }
    }
}

fn is_missing(kind: GetStreamErrorKind) -> bool {
    matches!(kind, GetStreamErrorKind::JetStream(error)
        if error.error_code() == ErrorCode::STREAM_NOT_FOUND)
}

fn fit(config: &Config, in_memory: bool) -> Result<(), StartError> {
    let unfit = if config.storage == StorageType::Memory && !in_memory {
        "it is kept in memory, and gone with the broker (see allow_memory)"
    } else if config.no_ack {
        "it acknowledges nothing"
    } else if config.retention != RetentionPolicy::Limits {
        "it deletes what was consumed, and so the last message, which says where to go on"
    } else {
        return Ok(());
    };
    Err(StartError::Unfit(unfit))
}
