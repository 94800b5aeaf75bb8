//! Longest prefix match with the kernel's semantics (`BPF_MAP_TYPE_LPM_TRIE`).

use std::collections::BTreeMap;

use pipeline::Lpm;
use tables::Prefix;
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// Prefixes of keys of one type.
///
/// A lookup probes the prefix lengths that occur, longest first: at most some dozens, however many entries there are.
#[derive(Debug)]
pub(super) struct LpmTable<K, V> {
    entries: BTreeMap<Prefix<K>, V>,
    /// How many entries there are of each length.
    lengths: BTreeMap<u32, usize>,
}

impl<K, V> Default for LpmTable<K, V> {
    fn default() -> Self {
        Self { entries: BTreeMap::new(), lengths: BTreeMap::new() }
    }
}

impl<K: Copy + Ord + FromBytes + IntoBytes + Immutable, V: Copy> LpmTable<K, V> {
    /// A table with these entries.
    pub fn new(entries: &BTreeMap<Prefix<K>, V>) -> Self {
        let mut table = Self::default();
        for (prefix, value) in entries {
            table.change(prefix, Some(*value));
        }
        table
    }

    /// Writes or removes an entry. Bits behind the prefix do not count.
    pub fn change(&mut self, prefix: &Prefix<K>, value: Option<V>) {
        let prefix = Prefix { bits: prefix.bits, key: masked(prefix.key, prefix.bits) };
        match value {
            Some(value) => {
                if self.entries.insert(prefix, value).is_none() {
                    *self.lengths.entry(prefix.bits).or_default() += 1;
                }
            }
            None => {
                if self.entries.remove(&prefix).is_some()
                    && let Some(count) = self.lengths.get_mut(&prefix.bits)
                {
                    *count -= 1;
                    if *count == 0 {
                        self.lengths.remove(&prefix.bits);
                    }
                }
            }
        }
    }

    /// The value of the longest prefix of the first `lpm.bits` bits of the key.
    pub fn lookup(&self, lpm: &Lpm<K>) -> Option<&V> {
        self.lengths
            .range(..=lpm.bits)
            .rev()
            .find_map(|(&bits, _)| self.entries.get(&Prefix { bits, key: masked(lpm.key, bits) }))
    }
}

/// The key with all bits but the first `bits` zero.
fn masked<K: FromBytes + IntoBytes + Immutable>(mut key: K, bits: u32) -> K {
    let whole = (bits / 8) as usize;
    for (i, byte) in key.as_mut_bytes().iter_mut().enumerate() {
        if i == whole {
            *byte &= !(0xff_u8.checked_shr(bits % 8).unwrap_or(0));
        } else if i > whole {
            *byte = 0;
        }
    }
    key
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Key = [u8; 3];

    fn covers(prefix: &Prefix<Key>, lpm: &Lpm<Key>) -> bool {
        prefix.bits <= lpm.bits && masked(prefix.key, prefix.bits) == masked(lpm.key, prefix.bits)
    }

    proptest! {
        #[test]
        fn lookup_gives_the_longest_covering_prefix(
            entries in proptest::collection::btree_map((0_u32..=24, any::<Key>()), any::<u32>(), 0..40),
            removed in proptest::collection::vec(any::<proptest::sample::Index>(), 0..5),
            key in any::<Key>(),
            bits in 0_u32..=24,
        ) {
            let mut expected: BTreeMap<Prefix<Key>, u32> = entries
                .iter()
                .map(|(&(bits, key), &value)| (Prefix { bits, key: masked(key, bits) }, value))
                .collect();
            let mut table = LpmTable::new(&expected);
            for index in removed {
                if let Some((&prefix, _)) = (!expected.is_empty()).then(|| index.get(&Vec::from_iter(&expected)).to_owned()) {
                    expected.remove(&prefix);
                    table.change(&prefix, None);
                }
            }
            let lpm = Lpm { bits, key };
            let best = expected.iter().filter(|(prefix, _)| covers(prefix, &lpm)).max_by_key(|(prefix, _)| prefix.bits);
            prop_assert_eq!(table.lookup(&lpm), best.map(|(_, value)| value));
        }
    }
}
