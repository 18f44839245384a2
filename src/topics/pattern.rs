//! Patterns of dotted subjects, with NATS's wildcards.

use std::error::Error;
use std::fmt;

/// A pattern that is one.
#[derive(Debug)]
pub(super) struct Pattern {
    text: Box<str>,
    /// It ends with a token that stands for all that follow; `text` is without that one.
    open: bool,
}

impl Pattern {
    pub(super) fn new(pattern: &str) -> Result<Self, PatternError> {
        let mut tokens = pattern.split('.').peekable();
        while let Some(token) = tokens.next() {
            match token {
                "" => return Err(PatternError::EmptyToken),
                ">" if tokens.peek().is_some() => return Err(PatternError::NotAtEnd),
                "*" | ">" => {}
                _ if token.contains(['*', '>']) => {
                    return Err(PatternError::PartOfToken(token.to_owned()));
                }
                _ => {}
            }
        }
        let all = pattern.strip_suffix('>');
        let text = all.unwrap_or(pattern);
        Ok(Self {
            text: text.strip_suffix('.').unwrap_or(text).into(),
            open: all.is_some(),
        })
    }

    pub(super) fn matches(&self, subject: &str) -> bool {
        let mut rest = subject.split('.');
        if self.text.is_empty() {
            return true; // every subject has a token
        }
        let fits = |token| {
            rest.next()
                .is_some_and(|other| token == "*" || token == other)
        };
        self.text.split('.').all(fits) && rest.next().is_some() == self.open
    }
}

/// Why a pattern is none: see [`Topics::subscribe_matching`](super::Topics::subscribe_matching).
///
/// ```
/// use eventring::{Topics, topics::PatternError};
///
/// let prices = Topics::<String, f64>::new(16);
/// let error = prices.subscribe_matching("prices.>.usd").err().unwrap();
/// assert_eq!(error, PatternError::NotAtEnd);
/// assert_eq!(error.to_string(), "`>` stands for all tokens that follow, so that none may follow it");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PatternError {
    /// There is nothing before or after a dot, or nothing at all.
    EmptyToken,
    /// `>` is not the last token.
    NotAtEnd,
    /// This token is neither a wildcard nor without one.
    PartOfToken(String),
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmptyToken => {
                f.write_str("a pattern's tokens are separated by dots, and none is empty")
            }
            Self::NotAtEnd => {
                f.write_str("`>` stands for all tokens that follow, so that none may follow it")
            }
            Self::PartOfToken(token) => {
                write!(
                    f,
                    "a wildcard stands for a token, not for a part of one: `{token}`"
                )
            }
        }
    }
}

impl Error for PatternError {}
