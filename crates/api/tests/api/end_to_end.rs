//! Our own client against the server, over a socket: both ends mean the same.

use client::types::{
    AccountCreate, AddressGroupCreate, NetworkAclCreate, PasswordLogin, PeeringCreate, PeeringFilter, PeeringVpc,
    PortCreate, PortFilter, ProbeRequest, Protocol, ReachRequest, ResourceTag, RouteChanges, RouteSpec,
    RouteTableCreate, RouteTableFilter, RouteTableUpdate, SecurityGroupCreate, SecurityGroupFilter,
    SecurityGroupRuleCreate, SecurityGroupRuleFilter, ServerCreate, ServerFilter, ServerKind, ServerUpdate,
    SubnetCreate, SubnetFilter, TagKind, Target, TokenScope, TraceRequest, VpcCreate, VpcFilter, VpcUpdate,
};
use client::{Client, ClientConfig};
use tokio::net::TcpListener;

use crate::fixture::{PASSWORD, World};

async fn connect(world: &World) -> Client {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    // Ends with the test's runtime.
    tokio::spawn(api::serve(listener, world.router.clone(), std::future::pending()));
    // The client signs with the machine's clock.
    world.clock.store(jiff::Timestamp::now().as_second(), std::sync::atomic::Ordering::SeqCst);
    Client::new(ClientConfig {
        endpoint,
        access_key: world.a.access_key.clone(),
        secret_key: world.a.secret_key.clone(),
        project_id: Some(world.a.project.clone()),
        ..ClientConfig::default()
    })
    .unwrap()
}

