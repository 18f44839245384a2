//! A start that cannot succeed says why, and what to do.

use crate::common::Home;
use std::process::Command;

/// Runs the command to its end, which must be a failure that says all of this.
#[track_caller]
fn fails(command: &mut Command, says: &[&str]) {
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(!said.contains("panicked"), "{said}");
    for part in says {
        assert!(said.contains(part), "{part:?} is not in {said:?}");
    }
}

#[test]
fn a_database_that_cannot_be_opened() {
    let home = Home::new();
    let advice = "with --database";
    let program = |path: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_audit-server"));
        command.args(["--listen", "127.0.0.1:0", "--database"]);
        command.arg(home.path().join(path));
        command
    };
    fails(
        &mut program("none/audit.db"),
        &["none/audit.db", "No such file", advice],
    );

    std::fs::create_dir(home.path().join("folder")).unwrap();
    fails(
        &mut program("folder"),
        &["folder", "unable to open", advice],
    );

    std::fs::write(home.path().join("text"), "not a database. ".repeat(100)).unwrap();
    fails(&mut program("text"), &["text", "not an event log", advice]);
    let text = std::fs::read_to_string(home.path().join("text")).unwrap();
    assert_eq!(text, "not a database. ".repeat(100), "it is left alone");
}

#[test]
fn a_database_with_other_tables() {
    let home = Home::new();
    let connection = rusqlite::Connection::open(home.database()).unwrap();
    connection
        .execute_batch("CREATE TABLE entry (who TEXT)")
        .unwrap();
    fails(
        &mut home.command(&[]),
        &["not an event log", "with --database"],
    );
}

#[tokio::test]
async fn a_database_whose_numbers_cannot_go_on() {
    let home = Home::new();
    home.start(&[]).stop().await;
    let insert = "INSERT INTO entry VALUES (?, x'', zeroblob(32))";
    home.connect().execute(insert, [1_u64 << 59]).unwrap();
    fails(&mut home.command(&[]), &["numbers have come to their end"]);
}

#[test]
fn a_database_that_is_locked() {
    let home = Home::new();
    let connection = rusqlite::Connection::open(home.database()).unwrap();
    connection.execute_batch("BEGIN EXCLUSIVE").unwrap();
    fails(&mut home.command(&[]), &["database is locked", "audit.db"]);
}

#[tokio::test]
async fn two_servers_on_one_database() {
    let home = Home::new();
    let server = home.start(&[]);
    fails(
        &mut home.command(&[]),
        &["in use by another writer", "--database"],
    );
    server.stop().await;
    home.start(&[]).stop().await;
}

#[tokio::test]
async fn a_port_in_use() {
    let home = Home::new();
    let server = home.start(&[]);
    let address = server.address.to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_audit-server"));
    command.args(["--listen", &address, "--database"]);
    command.arg(home.path().join("other.db"));
    fails(
        &mut command,
        &["cannot listen on", &address, "in use", "--listen"],
    );
}

#[test]
fn arguments_that_make_no_sense() {
    let home = Home::new();
    let capacity = |capacity| home.command(&["--capacity", capacity]);
    fails(
        &mut capacity("0"),
        &["--capacity cannot be used", "capacity"],
    );
    fails(
        &mut capacity("1000000000000"),
        &["--capacity cannot be used"],
    );
    fails(&mut capacity("many"), &["--capacity", "invalid"]);
    fails(&mut home.command(&["--max-wait", "soon"]), &["--max-wait"]);
    fails(
        &mut home.command(&["--no-audit", "--durable"]),
        &["cannot be used with"],
    );
}
