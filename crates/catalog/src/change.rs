//! What a change set did, object by object; and what can be wrong with one.

use model::{Record, RecordError};
use store::Revision;

/// An object that was made, changed or removed. Records that were only touched are not reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordChange {
    /// The record's key.
    pub key: String,
    /// The object before; `None` when it was made.
    pub old: Option<Record>,
    /// The object after; `None` when it was removed.
    pub new: Option<Record>,
}

/// Store contents that the catalog cannot follow.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// A record cannot be understood.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A record's own id is not the one of its key.
    #[error("record `{key}` holds the object `{object}`")]
    WrongKey {
        /// The key it is stored under.
        key: String,
        /// The key that its content belongs to.
        object: String,
    },
    /// A change set that does not follow the catalog's revision.
    #[error("change set of revision {given:?} cannot be applied to a catalog of revision {have:?}")]
    OutOfOrder {
        /// The change set's revision.
        given: Revision,
        /// The catalog's revision.
        have: Revision,
    },
}
