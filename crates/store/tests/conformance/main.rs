//! The promises of a store, proved on every backend.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed test may panic")]

mod backend;
mod concurrency;
mod journals;
mod model;
mod rules;

/// Makes one test per backend of each claim `async fn(&Backend)`.
macro_rules! on_every_backend {
    ($($module:ident :: $claim:ident),* $(,)?) => {
        mod memory {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $claim() {
                crate::backend::within_deadline(crate::$module::$claim(&crate::backend::Backend::Memory)).await;
            })*
        }
        mod redb {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $claim() {
                crate::backend::within_deadline(crate::$module::$claim(&crate::backend::Backend::Redb)).await;
            })*
        }
    };
}

on_every_backend! {
    rules::a_new_store_is_empty_at_revision_zero,
    rules::every_commit_gets_the_next_revision,
    rules::an_absent_guard_refuses_an_existing_key,
    rules::an_unchanged_guard_refuses_any_other_revision,
    rules::a_deleted_and_recreated_key_does_not_pass_for_the_old_one,
    rules::a_refused_commit_writes_nothing_and_takes_no_revision,
    rules::a_commit_may_follow_one_revision_only,
    rules::guards_see_the_state_before_the_writes_of_their_commit,
    rules::a_touch_changes_the_revision_and_keeps_the_value,
    rules::touching_a_missing_key_is_a_conflict,
    rules::deleting_a_missing_key_is_no_change,
    rules::of_several_writes_to_a_key_the_last_remains,
    rules::a_commit_without_writes_only_checks,
    rules::a_snapshot_is_ordered_and_does_not_change,
    rules::any_key_and_value_comes_back_as_it_was,
    rules::a_watch_yields_every_commit_once_in_order,
    rules::a_watch_wakes_up_for_a_commit,
    rules::a_watch_may_start_anywhere_in_the_log,
    rules::a_watch_from_a_compacted_revision_is_refused,
    rules::a_watch_that_falls_behind_the_log_is_told,
    rules::a_watch_from_the_future_waits_for_it,
    rules::a_watch_that_is_not_awaited_to_the_end_loses_nothing,
    rules::an_answered_commit_is_seen_by_snapshot_and_watch,
    rules::a_closed_store_refuses_commits_and_ends_watches,
    rules::dropping_the_last_handle_ends_watches,
    journals::rows_come_with_their_commit_and_not_without,
    journals::rows_alone_take_no_revision_and_wake_no_watch,
    journals::ids_ascend_in_the_order_of_commits,
    journals::ids_ascend_over_two_journals_that_are_read_together,
    journals::the_old_end_of_a_journal_can_be_forgotten,
    journals::the_names_of_journals_are_found_among_many_rows,
    concurrency::no_increment_is_lost_among_contending_tasks,
    concurrency::revisions_answered_are_distinct_and_without_gaps,
    concurrency::guards_prevent_write_skew,
    concurrency::snapshots_never_show_half_a_commit,
    concurrency::watches_beside_writers_rebuild_the_same_state,
    concurrency::closing_answers_every_commit_in_flight,
}
