//! `tokio::sync::broadcast`.

super::paced::paced_broadcast!(Tokio, "tokio", tokio::sync::broadcast);
