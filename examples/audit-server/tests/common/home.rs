//! Where a server keeps its audit.

use super::{Row, Server};
use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

const ROWS: &str = "
    SELECT sequence, event->>'request_id', event->>'actor', event->>'method', event->>'path',
        event->>'status', event->>'bytes', event->>'time_ms', event->>'latency_us'
    FROM (SELECT sequence, CAST(bytes AS TEXT) AS event FROM entry) ORDER BY sequence";

/// A folder with a database that outlives its servers.
pub struct Home(TempDir);

impl Home {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn database(&self) -> PathBuf {
        self.path().join("audit.db")
    }

    /// The server's command on this database and any free port.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_audit-server"));
        command.args(["--listen", "127.0.0.1:0", "--database"]);
        command.arg(self.database()).args(args);
        command
    }

    pub fn start(&self, args: &[&str]) -> Server {
        Server::start(&mut self.command(args))
    }

    /// A connection of somebody else.
    pub fn connect(&self) -> Connection {
        Connection::open_with_flags(self.database(), OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap()
    }

    /// Keeps everybody else from writing until it is dropped.
    pub fn lock(&self) -> Connection {
        let connection = self.connect();
        connection.busy_timeout(Duration::from_secs(60)).unwrap();
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        connection
    }

    pub fn rows(&self) -> Vec<Row> {
        let connection = self.connect();
        let mut statement = connection.prepare(ROWS).unwrap();
        let row = |row: &rusqlite::Row| {
            assert!(row.get::<_, i64>(7)? > 1_700_000_000_000, "time_ms");
            assert!(row.get::<_, i64>(8)? >= 0, "latency_us");
            Ok(Row {
                sequence: row.get(0)?,
                request_id: row.get(1)?,
                actor: row.get(2)?,
                method: row.get(3)?,
                path: row.get(4)?,
                status: row.get(5)?,
                bytes: row.get(6)?,
            })
        };
        let rows = statement.query_map([], row).unwrap();
        rows.map(Result::unwrap).collect()
    }
}
