//! Scripts for the property tests: drawn by proptest, or found by the fuzzer before.

use arbitrary::{Arbitrary, Unstructured};
use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence};
use std::fmt::Debug;
use std::fs;
use std::path::Path;

/// No step takes more.
const BYTES: usize = 8;

/// A part of a script, decoded from bytes of its own, so that a script shrinks step by step.
pub(crate) fn decoded<S: for<'a> Arbitrary<'a> + Debug>() -> impl Strategy<Value = S> {
    any::<[u8; BYTES]>().prop_map(|bytes| decode(&bytes))
}

/// Failing cases are shrunk, and their seeds kept in the file, to be run first ever after.
pub(crate) fn config(seeds: &'static str) -> Config {
    if cfg!(miri) {
        return Config {
            cases: 20,
            failure_persistence: None, // there is no file system
            ..Config::default()
        };
    }
    Config {
        cases: 20_000,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(seeds))),
        max_shrink_iters: 100_000,
        ..Config::default()
    }
}

/// Runs the fuzzer's scripts of this name: few that reach every branch that it has found.
pub(crate) fn replay<S: for<'a> Arbitrary<'a> + Debug>(name: &str, check: impl Fn(&S)) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let corpus = root.join("tests/oracle/corpus").join(name);
    if !corpus.exists() && root.join("Cargo.toml.orig").exists() {
        println!("not run: a package has no corpus");
        return;
    }
    let mut scripts = 0;
    for entry in fs::read_dir(corpus).unwrap() {
        let path = entry.unwrap().path();
        let script = decode(&fs::read(&path).unwrap());
        println!("{}: {script:?}", path.display());
        check(&script);
        scripts += 1;
    }
    assert!(scripts > 0, "the corpus is there");
}

fn decode<T: for<'a> Arbitrary<'a>>(bytes: &[u8]) -> T {
    T::arbitrary_take_rest(Unstructured::new(bytes)).expect("all bytes mean something")
}
