//! The typed, indexed, immutable view of the store that every read is served from.
//!
//! A [`Catalog`] is made from a store snapshot and replaced, never changed, by applying change sets in order. Cloning one
//! costs a few pointers: all maps share their unchanged parts with the version before. Iterators run in the order of ids,
//! so that what is made from them is the same each time.
//!
//! It guarantees that indexes agree with the records, whatever the records say; it does not check the rules of the
//! control plane (that two peerings do not join the same pair, and so on): those are `control`'s.
#![forbid(unsafe_code)]

mod change;
mod index;
mod indexes;
mod objects;
mod view;

#[cfg(test)]
mod tests;

pub use change::{CatalogError, RecordChange};
pub use indexes::VniOwner;
pub use view::{Catalog, Foreseen};
