//! The table of all topics. Its steps (T1…) are those of `topics.rs`.

use super::changes::{Feed, Feeds, Kind};
use super::entry::Entry;
use super::idle::{Idle, Linger};
use super::stats::Gone;
use super::tap::Tap;
use crate::bus::{Builder, EventBus};
use crate::handles::Handles;
use crate::sync::{Arc, OnceLock, RwLock, RwLockWriteGuard, read, step, write};
use std::borrow::Borrow;
use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::hash::{BuildHasherDefault, Hasher};
use std::time::Instant;

/// What all handles of the topics share.
#[derive(Debug)]
pub(super) struct Map<K, E> {
    /// As many as a power of two.
    shards: Box<[Shard<K, E>]>,
    bus: Builder<E>,
    /// Of the tap.
    all: Builder<(K, E)>,
    linger: Option<Linger>,
    pub(super) handles: Handles,
    pub(super) gone: Gone,
    feeds: Feeds<K, E>,
    tap: OnceLock<Tap<K, E>>,
}

/// How many topics whose time is up go at most when another one comes or goes.
const SWEPT: usize = 2;

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
    /// Those of all of them without receivers.
    idle: Idle<K, E>,
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

    /// Counts one more in, unless nobody is there and the topic's time is up.
    fn admit(&mut self, entry: &Arc<Entry<K, E>>, now: u64) -> bool {
        if entry.members.is_empty() {
            if entry.stays_until() <= now || entry.bus.is_closed() {
                return false;
            }
            if step("revive-idle") {
                self.idle.remove(entry);
            }
        }
        entry.members.add();
        true
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
    pub(super) fn new(bus: Builder<E>, all: Builder<(K, E)>, linger: Option<Linger>) -> Self {
        let shard = |_| {
            Shard(RwLock::new(Table {
                topics: HashMap::default(),
                others: Vec::new(),
                idle: Idle::new(),
                closed: false,
            }))
        };
        Self {
            shards: (0..shards()).map(shard).collect(),
            bus,
            all,
            linger,
            handles: Handles::new(1),
            gone: Gone::default(),
            feeds: Feeds::new(),
            tap: OnceLock::new(),
        }
    }

    /// By bits that the table does not use for the place of an entry, nor for its tag.
    fn index(&self, hash: u64) -> usize {
        (hash >> 40) as usize & (self.shards.len() - 1)
    }

    fn shard(&self, hash: u64) -> &RwLock<Table<K, E>> {
        &self.shards[self.index(hash)].0
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
        let fresh = Arc::new(Entry::new(key.to_owned(), hash, build(&self.bus)));
        let now = self.linger.as_ref().map_or(0, Linger::now);
        let mut shard = write(self.shard(hash));
        if shard.closed {
            drop(shard);
            fresh.bus.close();
            return fresh;
        }
        let found = shard.find(hash, key).cloned();
        let gone = match found {
            Some(found) if shard.admit(&found, now) => {
                drop(shard);
                return found;
            }
            Some(over) => self.take(&mut shard, &over),
            None => None,
        };
        shard.insert(Arc::clone(&fresh));
        self.feeds.note(Kind::Opened, self.index(hash), &fresh);
        self.unlock(shard, gone);
        self.sweep_some(hash);
        fresh
    }

    /// T4.
    pub(super) fn leave(&self, entry: &Arc<Entry<K, E>>) {
        if entry.members.part() {
            return;
        }
        let early = (!step("last-under-lock")).then(|| entry.members.remove());
        let until = self.linger.as_ref().map(Linger::until);
        let mut shard = write(self.shard(entry.hash));
        let last = early.unwrap_or_else(|| entry.members.remove());
        let mut gone = None;
        if last {
            match until {
                Some(until) if !shard.closed && !entry.bus.is_closed() => {
                    shard.idle.add(entry, until);
                }
                _ => gone = self.take(&mut shard, entry),
            }
        }
        self.unlock(shard, gone);
        self.sweep_some(entry.hash);
    }

    /// Takes out a topic of which somebody was told that its bus is closed, if it only lingers.
    pub(super) fn expel(&self, entry: &Arc<Entry<K, E>>) -> bool {
        let mut shard = write(self.shard(entry.hash));
        let idle = entry.members.is_empty();
        let gone = idle.then(|| self.take(&mut shard, entry)).flatten();
        self.unlock(shard, gone);
        idle
    }

    /// Takes the topic out, if it is there, and has that told.
    fn take(&self, shard: &mut Table<K, E>, entry: &Arc<Entry<K, E>>) -> Option<Arc<Entry<K, E>>> {
        shard.idle.remove(entry);
        let gone = shard.take(entry)?;
        self.feeds.note(Kind::Vacated, self.index(gone.hash), &gone);
        Some(gone)
    }

    /// Pays what is owed for changes under the lock.
    fn unlock(&self, shard: RwLockWriteGuard<'_, Table<K, E>>, gone: Option<Arc<Entry<K, E>>>) {
        drop(shard);
        if let Some(gone) = gone {
            self.retire(&gone);
        }
        self.feeds.wake();
    }

    fn sweep_some(&self, hash: u64) {
        if let Some(linger) = &self.linger {
            self.sweep_shard(self.shard(hash), linger.now(), SWEPT);
        }
    }

    /// T6.
    fn sweep_shard(&self, shard: &RwLock<Table<K, E>>, now: u64, most: usize) {
        for _ in 0..most {
            let mut shard = write(shard);
            let Some(over) = shard.idle.pop(now) else {
                break;
            };
            let gone = self.take(&mut shard, &over);
            self.unlock(shard, gone);
        }
    }

    /// Lets go of all topics whose time is up then.
    pub(super) fn sweep(&self, instant: Option<Instant>) {
        if let Some(linger) = &self.linger {
            let now = instant.map_or_else(|| linger.now(), |instant| linger.at(instant));
            for shard in self.shards() {
                self.sweep_shard(shard, now, usize::MAX);
            }
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
            let mut locked = write(shard);
            locked.closed = step("close-shards");
            let entries = locked.entries();
            drop(locked);
            for entry in &entries {
                entry.bus.close();
            }
            self.sweep_shard(shard, u64::MAX, usize::MAX);
        }
        if let Some(tap) = self.tap.get() {
            tap.close();
        }
        self.feeds.close();
    }

    /// Everything that is published, from now on, for who asks first.
    #[track_caller]
    pub(super) fn tap(&self, copy: fn(&E) -> E) -> &Tap<K, E> {
        let tap = self.tap.get_or_init(|| Tap::new(build(&self.all), copy));
        // Who closes meanwhile finds it, or was here before.
        if read(&self.shards[0].0).closed && step("tap-closed") {
            tap.close();
        }
        tap
    }

    /// What publishers are to tell everything, if somebody receives it.
    #[inline]
    pub(super) fn tapped(&self) -> Option<&Tap<K, E>> {
        self.tap.get().filter(|tap| tap.is_received())
    }

    pub(super) fn leave_feed(&self, feed: &Arc<Feed<K, E>>) {
        self.feeds.remove(feed);
    }

    /// Where what changes from now on is told, after what there is.
    pub(super) fn feed(&self) -> Arc<Feed<K, E>> {
        self.feeds.add(|feed| {
            for shard in self.shards() {
                let shard = read(shard);
                feed.see_shard(shard.topics.values().chain(&shard.others), shard.closed);
            }
        })
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

#[track_caller]
fn build<E>(builder: &Builder<E>) -> EventBus<E> {
    match builder.clone().build() {
        Ok(bus) => bus,
        Err(error) => panic!("{error}"),
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
