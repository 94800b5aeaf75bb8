//! A small installation: two regions, three accounts, everything committed to a catalog in memory at once.

use catalog::Catalog;
use ipnet::{IpNet, Ipv4Net};
use model::{
    AccountId, NextHopType, Peering, PeeringId, ProjectId, RouteTableId, Server, ServerId, ServerKind, Site, Subnet,
    SubnetId, Timestamp, UserId, Vpc, VpcId,
};
use uuid::Uuid;

use crate::{
    Caller, Config, Context, CreateAccount, CreatePeering, CreatePort, CreateServer, CreateSubnet, CreateVpc, Error,
    Ids, Limits, NewRoute, Outcome, Region, ServerPort, UpdateRouteTable, Warning, create_account,
    create_bootstrap_account, create_peering, create_server, create_subnet, create_vpc, update_route_table,
};

/// Seals the secrets of the test's access keys.
pub(crate) fn vault() -> crate::Vault {
    crate::Vault::new(&[1; crate::MASTER_KEY_LEN])
}

/// Random-looking ids that are the same in each run.
pub(crate) struct SeededIds(u64);

impl SeededIds {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// SplitMix64 (Steele, Lea, Flood 2014).
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl Ids for SeededIds {
    fn uuid(&mut self) -> Uuid {
        let bytes = (u128::from(self.next()) << 64 | u128::from(self.next())).to_be_bytes();
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }
}

pub(crate) struct World {
    pub(crate) catalog: Catalog,
    pub(crate) ids: SeededIds,
    pub(crate) limits: Limits,
    pub(crate) config: Config,
    pub(crate) now: Timestamp,
    pub(crate) operator: Caller,
    /// Accounts a, b and c in region-1.
    pub(crate) a: Caller,
    pub(crate) b: Caller,
    pub(crate) c: Caller,
}

pub(crate) fn net(text: &str) -> Ipv4Net {
    text.parse().unwrap()
}

pub(crate) fn dest(text: &str) -> IpNet {
    text.parse().unwrap()
}

pub(crate) fn config() -> Config {
    let region = |id: &str| Region {
        id: id.into(),
        availability_zones: vec!["az1".into()],
        edge_sites: vec!["edge-1".into(), "edge-2".into()],
    };
    Config { regions: vec![region("region-1"), region("region-2")], ..Config::default() }
}

pub(crate) fn account_request(name: &str) -> CreateAccount {
    CreateAccount { name: name.into(), site: Site::Cn, user_name: "admin".into(), password_hash: "$argon2id$".into() }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::seeded(1)
    }

    pub(crate) fn seeded(seed: u64) -> Self {
        let nobody = Caller {
            account: AccountId::new(Uuid::nil()),
            user: UserId::new(Uuid::nil()),
            project: None,
            operator: true,
        };
        let mut world = Self {
            catalog: Catalog::default(),
            ids: SeededIds::new(seed),
            limits: Limits::default(),
            config: config(),
            now: Timestamp::from_unix_seconds(1_700_000_000),
            operator: nobody.clone(),
            a: nobody.clone(),
            b: nobody.clone(),
            c: nobody,
        };
        let first = world.ok(|c, x| create_bootstrap_account(c, x, account_request("operator")));
        world.operator = Caller { account: first.account.id, user: first.user.id, project: None, operator: true };
        [world.a, world.b, world.c] = ["a", "b", "c"].map(|name| world.account(name));
        world
    }

    fn account(&mut self, name: &str) -> Caller {
        let operator = self.operator.clone();
        let made = self.ok(|c, x| create_account(c, &operator, x, account_request(name)));
        Caller { account: made.account.id, user: made.user.id, project: Some(made.projects[0].id), operator: false }
    }

    /// The same caller in the other region.
    pub(crate) fn elsewhere(&self, caller: &Caller) -> Caller {
        let project = self.catalog.project_in(caller.account, &"region-2".into()).unwrap().id;
        Caller { project: Some(project), ..caller.clone() }
    }

    pub(crate) fn project(&self, caller: &Caller) -> ProjectId {
        assert!(self.catalog.project(caller.project.unwrap()).is_some());
        caller.project.unwrap()
    }

