//! What the machine has to have.

use std::env;

use anyhow::bail;

/// Programs that are run, and the Debian packages that have them.
const TOOLS: [(&str, &str); 3] = [("ip", "iproute2"), ("iperf3", "iperf3"), ("nft", "nftables")];

/// # Errors
/// Everything that is missing, with what to install.
pub fn check() -> anyhow::Result<()> {
    let missing: Vec<_> = TOOLS.iter().filter(|(program, _)| !installed(program)).collect();
    if !missing.is_empty() {
        let programs: Vec<_> = missing.iter().map(|(program, _)| *program).collect();
        let packages: Vec<_> = missing.iter().map(|(_, package)| *package).collect();
        bail!("{} not found; on Debian: apt-get install {}", programs.join(" and "), packages.join(" "));
    }
    if let Err(missing) = datapath::Datapath::supported() {
        bail!("the kernel data plane cannot run here: {missing}");
    }
    Ok(())
}

fn installed(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    // The folders of the system's own programs are not in the path of every shell.
    let folders = env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders.into_iter().any(|folder| folder.join(program).is_file())
}

/// A command with the folders of the system's own programs in its path.
pub fn command(program: &str) -> std::process::Command {
    let mut command = std::process::Command::new(program);
    let path = env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    command
}
