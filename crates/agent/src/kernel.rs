//! The agent whose data plane is this machine's kernel. One thread does all that changes the machine.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use abi::DropReason;
use catalog::{Catalog, VniOwner};
use datapath::ClaimReader;
use model::{PortId, Server, ServerId, ServerState, Vni};
use netlink::Namespace;
use netlink::probe::{Proto, Responders};
use tokio::sync::{oneshot, watch};

use crate::feed::{Message, Progress, settled, words};
use crate::machine::Machine;
use crate::naming::{namespace, workload_interface};
use crate::{
    Agent, AgentError, Announcement, Answer, Claims, DatapathKind, DropCount, Feed, MachineError, Options, Probe,
    ProbeReport, ProbeService,
};

/// Before the next try after the machine refused something; doubled with each that fails as well...
const RETRY: Duration = Duration::from_millis(50);
/// ...up to this.
const RETRY_AT_MOST: Duration = Duration::from_secs(2);
/// How often an idle agent looks whether namespaces and links are still there.
const AUDIT: Duration = Duration::from_secs(10);
/// How often the thread that reads claims looks whether it is to end.
const CLAIMS_ROUND: Duration = Duration::from_millis(100);
/// A map filled to this share takes no new objects.
const NEARLY_FULL: f64 = 0.95;

/// What the thread shows to callers.
#[derive(Default)]
struct View {
    catalog: Arc<Catalog>,
    full: Option<String>,
}

impl View {
    /// The server's namespace and name, if it is to run.
    fn workload(&self, instance: &str, id: ServerId) -> Option<(String, String)> {
        let server = self.catalog.server(id).filter(|server| server.state == ServerState::Running)?;
        Some((namespace(instance, server), server.name.clone()))
    }
}

/// See the module's documentation.
pub struct KernelAgent {
    instance: String,
    note: String,
    progress: watch::Receiver<Progress>,
    view: Arc<Mutex<View>>,
    feed: Feed,
    thread: Mutex<Option<JoinHandle<()>>>,
    responders: Arc<Responders>,
    claims: Claims,
    stopping: Arc<AtomicBool>,
    claims_thread: Mutex<Option<JoinHandle<()>>>,
}

/// Whether this machine and process can run the kernel data plane.
///
/// # Errors
/// What is missing, in words.
pub fn kernel_supported() -> Result<(), String> {
    datapath::Datapath::supported().map_err(|missing| missing.to_string())
}

impl KernelAgent {
    /// Takes over what is there, brings it to `catalog`, and starts following. Blocks until that is in force.
    ///
    /// # Errors
    /// [`MachineError`] when the machine is not as needed.
    pub fn start(options: &Options, catalog: &Arc<Catalog>) -> Result<(Arc<Self>, Feed), MachineError> {
        let mut machine = Machine::open(options, catalog)?;
        let claims = Claims::default();
        let stopping = Arc::new(AtomicBool::new(false));
        let claims_thread = machine.claim_reader().map(|reader| read_claims(reader, &claims, &stopping)).transpose()?;
        let (feed, queue) = Feed::new();
        let progress = Progress { revision: catalog.revision().0, trouble: None, failing: machine.failing().clone() };
        let (report, progress) = watch::channel(progress);
        let view = Arc::new(Mutex::new(View::default()));
        let catalog = Arc::clone(catalog);
        let worker = Worker { machine, catalog, report, view: view.clone(), stale: false, pause: RETRY };
        worker.show();
        let thread = thread::Builder::new()
            .name("agent".to_owned())
            .spawn(move || worker.run(&queue))
            .map_err(MachineError::Thread)?;
        let agent = Self {
            instance: options.instance.clone(),
            note: "packets are forwarded by eBPF programs of this machine's kernel".to_owned(),
            progress,
            view,
            feed: feed.clone(),
            thread: Mutex::new(Some(thread)),
            responders: Arc::new(Responders::default()),
            claims,
            stopping,
            claims_thread: Mutex::new(claims_thread),
        };
        Ok((Arc::new(agent), feed))
    }

