//! The numbers of the API for people.

use std::fmt;

use super::{ApiReport, CONNECTIONS, OPERATIONS, VPCS};
use crate::ratio::Spread;

/// Memory against moto's.
const AIM_MEMORY: f64 = 0.25;

impl fmt::Display for ApiReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cell = |spread: Option<Spread>| spread.map_or_else(|| "-".to_owned(), |spread| format!("{spread:.0}"));
        let reached = |is: bool| if is { "reached" } else { "missed" };
        writeln!(
            f,
            "The API by second beside moto's server (in memory): median [middle half]; Causeway answers when it is"
        )?;
        writeln!(f, "on disk. The embedded store, the simulator as data plane, signed requests.")?;
        writeln!(f, "  {:32}{:26}{:26}{:26}aim", "", "Causeway", "moto", "times")?;
        for connections in CONNECTIONS {
            for (operation, name, aim) in OPERATIONS {
                let ratio = self.ratio(connections, operation);
                let verdict = ratio.map(|ratio| reached(ratio.median >= aim)).unwrap_or_default();
                writeln!(
                    f,
                    "  {:32}{:26}{:26}{:26}{aim} {verdict}",
                    format!("{name}, {connections} connection{}", if connections == 1 { "" } else { "s" }),
                    cell(self.causeway(connections, operation)),
                    cell(self.moto(connections, operation)),
                    cell(ratio),
                )?;
            }
        }
        let (own, other, share) = self.memory();
        let verdict = share.map(|share| reached(share.median <= AIM_MEMORY)).unwrap_or_default();
        let share = share.map_or_else(|| "-".to_owned(), |share| format!("{share:.2}"));
        writeln!(
            f,
            "  {:32}{:26}{:26}{share:26}{AIM_MEMORY} {verdict}",
            format!("MiB with {VPCS} VPCs"),
            cell(own),
            cell(other)
        )
    }
}
