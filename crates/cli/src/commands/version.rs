//! `causeway version`.

use serde::Serialize;

use crate::app::App;
use crate::exit::Exit;
use crate::failure::Result;

#[derive(Serialize)]
struct Version {
    version: &'static str,
}

/// Does it.
pub(crate) fn run(app: &App) -> Result<Exit> {
    let version = Version { version: env!("CARGO_PKG_VERSION") };
    app.printer.one(&version, || format!("causeway {}\n", version.version))?;
    Ok(Exit::Done)
}
