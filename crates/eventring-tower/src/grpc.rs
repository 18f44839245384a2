//! As much of gRPC as an audit has to know: <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::fmt::Write;

const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// Whether these are the headers of a request, or an answer, of gRPC.
pub(crate) fn is_spoken(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

/// The code that headers or trailers tell.
pub(crate) fn code(headers: &HeaderMap) -> Option<i32> {
    headers.get(STATUS)?.to_str().ok()?.parse().ok()
}

/// Headers or trailers that tell this code.
pub(crate) fn status(code: i32, message: &str) -> HeaderMap {
    let mut escaped = String::new();
    for byte in message.bytes() {
        match byte {
            b' '..=b'~' if byte != b'%' => escaped.push(byte.into()),
            _ => write!(escaped, "%{byte:02X}").expect("a string takes all"),
        }
    }
    let message = HeaderValue::try_from(escaped).expect("what is not ASCII is escaped");
    HeaderMap::from_iter([(STATUS, code.into()), (MESSAGE, message)])
}

/// Headers of an answer that is only a status.
pub(crate) fn trailers_only(code: i32, message: &str) -> HeaderMap {
    let mut headers = status(code, message);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_escaped() {
        let headers = status(14, "100 % voll: später");
        assert_eq!(headers[MESSAGE], "100 %25 voll: sp%C3%A4ter");
        assert_eq!(code(&headers), Some(14));
    }
}
