//! Random scripts on topics, and on a plain map of specifications.

use crate::common::{Random, times};
use eventring::topics::{Change, Changes};
use eventring::{Receiver, Start, Topic, Topics, TryPublishError, TryRecvError, WaitStrategy};
use futures::{FutureExt, Stream, StreamExt};
use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

const CAPACITY: usize = 4;
const HISTORY: usize = 2;
const ALL: usize = 8;
const HOUR: Duration = Duration::from_secs(3600);
const KEYS: [&str; 4] = ["a", "b", "a.b", "a.b.c"];
const PATTERNS: [&str; 4] = [">", "a.*", "a.>", "*.b"];

/// By hand, for these keys.
fn matching(pattern: &str) -> &'static [&'static str] {
    match pattern {
        ">" => &KEYS,
        "a.*" => &["a.b"],
        "a.>" => &["a.b", "a.b.c"],
        "*.b" => &["a.b"],
        _ => unreachable!(),
    }
}

/// A topic is what was published since it was opened.
#[derive(Default)]
struct Spec {
    log: Vec<u64>,
    receivers: usize,
    /// The how manieth it is of all.
    number: u64,
}

/// Receives all, or what matches: a place in what was published while somebody did.
struct Tap {
    all: All,
    position: usize,
}

enum All {
    Whole(Receiver<(String, u64)>),
    Matching(
        Box<dyn Stream<Item = (String, u64)> + Unpin>,
        &'static [&'static str],
    ),
}

/// A stream of changes, and what it has still to tell.
struct Watch {
    changes: Changes<String, u64>,
    untold: VecDeque<(u64, Change<String>)>,
}

/// A receiver is a place in it.
struct Reader {
    topic: Topic<String, u64>,
    key: String,
    lossy: bool,
    position: usize,
    missed: u64,
}

struct Model {
    topics: Topics<String, u64>,
    specs: HashMap<String, Spec>,
    readers: Vec<Reader>,
    begun: Instant,
    lingers: bool,
    taps: Vec<Tap>,
    tapped: Vec<(String, u64)>,
    watches: Vec<Watch>,
    opened: u64,
    published: u64,
    missed: u64,
    closed: bool,
}

impl Model {
    fn new(lingers: bool) -> Self {
        let builder = Topics::builder().capacity(CAPACITY).history(HISTORY);
        let builder = builder.strategy(WaitStrategy::Block).all_capacity(ALL);
        let begun = Instant::now();
        let time = if lingers { HOUR } else { Duration::ZERO };
        Self {
            topics: builder.linger(time).build().unwrap(),
            specs: HashMap::new(),
            readers: Vec::new(),
            begun,
            lingers,
            taps: Vec::new(),
            tapped: Vec::new(),
            watches: Vec::new(),
            opened: 0,
            published: 0,
            missed: 0,
            closed: false,
        }
    }

    fn subscribe(&mut self, key: &str, way: u64) {
        let topic = match way {
            0 => self.topics.subscribe(key),
            1 => self.topics.subscribe_lossy(key),
            _ => self.topics.subscribe_lossy_from(key, Start::Oldest),
        };
        if self.closed && !self.specs.contains_key(key) {
            return self.ended(topic);
        }
        if !self.specs.contains_key(key) {
            self.opened += 1;
            let number = self.opened;
            let spec = Spec {
                number,
                ..Spec::default()
            };
            self.specs.insert(key.to_owned(), spec);
            self.tell(number, Change::Opened(key.to_owned()));
        }
        let spec = self.specs.get_mut(key).unwrap();
        spec.receivers += 1;
        let past = if way > 1 { HISTORY } else { 0 };
        self.readers.push(Reader {
            topic,
            key: key.to_owned(),
            lossy: way > 0,
            position: spec.log.len().saturating_sub(past),
            missed: 0,
        });
    }

    fn ended(&self, mut topic: Topic<String, u64>) {
        assert_eq!(topic.try_recv(), Err(TryRecvError::Closed));
    }