    /// Runs a use case without committing.
    pub(crate) fn run<T>(
        &mut self,
        use_case: impl FnOnce(&Catalog, &mut Context<'_>) -> Result<Outcome<T>, Error>,
    ) -> Result<Outcome<T>, Error> {
        let mut ctx = Context { now: self.now, limits: &self.limits, config: &self.config, ids: &mut self.ids };
        use_case(&self.catalog, &mut ctx)
    }

    /// Runs a use case and commits what it wants.
    pub(crate) fn call<T>(
        &mut self,
        use_case: impl FnOnce(&Catalog, &mut Context<'_>) -> Result<Outcome<T>, Error>,
    ) -> Result<(T, Vec<Warning>), Error> {
        let outcome = self.run(use_case)?;
        let (next, changes) = outcome.changes.preview(&self.catalog).unwrap();
        // Who deletes must delete something that is there.
        for key in outcome.changes.deletions() {
            assert!(changes.iter().any(|change| change.key == key), "{key} did not exist");
        }
        self.catalog = next;
        Ok((outcome.value, outcome.warnings))
    }

    pub(crate) fn ok<T>(
        &mut self,
        use_case: impl FnOnce(&Catalog, &mut Context<'_>) -> Result<Outcome<T>, Error>,
    ) -> T {
        self.call(use_case).unwrap().0
    }

    pub(crate) fn refused<T>(
        &mut self,
        use_case: impl FnOnce(&Catalog, &mut Context<'_>) -> Result<Outcome<T>, Error>,
    ) -> Error {
        let error = self.run(use_case).map(|_| ()).unwrap_err();
        assert!(!error.to_string().is_empty());
        error
    }

    pub(crate) fn vpc(&mut self, caller: &Caller, name: &str, cidr: &str) -> Vpc {
        let request = CreateVpc { name: name.into(), cidr: Some(net(cidr)), ..CreateVpc::default() };
        self.ok(|c, x| create_vpc(c, caller, x, request))
    }

    pub(crate) fn subnet(&mut self, caller: &Caller, vpc: VpcId, cidr: &str) -> Subnet {
        let request = CreateSubnet::new(vpc, "subnet", net(cidr));
        self.ok(|c, x| create_subnet(c, caller, x, request))
    }

    pub(crate) fn server(&mut self, caller: &Caller, subnet: SubnetId, name: &str) -> Server {
        let request = server_request(subnet, name);
        self.ok(|c, x| create_server(c, caller, x, request))
    }

    pub(crate) fn peer(&mut self, caller: &Caller, local: VpcId, peer: VpcId) -> Peering {
        let request = self.peering_request(local, peer);
        self.ok(|c, x| create_peering(c, caller, x, request))
    }

    pub(crate) fn peering_request(&self, local_vpc: VpcId, peer_vpc: VpcId) -> CreatePeering {
        CreatePeering {
            name: "peering".into(),
            description: String::new(),
            local_vpc,
            local_project: None,
            peer_vpc,
            peer_project: self.catalog.vpc(peer_vpc).map(|vpc| vpc.project),
        }
    }

    pub(crate) fn add_route(
        &mut self,
        caller: &Caller,
        table: RouteTableId,
        route: NewRoute,
    ) -> Result<Vec<Warning>, Error> {
        let request = UpdateRouteTable { add: vec![route], ..UpdateRouteTable::default() };
        self.call(|c, x| update_route_table(c, caller, x, table, request)).map(|(_, warnings)| warnings)
    }

    pub(crate) fn route(&mut self, caller: &Caller, table: RouteTableId, to: &str, peering: PeeringId) {
        self.add_route(caller, table, via_peering(to, peering)).unwrap();
    }
}

pub(crate) fn via_peering(to: &str, peering: PeeringId) -> NewRoute {
    NewRoute::new(dest(to), NextHopType::Peering, peering)
}

pub(crate) fn via_server(to: &str, server: ServerId) -> NewRoute {
    NewRoute::new(dest(to), NextHopType::Ecs, server)
}

pub(crate) fn server_request(subnet: SubnetId, name: &str) -> CreateServer {
    CreateServer {
        name: name.into(),
        kind: ServerKind::Ecs,
        vpc: None,
        port: ServerPort::New(CreatePort::new(subnet)),
        availability_zone: "az1".into(),
    }
}