async fn network(client: &Client, name: &str, cidr: &str, subnet_cidr: &str, gateway: &str) -> (String, String) {
    let vpc = VpcCreate { name: name.to_owned(), cidr: cidr.to_owned(), ..VpcCreate::default() };
    let vpc = client.create_vpc(&vpc).await.unwrap();
    assert_eq!((vpc.status.as_str(), vpc.cidr.as_str()), ("OK", cidr));
    let subnet = SubnetCreate {
        name: format!("{name}-01"),
        cidr: subnet_cidr.to_owned(),
        gateway_ip: gateway.to_owned(),
        vpc_id: vpc.id.clone(),
        ..SubnetCreate::default()
    };
    (vpc.id, client.create_subnet(&subnet).await.unwrap().id)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_main_job_through_the_client() {
    let world = World::new().await;
    let client = connect(&world).await;
    let (a, sa) = network(&client, "VPC-A", "172.16.0.0/16", "172.16.0.0/24", "172.16.0.1").await;
    let (b, sb) = network(&client, "VPC-B", "172.17.0.0/16", "172.17.0.0/24", "172.17.0.1").await;

    let end = |vpc: &str| PeeringVpc { vpc_id: vpc.to_owned(), ..PeeringVpc::default() };
    let wanted = PeeringCreate {
        name: "Peering-AB".to_owned(),
        description: None,
        request_vpc_info: end(&a),
        accept_vpc_info: end(&b),
    };
    let peering = client.create_peering(&wanted).await.unwrap();
    assert_eq!(
        (peering.status.as_str(), peering.accept_vpc_info.tenant_id.as_str()),
        ("ACTIVE", world.a.project.as_str())
    );
    assert!(client.take_warnings().iter().any(|warning| warning.contains("Routes are needed")));
    let again = client.create_peering(&wanted).await.unwrap_err();
    assert_eq!(
        (again.status(), again.code(), again.cause()),
        (Some(409), Some("PeeringExists"), Some("duplicate_peering"))
    );

    for (vpc, destination) in [(&a, "172.17.0.0/16"), (&b, "172.16.0.0/16")] {
        let filter = RouteTableFilter { vpc_id: Some(vpc.clone()), ..RouteTableFilter::default() };
        let table = client.list_route_tables(&filter).await.unwrap().into_iter().find(|table| table.default).unwrap();
        let route = RouteSpec {
            kind: "peering".to_owned(),
            destination: destination.to_owned(),
            nexthop: peering.id.clone(),
            description: None,
        };
        let routes = RouteChanges { add: vec![route], ..RouteChanges::default() };
        let update = RouteTableUpdate { routes: Some(routes), ..RouteTableUpdate::default() };
        let table = client.update_route_table(&table.id, &update).await.unwrap();
        assert!(table.routes.iter().any(|route| route.nexthop == peering.id));
        let states = client.route_states(&table.id).await.unwrap();
        assert!(states.iter().any(|route| route.kind == "peering" && route.state == "active"));
    }

    let server = |name: &str, subnet: &str, kind| ServerCreate {
        name: name.to_owned(),
        subnet_id: subnet.to_owned(),
        kind: Some(kind),
        ..ServerCreate::default()
    };
    let ecs = client.create_server(&server("ECS-A01", &sa, ServerKind::Ecs)).await.unwrap();
    let rds = client.create_server(&server("RDS-B01", &sb, ServerKind::Rds)).await.unwrap();
    assert_eq!((ecs.status.as_str(), rds.kind.as_str()), ("ACTIVE", "rds"));
    assert_eq!(ecs.namespace.as_deref(), Some("cw-ECS-A01"));
    assert_eq!(client.show_server(&ecs.id).await.unwrap(), ecs);
    let filter = ServerFilter { name: Some("RDS-B01".to_owned()), ..ServerFilter::default() };
    assert_eq!(client.list_servers(&filter).await.unwrap(), std::slice::from_ref(&rds));

    let question =
        TraceRequest { from: ecs.id.clone(), to: Target::server(&rds.id), protocol: Protocol::Icmp, port: None };
    let trace = client.trace(&question).await.unwrap();
    assert!(trace.verdict.reachable, "{trace:?}");
    assert!(!trace.forward.is_empty() && !trace.back.is_empty());
    let matrix = ReachRequest { protocol: Protocol::Icmp, measure: true, ..ReachRequest::default() };
    let matrix = client.reach(&matrix).await.unwrap();
    assert_eq!((matrix.servers.len(), matrix.matrix.len()), (2, 2));
    assert!(matrix.matrix.iter().all(|cell| cell.traced.reachable && cell.measured.unwrap().reachable));
    let probe = ProbeRequest {
        from: ecs.id.clone(),
        to: Target::server(&rds.id),
        protocol: Protocol::Tcp,
        port: Some(5432),
        timeout_ms: Some(500),
    };
    assert!(client.probe(&probe).await.unwrap().replied);

    client.stop_server(&rds.id).await.unwrap();
    assert_eq!(client.show_server(&rds.id).await.unwrap().status, "SHUTOFF");
    client.start_server(&rds.id).await.unwrap();
    let unchecked = ServerUpdate { source_dest_check: Some(false), ..ServerUpdate::default() };
    assert!(!client.update_server(&ecs.id, &unchecked).await.unwrap().source_dest_check);

    let status = client.status().await.unwrap();
    assert_eq!((status.datapath.as_str(), status.counts.servers, status.counts.routes), ("kernel", 2, 2));
    assert!(status.account.operator);

    client.delete_peering(&peering.id).await.unwrap();
    assert!(client.show_peering(&peering.id).await.unwrap_err().is_not_found());
    let trace = client.trace(&question).await.unwrap();
    assert_eq!((trace.verdict.reason.as_deref(), trace.verdict.at.as_deref()), (Some("no_route"), Some(a.as_str())));
    for server in [&ecs.id, &rds.id] {
        client.delete_server(server).await.unwrap();
    }
    client.delete_subnet(&a, &sa).await.unwrap();
    assert!(client.delete_vpc(&b).await.unwrap_err().is_conflict());
    client.delete_vpc(&a).await.unwrap();
    assert_eq!(client.list_vpcs().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_tokens_and_requests_across_accounts_through_the_client() {
    let world = World::new().await;
    let client = connect(&world).await;
    let made = client.create_account(&AccountCreate { name: "acct-c".to_owned(), site: None }).await.unwrap();
    assert_eq!((made.account.site.as_str(), made.projects.len()), ("cn", 2));
    assert_eq!(client.list_accounts().await.unwrap().len(), 3);
    let other = client.with_key(&made.access_key.access, &made.access_key.secret);
    let project = other.project_named("region-1").await.unwrap();
    let other = other.with_project(&project.id);
    assert_eq!(other.list_domains().await.unwrap()[0].id, made.account.id);
    let denied = other.list_accounts().await.unwrap_err();
    assert_eq!((denied.status(), denied.code()), (Some(403), Some("not_authorized")));

    let (a, _) = network(&client, "VPC-A", "172.16.0.0/16", "172.16.0.0/24", "172.16.0.1").await;
    let (c, _) = network(&other, "VPC-C", "172.18.0.0/16", "172.18.0.0/24", "172.18.0.1").await;
    let wanted = PeeringCreate {
        name: "Peering-AC".to_owned(),
        description: Some("please".to_owned()),
        request_vpc_info: PeeringVpc { vpc_id: a, ..PeeringVpc::default() },
        accept_vpc_info: PeeringVpc { vpc_id: c, tenant_id: project.id.clone() },
    };
    let pending = client.create_peering(&wanted).await.unwrap();
    assert_eq!(pending.status, "PENDING_ACCEPTANCE");
    assert_eq!(other.accept_peering(&pending.id).await.unwrap().status, "ACTIVE");
    assert_eq!(other.list_peerings(&PeeringFilter::default()).await.unwrap().len(), 1);
    assert!(!other.peering_warnings(&pending.id).await.unwrap().is_empty());
    other.delete_peering(&pending.id).await.unwrap();
    let again = client.create_peering(&wanted).await.unwrap();
    assert_eq!(other.reject_peering(&again.id).await.unwrap().status, "REJECTED");

    let login = PasswordLogin {
        user: "acct-a-user".to_owned(),
        password: PASSWORD.to_owned(),
        domain: "acct-a".to_owned(),
        scope: TokenScope::Project("region-1".to_owned()),
    };
    let token = client.create_token(&login).await.unwrap();
    assert_eq!(token.project.unwrap().id, world.a.project);
}

/// Every kind of object that has tags.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tags_through_the_client() {
    let world = World::new().await;
    let client = connect(&world).await;
    let (vpc, subnet) = network(&client, "VPC-A", "172.16.0.0/16", "172.16.0.0/24", "172.16.0.1").await;
    let port = PortCreate { network_id: subnet.clone(), ..PortCreate::default() };
    let group = SecurityGroupCreate { name: "sg".to_owned(), description: None };
    let addresses = AddressGroupCreate { name: "ag".to_owned(), ip_version: 4, ..AddressGroupCreate::default() };
    let tag = |key: &str, value: &str| ResourceTag { key: key.to_owned(), value: value.to_owned() };
    for (kind, id) in [
        (TagKind::Vpc, vpc),
        (TagKind::Subnet, subnet),
        (TagKind::Port, client.create_port(&port).await.unwrap().id),
        (TagKind::SecurityGroup, client.create_security_group(&group).await.unwrap().id),
        (TagKind::NetworkAcl, client.create_network_acl(&NetworkAclCreate::default()).await.unwrap().id),
        (TagKind::AddressGroup, client.create_address_group(&addresses).await.unwrap().id),
    ] {
        client.set_tags(kind, &id, &[tag("env", "prod"), tag("team", "")]).await.unwrap();
        client.set_tags(kind, &id, &[tag("env", "test")]).await.unwrap();
        assert_eq!(client.list_tags(kind, &id).await.unwrap(), [tag("env", "test"), tag("team", "")], "{kind:?}");
        client.unset_tags(kind, &id, &["env".to_owned(), "none".to_owned()]).await.unwrap();
        assert_eq!(client.list_tags(kind, &id).await.unwrap(), [tag("team", "")], "{kind:?}");
    }
}

/// Everything that the client can list, change and filter.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rest_of_the_network_through_the_client() {
    let world = World::new().await;
    let client = connect(&world).await;
    let (vpc, subnet) = network(&client, "VPC-A", "172.16.0.0/16", "172.16.0.0/24", "172.16.0.1").await;
    let renamed = VpcUpdate { name: Some("VPC-X".to_owned()), ..VpcUpdate::default() };
    assert_eq!(client.update_vpc(&vpc, &renamed).await.unwrap().name, "VPC-X");
    let extended = client.add_extend_cidrs(&vpc, &["168.10.0.0/16".to_owned()]).await.unwrap();
    assert_eq!(extended.extend_cidrs, ["168.10.0.0/16"]);
    let filter = VpcFilter { name: vec!["VPC-X".to_owned()], ..VpcFilter::default() };
    assert_eq!(client.list_vpcs_v3(&filter).await.unwrap()[0].status, "ACTIVE");
    client.remove_extend_cidrs(&vpc, &["168.10.0.0/16".to_owned()]).await.unwrap();
    let filter = SubnetFilter { vpc_id: Some(vpc.clone()) };
    assert_eq!(client.list_subnets(&filter).await.unwrap()[0].id, subnet);

    let table = RouteTableCreate { vpc_id: vpc.clone(), name: "custom".to_owned(), ..RouteTableCreate::default() };
    let table = client.create_route_table(&table).await.unwrap();
    let moved = client.associate_subnets(&table.id, std::slice::from_ref(&subnet)).await.unwrap();
    assert_eq!(moved.subnets[0].id, subnet);
    client.disassociate_subnets(&table.id, std::slice::from_ref(&subnet)).await.unwrap();
    client.delete_route_table(&table.id).await.unwrap();

    let group = SecurityGroupCreate { name: "sg".to_owned(), description: Some("d".to_owned()) };
    let group = client.create_security_group(&group).await.unwrap();
    assert_eq!(group.security_group_rules.len(), 4);
    let rule = SecurityGroupRuleCreate {
        security_group_id: group.id.clone(),
        direction: "ingress".to_owned(),
        protocol: Some("tcp".to_owned()),
        multiport: Some("22,80-90".to_owned()),
        remote_ip_prefix: Some("10.0.0.0/8".to_owned()),
        priority: Some(7),
        ..SecurityGroupRuleCreate::default()
    };
    let rule = client.create_security_group_rule(&rule).await.unwrap();
    assert_eq!((rule.multiport.as_deref(), rule.priority), (Some("22,80-90"), 7));
    let filter =
        SecurityGroupRuleFilter { security_group_id: Some(group.id.clone()), ..SecurityGroupRuleFilter::default() };
    assert_eq!(client.list_security_group_rules(&filter).await.unwrap().len(), 5);
    client.delete_security_group_rule(&rule.id).await.unwrap();
    let filter = SecurityGroupFilter { name: vec!["sg".to_owned()], ..SecurityGroupFilter::default() };
    assert_eq!(client.list_security_groups(&filter).await.unwrap().len(), 1);
    client.delete_security_group(&group.id).await.unwrap();

    let server = ServerCreate { name: "s".to_owned(), subnet_id: subnet, ..ServerCreate::default() };
    let server = client.create_server(&server).await.unwrap();
    let filter = PortFilter { fixed_ips: vec![format!("ip_address={}", server.ip_address)], ..PortFilter::default() };
    let ports = client.list_ports(&filter).await.unwrap();
    assert_eq!((ports[0].id.as_str(), ports[0].device_id.as_str()), (server.port_id.as_str(), server.id.as_str()));
}
