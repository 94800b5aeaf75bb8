//! Pins, links and maps over restarts, damage and removal, in a real kernel.

#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    process, thread,
    time::{Duration, Instant},
};

use aya::programs::{SchedClassifier, TcAttachType};
use common::{id, in_namespace, ip, peered, v4, veth};
use datapath::{Capacities, Damage, Datapath, Error, Found, LinkState, MapName, Options, remove_instance};
use tables::{Delta, Prefix, Tables};

/// An instance of the test's own, taken away when the test is over, however it ends.
struct Instance(Options);

impl Instance {
    fn new(name: &str) -> Self {
        let mut options = Options::new(&format!("test-{}-{name}", process::id()));
        // As many entries as tests need: flow maps take their memory at once.
        options.capacities = Capacities { flows: 1024, new_flows: 1024, fragments: 256, drops: 256, ..small(64) };
        Self(options)
    }

    fn open(&self) -> Datapath {
        Datapath::open(&self.0).unwrap()
    }

    fn maps(&self) -> PathBuf {
        self.0.bpffs.join(format!("causeway-{}/v1/maps", self.0.instance))
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let removed = remove_instance(&self.0);
        if !std::thread::panicking() {
            removed.unwrap();
        }
    }
}

fn small(entries: u32) -> Capacities {
    Capacities {
        ports: entries,
        endpoints: entries,
        routes: entries,
        crossings: entries,
        cidrs: entries,
        identities: entries,
        rules: entries,
        ..Capacities::default()
    }
}

/// Ids of the programs that run for what comes in by an interface.
fn programs(interface: &str) -> Vec<u32> {
    let (_, programs) = SchedClassifier::query_tcx(interface, TcAttachType::Ingress).unwrap();
    programs.iter().map(aya::programs::ProgramInfo::id).collect()
}

fn from_nothing(tables: &Tables) -> Delta {
    Delta { bumped: BTreeSet::from([1, 2]), ..Delta::between(&Tables::default(), tables) }
}

#[test]
fn what_was_applied_is_what_a_snapshot_reads() {
    in_namespace(|| {
        let instance = Instance::new("snapshot");
        let (mut tables, _) = peered(&[3, 5, 7]);
        let cidr = abi::CidrKey { vni: [0, 0, 0, 1], family: 4, address: v4([10, 1, 0, 0]) };
        tables.cidrs.insert(Prefix { bits: abi::prefix_base::CIDR + 16, key: cidr }, 1);
        // A whole IPv6 prefix, and one inside another.
        let wide = abi::RouteKey { table: id(b't', 1), family: 6, address: [0x20; 16] };
        let any = tables.routes.values().next().copied().unwrap();
        tables.routes.insert(Prefix { bits: abi::prefix_base::ROUTE + 128, key: wide }, any);
        let mut datapath = instance.open();
        assert_eq!(datapath.snapshot().unwrap(), Tables::default());
        datapath.apply(&from_nothing(&tables)).unwrap();
        assert_eq!(datapath.snapshot().unwrap(), tables);

        let (fewer, _) = peered(&[3]);
        datapath.apply(&Delta::between(&tables, &fewer)).unwrap();
        assert_eq!(datapath.snapshot().unwrap(), fewer);
        drop(datapath);

        let again = instance.open();
        assert_eq!(again.found(), &Found::Adopted);
        assert_eq!(again.snapshot().unwrap(), fewer);
    });
}

#[test]
fn usage_follows_every_write() {
    in_namespace(|| {
        let instance = Instance::new("usage");
        let (tables, _) = peered(&[3, 5, 7]);
        let used = |datapath: &Datapath| -> BTreeMap<MapName, u32> {
            datapath.usage().iter().map(|usage| (usage.map, usage.used)).collect()
        };
        let mut datapath = instance.open();
        datapath.apply(&from_nothing(&tables)).unwrap();
        // Writing what is there adds nothing.
        datapath.apply(&from_nothing(&tables)).unwrap();
        let full = used(&datapath);
        assert_eq!(full[&MapName::Ports], 3);
        assert_eq!(full.values().sum::<u32>() as usize, tables.len());
        drop(datapath);

        let mut datapath = instance.open();
        assert_eq!(used(&datapath), full);
        let removal = Delta::between(&tables, &Tables::default());
        datapath.apply(&removal).unwrap();
        // Removing what is gone is fine.
        datapath.apply(&removal).unwrap();
        assert_eq!(used(&datapath).values().sum::<u32>(), 0);
    });
}

