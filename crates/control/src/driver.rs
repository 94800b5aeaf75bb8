//! The driver: runs use cases against the current catalog, commits what they want, keeps the catalog current.

mod events;

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use catalog::{Catalog, CatalogError, RecordChange};
use model::Timestamp;
use store::{Commit, CommitError, Revision, StorageError, Store, Watch, WatchError};
use tokio::sync::{Mutex, broadcast, watch};

pub use events::Retention;

use crate::event;
use crate::{Config, Context, Error, Limits, Origin, Outcome, RandomIds, Vault, Warning};

/// Commits of one call before it is given up as [`Error::Busy`]. Each conflict means that another call got through.
const ATTEMPTS: usize = 128;
/// Updates that a subscription may lag behind before it is told to start over.
const BACKLOG: usize = 1024;
/// Peerings that one commit expires at most.
const EXPIRY_BATCH: usize = 100;

/// What the driver passes to every use case.
#[derive(Clone)]
pub struct Settings {
    /// Quotas.
    pub limits: Limits,
    /// Regions and times.
    pub config: Config,
    /// How long events are kept.
    pub events: Retention,
    /// The clock.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// Seals the secrets of access keys.
    pub vault: Arc<Vault>,
}

impl Default for Settings {
    /// Documented limits, the machine's clock, and a master key that ends with the process: for stores in memory.
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            config: Config::default(),
            events: Retention::default(),
            clock: Arc::new(|| Timestamp::from(jiff::Timestamp::now())),
            vault: Arc::new(Vault::passing()),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("limits", &self.limits).field("config", &self.config).finish_non_exhaustive()
    }
}

/// Why the catalog can no longer follow the store.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// A snapshot could not be read.
    #[error("the store cannot be read")]
    Storage(#[from] StorageError),
    /// The changes could not be followed.
    #[error("the store cannot be watched")]
    Watch(#[from] WatchError),
    /// A record could not be understood.
    #[error("the store's contents cannot be understood")]
    Catalog(#[from] CatalogError),
}

/// A committed call: the catalog has it.
#[derive(Clone, Debug)]
pub struct Done<T> {
    /// What the use case answered.
    pub value: T,
    /// What the caller should know.
    pub warnings: Vec<Warning>,
    /// The revision that contains it.
    pub revision: Revision,
}

/// A new catalog.
#[derive(Clone, Debug)]
pub enum Update {
    /// One commit was applied.
    Changes {
        /// The catalog after it.
        catalog: Arc<Catalog>,
        /// What it did to objects.
        changes: Arc<Vec<RecordChange>>,
    },
    /// What happened in between is not known: start over from this catalog.
    Resync {
        /// The catalog.
        catalog: Arc<Catalog>,
    },
}

impl Update {
    /// The catalog after the update.
    #[must_use]
    pub fn catalog(&self) -> &Arc<Catalog> {
        match self {
            Self::Changes { catalog, .. } | Self::Resync { catalog } => catalog,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Progress {
    revision: Revision,
    ended: bool,
}

struct Shared {
    store: Store,
    settings: Settings,
    catalog: ArcSwap<Catalog>,
    progress: watch::Sender<Progress>,
    updates: broadcast::WeakSender<Update>,
    ahead: Mutex<Ahead>,
    grown: events::Grown,
}

/// The catalog as it will be when the commits in line are made. Calls decide on it, so that many at once share one
/// `fsync` even when they change the same objects; the guards of their commits see to it that nothing is made of a future
/// that did not come.
#[derive(Default)]
struct Ahead {
    catalog: Option<Arc<Catalog>>,
    /// Counts the futures that did not come: only who built on the present one may give it up.
    futures: u64,
}

impl Ahead {
    /// The catalog to decide on, `durable` being the one that is.
    fn latest(&mut self, durable: Arc<Catalog>) -> Arc<Catalog> {
        match &self.catalog {
            Some(ahead) if ahead.revision() > durable.revision() => Arc::clone(ahead),
            _ => {
                self.catalog = None;
                durable
            }
        }
    }
}

/// A commit in line. When its caller goes away before it is answered, nobody knows what became of it: what was built on it
/// is given up.
struct InLine<'a> {
    driver: &'a Driver,
    future: u64,
    settled: bool,
}

impl InLine<'_> {
    /// The commit was answered.
    async fn over(mut self, as_foreseen: bool) {
        if !as_foreseen {
            self.driver.give_up(self.future).await;
        }
        self.settled = true;
    }
}

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        if !self.settled
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let (driver, future) = (self.driver.clone(), self.future);
            runtime.spawn(async move { driver.give_up(future).await });
        }
    }
}

