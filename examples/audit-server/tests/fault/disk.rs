//! A disk that gets full: a small file system, where one can be mounted, which takes root. Elsewhere the server's
//! files may not be written.

use crate::common::{Home, Server};
use rustix::process::{Resource, Rlimit, prlimit};
use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

pub enum Disk {
    Mounted(PathBuf),
    Limited,
}

impl Disk {
    pub fn new(home: &Home) -> Self {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=192m", "tmpfs"]);
        let mounted = mount.arg(home.path()).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Self::Mounted(home.path().into());
        }
        println!("no file system can be mounted: its files may not be written instead");
        Self::Limited
    }

    pub fn start(&self, home: &Home, args: &[&str]) -> Server {
        let program = home.command(args);
        // Without this, a limit's signal would end the process.
        let mut command = Command::new("sh");
        command.args(["-c", r#"trap "" XFSZ; exec "$0" "$@""#]);
        command.arg(program.get_program()).args(program.get_args());
        Server::start(&mut command)
    }

    /// From now on it takes nothing more.
    pub fn fill(&self, server: &Server) {
        match self {
            Self::Mounted(at) => {
                let mut ballast = File::create(at.join("ballast")).unwrap();
                while ballast.write_all(&[0; 1 << 16]).is_ok() {}
            }
            Self::Limited => limit(server, Some(0)),
        }
    }

    pub fn free(&self, server: &Server) {
        match self {
            // It may not be there.
            Self::Mounted(at) => drop(fs::remove_file(at.join("ballast"))),
            Self::Limited => limit(server, None),
        }
    }
}

fn limit(server: &Server, bytes: Option<u64>) {
    let limit = Rlimit {
        current: bytes,
        maximum: None,
    };
    // It may have been killed.
    let _ = prlimit(Some(server.pid()), Resource::Fsize, limit);
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Self::Mounted(at) = self {
            // Lazily: a failed test may still have files open there.
            let _ = Command::new("umount").arg("-l").arg(at).status();
        }
    }
}
