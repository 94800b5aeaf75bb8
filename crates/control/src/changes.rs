//! Guards and writes of a use case, and what they would make of a catalog.

use std::collections::BTreeMap;
use std::fmt::Display;

use catalog::{Catalog, CatalogError, Foreseen, RecordChange};
use model::{Claim, Kind, Record, RecordError};
use store::{Change, ChangeSet, Commit, Guard, Revision, Write};

/// What a use case wants to be committed: conditions and writes, at most one of each for a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    guards: BTreeMap<String, Option<Revision>>,
    writes: BTreeMap<String, Effect>,
}

/// What happens to a record.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Effect {
    Put(Box<Record>),
    Delete,
    Touch,
}

/// A record's key from its kind and id.
pub(crate) fn key(kind: Kind, id: impl Display) -> String {
    format!("{}/{id}", kind.prefix())
}

impl Changes {
    /// Nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// The records that are made or replaced, by key.
    pub fn puts(&self) -> impl Iterator<Item = &Record> {
        self.writes.values().filter_map(|effect| match effect {
            Effect::Put(record) => Some(record.as_ref()),
            Effect::Delete | Effect::Touch => None,
        })
    }

    /// The records that are written, by key: what they will be, or `None` for those that are removed.
    pub(crate) fn effects(&self) -> impl Iterator<Item = (&str, Option<&Record>)> {
        self.writes.iter().filter_map(|(key, effect)| match effect {
            Effect::Put(record) => Some((key.as_str(), Some(record.as_ref()))),
            Effect::Delete => Some((key.as_str(), None)),
            Effect::Touch => None,
        })
    }

    /// The keys of the records that are removed, ascending.
    pub fn deletions(&self) -> impl Iterator<Item = &str> {
        self.writes.iter().filter(|(_, effect)| **effect == Effect::Delete).map(|(key, _)| key.as_str())
    }

    /// A record that must not exist yet.
    pub(crate) fn create(&mut self, record: impl Into<Record>) {
        let record = record.into();
        let key = record.key();
        self.guards.insert(key.clone(), None);
        self.writes.insert(key, Effect::Put(Box::new(record)));
    }

    /// A record that must be as the catalog has it.
    pub(crate) fn replace(&mut self, catalog: &Catalog, record: impl Into<Record>) {
        let record = record.into();
        let key = record.key();
        self.unchanged(catalog, &key);
        self.writes.insert(key, Effect::Put(Box::new(record)));
    }

    /// Removes a record that must be as the catalog has it.
    pub(crate) fn delete(&mut self, catalog: &Catalog, kind: Kind, id: impl Display) {
        let key = key(kind, id);
        self.unchanged(catalog, &key);
        self.writes.insert(key, Effect::Delete);
    }

    /// Removes a record that the decision does not rest on.
    pub(crate) fn delete_unguarded(&mut self, kind: Kind, id: impl Display) {
        self.writes.insert(key(kind, id), Effect::Delete);
    }

    /// Makes a value unique: fails when another record has claimed it.
    pub(crate) fn claim(&mut self, name: String, owner_kind: Kind, owner: impl Display) {
        self.create(Claim { name, owner: key(owner_kind, owner) });
    }

    /// Whether a value is claimed by these very changes.
    pub(crate) fn claims(&self, name: &str) -> bool {
        self.writes.contains_key(&key(Kind::Claim, name))
    }

    /// Gives a claimed value back. Needs no guard: the owner's own record has one.
    pub(crate) fn unclaim(&mut self, name: &str) {
        self.delete_unguarded(Kind::Claim, name);
    }

    /// Exclusive lock: fails when the record was written, touched or removed since.
    pub(crate) fn lock(&mut self, catalog: &Catalog, kind: Kind, id: impl Display) {
        let key = key(kind, id);
        self.unchanged(catalog, &key);
        self.writes.entry(key).or_insert(Effect::Touch);
    }

    /// Shared lock: fails when the record is gone, and makes exclusive ones that looked earlier fail.
    pub(crate) fn share(&mut self, kind: Kind, id: impl Display) {
        self.writes.entry(key(kind, id)).or_insert(Effect::Touch);
    }

    /// Guard alone: fails when the record was written, touched or removed since.
    pub(crate) fn observe(&mut self, catalog: &Catalog, kind: Kind, id: impl Display) {
        self.unchanged(catalog, &key(kind, id));
    }

    fn unchanged(&mut self, catalog: &Catalog, key: &str) {
        // A record that these very changes make stays guarded as absent.
        self.guards.entry(key.to_owned()).or_insert_with(|| catalog.mod_revision(key));
    }

    /// Adds what another use case wants; on the same record the later write wins over a touch.
    pub fn merge(&mut self, other: Self) {
        for (key, expected) in other.guards {
            self.guards.entry(key).or_insert(expected);
        }
        for (key, effect) in other.writes {
            if effect == Effect::Touch {
                self.writes.entry(key).or_insert(effect);
            } else {
                self.writes.insert(key, effect);
            }
        }
    }

    /// The commit to send to the store.
    ///
    /// # Errors
    /// [`RecordError`] if an object cannot be written as JSON.
    pub fn into_commit(self) -> Result<Commit, RecordError> {
        let guards = self.guards.into_iter().map(|(key, expected)| Guard { key, expected }).collect();
        let mut writes = Vec::with_capacity(self.writes.len());
        for (key, effect) in self.writes {
            writes.push(match effect {
                Effect::Put(record) => Write::Put { key, value: record.encode()?.into() },
                Effect::Delete => Write::Delete { key },
                Effect::Touch => Write::Touch { key },
            });
        }
        Ok(Commit { guards, writes, ..Commit::default() })
    }

    /// The catalog as it will be once the store has made these changes its next revision.
    pub(crate) fn foresee(&self, catalog: &Catalog) -> Catalog {
        catalog.foresee(self.writes.iter().map(|(key, effect)| match effect {
            Effect::Put(record) => Foreseen::Put(record),
            Effect::Delete => Foreseen::Delete(key),
            Effect::Touch => Foreseen::Touch(key),
        }))
    }

    /// The catalog as it would be after these changes, and what they do to it: a dry run.
    ///
    /// # Errors
    /// [`CatalogError`] if an object cannot be written and read back.
    pub fn preview(&self, catalog: &Catalog) -> Result<(Catalog, Vec<RecordChange>), CatalogError> {
        let revision = catalog.revision().next();
        let mut changes = Vec::with_capacity(self.writes.len());
        for (key, effect) in &self.writes {
            let value = match effect {
                Effect::Put(record) => Some(record.encode()?.into()),
                Effect::Delete => None,
                Effect::Touch => continue,
            };
            changes.push(Change { key: key.clone(), value, mod_revision: revision });
        }
        catalog.apply(&ChangeSet { revision, changes })
    }
}
