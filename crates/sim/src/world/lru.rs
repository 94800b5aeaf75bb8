//! A map of limited size that forgets what was not used lately, as `BPF_MAP_TYPE_LRU_HASH` does.

use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};

#[derive(Debug)]
struct Entry<V> {
    value: V,
    /// Looked up since the eviction hand last passed.
    used: Cell<bool>,
    /// Tells this entry from an older one of the same key in the queue.
    serial: u64,
}

/// Entries by key; the clock algorithm picks what has to go.
#[derive(Debug)]
pub(super) struct Lru<K, V> {
    capacity: usize,
    entries: BTreeMap<K, Entry<V>>,
    queue: VecDeque<(K, u64)>,
    serial: u64,
}

impl<K: Ord + Copy, V> Lru<K, V> {
    /// An empty map for at most `capacity` entries (at least one).
    pub fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(1), entries: BTreeMap::new(), queue: VecDeque::new(), serial: 0 }
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// All entries by key; does not count as use.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter().map(|(key, entry)| (key, &entry.value))
    }

    /// An entry, which thereby is used.
    pub fn lookup(&self, key: &K) -> Option<&V> {
        let entry = self.entries.get(key)?;
        entry.used.set(true);
        Some(&entry.value)
    }

    /// As [`Lru::lookup`], to be changed.
    pub fn lookup_mut(&mut self, key: &K) -> Option<&mut V> {
        let entry = self.entries.get_mut(key)?;
        entry.used.set(true);
        Some(&mut entry.value)
    }

    /// Writes an entry; a new one may cost an old one.
    pub fn put(&mut self, key: K, value: V) {
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.value = value;
            entry.used.set(true);
            return;
        }
        if self.entries.len() >= self.capacity {
            self.evict();
        }
        self.serial += 1;
        self.entries.insert(key, Entry { value, used: Cell::new(false), serial: self.serial });
        self.queue.push_back((key, self.serial));
        // Places of deleted entries must not pile up.
        if self.queue.len() > 2 * self.capacity {
            let entries = &self.entries;
            self.queue.retain(|(key, serial)| entries.get(key).is_some_and(|entry| entry.serial == *serial));
        }
    }

    /// Removes all entries.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.queue.clear();
    }

    /// Removes an entry.
    pub fn delete(&mut self, key: &K) {
        self.entries.remove(key);
    }

    fn evict(&mut self) {
        while let Some((key, serial)) = self.queue.pop_front() {
            match self.entries.get(&key) {
                Some(entry) if entry.serial != serial => {}
                Some(entry) if entry.used.take() => self.queue.push_back((key, serial)),
                Some(_) => {
                    self.entries.remove(&key);
                    return;
                }
                None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_used_goes_first_and_the_size_is_kept() {
        let mut lru = Lru::new(2);
        lru.put(1, 'a');
        lru.put(2, 'b');
        assert_eq!(lru.lookup(&1), Some(&'a'));
        lru.put(3, 'c');
        assert_eq!(lru.len(), 2);
        assert_eq!(lru.lookup(&2), None);
        assert_eq!(lru.lookup(&1), Some(&'a'));
    }

    #[test]
    fn deleting_and_writing_again_leaves_no_trace() {
        let mut lru = Lru::new(2);
        for round in 0..100 {
            lru.put(1, round);
            lru.delete(&1);
        }
        assert!(lru.queue.len() <= 5);
        lru.put(1, 7);
        lru.put(2, 8);
        lru.put(3, 9);
        assert_eq!(lru.len(), 2);
        assert_eq!(lru.lookup(&3), Some(&9));
    }
}
