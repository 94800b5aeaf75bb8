//! `causeway serve`.

use std::io::{self, IsTerminal};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use server::{
    CertificateSource, Credentials, DatapathChoice, FileConfig, Mark, Marker, RunningServer, ServerOptions, StartError,
    TlsAccess, TlsOptions, default_data,
};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::app::{App, environment, is_root};
use crate::exit::Exit;
use crate::failure::{Failure, Result, chain};
use crate::output::{FAINT, GOOD, STRONG, note, styled, warn};

/// A server that takes longer to stop is left.
const STOP_PATIENCE: Duration = Duration::from_secs(15);

/// Where to listen for TLS unless it is said.
const TLS_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9443);

/// How to serve.
#[derive(Debug, Args)]
#[command(after_help = "\
The first start makes an account and writes how to call as it to DIR/credentials.json, where the other commands find it \
by themselves. Ctrl-C or SIGTERM stops the server; with the kernel data plane packets keep flowing, and a server that is \
started again with the same folder takes over.

The default folder is /var/lib/causeway for root, else ~/.local/state/causeway. Logs go to the standard error: text on a \
terminal, JSON elsewhere; CAUSEWAY_LOG sets the level, such as debug.

TLS is for clients that insist on https, as SDKs and Terraform do by default. With --tls-auto they must be told whom to \
trust: the file DIR/tls/ca.pem, which stays the same. Certificates are for this machine, *.REGION.DOMAIN and \
SERVICE.DOMAIN (vpc, iam, ...), and are renewed in time.

Configuration file:
  domain = \"cloud.example\"
  trusted_proxies = [\"127.0.0.0/8\"]
  peering_expiry_days = 7

  [[regions]]
  id = \"region-1\"
  availability_zones = [\"region-1a\"]
  edge_sites = [\"edge-1\"]

  [limits]
  vpcs = 5

Examples:
  causeway serve
  causeway serve --data /srv/causeway --listen 127.0.0.1:9800 --datapath kernel
  causeway serve --tls-auto --tls-listen 0.0.0.0:443
  causeway serve --tls-cert server.pem --tls-key server.key
  causeway serve --datapath sim --config causeway.toml")]
pub(crate) struct ServeArgs {
    /// The folder with everything that the server keeps
    #[arg(long, value_name = "DIR", env = "CAUSEWAY_DATA", hide_env_values = true)]
    data: Option<PathBuf>,
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:9797", value_parser = address)]
    listen: SocketAddr,
    /// Where to listen for TLS beside that; 127.0.0.1:9443 if not given
    #[arg(long, value_name = "ADDR:PORT", requires = "tls", value_parser = address)]
    tls_listen: Option<SocketAddr>,
    /// Listen for TLS with this certificate, a PEM file; read again when it changes
    #[arg(long, value_name = "FILE", group = "tls", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key, a PEM file
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Listen for TLS with a certificate of an own authority, made in DIR/tls when there is none
    #[arg(long, group = "tls")]
    tls_auto: bool,
    /// What forwards packets: auto, kernel or sim
    #[arg(long, value_name = "KIND", default_value_t)]
    datapath: DatapathChoice,
    /// Regions, zones, edge sites and quotas, as TOML
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// What programs read.
#[derive(Debug, Serialize)]
struct Started<'a> {
    endpoint: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<&'a TlsAccess>,
    datapath: &'static str,
    datapath_note: String,
    instance: &'a str,
    data: &'a Path,
    credentials: PathBuf,
}

impl ServeArgs {
    /// Where the certificate comes from, if TLS is wanted.
    fn certificate(&self) -> Option<CertificateSource> {
        match (&self.tls_cert, &self.tls_key) {
            (Some(certificate), Some(key)) => {
                Some(CertificateSource::Files { certificate: certificate.clone(), key: key.clone() })
            }
            _ => self.tls_auto.then_some(CertificateSource::Generated),
        }
    }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "an IP address and a port, such as 127.0.0.1:9797 or [::1]:9797".to_owned())
}

/// Serves until it is told to stop.
pub(crate) async fn run(args: ServeArgs, app: &App) -> Result<Exit> {
    start_log();
    let config = match &args.config {
        Some(path) => FileConfig::read(path).map_err(|error| Failure::usage(chain(&error)))?,
        None => FileConfig::default(),
    };
    let data = args.data.clone().unwrap_or_else(|| default_data(is_root(), &environment));
    let data = std::path::absolute(&data).unwrap_or(data);
    let cannot_watch = |error| Failure::internal(format!("cannot watch for signals: {error}"));
    // Before the start: a signal during it must not leave it half done.
    let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot_watch)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(cannot_watch)?;
    let tls_listen = args.tls_listen.unwrap_or(TLS_LISTEN);
    let tls = args.certificate().map(|certificate| TlsOptions { listen: tls_listen, certificate });
    let options = ServerOptions { data: data.clone(), listen: args.listen, tls, datapath: args.datapath, config };
    let running = server::start(options).await.map_err(|error| not_started(&error, args.listen))?;
    let mark = leave_mark(&running, &data);
    tell(&running, &data, args.datapath, app)?;

    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    let kernel = running.is_kernel();
    drop(mark);
    let stopped = tokio::select! {
        stopped = tokio::time::timeout(STOP_PATIENCE, running.stop()) => stopped,
        _ = interrupt.recv() => return Err(Failure::internal("ended before the server had stopped")),
    };
    match stopped {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return Err(Failure::internal(format!("the server did not stop cleanly: {}", chain(&error)))),
        Err(_) => {
            return Err(Failure::internal(format!("the server did not stop within {} s", STOP_PATIENCE.as_secs())));
        }
    }
    if app.printer.for_people() {
        if kernel {
            note(format_args!(
                "stopped; packets keep flowing, until `causeway down --leftovers --data {}` takes all away",
                data.display()
            ));
        } else {
            note("stopped");
        }
    }
    Ok(Exit::Done)
}

fn start_log() {
    let filter = environment("CAUSEWAY_LOG").or_else(|| environment("RUST_LOG")).unwrap_or_else(|| "info".to_owned());
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(&filter).unwrap_or_else(|_| EnvFilter::new("info")))
        .with_writer(io::stderr);
    // Another log in this process is as good.
    let _ = if io::stderr().is_terminal() { builder.try_init() } else { builder.json().try_init() };
}

