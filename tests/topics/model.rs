//! Random scripts on topics, and on a plain map of specifications.

use crate::common::{Random, times};
use eventring::{Start, Topic, Topics, TryPublishError, TryRecvError, WaitStrategy};
use std::collections::HashMap;

const CAPACITY: usize = 4;
const HISTORY: usize = 2;

/// A topic is what was published since it was opened.
#[derive(Default)]
struct Spec {
    log: Vec<u64>,
    receivers: usize,
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
    opened: u64,
    published: u64,
    missed: u64,
    closed: bool,
}

impl Model {
    fn new() -> Self {
        let builder = Topics::builder().capacity(CAPACITY).history(HISTORY);
        Self {
            topics: builder.strategy(WaitStrategy::Block).build().unwrap(),
            specs: HashMap::new(),
            readers: Vec::new(),
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
        let spec = self.specs.entry(key.to_owned()).or_default();
        self.opened += u64::from(spec.receivers == 0);
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
        let expected = match self.specs.get_mut(key) {
            _ if self.closed => Err(TryPublishError::Closed(number)),
            None => Ok(None),
            Some(spec) if full(&spec.log) => Err(TryPublishError::Full(number)),
            Some(spec) => {
                spec.log.push(number);
                self.published += 1;
                Ok(Some(spec.log.len() as u64 - 1))
            }
        };
        assert_eq!(published, expected);
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
        if spec.receivers == 0 {
            self.specs.remove(&key);
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

#[test]
fn topics_do_what_a_map_of_specifications_does() {
    let mut random = Random::new();
    for _ in 0..times(500) {
        let mut model = Model::new();
        let close = random.below(400);
        for step in 0..200 {
            if step == close {
                model.topics.close();
                model.closed = true;
            }
            let key = random.one_of(&["a", "b", "c"]);
            let place = match model.readers.len() as u64 {
                0 => None,
                readers => Some(random.below(readers) as usize),
            };
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
    }
}
