//! Files to simulation sets and observations.