    /// Stops following. With `remove`, takes everything away that the agent made; else packets go on.
    ///
    /// # Errors
    /// What could not be removed, in words.
    pub async fn stop(&self, remove: bool) -> Result<(), String> {
        // The next process is to find the ring buffer without a reader.
        self.stopping.store(true, Ordering::Relaxed);
        let reading = self.claims_thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = reading
            && thread.join().is_err()
        {
            return Err("the agent's thread that reads claims panicked".to_owned());
        }
        let (done, answer) = oneshot::channel();
        if !self.feed.send(Message::Stop { remove, done }) {
            return Ok(());
        }
        let result = answer.await.unwrap_or_else(|_| Err("the agent ended before it had cleaned up".to_owned()));
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            return Err("the agent's thread panicked".to_owned());
        }
        result
    }

    fn announce_blocking(announcement: &Announcement, instance: &str, view: &Mutex<View>) -> Result<(), AgentError> {
        let Announcement { server, port, address, configure, release } = *announcement;
        let place = |server: ServerId, port: PortId| {
            let view = view.lock().unwrap_or_else(PoisonError::into_inner);
            let (namespace, _) = view.workload(instance, server)?;
            Some((namespace, workload_interface(view.catalog.port(port)?)))
        };
        let machine = |server: ServerId| {
            move |error: netlink::Error| match error.is_not_found() {
                true => AgentError::NoWorkload(server),
                false => AgentError::Machine(error.to_string()),
            }
        };
        let (name, interface) = place(server, port).ok_or(AgentError::NoWorkload(server))?;
        let namespace = Namespace::open(&name).map_err(machine(server))?;
        // A former holder that is gone has nothing to give up.
        if let Some((former, port)) = release
            && let Some((name, interface)) = place(former, port)
        {
            let namespace = Namespace::open(&name).map_err(machine(former))?;
            netlink::give_up_address(&namespace, &interface, address).map_err(machine(former))?;
        }
        if configure {
            netlink::take_address(&namespace, &interface, address).map_err(machine(server))?;
        }
        netlink::announce(&namespace, &interface, address).map_err(machine(server))
    }

    fn probe_blocking(
        probe: &Probe,
        instance: &str,
        view: &Mutex<View>,
        responders: &Responders,
    ) -> Result<ProbeReport, AgentError> {
        let machine = |error: netlink::Error| AgentError::Machine(error.to_string());
        let (from, intended) = {
            let view = view.lock().unwrap_or_else(PoisonError::into_inner);
            let (from, _) = view.workload(instance, probe.from).ok_or(AgentError::NoWorkload(probe.from))?;
            (from, probe.intended.and_then(|id| view.workload(instance, id)))
        };
        let proto = match probe.service {
            ProbeService::Icmp => Proto::Icmp,
            ProbeService::Tcp(port) => Proto::Tcp(port),
            ProbeService::Udp(port) => Proto::Udp(port),
        };
        let gone = |error: netlink::Error, server| match error.is_not_found() {
            true => AgentError::NoWorkload(server),
            false => AgentError::Machine(error.to_string()),
        };
        let from = Namespace::open(&from).map_err(|error| gone(error, probe.from))?;
        let mut request = netlink::probe::Probe::new(&from, probe.address, proto).deadline(probe.timeout);
        let mut responder = None;
        if let Some((name, label)) = &intended {
            let namespace = Namespace::open(name).map_err(|error| gone(error, probe.intended.unwrap_or(probe.from)))?;
            request = request.watch(&namespace, label.clone());
            if !matches!(proto, Proto::Icmp) {
                responder = Some(responders.answer(&namespace, label, &[proto]).map_err(machine)?);
            }
        }
        let result = netlink::probe::probe(&request).map_err(machine)?;
        drop(responder);
        // Someone else at the same address in another VPC may answer as well: an answer counts for the intended one
        // only when the request was seen to arrive there.
        let elsewhere = intended.is_some() && !result.delivered_to_watched;
        Ok(ProbeReport {
            replied: result.replied && !elsewhere,
            delivered: result.delivered_to_watched,
            observed_source: result.observed_source,
            answered_by: result.answered_by,
            rtt: result.rtt,
        })
    }
}

