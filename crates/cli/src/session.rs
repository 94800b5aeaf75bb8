//! A conversation with a server: who calls, in which project.

use std::collections::BTreeMap;
use std::path::PathBuf;

use client::types::{
    AddressGroup, AddressGroupFilter, NetworkAcl, NetworkAclFilter, Peering, PeeringFilter, RouteTable,
    RouteTableFilter, SecurityGroup, SecurityGroupFilter, Server, ServerFilter, Subnet, SubnetFilter, Vpc,
};
use client::{Client, ClientConfig};

use crate::failure::{Failure, Result};
use crate::names::{self, Named};
use crate::output;
use crate::settings::{Place, Settings};

/// A client in one project of one account.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// Calls in the project.
    pub(crate) client: Client,
    /// The region of the project; empty if only its id is known.
    pub(crate) region: String,
    /// Where the server is.
    pub(crate) endpoint: String,
    /// Whom to trust about its certificate, where that is not for the machine to say.
    pub(crate) ca_file: Option<PathBuf>,
    /// Project ids of the caller by region, in the order in which the first is the default; empty if not known.
    pub(crate) projects: Vec<(String, String)>,
}

impl Drop for Session {
    /// Tells what the server warned of, however the command ends.
    fn drop(&mut self) {
        self.client.take_warnings().iter().for_each(output::warn);
    }
}

/// Whether a warning comes with every new peering connection (rule PEER-2), whatever its routes are.
pub(crate) fn is_about_routes_to_come(warning: &str) -> bool {
    warning.starts_with("Routes are needed")
}

impl Session {
    /// Chooses the project. Asks the server only for what the settings do not say.
    pub(crate) async fn open(settings: &Settings) -> Result<Self> {
        let (endpoint, key) = settings.required()?;
        let ca_file = settings.ca_file.as_ref().map(|it| it.value.clone());
        let client = Client::new(ClientConfig {
            endpoint: endpoint.value.clone(),
            access_key: key.value.access.clone(),
            secret_key: key.value.secret.clone(),
            ca_file: ca_file.clone(),
            ..ClientConfig::default()
        })?;
        let mut projects = settings.projects.clone();
        let (region, project) = match settings.place.as_ref().map(|place| &place.value) {
            Some(Place::Project(id)) => {
                let region = projects.iter().find(|(_, project)| project == id).map(|(region, _)| region.clone());
                (region.unwrap_or_default(), id.clone())
            }
            Some(Place::Region(region)) => {
                if !projects.iter().any(|(known, _)| known == region) {
                    projects = all_projects(&client).await?;
                }
                let found = projects.iter().find(|(known, _)| known == region).cloned();
                found.ok_or_else(|| unknown_region(region, &projects))?
            }
            None => {
                if projects.is_empty() {
                    projects = all_projects(&client).await?;
                }
                let first = projects.first().cloned();
                first.ok_or_else(|| Failure::not_found("your account has no project; ask the operator for one"))?
            }
        };
        let client = client.with_project(&project);
        Ok(Self { client, region, endpoint: endpoint.value.clone(), ca_file, projects })
    }

    /// The projects of the caller by region; asks the server if they are not known.
    pub(crate) async fn projects(&self) -> Result<Vec<(String, String)>> {
        if self.projects.is_empty() { all_projects(&self.client).await } else { Ok(self.projects.clone()) }
    }

    pub(crate) async fn vpcs(&self) -> Result<Vec<Vpc>> {
        Ok(sorted(self.client.list_vpcs().await?))
    }

    pub(crate) async fn vpc(&self, wanted: &str) -> Result<Vpc> {
        names::find("VPC", wanted, &self.vpcs().await?).cloned()
    }

    /// The subnets of a VPC, or all.
    pub(crate) async fn subnets(&self, vpc_id: Option<&str>) -> Result<Vec<Subnet>> {
        Ok(sorted(self.client.list_subnets(&SubnetFilter { vpc_id: vpc_id.map(str::to_owned) }).await?))
    }

    pub(crate) async fn subnet(&self, wanted: &str, vpc_id: Option<&str>) -> Result<Subnet> {
        names::find("subnet", wanted, &self.subnets(vpc_id).await?).cloned()
    }

    pub(crate) async fn peerings(&self) -> Result<Vec<Peering>> {
        Ok(sorted(self.client.list_peerings(&PeeringFilter::default()).await?))
    }

