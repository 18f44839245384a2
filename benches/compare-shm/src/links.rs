//! One file for each way from one process to another and back.

mod bcast;
mod iceoryx2;
mod orbit;
mod ours;
mod ringfire;
mod streams;

use crate::Message;
use std::path::Path;

/// Which end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Sends first; starts first.
    Near,
    /// Echoes.
    Far,
    /// Sends, and nobody receives.
    Alone,
}

/// Both directions between two processes.
pub(crate) trait Link {
    fn send(&mut self, message: &Message);
    fn receive(&mut self) -> Message;
    /// The near side: the far one is there now.
    fn meet(&mut self) {}
}

pub(crate) type Open = fn(Side, &Path) -> Box<dyn Link>;

/// Those whose receivers spin.
pub(crate) const SPINNING: &[(&str, Open)] = &[
    ("eventring-shm", |side, base| ours::spinning(side, base)),
    ("eventring-shm, no clock", |side, base| {
        ours::without_clock(side, base)
    }),
    ("eventring-shm, 32 bytes, no clock", |side, base| {
        ours::inline(side, base)
    }),
    ("ringfire", |side, base| ringfire::spinning(side, base)),
    ("bcast", |side, base| bcast::open(side, base)),
    ("iceoryx2", |side, base| iceoryx2::open(side, base)),
    ("orbit-core", |side, base| orbit::spinning(side, base)),
];

/// Those whose receivers sleep.
pub(crate) const SLEEPING: &[(&str, Open)] = &[
    ("eventring-shm, thread", |side, base| {
        ours::blocking(side, base)
    }),
    ("eventring-shm, tokio task", |side, base| {
        ours::task(side, base)
    }),
    ("ringfire, futex without spinning", |side, base| {
        ringfire::futex(side, base)
    }),
    ("orbit-core, eventfd in tokio", |side, base| {
        orbit::task(side, base)
    }),
    ("Unix stream, thread", |side, base| {
        streams::socket(side, base)
    }),
    ("Unix stream, tokio task", |side, base| {
        streams::socket_task(side, base)
    }),
    ("pipe, thread", |side, base| streams::pipe(side, base)),
];

/// Those that are published into while nobody receives.
pub(crate) const PUBLISHING: &[(&str, Open)] = &[
    ("eventring-shm, no clock", |side, base| {
        ours::without_clock(side, base)
    }),
    ("eventring-shm, coarse clock", |side, base| {
        ours::coarse_clock(side, base)
    }),
    ("eventring-shm, precise clock", |side, base| {
        ours::spinning(side, base)
    }),
    ("ringfire", |side, base| ringfire::spinning(side, base)),
    ("bcast", |side, base| bcast::open(side, base)),
    ("iceoryx2", |side, base| iceoryx2::open(side, base)),
    ("orbit-core", |side, base| orbit::spinning(side, base)),
];

/// Where the near side sends, and where the far one does.
pub(crate) fn names(base: &Path) -> (std::path::PathBuf, std::path::PathBuf) {
    (base.with_extension("there"), base.with_extension("back"))
}

/// Both rings of a link, made by who sends.
pub(crate) fn both<T, R>(
    side: Side,
    base: &Path,
    make: impl FnOnce(&Path) -> T,
    attach: impl FnOnce(&Path) -> R,
) -> (T, Option<R>) {
    let (there, back) = names(base);
    match side {
        Side::Near | Side::Alone => (make(&there), None),
        Side::Far => {
            let receiver = attach(&there);
            (make(&back), Some(receiver))
        }
    }
}