/// Runs use cases. Clones are handles to the same one.
#[derive(Clone)]
pub struct Driver(Arc<Shared>);

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("revision", &self.0.progress.borrow().revision).finish_non_exhaustive()
    }
}

impl Driver {
    /// Builds the catalog from the store. The [`Follower`] must be run as a task for as long as the driver is used.
    ///
    /// # Errors
    /// [`DriverError`] if the store cannot be read or its contents not be understood.
    pub async fn open(store: Store, settings: Settings) -> Result<(Self, Follower), DriverError> {
        let catalog = Catalog::from_snapshot(&store.snapshot().await?)?;
        let watch = store.watch(catalog.revision()).await?;
        let progress = Progress { revision: catalog.revision(), ended: false };
        let updates = broadcast::Sender::new(BACKLOG);
        let shared = Arc::new(Shared {
            store,
            settings,
            catalog: ArcSwap::from_pointee(catalog),
            progress: watch::Sender::new(progress),
            updates: updates.downgrade(),
            ahead: Mutex::default(),
            grown: events::Grown::default(),
        });
        Ok((Self(Arc::clone(&shared)), Follower { shared, watch, updates }))
    }

    /// The catalog as it is now. It contains every call that [`Driver::execute`] has answered.
    #[must_use]
    pub fn catalog(&self) -> Arc<Catalog> {
        self.0.catalog.load_full()
    }

