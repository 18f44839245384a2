//! The only door to atomics, locks, cells, spinning and parking: `std` in a normal build, [loom] under
//! `--cfg eventring_loom`, so that the models in `tests/loom` check the very code that ships.
//!
//! Call sites look the same in both worlds. `.ci/lint` keeps everybody else out. A user's `--cfg loom`
//! changes nothing here.
//!
//! [loom]: https://docs.rs/loom

#[cfg(not(eventring_loom))]
mod imp {
    pub(crate) use crossbeam_utils::Backoff;
    #[cfg(any(not(target_family = "wasm"), target_feature = "atomics"))]
    pub(crate) use crossbeam_utils::sync::{Parker, Unparker};
    use std::cell::Cell;
    use std::sync::TryLockError;
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
    pub(crate) use std::sync::{
        Arc, Mutex, MutexGuard, OnceLock, RwLock, RwLockReadGuard, RwLockWriteGuard,
    };
    pub(crate) use std::thread::yield_now;

    /// Stores, where others may read, change and write the word at the same time.
    #[inline(always)]
    pub(crate) fn write_over(word: &AtomicU64, value: u64, ordering: Ordering) {
        word.store(value, ordering);
    }

    /// Locks, but who finds it locked leaves it alone for the time of some holders. Asked for again at once it changes
    /// hands each time, and all that is touched under it goes to and fro between processors.
    #[inline]
    pub(crate) fn lock_patiently<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        try_lock(mutex).unwrap_or_else(|| lock_contended(mutex))
    }

    #[inline]
    fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
        match mutex.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    #[cold]
    fn lock_contended<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        for _ in 0..4 {
            (0..64).for_each(|_| std::hint::spin_loop());
            if let Some(guard) = try_lock(mutex) {
                return guard;
            }
        }
        super::lock(mutex)
    }

    /// An `Arc` of what `make` makes, in place: `Arc::new` makes it on the stack, and copies it.
    #[inline(always)]
    #[allow(unsafe_code)]
    pub(crate) fn arc_in_place<T>(make: impl FnOnce() -> T) -> Arc<T> {
        let arc = Arc::<T>::new_uninit();
        let place = Arc::as_ptr(&arc).cast::<T>().cast_mut();
        // SAFETY: nobody else has it. (`Arc::get_mut` would ask by a read-modify-write.)
        unsafe { place.write(make()) };
        // SAFETY: written right above.
        unsafe { arc.assume_init() }
    }

    /// Counts the threads that asked, from 1 on.
    pub(crate) fn thread_number() -> usize {
        static THREADS: AtomicUsize = AtomicUsize::new(1);
        std::thread_local! {
            /// 0: it has not asked yet. Without a destructor, so that it is there to the end.
            static NUMBER: Cell<usize> = const { Cell::new(0) };
        }
        NUMBER.with(|number| {
            if number.get() == 0 {
                number.set(THREADS.fetch_add(1, Ordering::Relaxed));
            }
            number.get()
        })
    }

    /// `std`'s cell with loom's interface.
    #[derive(Debug)]
    pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(std::cell::UnsafeCell::new(value))
        }

        #[inline(always)]
        pub(crate) fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
            f(self.0.get())
        }

        #[inline(always)]
        pub(crate) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
            f(self.0.get())
        }
    }
}

#[cfg(eventring_loom)]
mod imp {
    /// Patience makes no difference to loom.
    pub(crate) use super::lock as lock_patiently;
    pub(crate) use loom::cell::UnsafeCell;
    pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
    pub(crate) use loom::sync::{
        Arc, Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard,
    };
    pub(crate) use loom::thread::yield_now;

    /// By a swap that forgets what it took: loom has no single order of a plain store and of somebody
    /// else's read-modify-write of what was there before.
    pub(crate) fn write_over(word: &AtomicU64, value: u64, ordering: Ordering) {
        word.swap(value, ordering);
    }

    pub(crate) fn arc_in_place<T>(make: impl FnOnce() -> T) -> Arc<T> {
        Arc::new(make())
    }

    /// `std`'s, under a lock by which loom sees that who gets the value comes after who made it.
    #[derive(Debug)]
    pub(crate) struct OnceLock<T>(std::sync::OnceLock<T>, Mutex<()>);

