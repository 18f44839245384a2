//! The table of all topics. Its steps (T1…) are those of `topics.rs`.

use super::entry::{Entry, Members};
use super::stats::Gone;
use crate::bus::{Builder, EventBus};
use crate::handles::Handles;
use crate::sync::{Arc, RwLock, read, step, write};
use std::borrow::Borrow;
use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::hash::{BuildHasherDefault, Hasher};

/// What all handles of the topics share.
#[derive(Debug)]
pub(super) struct Map<K, E> {
    /// As many as a power of two.
    shards: Box<[Shard<K, E>]>,
    bus: Builder<E>,
    pub(super) handles: Handles,
    pub(super) gone: Gone,
}

/// On lines of its own, two of them, as they are fetched.
#[derive(Debug)]
#[repr(align(128))]
struct Shard<K, E>(RwLock<Table<K, E>>);

/// By its key's hash, which is computed with nothing locked.
#[derive(Debug)]
struct Table<K, E> {
    topics: HashMap<u64, Arc<Entry<K, E>>, BuildHasherDefault<Hashed>>,
    /// Those whose hash another one had when they came: hardly ever any.
    others: Vec<Arc<Entry<K, E>>>,
    closed: bool,
}

impl<K, E> Table<K, E> {
    #[inline]
    fn find<Q>(&self, hash: u64, key: &Q) -> Option<&Arc<Entry<K, E>>>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let others = self.others.iter().filter(|entry| entry.hash == hash);
        let mut found = self.topics.get(&hash).into_iter().chain(others);
        found.find(|entry| entry.key.borrow() == key)
    }

    fn insert(&mut self, entry: Arc<Entry<K, E>>) {
        match self.topics.entry(entry.hash) {
            Slot::Vacant(slot) => {
                slot.insert(entry);
            }
            Slot::Occupied(_) => self.others.push(entry),
        }
    }

    /// Takes just this one out, if it is there.
    fn take(&mut self, entry: &Arc<Entry<K, E>>) -> Option<Arc<Entry<K, E>>> {
        let found = self.topics.get(&entry.hash);
        if found.is_none_or(|found| !Arc::ptr_eq(found, entry)) {
            let mut others = self.others.iter();
            let place = others.position(|other| Arc::ptr_eq(other, entry))?;
            return Some(self.others.swap_remove(place));
        }
        let taken = self.topics.remove(&entry.hash);
        // What a crowd once needed is given back.
        if self.topics.capacity() > 64 && self.topics.len() < self.topics.capacity() / 8 {
            self.topics.shrink_to(2 * self.topics.len());
        }
        taken
    }

    fn len(&self) -> usize {
        self.topics.len() + self.others.len()
    }

    /// All there are, to be looked at once the shard is unlocked.
    fn entries(&self) -> Vec<Arc<Entry<K, E>>> {
        let mut entries = Vec::with_capacity(self.len());
        entries.extend(self.topics.values().chain(&self.others).cloned());
        entries
    }
}

/// The hasher of what is a hash.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("a hash is a u64");
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The topics are closed.
pub(super) struct Closed;

impl<K, E> Map<K, E> {
    pub(super) fn new(bus: Builder<E>) -> Self {
        let shard = |_| {
            Shard(RwLock::new(Table {
                topics: HashMap::default(),
                others: Vec::new(),
                closed: false,
            }))
        };
        Self {
            shards: (0..shards()).map(shard).collect(),
            bus,
            handles: Handles::new(1),
            gone: Gone::default(),
        }
    }

    /// By bits that the table does not use for the place of an entry, nor for its tag.
    fn shard(&self, hash: u64) -> &RwLock<Table<K, E>> {
        let index = (hash >> 40) as usize & (self.shards.len() - 1);
        &self.shards[index].0
    }

    fn shards(&self) -> impl Iterator<Item = &RwLock<Table<K, E>>> {
        self.shards.iter().map(|shard| &shard.0)
    }

    pub(super) fn get<Q>(&self, hash: u64, key: &Q) -> Option<Arc<Entry<K, E>>>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        read(self.shard(hash)).find(hash, key).cloned()
    }

    /// T1.
    #[inline]
    pub(super) fn find<Q>(&self, hash: u64, key: &Q) -> Result<Option<Arc<Entry<K, E>>>, Closed>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let shard = read(self.shard(hash));
        if shard.closed {
            return Err(Closed);
        }
        Ok(shard.find(hash, key).cloned())
    }

    /// T2. `None`: the topic has no receivers.
    pub(super) fn join<Q>(&self, hash: u64, key: &Q) -> Option<Arc<Entry<K, E>>>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let shard = read(self.shard(hash));
        let entry = shard.find(hash, key)?;
        if !step("join-under-lock") {
            let entry = Arc::clone(entry);
            drop(shard);
            entry.members.add();
            return Some(entry);
        }
        entry.members.join().then(|| Arc::clone(entry))
    }

    /// T3. What comes back is counted in.
    #[track_caller]
    pub(super) fn open<Q>(&self, hash: u64, key: &Q) -> Arc<Entry<K, E>>
    where
        K: Borrow<Q>,
        Q: Eq + ToOwned<Owned = K> + ?Sized,
    {
        let fresh = Arc::new(Entry {
            key: key.to_owned(),
            hash,
            bus: self.make(),
            members: Members::new(1),
        });
        let mut shard = write(self.shard(hash));
        if shard.closed {
            drop(shard);
            fresh.bus.close();
            return fresh;
        }
        let found = shard.find(hash, key).cloned();
        match &found {
            Some(found) => {
                found.members.add();
            }
            None => shard.insert(Arc::clone(&fresh)),
        }
        drop(shard);
        found.unwrap_or(fresh)
    }

    #[track_caller]
    fn make(&self) -> EventBus<E> {
        match self.bus.clone().build() {
            Ok(bus) => bus,
            Err(error) => panic!("{error}"),
        }
    }

    /// T4.
    pub(super) fn leave(&self, entry: &Arc<Entry<K, E>>) {
        if entry.members.part() {
            return;
        }
        let early = (!step("last-under-lock")).then(|| entry.members.remove());
        let mut shard = write(self.shard(entry.hash));
        let last = early.unwrap_or_else(|| entry.members.remove());
        let gone = last.then(|| shard.take(entry)).flatten();
        drop(shard);
        if let Some(gone) = gone {
            self.retire(&gone);
        }
    }

    /// Ends a topic that is in no table any more, for those who still have its bus.
    fn retire(&self, entry: &Entry<K, E>) {
        if step("close-gone") {
            entry.bus.close();
        }
        self.gone.count(&entry.bus);
    }

    /// T5.
    pub(super) fn close(&self) {
        for shard in self.shards() {
            let mut shard = write(shard);
            shard.closed = step("close-shards");
            let entries = shard.entries();
            drop(shard);
            for entry in &entries {
                entry.bus.close();
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.shards().map(|shard| read(shard).len()).sum()
    }

    pub(super) fn for_each(&self, mut call: impl FnMut(&Entry<K, E>)) {
        for shard in self.shards() {
            let entries = read(shard).entries();
            entries.iter().for_each(|entry| call(entry));
        }
    }
}

/// Four for each processor: who comes to different keys at a time seldom meets.
#[cfg(not(eventring_loom))]
fn shards() -> usize {
    let processors = std::thread::available_parallelism();
    4 * processors.map_or(1, usize::from).next_power_of_two()
}

#[cfg(eventring_loom)]
fn shards() -> usize {
    1
}
