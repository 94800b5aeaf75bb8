//! `causeway status`.

use serde::Serialize;

use crate::app::App;
use crate::exit::Exit;
use crate::failure::Result;
use crate::output::Details;

/// Where one is and what is there.
#[derive(Debug, Serialize)]
struct Here {
    endpoint: String,
    region: String,
    #[serde(flatten)]
    status: client::types::Status,
}

/// Does it.
pub(crate) async fn run(app: &App) -> Result<Exit> {
    let session = app.session().await?;
    let status = session.client.status().await?;
    let here = Here { endpoint: session.endpoint.clone(), region: session.region.clone(), status };
    app.printer.one(&here, || text(&here))?;
    Ok(Exit::Done)
}

fn text(here: &Here) -> String {
    let Here { endpoint, region, status } = here;
    let counts = status.counts;
    let regions = status.regions.iter().map(|region| {
        let mut text = region.id.clone();
        if !region.edge_sites.is_empty() {
            text.push_str(&format!(" (edge sites {})", region.edge_sites.join(", ")));
        }
        text
    });
    let note = if status.datapath_note.is_empty() { String::new() } else { format!(": {}", status.datapath_note) };
    let operator = if status.account.operator { ", operator" } else { "" };
    Details::default()
        .field("server", format!("{endpoint} (causeway {})", status.version))
        .field("data plane", format!("{}{note}", status.datapath))
        .field("account", format!("{} (site {}{operator})", status.account.name, status.account.site))
        .field("region", region)
        .fields("regions", regions)
        .field("VPCs", counts.vpcs.to_string())
        .field("subnets", counts.subnets.to_string())
        .field("servers", counts.servers.to_string())
        .field("peerings", counts.peerings.to_string())
        .field("routes", counts.routes.to_string())
        .field("revision", status.revision.to_string())
        .render()
}

#[cfg(test)]
mod tests {
    use client::types::{Account, Counts, Region, Status};

    use super::*;
    use crate::testing;

    #[test]
    fn help() {
        insta::assert_snapshot!(testing::help(&["status"]));
    }

    #[test]
    fn the_data_plane_is_told_with_its_note() {
        let status = Status {
            version: "1.2.3".to_owned(),
            datapath: "sim".to_owned(),
            datapath_note: "not root".to_owned(),
            regions: vec![Region { id: "r".to_owned(), edge_sites: vec!["e".to_owned()], ..Region::default() }],
            revision: 7,
            counts: Counts { vpcs: 2, ..Counts::default() },
            account: Account { name: "root".to_owned(), site: "cn".to_owned(), operator: true, ..Account::default() },
            projects: Vec::new(),
        };
        let here = Here { endpoint: "http://h:1".to_owned(), region: "r".to_owned(), status };
        insta::assert_snapshot!(text(&here));
    }
}
