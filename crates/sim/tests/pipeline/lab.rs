//! An installation from a few lines of text, compiled and running; see [`compiler::fixture`] for the lines.

use std::net::IpAddr;

use abi::{Claim, DropReason, Mac};
use compiler::Compiler;
use compiler::fixture::Fixture;
use model::{Port, PortId, ServerId};
use pipeline::Step;
use sim::frame::Ends;
use sim::{Outcome, World};
use tables::Delta;

pub struct Lab {
    pub fixture: Fixture,
    pub world: World,
    compiler: Compiler,
}

impl Lab {
    pub fn new(text: &str) -> Self {
        let mut fixture = Fixture::new(text);
        fixture.take_changes();
        let mut compiler = Compiler::default();
        let world = World::load(&compiler.full(&fixture.catalog, fixture.attachments()));
        Self { fixture, world, compiler }
    }

    /// Makes changes while packets flow.
    pub fn run(&mut self, text: &str) {
        let delta = self.delta(text);
        self.world.apply(&delta);
    }

    /// What changes have to be written to the tables; the world is as it was.
    pub fn delta(&mut self, text: &str) -> Delta {
        self.fixture.run(text);
        let changes = self.fixture.take_changes();
        self.compiler.update(&self.fixture.catalog, &changes, self.fixture.attachments())
    }

    /// The port of a server, or an extension NIC.
    pub fn port(&self, name: &str) -> Port {
        let catalog = &self.fixture.catalog;
        let primary = catalog.server(ServerId::new(self.fixture.id(name))).map(|server| server.port);
        let port = primary.unwrap_or_else(|| PortId::new(self.fixture.id(name)));
        (**catalog.port(port).unwrap()).clone()
    }

    pub fn ifindex(&self, name: &str) -> u32 {
        self.fixture.attachments()[&self.port(name).id]
    }

    pub fn mac(&self, name: &str) -> Mac {
        self.port(name).mac.0
    }

    /// From the own address of a server to an address, or to the address of another one of that name.
    pub fn ends(&self, from: &str, to: &str) -> Ends {
        let to = self.address(to, None);
        Ends::by_gateway(self.mac(from), self.address(from, Some(to)), to)
    }

    /// From any address, as a router or the holder of a virtual IP does.
    pub fn ends_from(&self, from: &str, source: &str, to: &str) -> Ends {
        Ends { source: source.parse().unwrap(), ..self.ends(from, to) }
    }

    fn address(&self, name: &str, like: Option<IpAddr>) -> IpAddr {
        name.parse().unwrap_or_else(|_| match (like, self.port(name)) {
            (Some(IpAddr::V6(_)), port) => port.ipv6.unwrap().into(),
            (_, port) => port.ipv4.into(),
        })
    }

    pub fn send(&mut self, from: &str, mut frame: Vec<u8>) -> Outcome {
        self.world.send(self.ifindex(from), &mut frame)
    }

    /// Sends; the name of who got it, or why nobody did.
    pub fn deliver(&mut self, from: &str, frame: Vec<u8>) -> Result<u32, DropReason> {
        match self.send(from, frame) {
            Outcome::Delivered { ifindex, .. } => Ok(ifindex),
            Outcome::Dropped { reason, .. } => Err(reason),
            outcome => panic!("{outcome:?}"),
        }
    }

    /// What a UDP datagram to port 53 meets.
    pub fn udp(&mut self, from: &str, to: &str) -> Result<u32, DropReason> {
        self.deliver(from, self.ends(from, to).udp(4000, 53))
    }

    pub fn steps(&mut self, from: &str, mut frame: Vec<u8>) -> Vec<Step> {
        self.world.send_traced(self.ifindex(from), &mut frame).1
    }

    pub fn claims(&mut self) -> Vec<Claim> {
        self.world.take_claims()
    }
}
