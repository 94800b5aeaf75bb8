//! A subnet that was made the Neutron way (network, subnet, router interface; api-vpc §5.6) carries packets like any other.
#![allow(clippy::unwrap_used, reason = "a failed step is the failure of the test")]

use std::net::{IpAddr, Ipv4Addr};

use abi::DropReason;
use catalog::Catalog;
use compiler::fixture::Fixture;
use compiler::{Attachments, Compiler};
use control::{
    Caller, Config, Context, CreateNeutronSubnet, CreatePort, CreateServer, CreateVpc, Error, Limits, NewNeutronRange,
    Outcome as Done, RandomIds, Region, ServerPort,
};
use model::{Port, RegionId, ServerKind, SubnetId, Timestamp, UserId, VpcId};
use sim::frame::Ends;
use sim::{Outcome, World};
use uuid::Uuid;

/// A user of the use cases, and what they have made.
struct Lab {
    catalog: Catalog,
    caller: Caller,
    region: RegionId,
    attachments: Attachments,
}

impl Lab {
    fn new() -> Self {
        // The account, its project and its region.
        let fixture = Fixture::new("vpc A 10.1.0.0/16");
        let vpc = fixture.catalog.vpc(fixture.vpc("A")).unwrap().clone();
        let caller = Caller {
            account: fixture.catalog.account_of(vpc.project).unwrap(),
            user: UserId::new(Uuid::nil()),
            project: Some(vpc.project),
            operator: false,
        };
        Self { catalog: fixture.catalog, caller, region: vpc.region.clone(), attachments: Attachments::new() }
    }

    fn call<T>(
        &mut self,
        use_case: impl FnOnce(&Catalog, &Caller, &mut Context<'_>) -> Result<Done<T>, Error>,
    ) -> Result<T, Error> {
        let region = Region { id: self.region.clone(), availability_zones: Vec::new(), edge_sites: Vec::new() };
        let config = Config { regions: vec![region], ..Config::default() };
        let limits = Limits::default();
        let now = Timestamp::from_unix_seconds(1_800_000_000);
        let mut ctx = Context { now, limits: &limits, config: &config, ids: &mut RandomIds };
        let done = use_case(&self.catalog, &self.caller, &mut ctx)?;
        self.catalog = done.changes.preview(&self.catalog).unwrap().0;
        Ok(done.value)
    }

    /// A network with its IPv4 subnet; answers the network id and the Neutron subnet id.
    fn network(&mut self, cidr: &str) -> (SubnetId, Uuid) {
        let id = self.call(|c, who, x| control::create_network(c, who, x, String::new())).unwrap().id;
        let range = NewNeutronRange::V4 { cidr: cidr.parse().unwrap(), gateway: None, dns: Vec::new() };
        let request = CreateNeutronSubnet { network: id, name: None, range };
        let made = self.call(|c, who, x| control::create_neutron_subnet(c, who, x, request)).unwrap();
        let made = self.call(|c, who, x| {
            let request =
                CreateNeutronSubnet { network: made.id, name: None, range: NewNeutronRange::V6 { cidr: None } };
            control::create_neutron_subnet(c, who, x, request)
        });
        (id, made.unwrap().range.unwrap().neutron_subnet_id)
    }

    fn server(&mut self, name: &str, network: SubnetId) -> Port {
        let request = CreateServer {
            name: name.to_owned(),
            kind: ServerKind::Ecs,
            vpc: None,
            port: ServerPort::New(CreatePort::new(network)),
            availability_zone: String::new(),
        };
        let server = self.call(|c, who, x| control::create_server(c, who, x, request)).unwrap();
        let ifindex = u32::try_from(self.attachments.len()).unwrap() + 10;
        self.attachments.insert(server.port, ifindex);
        Port::clone(self.catalog.port(server.port).unwrap())
    }

    fn world(&self) -> World {
        World::load(&Compiler::default().full(&self.catalog, &self.attachments))
    }

    /// A datagram by the gateway of the sender, of the family of the address.
    fn send(&self, world: &mut World, from: &Port, to: IpAddr) -> Outcome {
        let own = if to.is_ipv4() { IpAddr::V4(from.ipv4) } else { IpAddr::V6(from.ipv6.unwrap()) };
        world.send(self.attachments[&from.id], &mut Ends::by_gateway(from.mac.0, own, to).udp(4000, 53))
    }

    fn delivered_to(&self, port: &Port) -> Outcome {
        let vni = self.catalog.vpc(port.vpc).unwrap().vni.number();
        Outcome::Delivered { ifindex: self.attachments[&port.id], vni }
    }
}

/// NET-3, RT-3: two networks on one router reach each other over both families, by local routes alone.
#[test]
fn networks_on_a_router_carry_packets_between_them() {
    let mut lab = Lab::new();
    let request = CreateVpc { name: "router".to_owned(), ..CreateVpc::default() };
    let router: VpcId = lab.call(|c, who, x| control::create_vpc(c, who, x, request)).unwrap().id;
    let (first, first_subnet) = lab.network("10.9.0.0/24");
    let (second, second_subnet) = lab.network("192.168.9.0/24");
    for subnet in [first_subnet, second_subnet] {
        lab.call(|c, who, x| control::add_router_interface(c, who, x, router, subnet)).unwrap();
    }
    let (a, b) = (lab.server("a", first), lab.server("b", second));
    assert_eq!((a.ipv4, b.ipv4), (Ipv4Addr::new(10, 9, 0, 2), Ipv4Addr::new(192, 168, 9, 2)));
    let mut world = lab.world();
    for (from, to) in [(&a, &b), (&b, &a)] {
        for address in to.addresses() {
            assert_eq!(lab.send(&mut world, from, address), lab.delivered_to(to), "{address}");
        }
    }
    // An address of the range that nobody has is the VPC's own: dropped there, not routed on.
    let nobody = lab.send(&mut world, &a, Ipv4Addr::new(192, 168, 9, 77).into());
    assert!(nobody.reason().is_some_and(|reason| reason != DropReason::NoRoute), "{nobody:?}");
}

/// A network that is on no router, or on another, is out of reach: its route goes with the interface.
#[test]
fn a_network_that_left_its_router_is_out_of_reach() {
    let mut lab = Lab::new();
    let router: VpcId = lab.call(|c, who, x| control::create_vpc(c, who, x, CreateVpc::default())).unwrap().id;
    let (first, first_subnet) = lab.network("10.9.0.0/24");
    let (second, second_subnet) = lab.network("10.10.0.0/24");
    for subnet in [first_subnet, second_subnet] {
        lab.call(|c, who, x| control::add_router_interface(c, who, x, router, subnet)).unwrap();
    }
    let a = lab.server("a", first);
    let target = IpAddr::V4(Ipv4Addr::new(10, 10, 0, 2));
    lab.call(|c, who, x| control::remove_router_interface(c, who, x, router, second_subnet)).unwrap();
    let mut world = lab.world();
    assert_eq!(lab.send(&mut world, &a, target).reason(), Some(DropReason::NoRoute));
    // On another router it is of another VPC.
    let other: VpcId = lab.call(|c, who, x| control::create_vpc(c, who, x, CreateVpc::default())).unwrap().id;
    lab.call(|c, who, x| control::add_router_interface(c, who, x, other, second_subnet)).unwrap();
    let b = lab.server("b", second);
    assert_eq!(IpAddr::V4(b.ipv4), target);
    let mut world = lab.world();
    assert_eq!(lab.send(&mut world, &a, target).reason(), Some(DropReason::NoRoute));
}