    /// The peering connection of this id or name. Of several with one name, those in `status` are meant, if that is
    /// given and there are any.
    pub(crate) async fn peering(&self, wanted: &str, status: Option<&str>) -> Result<Peering> {
        let all = self.peerings().await?;
        let preferred: Vec<Peering> = all
            .iter()
            .filter(|peering| peering.name == wanted && status.is_some_and(|status| peering.status == status))
            .cloned()
            .collect();
        names::find("peering", wanted, if preferred.is_empty() { &all } else { &preferred }).cloned()
    }

    pub(crate) async fn servers(&self, filter: &ServerFilter) -> Result<Vec<Server>> {
        Ok(sorted(self.client.list_servers(filter).await?))
    }

    pub(crate) async fn server(&self, wanted: &str) -> Result<Server> {
        names::find("server", wanted, &self.servers(&ServerFilter::default()).await?).cloned()
    }

    pub(crate) async fn security_groups(&self) -> Result<Vec<SecurityGroup>> {
        Ok(sorted(self.client.list_security_groups(&SecurityGroupFilter::default()).await?))
    }

    pub(crate) async fn security_group(&self, wanted: &str) -> Result<SecurityGroup> {
        names::find("security group", wanted, &self.security_groups().await?).cloned()
    }

    pub(crate) async fn network_acls(&self) -> Result<Vec<NetworkAcl>> {
        Ok(sorted(self.client.list_network_acls(&NetworkAclFilter::default()).await?))
    }

    pub(crate) async fn network_acl(&self, wanted: &str) -> Result<NetworkAcl> {
        names::find("network ACL", wanted, &self.network_acls().await?).cloned()
    }

    pub(crate) async fn address_groups(&self) -> Result<Vec<AddressGroup>> {
        Ok(sorted(self.client.list_address_groups(&AddressGroupFilter::default()).await?))
    }

    pub(crate) async fn address_group(&self, wanted: &str) -> Result<AddressGroup> {
        names::find("address group", wanted, &self.address_groups().await?).cloned()
    }

    /// The route tables of a VPC, or all, each with the names that it goes by.
    pub(crate) async fn tables(&self, vpc: Option<&Vpc>) -> Result<Vec<NamedTable>> {
        let filter = RouteTableFilter { vpc_id: vpc.map(|vpc| vpc.id.clone()), ..RouteTableFilter::default() };
        let tables = self.client.list_route_tables(&filter).await?;
        let vpcs = match vpc {
            Some(vpc) => vec![vpc.clone()],
            None => self.vpcs().await?,
        };
        let vpc_name = |id: &str| vpcs.iter().find(|vpc| vpc.id == id).map_or_else(String::new, |vpc| vpc.name.clone());
        let tables = tables.into_iter().map(|table| NamedTable { vpc: vpc_name(&table.vpc_id), table });
        Ok(sorted(tables.collect()))
    }

    pub(crate) async fn table(&self, wanted: &str, vpc: Option<&Vpc>) -> Result<NamedTable> {
        names::find("route table", wanted, &self.tables(vpc).await?).cloned()
    }
}

/// A route table. A VPC's default one is called `rtb-` and the VPC's name besides its own name.
#[derive(Clone, Debug)]
pub(crate) struct NamedTable {
    pub(crate) table: RouteTable,
    /// The name of its VPC.
    pub(crate) vpc: String,
}

impl Named for NamedTable {
    fn id(&self) -> &str {
        &self.table.id
    }

    fn name(&self) -> &str {
        &self.table.name
    }

    fn label(&self) -> String {
        if self.table.default && !self.vpc.is_empty() { format!("rtb-{}", self.vpc) } else { self.table.name.clone() }
    }

    fn is_called(&self, name: &str) -> bool {
        !name.is_empty() && (self.table.name == name || self.label() == name)
    }
}

/// In the order of names, which people expect and the server does not promise.
fn sorted<T: Named>(mut all: Vec<T>) -> Vec<T> {
    all.sort_by_cached_key(|item| (item.label(), item.id().to_owned()));
    all
}

async fn all_projects(client: &Client) -> Result<Vec<(String, String)>> {
    let projects = client.list_projects(None).await?;
    // The server promises no order, and the first one is the default.
    let projects: BTreeMap<String, String> = projects.into_iter().map(|project| (project.name, project.id)).collect();
    Ok(projects.into_iter().collect())
}

fn unknown_region(region: &str, projects: &[(String, String)]) -> Failure {
    let known: Vec<&str> = projects.iter().map(|(region, _)| region.as_str()).collect();
    let like = suite::suggestion(region, known.iter().copied());
    let failure = Failure::not_found(format!("no region named `{region}`{like}"));
    if like.is_empty() { failure.hint(format!("the server has {}", known.join(", "))) } else { failure }
}
