//! Events as bytes.

use crate::error::BoxError;
#[cfg(feature = "serde_json")]
use std::marker::PhantomData;

/// How events are stored as bytes. What is stored stays: bytes of former versions of a program have to be
/// decoded too.
///
/// ```
/// use eventring_log::{BoxError, Encoding};
///
/// /// Numbers, in eight bytes each.
/// struct Numbers;
///
/// impl Encoding for Numbers {
///     type Event = u64;
///
///     fn encode(&self, event: &u64) -> Result<Vec<u8>, BoxError> {
///         Ok(event.to_le_bytes().into())
///     }
///
///     fn decode(&self, bytes: Vec<u8>) -> Result<u64, BoxError> {
///         let bytes = bytes.try_into().map_err(|_| "not eight bytes")?;
///         Ok(u64::from_le_bytes(bytes))
///     }
/// }
///
/// assert_eq!(Numbers.decode(Numbers.encode(&7).unwrap()).unwrap(), 7);
/// ```
pub trait Encoding: Send + Sync + 'static {
    /// What is encoded.
    type Event;

    /// The event as bytes.
    ///
    /// # Errors
    ///
    /// If it has none. Such an event stays first in line, and is tried again: as long as that is so,
    /// nothing is stored, and the bus fills up.
    fn encode(&self, event: &Self::Event) -> Result<Vec<u8>, BoxError>;

    /// The event of these bytes.
    ///
    /// # Errors
    ///
    /// If they are of none. Who reads the log is told so, in its place.
    fn decode(&self, bytes: Vec<u8>) -> Result<Self::Event, BoxError>;
}

/// Events that are bytes.
///
/// ```
/// use eventring_log::{Encoding, Raw};
///
/// assert_eq!(Raw.encode(&b"event".to_vec()).unwrap(), b"event");
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Raw;

impl Encoding for Raw {
    type Event = Vec<u8>;

    fn encode(&self, event: &Vec<u8>) -> Result<Vec<u8>, BoxError> {
        Ok(event.clone())
    }

    fn decode(&self, bytes: Vec<u8>) -> Result<Vec<u8>, BoxError> {
        Ok(bytes)
    }
}

/// Events as JSON, by serde. Those of an `Arc` need serde's feature `rc`.
///
/// ```
/// use eventring_log::{Encoding, Json};
///
/// let json = Json::<(u32, String)>::default();
/// assert_eq!(json.encode(&(1, "login".into())).unwrap(), br#"[1,"login"]"#);
/// ```
#[cfg(feature = "serde_json")]
pub struct Json<E>(PhantomData<fn() -> E>);

#[cfg(feature = "serde_json")]
impl<E> Encoding for Json<E>
where
    E: serde::Serialize + serde::de::DeserializeOwned + 'static,
{
    type Event = E;

    fn encode(&self, event: &E) -> Result<Vec<u8>, BoxError> {
        Ok(serde_json::to_vec(event)?)
    }

    fn decode(&self, bytes: Vec<u8>) -> Result<E, BoxError> {
        Ok(serde_json::from_slice(&bytes)?)
    }
}

#[cfg(feature = "serde_json")]
impl<E> Default for Json<E> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

#[cfg(feature = "serde_json")]
impl<E> std::fmt::Debug for Json<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Json")
    }
}