impl Agent for KernelAgent {
    fn kind(&self) -> DatapathKind {
        DatapathKind::Kernel
    }

    fn note(&self) -> String {
        self.note.clone()
    }

    fn settled(&self, revision: u64) -> Answer<'_, ()> {
        Box::pin(settled(self.progress.clone(), revision))
    }

    fn probe(&self, probe: Probe) -> Answer<'_, ProbeReport> {
        let (view, responders, instance) = (self.view.clone(), self.responders.clone(), self.instance.clone());
        Box::pin(async move {
            tokio::task::spawn_blocking(move || Self::probe_blocking(&probe, &instance, &view, &responders))
                .await
                .map_err(|error| AgentError::Machine(error.to_string()))?
        })
    }

    fn announce(&self, announcement: Announcement) -> Answer<'_, ()> {
        let (view, instance) = (self.view.clone(), self.instance.clone());
        Box::pin(async move {
            tokio::task::spawn_blocking(move || Self::announce_blocking(&announcement, &instance, &view))
                .await
                .map_err(|error| AgentError::Machine(error.to_string()))?
        })
    }

    fn claims(&self) -> Claims {
        self.claims.clone()
    }

    fn drops(&self) -> Answer<'_, Vec<DropCount>> {
        Box::pin(async {
            let (sender, answer) = oneshot::channel();
            let gone = || AgentError::Machine("the agent has stopped".to_owned());
            if !self.feed.send(Message::Drops(sender)) {
                return Err(gone());
            }
            let drops = answer.await.map_err(|_| gone())?.map_err(AgentError::Machine)?;
            let view = self.view.lock().unwrap_or_else(PoisonError::into_inner);
            let vpc_of = |vni| match view.catalog.vni_owner(Vni::new(vni)?)? {
                VniOwner::Vpc(vpc) | VniOwner::Entry(_, vpc) => Some(vpc),
            };
            Ok(drops
                .into_iter()
                .map(|(key, count)| DropCount {
                    vpc: vpc_of(key.vni),
                    reason: DropReason::from_number(key.reason).map_or("unknown", DropReason::code),
                    packets: count.packets,
                    bytes: count.bytes,
                })
                .collect())
        })
    }

    fn namespace(&self, server: &Server) -> Option<String> {
        Some(namespace(&self.instance, server))
    }

    fn full(&self) -> Option<String> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner).full.clone()
    }
}

/// Starts the thread that takes claims out of the kernel as they are made: the one that changes the machine may be busy.
fn read_claims(
    mut reader: ClaimReader,
    claims: &Claims,
    stopping: &Arc<AtomicBool>,
) -> Result<JoinHandle<()>, MachineError> {
    let (claims, stopping) = (claims.clone(), stopping.clone());
    let read = move || {
        while !stopping.load(Ordering::Relaxed) {
            match reader.read(CLAIMS_ROUND) {
                Ok(read) if read.is_empty() => {}
                Ok(read) => claims.put(read),
                Err(error) => {
                    tracing::error!(%error, "claims of virtual IPs cannot be read; trying again");
                    thread::sleep(RETRY_AT_MOST);
                }
            }
        }
    };
    thread::Builder::new().name("agent-claims".to_owned()).spawn(read).map_err(MachineError::Thread)
}

impl Drop for KernelAgent {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Relaxed);
    }
}

/// Whether to take everything away, and whom to tell when that is done.
type Stop = (bool, oneshot::Sender<Result<(), String>>);

/// The thread that changes the machine.
struct Worker {
    machine: Machine,
    catalog: Arc<Catalog>,
    report: watch::Sender<Progress>,
    view: Arc<Mutex<View>>,
    /// The last round failed: compare everything with what is there.
    stale: bool,
    /// Before the next try.
    pause: Duration,
}