    fn publish(&mut self, key: &str, number: u64) {
        let published = self.topics.try_publish(key, number);
        let full = |log: &Vec<u64>| {
            let mut others = self.readers.iter().filter(|reader| reader.key == key);
            others.any(|reader| !reader.lossy && reader.position + CAPACITY == log.len())
        };
        let mut taps = self.taps.iter();
        let tap_full = taps.any(|tap| tap.position + ALL == self.tapped.len());
        let expected = match self.specs.get_mut(key) {
            _ if self.closed => Err(TryPublishError::Closed(number)),
            Some(spec) if full(&spec.log) => Err(TryPublishError::Full(number)),
            _ if tap_full => Err(TryPublishError::Full(number)),
            None => Ok(None),
            Some(spec) => {
                spec.log.push(number);
                self.published += 1;
                Ok(Some(spec.log.len() as u64 - 1))
            }
        };
        assert_eq!(published, expected);
        if published.is_ok() && !self.taps.is_empty() {
            self.tapped.push((key.to_owned(), number));
        }
    }

    fn receive_all(&mut self, place: usize) {
        let Tap { all, position } = &mut self.taps[place];
        let mut rest = self.tapped[*position..].iter();
        let end = if self.closed { Some(None) } else { None };
        match all {
            All::Whole(receiver) => {
                let expected = rest.next().cloned().map(Some).or(end);
                assert_eq!(receiver.next().now_or_never(), expected);
            }
            All::Matching(stream, keys) => {
                let expected = rest.find(|(key, _)| keys.contains(&key.as_str()));
                let expected = expected.cloned().map(Some).or(end);
                assert_eq!(stream.next().now_or_never(), expected);
            }
        }
        *position = self.tapped.len() - rest.len();
    }

    fn tap(&mut self, pattern: Option<&str>) {
        let all = match pattern {
            None => All::Whole(self.topics.all()),
            Some(pattern) => All::Matching(
                Box::new(self.topics.subscribe_matching(pattern).unwrap()),
                matching(pattern),
            ),
        };
        self.taps.push(Tap {
            all,
            position: self.tapped.len(),
        });
    }

    /// It tells first what there is, in no order.
    fn watch(&mut self) {
        let mut changes = self.topics.changes();
        let mut told = Vec::new();
        while let Some(Some(Change::Opened(key))) = changes.next().now_or_never() {
            told.push(key);
        }
        told.sort();
        let mut expected: Vec<_> = self.specs.keys().cloned().collect();
        expected.sort();
        assert_eq!(told, expected);
        self.watches.push(Watch {
            changes,
            untold: VecDeque::new(),
        });
    }

    fn tell(&mut self, topic: u64, change: Change<String>) {
        if self.closed {
            return;
        }
        for Watch { untold, .. } in &mut self.watches {
            let opening = untold.iter().position(|(number, _)| *number == topic);
            match opening {
                Some(opening) => drop(untold.remove(opening)),
                None => untold.push_back((topic, change.clone())),
            }
        }
    }

    fn poll_changes(&mut self, place: usize) {
        let Watch { changes, untold } = &mut self.watches[place];
        let expected = match untold.pop_front() {
            Some((_, change)) => Some(Some(change)),
            None if self.closed => Some(None),
            None => None,
        };
        assert_eq!(changes.next().now_or_never(), expected);
    }

    fn sweep(&mut self, hours: u32) {
        self.topics.sweep_at(self.begun + hours * HOUR);
        if hours > 1 {
            self.vacate(|spec| spec.receivers == 0);
        }
    }

    /// Several that go at once are told in no order, so that each is seen to go.
    fn vacate(&mut self, goes: impl Fn(&Spec) -> bool) {
        let gone = KEYS.map(|key| self.specs.get(key).is_some_and(&goes));
        let gone: Vec<_> = KEYS.iter().zip(gone).filter(|(_, goes)| *goes).collect();
        let several = gone.len() > 1;
        for (&key, _) in gone {
            let spec = self.specs.remove(key).unwrap();
            self.tell(spec.number, Change::Vacated(key.to_owned()));
        }
        if several {
            for Watch { changes, untold } in &mut self.watches {
                let told = std::iter::from_fn(|| changes.next().now_or_never().flatten());
                let mut told: Vec<_> = told.map(|change| format!("{change:?}")).collect();
                let untold = untold.drain(..);
                let mut expected: Vec<_> =
                    untold.map(|(_, change)| format!("{change:?}")).collect();
                told.sort();
                expected.sort();
                assert_eq!(told, expected);
            }
        }
    }

    fn close(&mut self) {
        self.topics.close();
        self.vacate(|spec| spec.receivers == 0);
        self.closed = true;
    }

