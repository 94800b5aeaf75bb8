//! The type information of an object, without what the linker leaves to chance.
//!
//! A structure that is met only behind another structure's pointer gets a forward declaration. LLVM appends these after
//! all other types, in the order of a map whose keys are addresses (`FixupDerivedTypes` in its `BTFDebug.cpp`), so that
//! the same input gives one order or another as memory happens to be laid out. Here they are put in the order of their
//! first use, which is one of those that LLVM may choose: ids and names move, sizes and everything before stay.

use anyhow::{Context as _, Result, bail, ensure};

/// Magic, version and flags, as one little-endian word.
const MAGIC: u32 = 0x0001_eb9f;
/// Of the header, in words.
const HEADER: usize = 6;

/// The kind of a forward declaration.
const FORWARD: u32 = 7;

/// One type: where its words begin, and the words that are offsets of names and ids of types.
struct Record {
    start: usize,
    kind: u32,
    names: Vec<usize>,
    references: Vec<usize>,
}

/// The section with its forward declarations in the order of their first use.
pub fn settle(section: &[u8]) -> Result<Vec<u8>> {
    let (types, strings) = split(section)?;
    let records = records(&types)?;
    let first = records.len() - records.iter().rev().take_while(|record| record.kind == FORWARD).count();
    let order = order_of_use(&types, &records, first)?;
    let (names, strings) = move_names(&types, &records, &order, first, strings)?;

    let mut settled = types.clone();
    for ((to, from), name) in records[first..].iter().zip(&order).zip(names) {
        let from = records[*from].start;
        settled[to.start..to.start + 3].copy_from_slice(&[name, types[from + 1], types[from + 2]]);
    }
    for at in records.iter().flat_map(|record| &record.references) {
        if let Some(place) = order.iter().position(|old| id(*old) == types[*at]) {
            settled[*at] = id(first + place);
        }
    }
    let words = settled.iter().flat_map(|word| word.to_le_bytes());
    Ok(section[..HEADER * 4].iter().copied().chain(words).chain(strings).collect())
}

/// The words of the types and the bytes of the names, which LLVM puts right behind the header and each other.
fn split(section: &[u8]) -> Result<(Vec<u32>, &[u8])> {
    let word = |bytes: &[u8]| bytes.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte));
    ensure!(section.len() >= HEADER * 4, "the type information has no header");
    let (header, body) = section.split_at(HEADER * 4);
    let header: Vec<u32> = header.chunks(4).map(word).collect();
    let [magic, length, types_at, types, strings_at, strings] = header[..] else { bail!("a header of another length") };
    let sizes = usize::try_from(types)?.checked_add(usize::try_from(strings)?);
    ensure!(
        magic == MAGIC && length == 24 && types_at == 0 && types % 4 == 0 && strings_at == types,
        "the type information is not laid out as LLVM does"
    );
    ensure!(sizes == Some(body.len()), "the type information is not as long as its header says");
    let (types, strings) = body.split_at(usize::try_from(types)?);
    Ok((types.chunks(4).map(word).collect(), strings))
}

/// All types, in the order of their ids.
fn records(types: &[u32]) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    let mut start = 0;
    while start < types.len() {
        let info = *types.get(start + 1).context("the last type is cut off")?;
        let (kind, count) = (info >> 24 & 0x1f, usize::try_from(info & 0xffff)?);
        let entries = |size: usize, word: usize| (0..count).map(move |entry| 3 + entry * size + word).collect();
        let (length, names, references): (usize, Vec<usize>, Vec<usize>) = match kind {
            // Integers; forward declarations and floats.
            1 => (4, vec![], vec![]),
            FORWARD | 16 => (3, vec![], vec![]),
            // Pointers, names for types, qualifiers, functions, tags of types.
            2 | 8..=12 | 18 => (3, vec![], vec![2]),
            // Arrays: of what, indexed by what.
            3 => (6, vec![], vec![3, 4]),
            // Structures and unions.
            4 | 5 => (3 + 3 * count, entries(3, 0), entries(3, 1)),
            // Enumerations, of 32 and of 64 bits.
            6 => (3 + 2 * count, entries(2, 0), vec![]),
            19 => (3 + 3 * count, entries(3, 0), vec![]),
            // Signatures: the result, then the parameters.
            13 => (3 + 2 * count, entries(2, 0), [vec![2], entries(2, 1)].concat()),
            // Variables and tags of declarations.
            14 | 17 => (4, vec![], vec![2]),
            // Sections: their variables.
            15 => (3 + 3 * count, vec![], entries(3, 0)),
            _ => bail!("type {} is of the unknown kind {kind}", id(records.len())),
        };
        ensure!(start + length <= types.len(), "the last type is cut off");
        let names = std::iter::once(start).chain(names.into_iter().map(|at| start + at)).collect();
        let references = references.into_iter().map(|at| start + at).collect();
        records.push(Record { start, kind, names, references });
        start += length;
    }
    Ok(records)
}

