//! The data plane without packets: there is nothing to do but to follow the revisions, and to play the frames by which
//! workloads announce addresses.

use std::sync::{Arc, Mutex, PoisonError};

use catalog::Catalog;
use compiler::{Settings, compile_installation, compile_vpc};
use model::ServerState;
use sim::World;
use tokio::sync::watch;

use crate::feed::{Message, Progress, settled};
use crate::{Agent, AgentError, Announcement, Answer, Claims, DatapathKind, DropCount, Feed, Probe, ProbeReport};

/// An agent whose data plane is the simulator. Traces run over tables compiled from the catalog when they are asked.
pub struct SimulatedAgent {
    note: String,
    progress: watch::Receiver<Progress>,
    catalog: Arc<Mutex<Arc<Catalog>>>,
    claims: Claims,
}

impl SimulatedAgent {
    /// Starts following. `note` says why there are no packets.
    #[must_use]
    pub fn start(catalog: &Arc<Catalog>, note: String) -> (Arc<Self>, Feed) {
        let (feed, updates) = Feed::new();
        let revision = catalog.revision().0;
        let (report, progress) = watch::channel(Progress { revision, ..Progress::default() });
        let current = Arc::new(Mutex::new(Arc::clone(catalog)));
        let followed = Arc::clone(&current);
        std::thread::spawn(move || {
            while let Ok(message) = updates.recv() {
                if let Message::Update(update) = message {
                    let revision = update.catalog.revision().0;
                    *followed.lock().unwrap_or_else(PoisonError::into_inner) = update.catalog;
                    report.send_modify(|p| p.revision = revision);
                }
            }
        });
        (Arc::new(Self { note, progress, catalog: current, claims: Claims::default() }), feed)
    }

    /// Sends the frame through the pipeline, over tables of the present catalog.
    fn play(&self, announcement: &Announcement) -> Result<(), AgentError> {
        let catalog = Arc::clone(&self.catalog.lock().unwrap_or_else(PoisonError::into_inner));
        let missing = || AgentError::NoWorkload(announcement.server);
        let server = catalog.server(announcement.server).filter(|server| server.state == ServerState::Running);
        let server = server.ok_or_else(missing)?;
        let port = catalog.port(announcement.port).filter(|port| port.server == Some(server.id)).ok_or_else(missing)?;
        let attachments = catalog.ports_of_vpc(port.vpc).filter(|port| port.server.is_some());
        let attachments = (1..).zip(attachments).map(|(ifindex, port)| (port.id, ifindex)).collect();
        // The platform takes such a frame in: it meets no other VPC's tables.
        let mut tables = compile_installation(&catalog);
        tables.extend(compile_vpc(&catalog, port.vpc, &attachments, Settings::default()));
        let mut world = World::load(&tables);
        let ifindex = *attachments.get(&port.id).ok_or_else(missing)?;
        world.send(ifindex, &mut netlink::announcement(port.mac.0, announcement.address));
        self.claims.put(world.take_claims());
        Ok(())
    }
}

impl Agent for SimulatedAgent {
    fn kind(&self) -> DatapathKind {
        DatapathKind::Sim
    }

    fn note(&self) -> String {
        self.note.clone()
    }

    fn settled(&self, revision: u64) -> Answer<'_, ()> {
        Box::pin(settled(self.progress.clone(), revision))
    }

    fn probe(&self, _probe: Probe) -> Answer<'_, ProbeReport> {
        Box::pin(async { Err(AgentError::NoPackets) })
    }

    fn announce(&self, announcement: Announcement) -> Answer<'_, ()> {
        Box::pin(async move { self.play(&announcement) })
    }

    fn claims(&self) -> Claims {
        self.claims.clone()
    }

    fn drops(&self) -> Answer<'_, Vec<DropCount>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}
