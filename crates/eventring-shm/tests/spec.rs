//! The ring against its specification: random scripts, done to a ring and to a model that says what
//! must be seen, with what may be retained checked against what is.

use eventring::Start;
use eventring_shm::{EventReader, EventRing, Kind, NextResult, Publisher};
use proptest::prelude::*;

/// One thing to do.
#[derive(Clone, Debug)]
enum Step {
    Publish {
        len: usize,
        ext: bool,
    },
    Many(Vec<usize>),
    Claim {
        len: usize,
        commit: bool,
    },
    Read {
        reader: usize,
        copy: bool,
    },
    Seek {
        reader: usize,
        back: u64,
    },
    Reset,
    /// The writer goes, and the next one comes; of several, another one goes on.
    Change,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let len = || prop_oneof![0..40usize, 0..1025usize];
    let reader = || 0..3usize;
    let step = prop_oneof![
        6 => (len(), any::<bool>()).prop_map(|(len, ext)| Step::Publish { len, ext }),
        1 => prop::collection::vec(len(), 0..20).prop_map(Step::Many),
        2 => (len(), any::<bool>()).prop_map(|(len, commit)| Step::Claim { len, commit }),
        8 => (reader(), prop::bool::weighted(0.9))
            .prop_map(|(reader, copy)| Step::Read { reader, copy }),
        1 => (reader(), 0..20u64).prop_map(|(reader, back)| Step::Seek { reader, back }),
        1 => Just(Step::Reset),
        1 => Just(Step::Change),
    ];
    prop::collection::vec(step, 0..200)
}

/// What the ring must do: remember all, and know what it may have forgotten.
#[derive(Default)]
struct Spec {
    events: Vec<(Vec<u8>, [u64; 4])>,
    /// Before this nothing is read any more.
    start: u64,
}

/// What a reader has got.
#[derive(Default)]
struct Account {
    position: u64,
    missed: u64,
}

struct Run<'a> {
    ring: &'a EventRing,
    joined: bool,
    publisher: Option<Publisher>,
    spec: Spec,
    descriptors: u64,
    payload: u64,
}