#[test]
fn a_full_map_is_an_error_that_names_it() {
    in_namespace(|| {
        let mut instance = Instance::new("full");
        instance.0.capacities.endpoints = 4;
        instance.0.capacities.routes = 5;
        let mut datapath = instance.open();
        // Three workloads and two gateways.
        let (five, _) = peered(&[3, 5, 7]);
        let error = datapath.apply(&from_nothing(&five)).unwrap_err();
        assert!(matches!(error, Error::Full { map: MapName::Endpoints, capacity: 4 }), "{error:?}");
        let there = datapath.snapshot().unwrap();
        datapath.apply(&Delta::between(&there, &Tables::default())).unwrap();

        // A full trie takes another value for a prefix that it has.
        let (four, _) = peered(&[3, 5]);
        datapath.apply(&from_nothing(&four)).unwrap();
        let mut tables = four.clone();
        let (prefix, route) = four.routes.iter().next().map(|(prefix, route)| (*prefix, *route)).unwrap();
        let other = Prefix { bits: prefix.bits - 1, ..prefix };
        tables.routes.insert(other, route);
        datapath.apply(&Delta::between(&four, &tables)).unwrap();
        let mut changed = tables.clone();
        changed.routes.insert(other, abi::Route { kind: abi::ROUTE_SYSTEM, ..route });
        datapath.apply(&Delta::between(&tables, &changed)).unwrap();
        let mut more = changed.clone();
        more.routes.insert(Prefix { bits: prefix.bits - 2, ..prefix }, route);
        let error = datapath.apply(&Delta::between(&changed, &more)).unwrap_err();
        assert!(matches!(error, Error::Full { map: MapName::Routes, capacity: 5 }), "{error:?}");
        assert_eq!(datapath.snapshot().unwrap(), changed);
    });
}

#[test]
fn a_restart_adopts_links_and_replaces_their_program_in_one_step() {
    in_namespace(|| {
        let instance = Instance::new("adopt");
        let (first, second) = (veth("cw0"), veth("cw.1"));
        let mut datapath = instance.open();
        assert_eq!(datapath.found(), &Found::Nothing);
        for interface in ["cw0", "cw.1"] {
            datapath.attach(interface).unwrap();
        }
        let old = programs("cw0");
        assert_eq!((old.len(), &programs("cw.1")), (1, &old));
        drop(datapath);
        assert_eq!(programs("cw0"), old, "the program stays when its process is gone");

        let mut datapath = instance.open();
        assert_eq!(datapath.found(), &Found::Adopted);
        let links = BTreeMap::from([
            ("cw.1".to_owned(), LinkState::Attached(second)),
            ("cw0".to_owned(), LinkState::Attached(first)),
        ]);
        assert_eq!(datapath.links().unwrap(), links);
        assert_eq!(programs("cw0"), old, "opening changes nothing");
        let activated = datapath.activate().unwrap();
        assert_eq!((activated.updated.len(), activated.gone.len()), (2, 0));
        let new = programs("cw0");
        assert_eq!(new.len(), 1);
        assert_ne!(new, old);
        assert_eq!(programs("cw.1"), new);

        // Attaching again is fine, detaching twice as well.
        datapath.attach("cw0").unwrap();
        assert_eq!(programs("cw0"), new);
        datapath.detach("cw0").unwrap();
        datapath.detach("cw0").unwrap();
        let deadline = Instant::now() + Duration::from_secs(2);
        while !programs("cw0").is_empty() {
            assert!(Instant::now() < deadline, "the program stays");
            thread::yield_now();
        }
        assert_eq!(datapath.links().unwrap().len(), 1);
    });
}

