//! Many rooms at once, without HTTP around them.

use crate::Rooms;
use futures::{StreamExt, poll};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// What came of it.
pub struct Report {
    pub rooms: usize,
    /// Of a room with one who waits in it, as a task.
    pub bytes_per_room: usize,
    pub published: u64,
    pub received: u64,
    pub missed: u64,
    pub elapsed: Duration,
}

/// Opens so many rooms with somebody in each, and speaks in one after the other for so long.
pub async fn run(rooms: Rooms, count: usize, time: Duration, in_use: impl Fn() -> usize) -> Report {
    let names: Vec<_> = (0..count).map(|room| format!("room-{room}")).collect();
    let before = in_use();
    let (mut members, waiting) = (JoinSet::new(), Arc::new(Semaphore::new(0)));
    for name in &names {
        let (mut room, waiting) = (rooms.subscribe(name), Arc::clone(&waiting));
        members.spawn(async move {
            let mut received = 0;
            assert!(poll!(room.next()).is_pending(), "nothing was said yet");
            waiting.add_permits(1);
            while room.next().await.is_some() {
                received += 1;
            }
            (received, room.missed())
        });
    }
    let all = waiting.acquire_many(count as u32).await;
    drop(all.expect("it is open"));
    let bytes_per_room = in_use().saturating_sub(before) / count.max(1);

    let message: Arc<str> = r#"{"from":"load","text":"hello"}"#.into();
    let (started, mut published) = (Instant::now(), 0);
    'speaking: loop {
        for name in &names {
            let heard = rooms.publish(name, Arc::clone(&message)).await;
            assert!(matches!(heard, Ok(Some(_))), "somebody is in each room");
            published += 1;
            if published % 256 == 0 && started.elapsed() >= time {
                break 'speaking;
            }
        }
        if started.elapsed() >= time {
            break;
        }
    }
    rooms.close();
    let (mut received, mut missed) = (0, 0);
    while let Some(member) = members.join_next().await {
        let (got, lost) = member.expect("a member does not panic");
        received += got;
        missed += lost;
    }
    Report {
        rooms: count,
        bytes_per_room,
        published,
        received,
        missed,
        elapsed: started.elapsed(),
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rooms,
            bytes_per_room,
            published,
            received,
            missed,
            elapsed,
        } = self;
        let per_second = |events: &u64| (*events as f64 / elapsed.as_secs_f64()) as u64;
        writeln!(
            f,
            "{rooms} rooms, {bytes_per_room} bytes each, with a task in it"
        )?;
        writeln!(
            f,
            "{published} events published, {} a second",
            per_second(published)
        )?;
        write!(
            f,
            "{received} received, {} a second; {missed} missed",
            per_second(received)
        )
    }
}
