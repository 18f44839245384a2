//! What the tests share: a server, clients on connections of their own, a wire that can be cut, and
//! a check that what one is sent about members fits together.
#![allow(dead_code)] // Each test crate uses a part of it.

use chatterbox::client::{connect, endpoint, join, listen};
use chatterbox::proto::event::What;
use chatterbox::proto::{Event, Send};
use chatterbox::room::Room;
use chatterbox::server::{Ended, Settings, serve};
use eventring::EventBus;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::{Notify, oneshot};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tonic::transport::Endpoint;
use tonic::{Status, Streaming};

/// Runs the test, and fails if it hangs. Not a measure of anything.
pub fn watched(test: impl Future<Output = ()>) {
    const LIMIT: Duration = Duration::from_secs(240);
    let runtime = Runtime::new().unwrap();
    let result = runtime.block_on(async { timeout(LIMIT, test).await });
    runtime.shutdown_background();
    result.expect("the test hangs");
}

/// A server on a thread and a runtime of its own, as in the binary.
pub struct Server {
    pub room: Room,
    pub address: SocketAddr,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Ended>,
}

impl Server {
    pub async fn start(capacity: usize) -> Self {
        Self::start_with(capacity, Settings::default()).await
    }

    pub async fn start_with(capacity: usize, settings: Settings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::start_on(listener, capacity, settings)
    }

    pub fn start_on(listener: TcpListener, capacity: usize, settings: Settings) -> Self {
        let room = Room::new(capacity).unwrap();
        let address = listener.local_addr().unwrap();
        let listener = listener.into_std().unwrap();
        let (stop, stopped) = oneshot::channel();
        let served = room.clone();
        let thread = thread::spawn(move || {
            let runtime = Runtime::new().unwrap();
            let ended = runtime.block_on(async {
                let listener = TcpListener::from_std(listener).unwrap();
                let stopped = async { drop(stopped.await) };
                serve(listener, served, settings, stopped).await.unwrap()
            });
            runtime.shutdown_background();
            ended
        });
        Self {
            room,
            address,
            stop,
            thread,
        }
    }

    pub fn endpoint(&self) -> Endpoint {
        endpoint(&self.address.to_string()).unwrap()
    }

    pub async fn join(&self, name: &str) -> Client {
        self.try_join(name).await.unwrap()
    }

    pub async fn try_join(&self, name: &str) -> Result<Client, Status> {
        Client::join(&self.endpoint(), name).await
    }

    pub async fn listen(&self) -> Listener {
        Listener(listen(&self.endpoint()).await.unwrap())
    }

    pub async fn stop(self) -> Ended {
        self.stop.send(()).unwrap();
        let thread = self.thread;
        let ended = tokio::task::spawn_blocking(|| thread.join());
        ended.await.unwrap().unwrap()
    }
}

/// The events that one is sent.
pub struct Listener(pub Streaming<Event>);

impl Listener {
    pub async fn next(&mut self) -> Event {
        let event = self.0.message().await.unwrap();
        event.expect("the stream has ended")
    }

    /// The members present, as told until INITIALIZED.
    pub async fn present(&mut self) -> Attendance {
        let mut present = Attendance::default();
        loop {
            let event = self.next().await;
            if event == Event::initialized() {
                return present;
            }
            assert_eq!(event.what(), What::Join, "{event:?}");
            present.follow(&event);
        }
    }

    /// Reads up to this event, and returns what comes before it.
    pub async fn until(&mut self, last: &Event) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            match self.next().await {
                event if event == *last => return events,
                event => events.push(event),
            }
        }
    }

    /// Everything until the stream ends, and how it ends.
    pub async fn rest(&mut self) -> (Vec<Event>, Result<(), Status>) {
        let mut events = Vec::new();
        loop {
            match self.0.message().await {
                Ok(Some(event)) => events.push(event),
                Ok(None) => return (events, Ok(())),
                Err(status) => return (events, Err(status)),
            }
        }
    }
}

/// A member, who has read everything up to its own JOIN.
pub struct Client {
    pub name: String,
    pub voice: EventBus<Send>,
    pub events: Listener,
    pub present: Attendance,
}

impl Client {
    pub async fn join(endpoint: &Endpoint, name: &str) -> Result<Self, Status> {
        let channel = connect(endpoint).await?;
        let (voice, events) = join(channel, name).await?;
        let mut events = Listener(events);
        let mut present = events.present().await;
        for event in events.until(&Event::join(name)).await {
            present.follow(&event);
        }
        present.follow(&Event::join(name));
        Ok(Self {
            name: name.to_owned(),
            voice,
            events,
            present,
        })
    }

    /// One that can be sent little ahead of its reading.
    pub async fn join_narrow(endpoint: Endpoint, name: &str) -> Self {
        const WINDOW: u32 = 1 << 16;
        let endpoint = endpoint
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW);
        Self::join(&endpoint, name).await.unwrap()
    }

    pub async fn say(&self, text: impl Into<String>) {
        let said = self.voice.publish(Send::say(text.into())).await;
        said.expect("the server has ended the stream");
    }

    /// Says it and reads up to it.
    pub async fn say_and_hear(&mut self, text: impl Into<String>) {
        let text = text.into();
        self.say(text.clone()).await;
        self.events.until(&Event::chat(&self.name, text)).await;
    }
}

/// More than the windows, the buffers and a small ring between a client and the server hold: 1.5 MB.
pub async fn fill_windows(speaker: &mut Client) {
    for _ in 0..500 {
        speaker.say_and_hear("x".repeat(3000)).await;
    }
}

/// Who is there, if one believes what one is sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attendance(pub BTreeSet<String>);

impl Attendance {
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self(names.into_iter().map(str::to_owned).collect())
    }

    /// Nobody joins twice, nobody leaves or speaks who is not there.
    pub fn follow(&mut self, event: &Event) {
        match event.what() {
            What::Join => assert!(self.0.insert(event.who.clone()), "twice: {event:?}"),
            What::Leave => assert!(self.0.remove(&event.who), "not there: {event:?}"),
            What::Chat => assert!(self.0.contains(&event.who), "not there: {event:?}"),
            What::Initialized | What::Lagged => panic!("not in between: {event:?}"),
        }
    }
}

/// Stands between a client and the server, and can break in the two ways that wires do.
pub struct Wire {
    address: SocketAddr,
    silence: Arc<Notify>,
    task: AbortHandle,
}

impl Wire {
    pub async fn to(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let target = server.address;
        let silence = Arc::new(Notify::new());
        let silenced = Arc::clone(&silence);
        let task = tokio::spawn(async move {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut server = TcpStream::connect(target).await.unwrap();
            tokio::select! {
                _ = copy_bidirectional(&mut client, &mut server) => {}
                () = silenced.notified() => std::future::pending().await,
            }
        });
        Self {
            address,
            silence,
            task: task.abort_handle(),
        }
    }

    pub fn endpoint(&self) -> Endpoint {
        endpoint(&self.address.to_string()).unwrap()
    }

    /// Both ends are told.
    pub fn cut(&self) {
        self.task.abort();
    }

    /// Neither end is told: nothing comes through any more.
    pub fn silence(&self) {
        self.silence.notify_one();
    }
}