/// Which records from `first` on are referred to, each once, in the order of the types that do.
fn order_of_use(types: &[u32], records: &[Record], first: usize) -> Result<Vec<usize>> {
    let mut order = Vec::new();
    for at in records.iter().flat_map(|record| &record.references) {
        let Some(record) = usize::try_from(types[*at])?.checked_sub(1) else { continue };
        if record >= first && !order.contains(&record) {
            order.push(record);
        }
    }
    ensure!(
        order.len() == records.len() - first && order.iter().all(|record| *record < records.len()),
        "a type that nothing refers to is declared, or one that is not declared referred to"
    );
    Ok(order)
}

/// The offset of each declared type's name, and the names, both in the new order.
///
/// Names are appended as types are written and never twice: those that no other type has are the last, in the old order.
fn move_names(
    types: &[u32],
    records: &[Record],
    order: &[usize],
    first: usize,
    strings: &[u8],
) -> Result<(Vec<u32>, Vec<u8>)> {
    let shared = records[..first].iter().flat_map(|record| &record.names).map(|at| types[*at]).max().unwrap_or(0);
    let old: Vec<u32> = order.iter().map(|record| types[records[*record].start]).collect();
    let start = old.iter().copied().filter(|name| *name > shared).min();
    let start = start.map_or(Ok(strings.len()), usize::try_from)?;
    let mut moved = strings.get(..start).context("a name is outside of the names")?.to_vec();
    let mut new: Vec<u32> = Vec::new();
    for (n, name) in old.iter().enumerate() {
        let place = match old[..n].iter().position(|earlier| earlier == name) {
            _ if *name <= shared => *name,
            Some(earlier) => new[earlier],
            None => {
                let place = u32::try_from(moved.len())?;
                let text = strings.get(usize::try_from(*name)?..).context("a name is outside of the names")?;
                moved.extend(text.split_inclusive(|byte| *byte == 0).next().unwrap_or_default());
                place
            }
        };
        new.push(place);
    }
    ensure!(moved.len() == strings.len(), "the names of declared types are not the last ones");
    Ok((new, moved))
}

/// Types are counted from 1, 0 is `void`; the section's length has 32 bits, so their number has fewer.
fn id(record: usize) -> u32 {
    (record + 1) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A structure with two pointers, to what is declared as `types` say, with the given names last.
    fn section(types: [[u32; 3]; 4], names: &str) -> Vec<u8> {
        let structure = [1, 4 << 24 | 2, 16, 6, 2, 0, 8, 3, 64];
        let types: Vec<u32> = structure.into_iter().chain(types.into_iter().flatten()).collect();
        let strings = format!("\0skb\0\0a\0b\0{names}");
        let header = [MAGIC, 24, 0, types.len() as u32 * 4, types.len() as u32 * 4, strings.len() as u32];
        header.into_iter().chain(types).flat_map(u32::to_le_bytes).chain(strings.bytes()).collect()
    }

    const fn pointer(to: u32) -> [u32; 3] {
        [0, 2 << 24, to]
    }

    const fn declared(name: u32) -> [u32; 3] {
        [name, FORWARD << 24, 0]
    }

    #[test]
    fn both_orders_become_that_of_first_use() {
        let used = section([pointer(4), pointer(5), declared(10), declared(15)], "keys\0socket\0");
        let other = section([pointer(5), pointer(4), declared(10), declared(17)], "socket\0keys\0");
        assert_eq!(settle(&used).expect("well-formed"), used);
        assert_eq!(settle(&other).expect("well-formed"), used);
    }

    #[test]
    fn a_name_that_another_type_has_stays() {
        let used = section([pointer(4), pointer(5), declared(10), declared(1)], "keys\0");
        let other = section([pointer(5), pointer(4), declared(1), declared(10)], "keys\0");
        assert_eq!(settle(&other).expect("well-formed"), used);
    }

    #[test]
    fn two_declarations_of_one_name_share_it() {
        let used = section([pointer(4), pointer(5), declared(10), declared(10)], "keys\0");
        assert_eq!(settle(&used).expect("well-formed"), used);
    }

    #[test]
    fn what_llvm_would_not_write_is_refused() {
        let unused = section([pointer(4), pointer(4), declared(10), declared(15)], "keys\0socket\0");
        let not_last = section([pointer(4), pointer(5), declared(10), declared(15)], "keys\0socket\0other\0");
        let outside = section([pointer(4), pointer(9), declared(10), declared(15)], "keys\0socket\0");
        let whole = section([pointer(4), pointer(5), declared(10), declared(15)], "keys\0socket\0");
        for broken in [&unused[..], &not_last[..], &outside[..], &whole[..whole.len() - 1], &whole[..8]] {
            settle(broken).expect_err("not well-formed");
        }
    }
}
