//! Opening: lock, check, recognise the format, or create.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use ::redb::{Database, DatabaseError, ReadableDatabase, StorageBackend, TableHandle, backends::FileBackend};

use super::layout::{ENTRIES, FORMAT, Head, LOG, META, META_COMPACTED, META_FORMAT, META_REVISION};
use crate::OpenError;

/// Opens or creates the file. Blocks.
pub(super) fn open(path: &Path, cache_bytes: usize) -> Result<(Database, Head), OpenError> {
    let io = |source| OpenError::Io { path: path.to_owned(), source };
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
    let backend = FileBackend::new(file.map_err(io)?).map_err(|error| database_error(path, error))?;

    let opened = open_backend(path, backend, cache_bytes)?;
    // The name of a file is durable only when its directory is. Done at each opening: the one that created the file may
    // have been interrupted here.
    sync_directory(path).map_err(io)?;
    Ok(opened)
}

/// Opens what `backend` holds; `path` is its name in errors.
pub(super) fn open_backend(
    path: &Path,
    backend: impl StorageBackend,
    cache_bytes: usize,
) -> Result<(Database, Head), OpenError> {
    let mut builder = Database::builder();
    builder.set_cache_size(cache_bytes);
    // Without it redb trusts a file that was closed cleanly, and may panic or lie if the disk changed it since.
    builder.set_check_integrity_on_open(true);
    let database = builder.create_with_backend(backend).map_err(|error| database_error(path, error))?;

    let head = match recognise(path, &database)? {
        Some(head) => head,
        None => initialise(&database).map_err(|error| redb_error(path, error))?,
    };
    Ok((database, head))
}

/// Maps the end of the opening task by a panic: redb asserts what only a damaged file can violate.
pub(super) fn damaged(path: &Path, panic: tokio::task::JoinError) -> OpenError {
    OpenError::Damaged { path: path.to_owned(), reason: panic.to_string() }
}

/// Reads the counters of a store; `None` if the file has no tables at all (new, or its creation was interrupted).
fn recognise(path: &Path, database: &Database) -> Result<Option<Head>, OpenError> {
    let error = |error| redb_error(path, error);
    let read = database.begin_read().map_err(|e| error(e.into()))?;
    let tables: Vec<String> =
        read.list_tables().map_err(|e| error(e.into()))?.map(|table| table.name().to_owned()).collect();
    if tables.is_empty() {
        return Ok(None);
    }

    let meta = read.open_table(META).map_err(|e| error(e.into()))?;
    let format = meta.get(META_FORMAT).map_err(|e| error(e.into()))?.map(|format| format.value());
    match format {
        Some(FORMAT) => {}
        Some(found) if found > FORMAT => {
            return Err(OpenError::NewerFormat { path: path.to_owned(), found, supported: FORMAT });
        }
        Some(_) | None => {
            let reason = "it has no valid format record".to_owned();
            return Err(OpenError::Damaged { path: path.to_owned(), reason });
        }
    }
    read.open_table(ENTRIES).map_err(|e| error(e.into()))?;
    read.open_table(LOG).map_err(|e| error(e.into()))?;
    Head::read(&meta).map(Some).map_err(error)
}

/// Creates the tables and the counters of an empty store, in one transaction.
fn initialise(database: &Database) -> Result<Head, ::redb::Error> {
    let transaction = database.begin_write()?;
    {
        let mut meta = transaction.open_table(META)?;
        meta.insert(META_FORMAT, FORMAT)?;
        meta.insert(META_REVISION, 0)?;
        meta.insert(META_COMPACTED, 0)?;
        transaction.open_table(ENTRIES)?;
        transaction.open_table(LOG)?;
    }
    transaction.commit()?;
    Ok(Head { revision: crate::Revision::ZERO, compacted: crate::Revision::ZERO })
}

fn sync_directory(path: &Path) -> std::io::Result<()> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    std::fs::File::open(parent)?.sync_all()
}

fn database_error(path: &Path, error: DatabaseError) -> OpenError {
    match error {
        DatabaseError::DatabaseAlreadyOpen => OpenError::AlreadyOpen { path: path.to_owned() },
        DatabaseError::UpgradeRequired(version) => {
            let reason = format!("file format {version} of redb is not supported");
            OpenError::Damaged { path: path.to_owned(), reason }
        }
        error => redb_error(path, error.into()),
    }
}

fn redb_error(path: &Path, error: ::redb::Error) -> OpenError {
    let path = path.to_owned();
    match error {
        ::redb::Error::Corrupted(reason) => OpenError::Damaged { path, reason },
        // What redb says about a file that is not its own, or that ends too early.
        ::redb::Error::Io(source) if matches!(source.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof) => {
            OpenError::Damaged { path, reason: source.to_string() }
        }
        ::redb::Error::Io(source) => OpenError::Io { path, source },
        error @ (::redb::Error::TableDoesNotExist(_)
        | ::redb::Error::TableTypeMismatch { .. }
        | ::redb::Error::TableIsMultimap(_)
        | ::redb::Error::TypeDefinitionChanged { .. }) => OpenError::Damaged { path, reason: error.to_string() },
        error => OpenError::Storage { path, source: error.into() },
    }
}
