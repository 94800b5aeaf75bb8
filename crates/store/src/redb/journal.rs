//! Reading journals beside the writer.

use std::sync::Arc;

use ::redb::{ReadOnlyTable, ReadTransaction, TableError};

use super::File;
use super::layout::JOURNAL;
use crate::journal::excess;
use crate::{Retention, Row, Span, StorageError};

type Table = ReadOnlyTable<(&'static str, u128), &'static [u8]>;

impl File {
    /// Rows of a journal, the newest first.
    pub(crate) async fn journal(&self, name: &str, span: Span, limit: usize) -> Result<Vec<Row>, StorageError> {
        let name = name.to_owned();
        let read = move |transaction| rows(&transaction, &name, span, limit);
        Ok(self.clone().blocking(read).await??)
    }

    /// The names of the journals that have rows.
    pub(crate) async fn journals(&self) -> Result<Vec<String>, StorageError> {
        Ok(self.clone().blocking(|transaction| names(&transaction)).await??)
    }

    /// The oldest rows of a journal that are too many.
    pub(crate) async fn excess(
        &self,
        name: &str,
        retention: Retention,
        limit: usize,
    ) -> Result<Vec<u128>, StorageError> {
        let name = name.to_owned();
        let read = move |transaction| surplus(&transaction, &name, retention, limit);
        Ok(self.clone().blocking(read).await??)
    }
}

/// The table, if anything was ever appended.
fn table(transaction: &ReadTransaction) -> Result<Option<Table>, ::redb::Error> {
    match transaction.open_table(JOURNAL) {
        Ok(table) => Ok(Some(table)),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn rows(transaction: &ReadTransaction, name: &str, span: Span, limit: usize) -> Result<Vec<Row>, ::redb::Error> {
    let (Some(table), Some((first, last))) = (table(transaction)?, span.ids()) else { return Ok(Vec::new()) };
    let newest = table.range((name, first)..=(name, last))?.rev().take(limit);
    newest
        .map(|row| {
            let (key, value) = row?;
            Ok(Row { id: key.value().1, value: Arc::from(value.value()) })
        })
        .collect()
}

fn names(transaction: &ReadTransaction) -> Result<Vec<String>, ::redb::Error> {
    let mut names: Vec<String> = Vec::new();
    let Some(table) = table(transaction)? else { return Ok(names) };
    // From one journal straight to the next: the rows in between are not read.
    loop {
        let last = names.last().map_or("", String::as_str);
        let start = if names.is_empty() { 0 } else { u128::MAX };
        let mut behind = table.range((last, start)..)?.map(|row| row.map(|(key, _)| key.value().0.to_owned()));
        let next = loop {
            match behind.next().transpose()? {
                Some(name) if !names.is_empty() && name == last => {}
                next => break next,
            }
        };
        match next {
            Some(name) => names.push(name),
            None => return Ok(names),
        }
    }
}

fn surplus(
    transaction: &ReadTransaction,
    name: &str,
    retention: Retention,
    limit: usize,
) -> Result<Vec<u128>, ::redb::Error> {
    let Some(table) = table(transaction)? else { return Ok(Vec::new()) };
    let range = || table.range((name, 0)..=(name, u128::MAX));
    let rows = match retention.rows {
        Some(_) => range()?.count(),
        None => 0,
    };
    let ids = range()?.map(|row| row.map(|(key, _)| key.value().1).map_err(::redb::Error::from));
    excess(rows, ids, retention, limit)
}
