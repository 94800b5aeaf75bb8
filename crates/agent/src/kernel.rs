//! The agent whose data plane is this machine's kernel. One thread does all that changes the machine.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use abi::DropReason;
use catalog::{Catalog, VniOwner};
use model::{Server, ServerId, Vni};
use netlink::Namespace;
use netlink::probe::{Proto, Responders};
use tokio::sync::{oneshot, watch};

use crate::feed::{Message, Progress, settled};
use crate::machine::Machine;
use crate::naming::namespace;
use crate::{
    Agent, AgentError, Answer, DatapathKind, DropCount, Feed, MachineError, Options, Probe, ProbeReport, ProbeService,
};

/// Between tries after the machine refused something.
const RETRY: Duration = Duration::from_millis(200);
/// A map filled to this share takes no new objects.
const NEARLY_FULL: f64 = 0.95;

/// What the thread shows to callers.
#[derive(Default)]
struct View {
    catalog: Arc<Catalog>,
    namespaces: BTreeMap<ServerId, String>,
    names: BTreeMap<ServerId, String>,
    full: Option<String>,
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
        let machine = Machine::open(options, catalog)?;
        let (feed, queue) = Feed::new();
        let (report, progress) = watch::channel(Progress { revision: catalog.revision().0, trouble: None });
        let view = Arc::new(Mutex::new(View::default()));
        let worker = Worker { machine, catalog: Arc::clone(catalog), report, view: view.clone(), stale: false };
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
        };
        Ok((Arc::new(agent), feed))
    }

    /// Stops following. With `remove`, takes everything away that the agent made; else packets go on.
    ///
    /// # Errors
    /// What could not be removed, in words.
    pub async fn stop(&self, remove: bool) -> Result<(), String> {
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

    fn probe_blocking(probe: &Probe, view: &Mutex<View>, responders: &Responders) -> Result<ProbeReport, AgentError> {
        let machine = |error: netlink::Error| AgentError::Machine(error.to_string());
        let (from, intended) = {
            let view = view.lock().unwrap_or_else(PoisonError::into_inner);
            let from = view.namespaces.get(&probe.from).cloned().ok_or(AgentError::NoWorkload(probe.from))?;
            let intended = probe.intended.and_then(|id| {
                Some((view.namespaces.get(&id)?.clone(), view.names.get(&id).cloned().unwrap_or_default()))
            });
            (from, intended)
        };
        let proto = match probe.service {
            ProbeService::Icmp => Proto::Icmp,
            ProbeService::Tcp(port) => Proto::Tcp(port),
            ProbeService::Udp(port) => Proto::Udp(port),
        };
        let from = Namespace::open(&from).map_err(machine)?;
        let mut request = netlink::probe::Probe::new(&from, probe.address, proto).deadline(probe.timeout);
        let mut responder = None;
        if let Some((name, label)) = &intended {
            let namespace = Namespace::open(name).map_err(machine)?;
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
        let (view, responders) = (self.view.clone(), self.responders.clone());
        Box::pin(async move {
            tokio::task::spawn_blocking(move || Self::probe_blocking(&probe, &view, &responders))
                .await
                .map_err(|error| AgentError::Machine(error.to_string()))?
        })
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
}

impl Worker {
    fn run(mut self, queue: &mpsc::Receiver<Message>) {
        loop {
            // Nothing to do until somebody speaks, unless the last round failed.
            let message = if self.stale {
                match queue.recv_timeout(RETRY) {
                    Err(mpsc::RecvTimeoutError::Timeout) => {
                        self.round(self.catalog.clone(), &[]);
                        continue;
                    }
                    Err(mpsc::RecvTimeoutError::Disconnected) => return,
                    Ok(message) => message,
                }
            } else {
                match queue.recv() {
                    Ok(message) => message,
                    Err(mpsc::RecvError) => return,
                }
            };
            if let Some((remove, done)) = self.handle(message, queue) {
                let result = if remove { self.machine.remove_all().map_err(|e| words(&e)) } else { Ok(()) };
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
                    update.changes = update.changes.zip(later.changes).map(|(first, then)| [first, then].concat());
                    update.catalog = later.catalog;
                    next = queue.try_recv().ok();
                }
                self.stale |= update.changes.is_none();
                self.round(update.catalog, &update.changes.unwrap_or_default());
                next.and_then(|message| self.handle(message, queue))
            }
            Message::Drops(answer) => {
                let _ = answer.send(self.machine.datapath.drops().map_err(|e| words(&e)));
                None
            }
            Message::Stop { remove, done } => Some((remove, done)),
        }
    }

    fn round(&mut self, catalog: Arc<Catalog>, changes: &[catalog::RecordChange]) {
        let result = if self.stale { self.machine.resync(&catalog) } else { self.machine.update(&catalog, changes) };
        self.catalog = catalog;
        match result {
            Ok(()) => {
                self.stale = false;
                self.show();
                let revision = self.catalog.revision().0;
                self.report.send_modify(|p| *p = Progress { revision, trouble: None });
            }
            Err(error) => {
                let trouble = words(&error);
                tracing::error!(error = %trouble, "the machine could not be brought to the catalog; trying again");
                self.stale = true;
                self.report.send_modify(|p| p.trouble = Some(trouble));
            }
        }
    }

    /// Lets callers see what is there now.
    fn show(&self) {
        let names: BTreeMap<_, _> = self.catalog.servers().map(|s| (s.id, s.name.clone())).collect();
        let namespaces = names.keys().filter_map(|id| Some((*id, self.machine.namespace(*id)?.to_owned()))).collect();
        let full = self.machine.datapath.usage().into_iter().find_map(|usage| {
            let share = f64::from(usage.used) / f64::from(usage.capacity.max(1));
            (share >= NEARLY_FULL)
                .then(|| format!("the map {} holds {} of {} entries", usage.map, usage.used, usage.capacity))
        });
        *self.view.lock().unwrap_or_else(PoisonError::into_inner) =
            View { catalog: self.catalog.clone(), namespaces, names, full };
    }
}

/// An error with its causes.
fn words(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
