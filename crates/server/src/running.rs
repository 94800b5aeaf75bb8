//! A server from start to stop.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use agent::{Agent, Feed, KernelAgent, SimulatedAgent};
use control::{Driver, Subscription};
use rustls::ServerConfig;
use store::Store;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::tls::{Certificates, HostNames, keep_current};
use crate::{Credentials, DatapathChoice, ServerOptions, TlsAccess, TlsError, TlsOptions, bootstrap, master_key};

/// How often requests and tokens that are due are expired.
const EXPIRY_ROUND: Duration = Duration::from_secs(30);
/// How often old events are forgotten.
const EVENTS_ROUND: Duration = Duration::from_secs(10);
/// Expired tokens removed in one commit.
const TOKEN_BATCH: usize = 500;

/// File of the store in the data folder.
const STORE: &str = "causeway.redb";

/// A server that could not start or stop; each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder cannot be used.
    #[error("the data folder {path} cannot be used")]
    Data {
        /// The folder.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file with the instance's name is gone, but the folder is in use.
    #[error(
        "{path} is missing: it has the name by which this server's namespaces (cw-NAME-...), links and programs \
         (/sys/fs/bpf/causeway-NAME) are found on the machine; write that name into it, or any new one of lower-case \
         letters and digits if nothing of the server is left on the machine"
    )]
    NoInstance {
        /// The file.
        path: String,
    },
    /// The file with the instance's name holds something else.
    #[error(
        "{path} is damaged: it holds {found:?} where a name of 1 to 32 lower-case letters and digits should be, by which \
         this server's namespaces (cw-NAME-...), links and programs (/sys/fs/bpf/causeway-NAME) are found on the machine"
    )]
    BadInstance {
        /// The file.
        path: String,
        /// How its contents begin.
        found: String,
    },
    /// The master key is gone, but the store has secrets that were sealed with it.
    #[error(
        "{path} is missing: it has the master key that the access keys in the store are sealed with; put it back from a \
         backup of the data folder"
    )]
    NoMasterKey {
        /// The file.
        path: String,
    },
    /// The master key is another one than the store's secrets were sealed with.
    #[error(
        "{path} does not open the access keys in the store: it has another master key than the one that they were sealed \
         with; put back the file that belongs to this store"
    )]
    WrongMasterKey {
        /// The file.
        path: String,
    },
    /// The file of the master key holds something else.
    #[error("{path} is damaged: 64 hexadecimal digits are expected; put it back from a backup of the data folder")]
    BadMasterKey {
        /// The file.
        path: String,
    },
    /// A server runs with the folder.
    #[error("a server runs with the data folder {path}; stop it first")]
    Running {
        /// The folder.
        path: String,
    },
    /// The store cannot be opened: damaged, of a newer version, or in use.
    #[error(transparent)]
    Open(#[from] store::OpenError),
    /// The store's contents cannot be used.
    #[error(transparent)]
    Driver(#[from] control::DriverError),
    /// The first account or a new region's projects could not be made.
    #[error("the first account could not be made: {0}")]
    Bootstrap(String),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}; choose another with --listen")]
    Listen {
        /// The address.
        address: String,
        /// Why.
        source: std::io::Error,
    },
    /// The address for TLS cannot be listened on.
    #[error("cannot listen on {address} for TLS: {source}; choose another with --tls-listen")]
    ListenTls {
        /// The address.
        address: String,
        /// Why.
        source: std::io::Error,
    },
    /// There is no certificate to listen with.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The kernel data plane was asked for, and this machine cannot run it.
    #[error("the kernel data plane cannot run here: {0}. Start with --datapath sim to do without packets")]
    NoKernel(String),
    /// The machine refused something.
    #[error("the data plane could not be started")]
    Machine(#[from] agent::MachineError),
    /// Something was left when everything was to be taken away.
    #[error("not everything could be taken away: {0}")]
    Leftovers(String),
}

/// The agent in its concrete form, for what only a server does with it.
enum DataPlane {
    Kernel(Arc<KernelAgent>),
    Simulated(Arc<SimulatedAgent>),
}

impl DataPlane {
    fn agent(&self) -> Arc<dyn Agent> {
        match self {
            Self::Kernel(agent) => agent.clone(),
            Self::Simulated(agent) => agent.clone(),
        }
    }
}

/// A server at work.
pub struct RunningServer {
    credentials: Credentials,
    instance: String,
    data_plane: DataPlane,
    store: Store,
    shutdown: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

/// Starts a server. When this returns, requests are answered and what the store says is in force.
///
/// # Errors
/// [`StartError`], in a sentence that says what to do.
pub async fn start(options: ServerOptions) -> Result<RunningServer, StartError> {
    let data = &options.data;
    let in_data = |source| StartError::Data { path: data.display().to_string(), source };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(data).map_err(in_data)?;
    // The store's lock is what keeps a second server off the folder: it comes first.
    let store = Store::open(data.join(STORE), store::Options::default()).await?;
    let mut tasks = Vec::new();
    match start_over(&options, &store, &mut tasks).await {
        Ok(running) => Ok(RunningServer { tasks, ..running }),
        Err(error) => {
            // What was started would keep the folder from the next try in this process.
            end_tasks(tasks).await;
            let _ = store.close().await;
            Err(error)
        }
    }
}

async fn end_tasks(tasks: Vec<JoinHandle<()>>) {
    for task in &tasks {
        task.abort();
    }
    for task in tasks {
        let _ = task.await;
    }
}

/// Starts over an open store. Every task that it starts is in `tasks`, also when it fails; that of the API is the last.
async fn start_over(
    options: &ServerOptions,
    store: &Store,
    tasks: &mut Vec<JoinHandle<()>>,
) -> Result<RunningServer, StartError> {
    let data = &options.data;
    let (vault, master_key) = master_key::load(data)?;
    let settings = control::Settings { vault: Arc::new(vault), ..options.config.settings() };
    let (driver, follower) = Driver::open(store.clone(), settings).await?;
    let driver = Arc::new(driver);
    // The name comes before the first account: a folder with accounts has had one.
    let instance = bootstrap::instance(data, driver.catalog().accounts().next().is_some())?;
    // Certificates before addresses: what is wrong with a file is said though another program listens.
    let certificates = options.tls.as_ref().map(|tls| open_certificates(tls, options)).transpose()?;
    let listening = |source| StartError::Listen { address: options.listen.to_string(), source };
    let listener = TcpListener::bind(options.listen).await.map_err(listening)?;
    let address = listener.local_addr().map_err(listening)?;
    let secure = match (&options.tls, &certificates) {
        (Some(tls), Some(certificates)) => Some(listen_tls(tls, certificates).await?),
        _ => None,
    };

    let shutdown = CancellationToken::new();
    tasks.push(tokio::spawn(async move {
        if let Err(error) = follower.run().await {
            tracing::error!(%error, "the catalog no longer follows the store; writes are refused until a restart");
        }
    }));
    master_key.settle(&driver, data).await?;
    let access = secure.as_ref().map(|secure| secure.access.clone());
    let credentials = bootstrap::accounts(&driver, data, &format!("http://{address}"), access).await?;

    // The subscription comes before the catalog that the data plane starts from: nothing in between is missed.
    let updates = driver.watch();
    let (data_plane, feed) = start_data_plane(options.datapath, &instance, options.config.mtu, &updates).await?;
    tasks.push(tokio::spawn(pass_on(updates, feed)));
    tasks.push(tokio::spawn(expire(driver.clone(), shutdown.clone())));
    tasks.push(tokio::spawn(move_vips(driver.clone(), data_plane.agent().claims())));
    tasks.push(tokio::spawn(forget_events(driver.clone(), shutdown.clone())));

    tasks.extend(certificates.map(|certificates| tokio::spawn(keep_current(certificates, shutdown.clone()))));
    let state = api::State::new(driver, data_plane.agent()).with_names(options.config.names());
    tasks.push(tokio::spawn(serve(listener, secure, state, shutdown.clone())));
    Ok(RunningServer { credentials, instance, data_plane, store: store.clone(), shutdown, tasks: Vec::new() })
}

/// A listener for TLS.
struct Secure {
    listener: TcpListener,
    config: Arc<ServerConfig>,
    access: TlsAccess,
}

fn open_certificates(tls: &TlsOptions, options: &ServerOptions) -> Result<Arc<Certificates>, TlsError> {
    let hosts = HostNames {
        listen: tls.listen.ip(),
        domain: options.config.names().domain().to_owned(),
        regions: options.config.regions.iter().map(|region| region.id.clone()).collect(),
    };
    Certificates::open(&tls.certificate, &options.data, hosts).map(Arc::new)
}

async fn listen_tls(tls: &TlsOptions, certificates: &Arc<Certificates>) -> Result<Secure, StartError> {
    let listening = |source| StartError::ListenTls { address: tls.listen.to_string(), source };
    let listener = TcpListener::bind(tls.listen).await.map_err(listening)?;
    let endpoint = format!("https://{}", listener.local_addr().map_err(listening)?);
    let access = TlsAccess { endpoint, ca_file: certificates.ca_file() };
    Ok(Secure { listener, config: Arc::new(certificates.config()?), access })
}

/// Serves the API until the shutdown.
async fn serve(listener: TcpListener, secure: Option<Secure>, state: api::State, shutdown: CancellationToken) {
    let router = api::router(state.clone());
    let plain = api::serve(listener, router.clone(), shutdown.clone().cancelled_owned());
    let secure = async {
        match secure {
            Some(it) => api::serve_tls(it.listener, it.config, router, shutdown.cancelled_owned()).await,
            None => Ok(()),
        }
    };
    if let Err(error) = tokio::try_join!(plain, secure) {
        tracing::error!(%error, "the API no longer listens");
    }
    state.refusals_written().await;
}

/// Chooses and starts the data plane; returns when the catalog is in force.
async fn start_data_plane(
    choice: DatapathChoice,
    instance: &str,
    mtu: u16,
    updates: &Subscription,
) -> Result<(DataPlane, Feed), StartError> {
    let catalog = updates.catalog().clone();
    let simulated = |note: String| {
        let (agent, feed) = SimulatedAgent::start(&catalog, note);
        (DataPlane::Simulated(agent), feed)
    };
    let supported = agent::kernel_supported();
    match (choice, supported) {
        (DatapathChoice::Sim, supported) => {
            // Nobody would follow what an earlier start left in the kernel: a peering deleted now would go on there.
            if supported.is_ok() {
                let options = agent::Options::new(instance);
                let suspended = tokio::task::spawn_blocking(move || agent::suspend(&options)).await;
                if suspended.map_err(|error| StartError::Bootstrap(error.to_string()))?? {
                    return Ok(simulated(
                        "the simulator, as asked: every answer is computed, and packets, which flowed with the kernel \
                         data plane, are dropped until a start with it"
                            .to_owned(),
                    ));
                }
            }
            Ok(simulated("the simulator, as asked: every answer is computed, no packets flow".to_owned()))
        }
        (DatapathChoice::Auto, Err(missing)) => {
            Ok(simulated(format!("the simulator, because {missing}: every answer is computed, no packets flow")))
        }
        (DatapathChoice::Kernel, Err(missing)) => Err(StartError::NoKernel(missing)),
        (DatapathChoice::Auto | DatapathChoice::Kernel, Ok(())) => {
            let options = agent::Options { mtu, ..agent::Options::new(instance) };
            let catalog = catalog.clone();
            let started = tokio::task::spawn_blocking(move || KernelAgent::start(&options, &catalog)).await;
            let (agent, feed) = started.map_err(|error| StartError::Bootstrap(error.to_string()))??;
            Ok((DataPlane::Kernel(agent), feed))
        }
    }
}

/// Hands the catalog's updates to the agent.
async fn pass_on(mut updates: Subscription, feed: Feed) {
    while let Some(update) = updates.next().await {
        let update = match update {
            control::Update::Changes { catalog, changes } => {
                agent::Update { catalog, changes: Some(Arc::unwrap_or_clone(changes)) }
            }
            control::Update::Resync { catalog } => agent::Update { catalog, changes: None },
        };
        if !feed.push(update) {
            return;
        }
    }
}

/// Expires peering requests (rule LC-3) and removes old tokens, now and every now and then.
async fn expire(driver: Arc<Driver>, shutdown: CancellationToken) {
    loop {
        if let Err(error) = driver.expire_due().await {
            tracing::warn!(%error, "peering requests could not be expired; trying again");
        }
        let origin = control::Origin::system("deleteToken");
        let removed = driver
            .execute_as(&origin, |catalog, ctx| Ok(control::delete_expired_tokens(catalog, ctx.now, TOKEN_BATCH)));
        let removed = removed.await;
        if let Err(error) = removed {
            tracing::warn!(%error, "expired tokens could not be removed; trying again");
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(EXPIRY_ROUND) => {}
        }
    }
}

/// Forgets events that are too old or too many, now and every now and then.
async fn forget_events(driver: Arc<Driver>, shutdown: CancellationToken) {
    loop {
        match driver.prune_events().await {
            Ok(0) => {}
            Ok(count) => tracing::debug!(count, "old events are forgotten"),
            Err(error) => tracing::warn!(%error, "old events could not be forgotten; trying again"),
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(EVENTS_ROUND) => {}
        }
    }
}

/// Makes the ports that claim virtual IPs their holders (rule VIP-3), one claim at a time.
async fn move_vips(driver: Arc<Driver>, claims: agent::Claims) {
    loop {
        let claim = claims.next().await;
        let Some((port, address)) = agent::claimant(&driver.catalog(), &claim) else {
            tracing::debug!(vni = claim.vni, "a claim of an address that is not bound to the port is ignored");
            continue;
        };
        let origin = control::Origin::system("claimVip");
        match driver.execute_as(&origin, |catalog, _| control::claim_vip(catalog, port, address)).await {
            Ok(done) => {
                if let control::Claimed::Moved(vip) = done.value {
                    tracing::info!(%vip, %address, %port, "a virtual IP has another holder");
                }
            }
            Err(error) => {
                tracing::warn!(%error, %address, %port, "a claimed virtual IP could not be moved; trying again");
                claims.put([claim]);
            }
        }
    }
}

impl RunningServer {
    /// `http://address:port`.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.credentials.endpoint
    }

    /// How to call over TLS, if there is a listener for it.
    #[must_use]
    pub fn tls(&self) -> Option<&TlsAccess> {
        self.credentials.tls.as_ref()
    }

    /// How to call as the first account, the operator.
    #[must_use]
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// The name of this installation on the machine: part of the names of its namespaces (`cw-<instance>-…`), of its
    /// links' aliases (`causeway:<instance>:…`) and of its pins (`/sys/fs/bpf/causeway-<instance>`).
    #[must_use]
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// Whether real packets flow; else the simulator answers.
    #[must_use]
    pub fn is_kernel(&self) -> bool {
        matches!(self.data_plane, DataPlane::Kernel(_))
    }

    /// A sentence that says which data plane forwards, and why.
    #[must_use]
    pub fn note(&self) -> String {
        self.data_plane.agent().note()
    }

    /// Stops listening and writing. Packets go on.
    ///
    /// # Errors
    /// What could not be closed.
    pub async fn stop(self) -> Result<(), StartError> {
        self.end(false).await
    }

    /// Stops, and takes away every namespace, link, program, map and pin of the instance. The data folder stays.
    ///
    /// # Errors
    /// What could not be removed.
    pub async fn stop_and_remove(self) -> Result<(), StartError> {
        self.end(true).await
    }

    async fn end(mut self, remove: bool) -> Result<(), StartError> {
        // The API first: what is under way needs the agent and the store.
        self.shutdown.cancel();
        if let Some(serving) = self.tasks.pop() {
            let _ = serving.await;
        }
        let removed = match &self.data_plane {
            DataPlane::Kernel(agent) => agent.stop(remove).await.map_err(StartError::Leftovers),
            // An earlier start may have had packets.
            DataPlane::Simulated(_) if remove && agent::kernel_supported().is_ok() => {
                let removed = remove_instance(&self.instance).await;
                removed.map_err(|error| StartError::Leftovers(error.to_string()))
            }
            DataPlane::Simulated(_) => Ok(()),
        };
        end_tasks(std::mem::take(&mut self.tasks)).await;
        let closed = self.store.close().await;
        if let Err(error) = closed {
            tracing::warn!(%error, "the store was not closed cleanly; everything acknowledged is on disk");
        }
        removed
    }
}

/// Takes away what a server that no longer runs left on the machine. The data folder stays; a folder that never had a
/// server has nothing to take away.
///
/// # Errors
/// [`StartError::Running`] while a server has the folder; [`StartError`] when the folder does not say what is its own, or
/// something resists.
pub async fn remove_leftovers(data: &Path) -> Result<(), StartError> {
    let store = data.join(STORE);
    let used = store.exists();
    // Held while things are taken away, so that no server starts over them. A store that is damaged is nobody's.
    let held = match used {
        true => match Store::open(store, store::Options::default()).await {
            Ok(store) => Some(store),
            Err(store::OpenError::AlreadyOpen { .. }) => {
                return Err(StartError::Running { path: data.display().to_string() });
            }
            Err(_) => None,
        },
        false => None,
    };
    let removed = match bootstrap::known_instance(data) {
        Ok(Some(instance)) => remove_instance(&instance).await,
        Ok(None) if used => Err(StartError::NoInstance { path: data.join("instance").display().to_string() }),
        Ok(None) => Ok(()),
        Err(error) => Err(error),
    };
    if let Some(store) = held {
        let _ = store.close().await;
    }
    removed
}

async fn remove_instance(instance: &str) -> Result<(), StartError> {
    let options = agent::Options::new(instance);
    let removed = tokio::task::spawn_blocking(move || agent::remove_leftovers(&options)).await;
    removed.map_err(|error| StartError::Leftovers(error.to_string()))?.map_err(StartError::Machine)
}