impl Worker {
    fn run(mut self, queue: &mpsc::Receiver<Message>) {
        loop {
            let failing = self.stale || !self.machine.failing().is_empty();
            let message = match queue.recv_timeout(if failing { self.pause } else { AUDIT }) {
                Ok(message) => message,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    self.idle(failing);
                    continue;
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
            };
            if let Some((remove, done)) = self.handle(message, queue) {
                let Self { machine, .. } = self;
                // The instance is free again when the answer comes.
                let result = if remove {
                    machine.remove_all().map_err(|e| words(&e))
                } else {
                    drop(machine);
                    Ok(())
                };
                // The asker may have gone.
                let _ = done.send(result);
                return;
            }
        }
    }

    /// Does what a message says; how to stop and whom to tell, if that is what it says.
    fn handle(&mut self, message: Message, queue: &mpsc::Receiver<Message>) -> Option<Stop> {
        match message {
            Message::Update(mut update) => {
                // All that is waiting in one round: the last catalog with all changes on the way to it.
                let mut next = queue.try_recv().ok();
                while let Some(Message::Update(later)) = next {
                    update.changes = match (update.changes, later.changes) {
                        (Some(mut first), Some(then)) => {
                            first.extend(then);
                            Some(first)
                        }
                        _ => None,
                    };
                    update.catalog = later.catalog;
                    next = queue.try_recv().ok();
                }
                self.stale |= update.changes.is_none();
                self.round(update.catalog, &update.changes.unwrap_or_default());
                next.and_then(|message| self.handle(message, queue))
            }
            Message::Drops(answer) => {
                let _ = answer.send(self.machine.drops().map_err(|e| words(&e)));
                None
            }
            Message::Stop { remove, done } => Some((remove, done)),
        }
    }

    /// Nobody has spoken for a while: what failed is tried again, else it is seen to that nothing has vanished.
    fn idle(&mut self, failing: bool) {
        if failing {
            self.pause = (self.pause * 2).min(RETRY_AT_MOST);
        }
        if self.stale {
            self.round(self.catalog.clone(), &[]);
            return;
        }
        let audited = if failing { Ok(()) } else { self.machine.audit() };
        let result = audited.and_then(|()| match self.machine.failing().is_empty() {
            true => Ok(()),
            false => self.machine.retry(&self.catalog),
        });
        self.report(result);
    }

    fn round(&mut self, catalog: Arc<Catalog>, changes: &[catalog::RecordChange]) {
        let window = (self.catalog.revision().0, catalog.revision().0);
        let result =
            if self.stale { self.machine.resync(&catalog) } else { self.machine.update(&catalog, changes, window) };
        self.catalog = catalog;
        self.report(result);
    }

    /// Tells those who wait what a round came to.
    fn report(&mut self, result: Result<(), MachineError>) {
        // Also after a failure: a full map has to be seen.
        self.show();
        let failing = self.machine.failing().clone();
        match result {
            Ok(()) => {
                self.stale = false;
                if failing.is_empty() {
                    self.pause = RETRY;
                }
                let progress = Progress { revision: self.catalog.revision().0, trouble: None, failing };
                self.report.send_replace(progress);
            }
            Err(error) => {
                let trouble = words(&error);
                let known = self.stale && self.report.borrow().trouble.as_ref() == Some(&trouble);
                if !known {
                    tracing::error!(error = %trouble, "the machine could not be brought to the catalog; trying again");
                }
                self.stale = true;
                self.report.send_modify(|p| (p.trouble, p.failing) = (Some(trouble), failing));
            }
        }
    }

    /// Lets callers see what is there now. Costs the same however much there is.
    fn show(&self) {
        let full = self.machine.usage().into_iter().find_map(|usage| {
            let share = f64::from(usage.used) / f64::from(usage.capacity.max(1));
            (share >= NEARLY_FULL)
                .then(|| format!("the map {} holds {} of {} entries", usage.map, usage.used, usage.capacity))
        });
        *self.view.lock().unwrap_or_else(PoisonError::into_inner) = View { catalog: self.catalog.clone(), full };
    }
}
