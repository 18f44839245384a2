//! Clients and a viewer, and what they were told.

use crate::common::{Row, Seen, Server, View};
use reqwest::Method;
use std::mem::take;
use std::sync::{Arc, Mutex};
use tokio::sync::watch;
use tokio::task::JoinSet;

const CLIENTS: u64 = 8;

#[derive(Default)]
pub struct Claims {
    /// Answered as stored.
    pub answered: Vec<Row>,
    /// Shown to a viewer, and told to be stored.
    pub shown: Vec<Row>,
    /// The numbers of those answered as not stored yet.
    pub late: Vec<u64>,
    /// Requests that were not carried out.
    pub refused: u64,
}

impl Claims {
    pub fn add(&mut self, more: Self) {
        self.answered.extend(more.answered);
        self.shown.extend(more.shown);
        self.late.extend(more.late);
        self.refused += more.refused;
    }
}

pub struct Load {
    claims: Arc<Mutex<Claims>>,
    answered: watch::Receiver<u64>,
    tasks: JoinSet<()>,
}

impl Load {
    /// Until the server has gone. Its first event is that of this number.
    pub async fn start(server: &Arc<Server>, first: u64) -> Self {
        let view = server.view(None).await;
        let claims = Arc::new(Mutex::new(Claims::default()));
        let (tell, answered) = watch::channel(0);
        let mut tasks = JoinSet::new();
        for number in 0..CLIENTS {
            tasks.spawn(client(
                Arc::clone(server),
                number,
                Arc::clone(&claims),
                tell.clone(),
            ));
        }
        tasks.spawn(viewer(view, first, Arc::clone(&claims)));
        Self {
            claims,
            answered,
            tasks,
        }
    }

    /// Waits until so many more requests were answered as stored.
    pub async fn until_answered(&self, more: u64) {
        let mut answered = self.answered.clone();
        let end = *answered.borrow() + more;
        let enough = answered.wait_for(|answered| *answered >= end).await;
        enough.expect("the clients go on");
    }

    pub async fn ended(mut self) -> Claims {
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
        take(&mut *self.claims.lock().unwrap())
    }
}

async fn client(
    server: Arc<Server>,
    number: u64,
    claims: Arc<Mutex<Claims>>,
    told: watch::Sender<u64>,
) {
    let actor = format!("client-{number}");
    for request in 0_u64.. {
        let method = match request % 4 {
            0 => Method::PUT,
            3 => Method::DELETE,
            _ => Method::GET,
        };
        // Some of them are the others' items, and some are not there.
        let path = format!("/api/items/{}", (number + request) % 16);
        let Some(answer) = server.call(&actor, method, &path).await else {
            return;
        };
        let mut claims = claims.lock().unwrap();
        match (answer.status, answer.row) {
            (503, None) => claims.refused += 1,
            (504, Some(row)) => claims.late.push(row.sequence),
            (_, Some(row)) => {
                claims.answered.push(row);
                told.send_modify(|answered| *answered += 1);
            }
            (status, None) => panic!("{status}, and not audited: {}", answer.body),
        }
    }
}

/// Reads as it comes.
async fn viewer(mut view: View, first: u64, claims: Arc<Mutex<Claims>>) {
    let mut seen: Vec<Row> = Vec::new();
    while let Some(update) = view.until_broken().await {
        match update {
            Seen::Event(row) => seen.push(row),
            Seen::Gap { .. } => {}
            Seen::Restart => panic!("it is new here"),
        }
        let mark = view.marks.last().expect("the first one is a mark");
        assert_eq!(mark.first, first, "the numbers go on");
        let stored = seen.extract_if(.., |row| row.sequence < mark.next);
        claims.lock().unwrap().shown.extend(stored);
    }
    let Some(mark) = view.marks.last() else {
        return;
    };
    seen.retain(|row| row.sequence < mark.next);
    claims.lock().unwrap().shown.extend(seen);
}