impl Run<'_> {
    fn publisher(&mut self) -> &mut Publisher {
        let (ring, joined) = (self.ring, self.joined);
        self.publisher.get_or_insert_with(|| match joined {
            true => ring.join().unwrap(),
            false => ring.publisher().unwrap(),
        })
    }

    fn bytes(&self, len: usize) -> Vec<u8> {
        let seq = self.spec.events.len();
        (0..len).map(|at| (seq * 131 + at * 7) as u8).collect()
    }

    fn published(&mut self, seq: u64, bytes: Vec<u8>, ext: [u64; 4]) {
        assert_eq!(seq, self.spec.events.len() as u64, "the sequence");
        self.spec.events.push((bytes, ext));
    }

    /// What has to be retained: as many as there are descriptors, and as many as fit into the payload,
    /// less the step of the floor, and what was claimed and given back.
    fn must_have(&self, seq: u64, spare: u64) -> bool {
        let after = &self.spec.events[seq as usize..];
        let bytes: u64 = after
            .iter()
            .map(|(bytes, _)| bytes.len().next_multiple_of(8) as u64)
            .sum();
        let fits = bytes + spare + self.payload / 64 <= self.payload;
        (after.len() as u64) < self.descriptors && fits && seq >= self.spec.start
    }

    fn read(&self, reader: &mut EventReader<'_>, account: &mut Account, copy: bool) {
        let tail = self.spec.events.len() as u64;
        match reader.next_descriptor() {
            NextResult::NotReady => assert_eq!(account.position, tail, "nothing there"),
            NextResult::Gap { missed } => {
                let next = account.position + missed;
                assert!(missed > 0 && next <= tail);
                // The one before the one to go on with is really gone.
                assert!(!self.must_have(next - 1, 1024), "{} was retained", next - 1);
                account.missed += missed;
                account.position = next;
            }
            NextResult::Ready(event) => {
                assert_eq!(event.seq(), account.position);
                assert!(event.seq() >= self.spec.start, "of before the reset");
                account.position += 1;
                let (bytes, ext) = &self.spec.events[event.seq() as usize];
                assert_eq!(event.kind(), Kind(event.seq() as u16));
                assert_eq!(event.head().ext, *ext);
                if copy {
                    match event.payload().to_vec() {
                        Ok(payload) => assert_eq!(payload, *bytes),
                        Err(_) => {
                            assert!(!self.must_have(event.seq(), 1024), "it was retained");
                            account.missed += 1;
                        }
                    }
                }
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(reader.missed(), account.missed);
    }
}

fn check(descriptors: u64, joined: bool, steps: Vec<Step>) {
    let payload = 4096;
    let ring = EventRing::builder()
        .descriptors(descriptors)
        .payload(payload)
        .memfd("spec")
        .unwrap();
    let mut readers: Vec<_> = (0..3).map(|_| EventReader::new(&ring)).collect();
    let mut accounts: Vec<_> = (0..3).map(|_| Account::default()).collect();
    let mut run = Run {
        ring: &ring,
        joined,
        publisher: None,
        spec: Spec::default(),
        descriptors,
        payload,
    };
    for step in steps {
        let seq = run.spec.events.len() as u64;
        let kind = Kind(seq as u16);
        match step {
            Step::Publish { len, ext } => {
                let bytes = run.bytes(len);
                let (ext, got) = if ext {
                    let ext = [seq, 1, 2, u64::MAX];
                    (ext, run.publisher().publish_with(kind, ext, &bytes))
                } else {
                    ([0; 4], run.publisher().publish(kind, &bytes))
                };
                match len <= 1024 {
                    true => run.published(got.unwrap(), bytes, ext),
                    false => assert!(got.is_err()),
                }
            }
            Step::Many(lens) => {
                let first = run.spec.events.len();
                for (number, len) in lens.iter().enumerate() {
                    let bytes = run.bytes(*len);
                    run.published((first + number) as u64, bytes, [0; 4]);
                }
                let batch: Vec<_> = run.spec.events[first..]
                    .iter()
                    .enumerate()
                    .map(|(number, (bytes, _))| (Kind((first + number) as u16), bytes.clone()))
                    .collect();
                let range = run.publisher().publish_many(batch).unwrap();
                assert_eq!(range, first as u64..(first + lens.len()) as u64);
            }
            Step::Claim { len, commit } => {
                let bytes = run.bytes(len);
                let mut claim = run.publisher().reserve(kind, len).unwrap();
                let middle = len / 3;
                claim.write(middle, &bytes[middle..]);
                claim.write(0, &bytes[..middle]);
                if commit {
                    let got = claim.commit();
                    run.published(got, bytes, [0; 4]);
                }
            }
            Step::Read { reader, copy } => {
                run.read(&mut readers[reader], &mut accounts[reader], copy);
            }
            Step::Seek { reader, back } => {
                readers[reader].seek(Start::Last(back));
                accounts[reader].position = seq.saturating_sub(back);
                assert_eq!(readers[reader].position(), accounts[reader].position);
            }
            Step::Reset => {
                run.publisher().reset().unwrap();
                run.spec.start = seq;
            }
            Step::Change => run.publisher = None,
        }
        assert_eq!(ring.tail(), run.spec.events.len() as u64);
    }
    for (reader, account) in readers.iter_mut().zip(&mut accounts) {
        while account.position < ring.tail() {
            run.read(reader, account, true);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_writer(descriptors in prop_oneof![Just(2u64), Just(4), Just(64)], steps in steps()) {
        check(descriptors, false, steps);
    }

    #[test]
    fn several_writers(descriptors in prop_oneof![Just(2u64), Just(64)], steps in steps()) {
        check(descriptors, true, steps);
    }
}
