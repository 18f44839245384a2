//! Pages to read: recipes, and how to move over from other channels. Every example is a test.

pub mod cookbook;
pub mod migration;