    impl<T> OnceLock<T> {
        pub(crate) fn new() -> Self {
            Self(std::sync::OnceLock::new(), Mutex::new(()))
        }

        pub(crate) fn get_or_init(&self, init: impl FnOnce() -> T) -> &T {
            let _lock = super::lock(&self.1);
            self.0.get_or_init(init)
        }

        pub(crate) fn get(&self) -> Option<&T> {
            let _lock = super::lock(&self.1);
            self.0.get()
        }
    }

    /// Not by `loom::thread::park`: what unparks a thread there ends its joins, too. loom knows no
    /// deadlines.
    #[derive(Debug)]
    pub(crate) struct Parker(Unparker);

    #[derive(Clone, Debug)]
    pub(crate) struct Unparker(std::sync::Arc<(Mutex<bool>, Condvar)>);

    impl Parker {
        pub(crate) fn new() -> Self {
            Self(Unparker(std::sync::Arc::new((
                Mutex::new(false),
                Condvar::new(),
            ))))
        }

        pub(crate) fn unparker(&self) -> &Unparker {
            &self.0
        }

        pub(crate) fn park(&self) {
            let (unparked, condvar) = &*self.0.0;
            let mut unparked = super::lock(unparked);
            while !std::mem::take(&mut *unparked) {
                unparked = condvar.wait(unparked).expect("nobody panics under it");
            }
        }

        pub(crate) fn park_deadline(&self, _deadline: std::time::Instant) {
            panic!("loom knows no deadlines");
        }
    }

    impl Unparker {
        pub(crate) fn unpark(&self) {
            let (unparked, condvar) = &*self.0;
            *super::lock(unparked) = true;
            condvar.notify_one();
        }
    }

    /// Anew in each execution. The second one and the third have the same, so that models have both: threads
    /// that share a shard, and some that do not.
    pub(crate) fn thread_number() -> usize {
        use std::sync::atomic::AtomicUsize;
        loom::lazy_static! {
            static ref THREADS: AtomicUsize = AtomicUsize::new(0);
        }
        loom::thread_local! {
            static NUMBER: usize = THREADS.fetch_add(1, Ordering::Relaxed).div_ceil(2);
        }
        NUMBER.try_with(|number| *number).unwrap_or_default()
    }

    /// loom needs to be told that a spinning thread waits for another one.
    #[derive(Debug)]
    pub(crate) struct Backoff;

    impl Backoff {
        pub(crate) fn new() -> Self {
            Self
        }

        pub(crate) fn snooze(&self) {
            yield_now();
        }
    }
}

pub(crate) use imp::*;

mod weaken;
pub(crate) use weaken::{acq_rel, acquire, release, step};

/// Locks, whatever a panicking holder left behind: no lock of this crate is held while user code
/// runs, so that no panic can leave its data half-changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Locks with others that read. What may panic under it is a comparison of keys, which changes nothing.
pub(crate) fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Locks alone: as for [`read`].
pub(crate) fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A thread-local with a constant initial value, which loom's macro does not know to be one.
macro_rules! const_thread_local {
    ($(#[$attribute:meta])* static $name:ident: $type:ty = $value:expr;) => {
        #[cfg(not(eventring_loom))]
        std::thread_local! { $(#[$attribute])* static $name: $type = const { $value }; }
        #[cfg(eventring_loom)]
        loom::thread_local! { $(#[$attribute])* static $name: $type = $value; }
    };
}
pub(crate) use const_thread_local;

#[cfg(all(test, not(eventring_loom)))]
mod tests {
    use super::{Mutex, lock_patiently};
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    #[test]
    fn what_a_panicking_holder_left_behind_is_locked() {
        let (done, is_done) = mpsc::channel();
        thread::spawn(move || {
            let mutex = Mutex::new(1);
            let holder = || {
                let mut guard = lock_patiently(&mutex);
                *guard = 2;
                panic!("under the lock");
            };
            let holder = std::panic::AssertUnwindSafe(holder);
            assert!(std::panic::catch_unwind(holder).is_err());
            assert!(mutex.is_poisoned());
            for _ in 0..2 {
                assert_eq!(*lock_patiently(&mutex), 2);
            }
            done.send(()).expect("it is waited for");
        });
        let done = is_done.recv_timeout(Duration::from_secs(60));
        done.expect("it is locked, or waits for ever");
    }
}
