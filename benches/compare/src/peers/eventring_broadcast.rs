//! The swap-in for tokio's channel, used exactly as that one is.

super::paced::paced_broadcast!(
    EventringBroadcast,
    "eventring-broadcast",
    eventring::broadcast
);
