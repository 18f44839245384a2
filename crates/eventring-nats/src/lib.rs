//! Events of an [`eventring`] bus into a NATS JetStream stream, and from one into a bus: in order, each
//! once, across lost acknowledgements, broken connections, and restarts of the broker.