/// So that commands find the server; it works without.
fn leave_mark(running: &RunningServer, data: &Path) -> Option<Mark> {
    let marker = Marker { endpoint: running.endpoint().to_owned(), data: data.to_owned() };
    let folder = Marker::folder(is_root(), &environment);
    match marker.leave(&folder, running.instance()) {
        Ok(mark) => Some(mark),
        Err(error) => {
            warn(format_args!(
                "cannot leave a mark in {} ({error}): commands find this server by --endpoint or CAUSEWAY_DATA only",
                folder.display()
            ));
            None
        }
    }
}

fn not_started(error: &StartError, listen: SocketAddr) -> Failure {
    let message = chain(error);
    match error {
        StartError::Listen { source, .. } if source.kind() == io::ErrorKind::AddrInUse => {
            let who = Marker::all(&Marker::folder(is_root(), &environment))
                .into_iter()
                .find(|marker| marker.endpoint == format!("http://{listen}"))
                .map_or_else(
                    || "another program listens there".to_owned(),
                    |marker| format!("a Causeway server with data in {} listens there", marker.data.display()),
                );
            Failure::refused(format!("cannot listen on {listen}: {who}"))
                .hint("choose another address with --listen; port 0 takes a free one")
        }
        StartError::Listen { .. } | StartError::ListenTls { .. } | StartError::NoKernel(_) => Failure::refused(message),
        StartError::Tls(_) => Failure::usage(message),
        StartError::Data { .. } => Failure::usage(message).hint("choose another folder with --data"),
        StartError::Open(_) if message.contains("already open") => {
            Failure::refused(message).hint("a folder belongs to one server at a time; choose another with --data")
        }
        StartError::Open(_) | StartError::NoInstance { .. } | StartError::BadInstance { .. } => {
            Failure::refused(message)
        }
        _ => Failure::internal(message),
    }
}

fn tell(running: &RunningServer, data: &Path, wanted: DatapathChoice, app: &App) -> Result<()> {
    let credentials = data.join(Credentials::FILE);
    let started = Started {
        endpoint: running.endpoint(),
        tls: running.tls(),
        datapath: if running.is_kernel() { "kernel" } else { "sim" },
        datapath_note: running.note(),
        instance: running.instance(),
        data,
        credentials: credentials.clone(),
    };
    app.printer.one(&started, || {
        let regions: Vec<&str> = running.credentials().projects.iter().map(|p| p.region.as_str()).collect();
        let label = |text: &str| styled(FAINT, format!("{text:12}"));
        format!(
            "{} at {}\n{}  {}{}\n  {}{}\n  {}{}\n  {}{}\n\nnext\n  causeway status\n  causeway apply -f FILE\n  \
             causeway trace FROM TO tcp/PORT\n",
            styled(GOOD.bold(), "Causeway serves"),
            styled(STRONG, running.endpoint()),
            running.tls().map(|tls| about_tls(tls, &label)).unwrap_or_default(),
            label("data plane"),
            running.note(),
            label("regions"),
            regions.join(", "),
            label("data"),
            data.display(),
            label("credentials"),
            credentials.display(),
        )
    })?;
    if !running.is_kernel() && wanted == DatapathChoice::Auto {
        warn(format_args!("no packets flow here: {}", running.note()));
    }
    Ok(())
}

/// Where TLS is, and how clients come to trust it.
fn about_tls(tls: &TlsAccess, label: &impl Fn(&str) -> String) -> String {
    let mut text = format!("  {}{}\n", label("TLS"), styled(STRONG, &tls.endpoint));
    if let Some(ca_file) = &tls.ca_file {
        let file = ca_file.display();
        let blank = label("");
        text += &format!("  {}trusted with the authority {file}:\n", label("certificate"));
        text += &format!("  {blank}curl --cacert {file}\n");
        text += &format!("  {blank}Terraform: cacert_file = \"{file}\"\n");
        text += &format!("  {blank}Python SDK: HttpConfig.ssl_ca_cert = \"{file}\"\n");
        text += &format!("  {blank}OpenStack: OS_CACERT={file}\n");
        text += &format!("  {blank}causeway --endpoint {} --ca-file {file}\n", tls.endpoint);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn help() {
        insta::assert_snapshot!(testing::help(&["serve"]));
    }

    #[test]
    fn an_address_in_use_is_said_so() {
        let source = io::Error::from(io::ErrorKind::AddrInUse);
        let listen = SocketAddr::from(([127, 0, 0, 1], 1));
        let error = StartError::Listen { address: listen.to_string(), source };
        let failure = not_started(&error, listen);
        assert_eq!(failure.message, "cannot listen on 127.0.0.1:1: another program listens there");
        assert_eq!(failure.exit, Exit::Refused);
    }
}