    fn receive(&mut self, place: usize) {
        let reader = &mut self.readers[place];
        let log = &self.specs[&reader.key].log;
        let skipped = log
            .len()
            .saturating_sub(CAPACITY)
            .saturating_sub(reader.position);
        reader.position += skipped;
        reader.missed += skipped as u64;
        self.missed += skipped as u64;
        let expected = match log.get(reader.position) {
            Some(&number) => Ok(number),
            None if self.closed => Err(TryRecvError::Closed),
            None => Err(TryRecvError::Empty),
        };
        reader.position += usize::from(expected.is_ok());
        assert_eq!(reader.topic.try_recv(), expected);
        assert_eq!(reader.topic.missed(), reader.missed);
    }

    fn clone_one(&mut self, place: usize) {
        let reader = &self.readers[place];
        let spec = self.specs.get_mut(&reader.key).unwrap();
        spec.receivers += 1;
        self.readers.push(Reader {
            topic: reader.topic.resubscribe(),
            key: reader.key.clone(),
            lossy: reader.lossy,
            position: spec.log.len(),
            missed: 0,
        });
    }

    fn leave(&mut self, place: usize) {
        let Reader { key, topic, .. } = self.readers.swap_remove(place);
        drop(topic);
        let spec = self.specs.get_mut(&key).unwrap();
        spec.receivers -= 1;
        if spec.receivers == 0 && (self.closed || !self.lingers) {
            let spec = self.specs.remove(&key).unwrap();
            self.tell(spec.number, Change::Vacated(key));
        }
    }

    fn compare(&self) {
        let mut keys = self.topics.keys();
        keys.sort();
        let mut expected: Vec<_> = self.specs.keys().cloned().collect();
        expected.sort();
        assert_eq!((keys, self.topics.len()), (expected, self.specs.len()));
        let stats = self.topics.stats();
        assert_eq!(
            (stats.topics, stats.receivers),
            (self.specs.len(), self.readers.len())
        );
        assert_eq!(
            (stats.opened, stats.published),
            (self.opened, self.published)
        );
        assert_eq!((stats.missed, stats.dropped), (self.missed, 0));
        for (key, spec) in &self.specs {
            let bus = self.topics.get(key).unwrap().stats();
            assert_eq!(bus.receivers, spec.receivers);
            assert_eq!(bus.published, spec.log.len() as u64);
        }
    }
}

fn pick(random: &mut Random, of: usize) -> Option<usize> {
    (of > 0).then(|| random.below(of as u64) as usize)
}

#[test]
fn topics_do_what_a_map_of_specifications_does() {
    let mut random = Random::new();
    for _ in 0..times(500) {
        let mut model = Model::new(random.below(2) == 0);
        let close = random.below(400);
        for step in 0..200 {
            if step == close {
                model.close();
            }
            let key = random.one_of(&KEYS);
            let place = pick(&mut random, model.readers.len());
            let (tap, watch) = (
                pick(&mut random, model.taps.len()),
                pick(&mut random, model.watches.len()),
            );
            match (random.below(24), tap, watch) {
                (0, None, _) => model.tap(None),
                (0, Some(_), _) if model.taps.len() < 3 => {
                    model.tap(Some(random.one_of(&PATTERNS)));
                }
                (1..=4, Some(tap), _) => model.receive_all(tap),
                (5, Some(tap), _) if random.below(4) == 0 => drop(model.taps.swap_remove(tap)),
                (6, _, None) => model.watch(),
                (6, _, Some(watch)) if random.below(4) == 0 => {
                    model.watches.swap_remove(watch);
                    model.watch();
                }
                (7..=9, _, Some(watch)) => model.poll_changes(watch),
                (10, ..) => model.sweep(random.below(3) as u32),
                _ => {}
            }
            match (random.below(16), place) {
                (0..=1, _) => model.subscribe(key, random.below(3)),
                (2, Some(place)) => model.clone_one(place),
                (3..=5, Some(place)) => model.leave(place),
                (6..=9, Some(place)) => model.receive(place),
                _ => model.publish(key, step),
            }
            model.compare();
        }
        while !model.readers.is_empty() {
            model.leave(0);
            model.compare();
        }
        model.sweep(2);
        model.compare();
        assert_eq!(model.topics.len(), 0);
    }
}
