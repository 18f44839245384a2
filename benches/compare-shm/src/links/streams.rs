//! What people use today: a Unix stream, two pipes.

use super::{Link, Side, names};
use crate::Message;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Runtime;

struct Blocking<T> {
    listener: Option<UnixListener>,
    input: Option<T>,
    output: Option<T>,
}

pub(super) fn socket(side: Side, base: &Path) -> Box<dyn Link> {
    let (there, _) = names(base);
    let mut link = Blocking {
        listener: None,
        input: None,
        output: None,
    };
    match side {
        Side::Far => link.set(UnixStream::connect(there).unwrap()),
        _ => link.listener = Some(UnixListener::bind(there).unwrap()),
    }
    Box::new(link)
}

impl Blocking<UnixStream> {
    fn set(&mut self, stream: UnixStream) {
        self.input = Some(stream.try_clone().unwrap());
        self.output = Some(stream);
    }
}

impl Link for Blocking<UnixStream> {
    fn send(&mut self, message: &Message) {
        self.output
            .as_mut()
            .expect("they have met")
            .write_all(message)
            .unwrap();
    }

    fn receive(&mut self) -> Message {
        let mut message = [0; 64];
        self.input
            .as_mut()
            .expect("they have met")
            .read_exact(&mut message)
            .unwrap();
        message
    }

    fn meet(&mut self) {
        let (stream, _) = self
            .listener
            .take()
            .expect("the near side")
            .accept()
            .unwrap();
        self.set(stream);
    }
}

pub(super) fn pipe(side: Side, base: &Path) -> Box<dyn Link> {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let (there, back) = names(base);
    let open = |path: &Path| File::options().read(true).write(true).open(path).unwrap();
    let mut link = Blocking {
        listener: None,
        input: None,
        output: None,
    };
    match side {
        Side::Far => {
            link.input = Some(open(&there));
            link.output = Some(open(&back));
        }
        _ => {
            for path in [&there, &back] {
                mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
            }
            link.output = Some(open(&there));
            link.input = Some(open(&back));
        }
    }
    Box::new(link)
}

impl Link for Blocking<File> {
    fn send(&mut self, message: &Message) {
        self.output
            .as_mut()
            .expect("opened")
            .write_all(message)
            .unwrap();
    }

    fn receive(&mut self) -> Message {
        let mut message = [0; 64];
        self.input
            .as_mut()
            .expect("opened")
            .read_exact(&mut message)
            .unwrap();
        message
    }
}

struct Task {
    runtime: Runtime,
    listener: Option<tokio::net::UnixListener>,
    stream: Option<tokio::net::UnixStream>,
}

pub(super) fn socket_task(side: Side, base: &Path) -> Box<dyn Link> {
    let (there, _) = names(base);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut task = Task {
        runtime,
        listener: None,
        stream: None,
    };
    match side {
        Side::Far => {
            let connect = tokio::net::UnixStream::connect(there);
            task.stream = Some(task.runtime.block_on(connect).unwrap());
        }
        _ => {
            let _inside = task.runtime.enter();
            task.listener = Some(tokio::net::UnixListener::bind(there).unwrap());
        }
    }
    Box::new(task)
}

impl Link for Task {
    fn send(&mut self, message: &Message) {
        let stream = self.stream.as_mut().expect("they have met");
        self.runtime.block_on(stream.write_all(message)).unwrap();
    }

    fn receive(&mut self) -> Message {
        let stream = self.stream.as_mut().expect("they have met");
        let mut message = [0; 64];
        self.runtime
            .block_on(stream.read_exact(&mut message))
            .unwrap();
        message
    }

    fn meet(&mut self) {
        let listener = self.listener.take().expect("the near side");
        let (stream, _) = self.runtime.block_on(listener.accept()).unwrap();
        self.stream = Some(stream);
    }
}
