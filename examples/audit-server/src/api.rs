//! The API that is audited: a key-value store of JSON values, in memory.

use crate::problem::Problem;
use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::routing::{any, get};
use axum::{Json, Router};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

const MAX_BODY: usize = 64 * 1024;
const MAX_ITEMS: usize = 10_000;

/// The values by their keys.
#[derive(Clone, Default)]
struct Items(Arc<Mutex<BTreeMap<String, Value>>>);

impl Items {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Value>> {
        self.0.lock().expect("nothing panics under the lock")
    }
}

pub fn routes() -> Router {
    Router::new()
        .route("/api/items", get(keys))
        .route("/api/items/{key}", get(read).put(write).delete(remove))
        .route("/api/{*rest}", any(no_such_path))
        .method_not_allowed_fallback(no_such_method)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(Items::default())
}

type Key = Result<Path<String>, PathRejection>;

async fn keys(State(items): State<Items>) -> Json<Value> {
    let items = items.lock();
    Json(json!({ "keys": items.keys().collect::<Vec<_>>() }))
}

async fn read(State(items): State<Items>, key: Key) -> Result<Json<Value>, Problem> {
    let Path(key) = key?;
    let value = items.lock().get(&key).cloned();
    value.map(Json).ok_or_else(|| no_such_key(&key))
}

async fn write(
    State(items): State<Items>,
    key: Key,
    value: Result<Json<Value>, JsonRejection>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let (Path(key), Json(value)) = (key?, value?);
    let mut items = items.lock();
    if items.len() >= MAX_ITEMS && !items.contains_key(&key) {
        return Err(Problem::new(
            StatusCode::INSUFFICIENT_STORAGE,
            format!("there are {MAX_ITEMS} items already: delete some first"),
        ));
    }
    let status = match items.insert(key, value.clone()) {
        Some(_) => StatusCode::OK,
        None => StatusCode::CREATED,
    };
    Ok((status, Json(value)))
}

async fn remove(State(items): State<Items>, key: Key) -> Result<StatusCode, Problem> {
    let Path(key) = key?;
    match items.lock().remove(&key) {
        Some(_) => Ok(StatusCode::NO_CONTENT),
        None => Err(no_such_key(&key)),
    }
}

async fn no_such_path() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "no such path: there are /api/items and /api/items/{key}",
    )
}

async fn no_such_method() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "use GET on /api/items, and GET, PUT or DELETE on /api/items/{key}",
    )
}

fn no_such_key(key: &str) -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        format!("no item has the key {key:?}"),
    )
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        match rejection.status() {
            status @ StatusCode::PAYLOAD_TOO_LARGE => Self::new(
                status,
                format!("the body must be no larger than {MAX_BODY} bytes"),
            ),
            status => Self::new(status, rejection.body_text()),
        }
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}