#[test]
fn an_interface_that_went_away_leaves_no_link() {
    in_namespace(|| {
        let instance = Instance::new("gone");
        veth("cw0");
        let mut datapath = instance.open();
        datapath.attach("cw0").unwrap();
        ip(&["link", "del", "cw0"]);
        assert_eq!(datapath.links().unwrap(), BTreeMap::from([("cw0".to_owned(), LinkState::Gone)]));
        // Another interface of the name gets a program of its own.
        let index = veth("cw0");
        assert_eq!(datapath.links().unwrap(), BTreeMap::from([("cw0".to_owned(), LinkState::Gone)]));
        datapath.attach("cw0").unwrap();
        assert_eq!(datapath.links().unwrap(), BTreeMap::from([("cw0".to_owned(), LinkState::Attached(index))]));
        assert_eq!(programs("cw0").len(), 1);
        ip(&["link", "del", "cw0"]);
        assert_eq!(datapath.activate().unwrap().gone, ["cw0"]);
        assert_eq!(datapath.links().unwrap(), BTreeMap::new());
        assert!(matches!(datapath.attach("cw0"), Err(Error::NoInterface { .. })));
    });
}

#[test]
fn damaged_pins_are_replaced_and_links_are_kept() {
    in_namespace(|| {
        let instance = Instance::new("damage");
        veth("cw0");
        let (tables, _) = peered(&[3]);
        let mut datapath = instance.open();
        datapath.apply(&from_nothing(&tables)).unwrap();
        datapath.attach("cw0").unwrap();
        let old = programs("cw0");
        drop(datapath);

        // One map is missing, a folder stands in the place of another, and something strange is there.
        fs::remove_file(instance.maps().join("ROUTES")).unwrap();
        fs::remove_file(instance.maps().join("PORTS")).unwrap();
        fs::create_dir(instance.maps().join("PORTS")).unwrap();
        fs::create_dir(instance.maps().join("strange")).unwrap();
        let mut datapath = instance.open();
        let damages =
            vec![Damage::Unfit(MapName::Ports), Damage::Missing(MapName::Routes), Damage::Foreign("strange".into())];
        assert_eq!(datapath.found(), &Found::Replaced(damages));
        assert_eq!(datapath.snapshot().unwrap(), Tables::default());
        assert_eq!(programs("cw0"), old, "packets go on by the old tables until the new ones are in place");
        datapath.apply(&from_nothing(&tables)).unwrap();
        assert_eq!(datapath.activate().unwrap().updated, ["cw0"]);
        assert_ne!(programs("cw0"), old);
        drop(datapath);
        assert_eq!(instance.open().found(), &Found::Adopted);
    });
}

#[test]
fn maps_of_another_size_are_replaced() {
    in_namespace(|| {
        let mut instance = Instance::new("size");
        drop(instance.open());
        instance.0.capacities.rules += 1;
        assert_eq!(instance.open().found(), &Found::Replaced(vec![Damage::Unfit(MapName::Rules)]));
        assert_eq!(instance.open().found(), &Found::Adopted);
    });
}

#[test]
fn a_foreign_object_in_the_place_of_a_link_is_replaced() {
    in_namespace(|| {
        let instance = Instance::new("foreign");
        let index = veth("cw0");
        let mut datapath = instance.open();
        let links = instance.maps().with_file_name("links");
        fs::create_dir(links.join("cw0")).unwrap();
        assert_eq!(datapath.links().unwrap(), BTreeMap::from([("cw0".to_owned(), LinkState::Gone)]));
        datapath.attach("cw0").unwrap();
        assert_eq!(datapath.links().unwrap(), BTreeMap::from([("cw0".to_owned(), LinkState::Attached(index))]));
    });
}

#[test]
fn an_instance_has_one_owner() {
    in_namespace(|| {
        let instance = Instance::new("owner");
        let datapath = instance.open();
        assert!(matches!(Datapath::open(&instance.0), Err(Error::Busy { .. })));
        assert!(matches!(remove_instance(&instance.0), Err(Error::Busy { .. })));
        drop(datapath);
        instance.open();
    });
}

#[test]
fn removing_everything_leaves_nothing() {
    in_namespace(|| {
        let instance = Instance::new("remove");
        veth("cw0");
        let mut datapath = instance.open();
        datapath.attach("cw0").unwrap();
        datapath.remove_all().unwrap();
        assert_eq!(programs("cw0"), Vec::<u32>::new());
        assert!(!instance.maps().ancestors().nth(2).unwrap().exists());
        // Also when nothing is there.
        remove_instance(&instance.0).unwrap();
        assert_eq!(instance.open().found(), &Found::Nothing);
    });
}
