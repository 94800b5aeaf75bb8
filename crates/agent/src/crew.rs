//! The same work for many objects, several at a time: the kernel spends most of it waiting.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Threads at most.
const THREADS: usize = 8;

/// Does `work` for each item and answers in the order of the items. The caller's thread works as well, so that nothing
/// fails for want of threads.
pub(crate) fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let turns = || {
        let mut done = Vec::new();
        while let index = next.fetch_add(1, Ordering::Relaxed)
            && let Some(item) = items.get(index)
        {
            done.push((index, work(item)));
        }
        done
    };
    let mut done = thread::scope(|scope| {
        let spawn = |_| thread::Builder::new().name("agent-crew".into()).spawn_scoped(scope, turns).ok();
        let others: Vec<_> = (1..items.len().min(THREADS)).filter_map(spawn).collect();
        let mut done = turns();
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        done
    });
    done.sort_unstable_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_in_the_order_of_the_items() {
        let items: Vec<usize> = (0..100).collect();
        assert_eq!(in_parallel(&items, |i| i * 2), items.iter().map(|i| i * 2).collect::<Vec<_>>());
        assert!(in_parallel(&[] as &[u8], |i| *i).is_empty());
    }
}