    /// Quotas, configuration and clock.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The time of the driver's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.0.settings.clock)()
    }

    /// Runs a use case of the server itself; see [`Driver::execute_as`].
    ///
    /// # Errors
    /// As [`Driver::execute_as`].
    pub async fn execute<T>(
        &self,
        use_case: impl FnMut(&Catalog, &mut Context<'_>) -> Result<Outcome<T>, Error>,
    ) -> Result<Done<T>, Error> {
        self.execute_as(&Origin::system("system"), use_case).await
    }

    /// Runs a use case and commits its changes with their events; runs it again on a newer catalog when somebody else was
    /// faster. Answers after the commit is durable and the catalog has it.
    ///
    /// Calls are decided one after the other, each on what those before will have made; their commits become durable
    /// together.
    ///
    /// # Errors
    /// The use case's own; [`Error::Busy`] after many conflicts; [`Error::Unavailable`] when the store failed: then it is
    /// not known whether the commit happened.
    pub async fn execute_as<T>(
        &self,
        origin: &Origin,
        mut use_case: impl FnMut(&Catalog, &mut Context<'_>) -> Result<Outcome<T>, Error>,
    ) -> Result<Done<T>, Error> {
        for attempt in 0..ATTEMPTS {
            let mut ahead = self.0.ahead.lock().await;
            let catalog = ahead.latest(self.catalog());
            let foreseen = ahead.catalog.is_some();
            let outcome = match self.run(&catalog, &mut use_case) {
                Ok(outcome) if !outcome.changes.is_empty() => outcome,
                // What is not certain to come can neither be answered nor be a reason to refuse.
                _ if foreseen => {
                    drop(ahead);
                    match self.decide_on_durable(&mut use_case).await? {
                        Some(done) => return Ok(done),
                        None => continue,
                    }
                }
                Ok(Outcome { value, warnings, .. }) => {
                    return Ok(Done { value, warnings, revision: catalog.revision() });
                }
                Err(error) => return Err(error),
            };
            let Outcome { value, changes, warnings } = outcome;
            let events = event::events(&catalog, origin, &changes, self.now());
            let next = Arc::new(changes.foresee(&catalog));
            let expected = next.revision();
            let commit = changes.into_commit().map_err(|error| Error::Unavailable(error.to_string()))?;
            let commit = self.with_events(commit, &events)?;
            // Guards compare revisions, and a revision that is foreseen may turn out to be another's.
            let commit = if foreseen { commit.following(catalog.revision()) } else { commit };
            let in_line = InLine { driver: self, future: ahead.futures, settled: false };
            let submitted = self.0.store.submit(commit).await;
            ahead.catalog = Some(next);
            drop(ahead);
            let answer = submitted.done().await;
            in_line.over(answer.as_ref().ok() == Some(&expected)).await;
            match answer {
                Ok(revision) => {
                    self.reached(revision).await?;
                    return Ok(Done { value, warnings, revision });
                }
                Err(CommitError::Conflict { key, revision }) => {
                    tracing::debug!(key, revision = revision.0, attempt, "conflict, trying again");
                    self.reached(revision).await?;
                }
                Err(error) => return Err(Error::Unavailable(error.to_string())),
            }
        }
        Err(Error::Busy)
    }

    /// Runs a use case that wants no changes, or refuses, on a catalog that is durable and has everything that was in line;
    /// `None` when it wants changes after all.
    async fn decide_on_durable<T>(
        &self,
        use_case: &mut impl FnMut(&Catalog, &mut Context<'_>) -> Result<Outcome<T>, Error>,
    ) -> Result<Option<Done<T>>, Error> {
        // Answered when everything before it has been decided.
        let line = self.0.store.commit(Commit::new()).await;
        self.reached(line.map_err(|error| Error::Unavailable(error.to_string()))?).await?;
        let catalog = self.catalog();
        let Outcome { value, changes, warnings } = self.run(&catalog, use_case)?;
        Ok(changes.is_empty().then(|| Done { value, warnings, revision: catalog.revision() }))
    }

    /// A commit was not made as foreseen: what was built on it will not come either.
    async fn give_up(&self, future: u64) {
        let mut ahead = self.0.ahead.lock().await;
        if ahead.futures == future {
            ahead.futures += 1;
            ahead.catalog = None;
        }
    }

    /// Runs a use case without committing: what it would answer and change now.
    ///
    /// # Errors
    /// The use case's own.
    pub fn dry_run<T>(
        &self,
        mut use_case: impl FnMut(&Catalog, &mut Context<'_>) -> Result<Outcome<T>, Error>,
    ) -> Result<Outcome<T>, Error> {
        self.run(&self.catalog(), &mut use_case)
    }

    /// Expires the requests that are due (rule LC-3); answers how many. To be called every now and then.
    ///
    /// # Errors
    /// As [`Driver::execute`].
    pub async fn expire_due(&self) -> Result<usize, Error> {
        let origin = Origin::system("expirePeering");
        let mut expired = 0;
        loop {
            let due = |catalog: &Catalog, ctx: &mut Context<'_>| Ok(crate::expire_due(catalog, ctx.now, EXPIRY_BATCH));
            let done = self.execute_as(&origin, due).await?;
            if done.value.is_empty() {
                return Ok(expired);
            }
            expired += done.value.len();
        }
    }

    /// Follows the catalog from now on.
    #[must_use]
    pub fn watch(&self) -> Subscription {
        // In this order nothing is missed; what the catalog has already is skipped.
        let updates = match self.0.updates.upgrade() {
            Some(sender) => sender.subscribe(),
            None => broadcast::channel(1).1,
        };
        let catalog = self.catalog();
        Subscription { shared: Arc::clone(&self.0), updates, catalog }
    }

    /// Waits until the catalog has this revision.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the catalog no longer follows the store.
    pub async fn reached(&self, revision: Revision) -> Result<(), Error> {
        let mut progress = self.0.progress.subscribe();
        let stopped = || Error::Unavailable("the catalog does not follow the store any more".to_owned());
        let state =
            progress.wait_for(|state| state.ended || state.revision >= revision).await.map_err(|_| stopped())?;
        if state.revision >= revision { Ok(()) } else { Err(stopped()) }
    }

    fn run<T>(
        &self,
        catalog: &Catalog,
        use_case: &mut impl FnMut(&Catalog, &mut Context<'_>) -> Result<Outcome<T>, Error>,
    ) -> Result<Outcome<T>, Error> {
        let settings = &self.0.settings;
        let mut context =
            Context { now: self.now(), limits: &settings.limits, config: &settings.config, ids: &mut RandomIds };
        use_case(catalog, &mut context)
    }
}

/// Keeps the catalog current. Dropping it makes every later write of the driver fail.
pub struct Follower {
    shared: Arc<Shared>,
    watch: Watch,
    /// The only strong sender: subscriptions end with the follower.
    updates: broadcast::Sender<Update>,
}

impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follower").field("watch", &self.watch).finish_non_exhaustive()
    }
}

impl Follower {
    /// Follows the store until it is closed.
    ///
    /// # Errors
    /// [`DriverError`] when it can no longer follow.
    pub async fn run(mut self) -> Result<(), DriverError> {
        loop {
            match self.watch.next().await {
                Ok(set) => {
                    let (catalog, changes) = self.shared.catalog.load().apply(&set)?;
                    let catalog = Arc::new(catalog);
                    let changes = Arc::new(changes);
                    self.publish(Arc::clone(&catalog), Update::Changes { catalog, changes });
                }
                Err(WatchError::Compacted { position, compacted }) => {
                    tracing::warn!(
                        position = position.0,
                        compacted = compacted.0,
                        "catalog too far behind, rebuilding"
                    );
                    let catalog = Arc::new(Catalog::from_snapshot(&self.shared.store.snapshot().await?)?);
                    self.watch = self.shared.store.watch(catalog.revision()).await?;
                    self.publish(Arc::clone(&catalog), Update::Resync { catalog });
                }
                Err(WatchError::Closed) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn publish(&self, catalog: Arc<Catalog>, update: Update) {
        let revision = catalog.revision();
        self.shared.catalog.store(catalog);
        // No subscriber is no error.
        let _ = self.updates.send(update);
        self.shared.progress.send_modify(|progress| progress.revision = revision);
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.shared.progress.send_modify(|progress| progress.ended = true);
    }
}

/// Follows the catalog. One that is too slow gets a [`Update::Resync`] in place of what it missed.
pub struct Subscription {
    shared: Arc<Shared>,
    updates: broadcast::Receiver<Update>,
    catalog: Arc<Catalog>,
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("revision", &self.catalog.revision()).finish_non_exhaustive()
    }
}

impl Subscription {
    /// The catalog of the last update, or the one that the subscription started with.
    #[must_use]
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// The next update; `None` when the catalog no longer follows the store. Cancel safe.
    pub async fn next(&mut self) -> Option<Update> {
        loop {
            let update = match self.updates.recv().await {
                Ok(update) => update,
                Err(broadcast::error::RecvError::Lagged(_)) => {
                    Update::Resync { catalog: self.shared.catalog.load_full() }
                }
                Err(broadcast::error::RecvError::Closed) => return None,
            };
            // The catalog may be ahead of the queue, after a lag or at the start.
            if update.catalog().revision() > self.catalog.revision() {
                self.catalog = Arc::clone(update.catalog());
                return Some(update);
            }
        }
    }
}
