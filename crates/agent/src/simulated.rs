//! The data plane without packets: there is nothing to do but to follow the revisions.

use std::sync::Arc;

use catalog::Catalog;
use tokio::sync::watch;

use crate::feed::{Message, Progress, settled};
use crate::{Agent, AgentError, Answer, DatapathKind, DropCount, Feed, Probe, ProbeReport};

/// An agent whose data plane is the simulator. Traces run over tables compiled from the catalog when they are asked.
pub struct SimulatedAgent {
    note: String,
    progress: watch::Receiver<Progress>,
}

impl SimulatedAgent {
    /// Starts following. `note` says why there are no packets.
    #[must_use]
    pub fn start(catalog: &Catalog, note: String) -> (Arc<Self>, Feed) {
        let (feed, updates) = Feed::new();
        let revision = catalog.revision().0;
        let (report, progress) = watch::channel(Progress { revision, ..Progress::default() });
        std::thread::spawn(move || {
            while let Ok(message) = updates.recv() {
                if let Message::Update(update) = message {
                    report.send_modify(|p| p.revision = update.catalog.revision().0);
                }
            }
        });
        (Arc::new(Self { note, progress }), feed)
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

    fn drops(&self) -> Answer<'_, Vec<DropCount>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}
