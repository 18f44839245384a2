//! The stream: made if it is not there, and checked for what the promises need of it.

use crate::error::StartError;
use async_nats::jetstream::context::{GetStreamByNameErrorKind, GetStreamErrorKind};
use async_nats::jetstream::stream::{Config, RetentionPolicy, StorageType, Stream};
use async_nats::jetstream::{Context, ErrorCode};

/// Makes the stream by this configuration, unless there is one of the name already, whose own counts then.
pub(crate) async fn open(
    context: &Context,
    config: Config,
    in_memory: bool,
    subject: &str,
) -> Result<Stream, StartError> {
    let name = config.name.clone();
    let stream = match context.get_stream(&name).await {
        Err(error) if is_missing(error.kind()) => {
            fit(&config, in_memory)?;
            let made = context.get_or_create_stream(config).await;
            made.map_err(StartError::broker)?
        }
        found => found.map_err(StartError::broker)?,
    };
    fit(&stream.cached_info().config, in_memory)?;
    match context.stream_by_subject(subject).await {
        Ok(taker) if taker == name => Ok(stream),
        Err(error) if error.kind() != GetStreamByNameErrorKind::NotFound => {
            Err(StartError::broker(error))
        }
        _ => Err(StartError::Subject(subject.into())),
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
