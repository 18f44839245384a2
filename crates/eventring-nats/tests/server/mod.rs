//! A real `nats-server` with JetStream: for one test, on a port of its own, with a store of its own.
//!
//! It is the program that `EVENTRING_NATS_SERVER` names, or the `nats-server` on the path. Without one a
//! test says that it was skipped; with `EVENTRING_NATS_REQUIRED=1` it fails.
#![allow(dead_code)]

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use std::env;
use std::fs;
use std::io::{Write, stderr};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio, id};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The program, if there is one.
pub(crate) fn program() -> Option<PathBuf> {
    if let Some(named) = env::var_os("EVENTRING_NATS_SERVER") {
        return Some(named.into());
    }
    env::split_paths(&env::var_os("PATH")?)
        .map(|directory| directory.join("nats-server"))
        .find(|program| program.is_file())
}

/// A server, which goes with its store when this is dropped.
pub(crate) struct Server {
    program: PathBuf,
    directory: TempDir,
    settings: String,
    port: u16,
    process: Option<Child>,
}

impl Server {
    /// `None`: there is no program, and it was said that the test is skipped.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with("")
    }

    /// With more lines in its configuration file.
    pub(crate) fn start_with(settings: &str) -> Option<Self> {
        let Some(program) = program() else {
            assert!(
                env::var_os("EVENTRING_NATS_REQUIRED").is_none_or(|required| required != "1"),
                "there is no nats-server: put it on the path, or name it in EVENTRING_NATS_SERVER"
            );
            // Past what the test harness captures.
            let _ = writeln!(stderr(), "skipped: there is no nats-server");
            return None;
        };
        Some(Self::of(&program, settings, free_port()))
    }

    fn of(program: &Path, settings: &str, port: u16) -> Self {
        let mut server = Self {
            program: program.into(),
            directory: tempfile::tempdir().unwrap(),
            settings: settings.into(),
            port,
            process: None,
        };
        server.spawn();
        server.await_ready();
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Once it is killed: on the same port, with what it has stored. It takes clients when this returns.
    pub(crate) fn restart(&mut self) {
        self.spawn();
        self.await_ready();
    }

    /// It does nothing until it is to [resume](Self::resume); connections stay as they are.
    /// The server does nothing any more once this returns.
    pub(crate) fn pause(&self) {
        kill_process(self.pid(), Signal::STOP).unwrap();
        // The signal alone does not say that all threads have stopped.
        waitid(WaitId::Pid(self.pid()), WaitIdOptions::STOPPED).unwrap();
    }

    pub(crate) fn resume(&self) {
        kill_process(self.pid(), Signal::CONT).unwrap();
    }

    fn pid(&self) -> Pid {
        Pid::from_child(self.process.as_ref().expect("it is killed"))
    }

    fn spawn(&mut self) {
        assert!(self.process.is_none(), "it runs");
        let directory = self.directory.path();
        let configuration = directory.join("nats.conf");
        let (port, settings, directory) = (self.port, &self.settings, directory.display());
        let text = format!(
            "host: 127.0.0.1\nport: {port}\nports_file_dir: \"{directory}\"\n\
             jetstream {{ store_dir: \"{directory}/store\" }}\n{settings}\n"
        );
        fs::write(&configuration, text).unwrap();
        let process = Command::new(&self.program)
            .arg("--config")
            .arg(&configuration)
            .arg("--log")
            .arg(self.log())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        self.process = Some(process);
    }

    /// The server writes the file when it takes clients.
    fn await_ready(&mut self) {
        let process = self.process.as_mut().unwrap();
        let name = self.program.file_name().unwrap().to_str().unwrap();
        let ports = format!("{name}_{}.ports", process.id());
        let ports = self.directory.path().join(ports);
        let started = Instant::now();
        while fs::metadata(&ports).map_or(0, |file| file.len()) == 0 {
            let ended = process.try_wait().unwrap();
            if ended.is_some() || started.elapsed() > Duration::from_secs(60) {
                let log = fs::read_to_string(self.log()).unwrap_or_default();
                panic!("nats-server does not start ({ended:?}):\n{log}");
            }
            sleep(Duration::from_millis(1));
        }
    }

    fn log(&self) -> PathBuf {
        self.directory.path().join("log")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Servers that keep their streams together.
pub(crate) struct Cluster(pub(crate) Vec<Server>);

impl Cluster {
    /// `None`: as [`Server::start`]. Or it is a server of 2.9, whose clusters have stood without a leader for
    /// a minute after one was killed, and read back less than they had acknowledged.
    pub(crate) fn start(size: usize) -> Option<Self> {
        let first = Server::start()?;
        let program = first.program.clone();
        drop(first);
        let version = Command::new(&program).arg("--version").output().unwrap();
        if String::from_utf8_lossy(&version.stdout).contains("v2.9.") {
            let _ = writeln!(stderr(), "skipped: a cluster of servers before 2.10");
            return None;
        }
        let ports: Vec<_> = (0..size).map(|_| (free_port(), free_port())).collect();
        let routes: Vec<_> = ports
            .iter()
            .map(|(_, route)| format!("nats://127.0.0.1:{route}"))
            .collect();
        let routes = routes.join(", ");
        let start = |(number, (port, route)): (usize, &(u16, u16))| {
            let settings = format!(
                "server_name: server-{number}\ncluster {{ name: cluster, host: 127.0.0.1, \
                 port: {route}, routes: [{routes}] }}"
            );
            Server::of(&program, &settings, *port)
        };
        Some(Self(ports.iter().enumerate().map(start).collect()))
    }

    pub(crate) fn urls(&self) -> Vec<String> {
        self.0.iter().map(Server::url).collect()
    }

    /// By the name that a stream's information has for it.
    pub(crate) fn named(&mut self, name: &str) -> &mut Server {
        let number = name.strip_prefix("server-").unwrap();
        &mut self.0[number.parse::<usize>().unwrap()]
    }
}

/// Below the ports that the system gives to those who connect: nobody has it in between when a server
/// is restarted, and no client that tries to reconnect meets itself there.
pub(crate) fn free_port() -> u16 {
    const RANGE: u16 = 12_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let begin = (id() as u16).wrapping_mul(193);
    loop {
        let next = begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % RANGE;
        let port = 20_000 + next;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
