//! What RDS-B01 and RDS-B02 run: PostgreSQL where the machine has it, else a responder that speaks TCP.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use netlink::sockets::ProbeSockets;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::timeout;

use crate::DemoError;
use crate::actors::Actors;
use crate::error::machine;
use crate::postgres::{Postgres, PostgresServer};

/// PostgreSQL's port; the responder has the same one.
pub(crate) const PORT: u16 = 5432;

/// How long the responder's client waits.
const PATIENCE: Duration = Duration::from_secs(2);

/// Says who serves whom, and computes something: only a real server can.
const SQL: &str = "SELECT host(inet_server_addr()), host(inet_client_addr()), sum(n) FROM generate_series(1, 100) AS n";

/// The databases of the story.
pub(crate) struct Databases {
    folder: PathBuf,
    postgres: Option<Postgres>,
    servers: Vec<PostgresServer>,
    responders: JoinSet<()>,
}

/// A question and what came of it.
pub(crate) struct Answer {
    /// The command, as one would type it.
    pub(crate) command: String,
    /// What was printed.
    pub(crate) printed: String,
    /// What an answer through the peering says; equal to `printed` if all is well.
    pub(crate) expected: String,
}

impl Databases {
    /// Looks what there is. `folder` must be one that any user may enter.
    pub(crate) fn find(folder: &Path) -> Self {
        let postgres = Postgres::find(folder);
        Self { folder: folder.to_owned(), postgres, servers: Vec::new(), responders: JoinSet::new() }
    }

    /// What runs, in a sentence.
    pub(crate) fn describe(&self) -> String {
        match &self.postgres {
            Some(postgres) => {
                let names: Vec<&str> = self.servers.iter().map(PostgresServer::name).collect();
                format!("{} run PostgreSQL {} on port {PORT}", names.join(" and "), postgres.version())
            }
            None => format!(
                "PostgreSQL is not installed here: a plain TCP responder on port {PORT} stands in for it \
                 (Debian: apt install postgresql)"
            ),
        }
    }

    /// What can be done before there are servers to run in. `clients` are the ranges that may ask.
    pub(crate) async fn prepare(&self, clients: &[&str]) -> Result<(), DemoError> {
        match &self.postgres {
            Some(postgres) => postgres.prepare(clients).await,
            None => Ok(()),
        }
    }

    /// Starts one in each of these servers.
    pub(crate) async fn start(&mut self, actors: &Actors, names: &[&str]) -> Result<(), DemoError> {
        for name in names {
            match &self.postgres {
                Some(postgres) => self.servers.push(postgres.launch(actors, name, &self.folder).await?),
                None => self.respond(actors, name)?,
            }
        }
        for server in &mut self.servers {
            server.ready().await?;
        }
        Ok(())
    }

    /// Asks the database at `address` from `from`, whose own address is `source`.
    pub(crate) async fn ask(
        &self,
        actors: &Actors,
        from: &str,
        source: &str,
        address: &str,
    ) -> Result<Answer, DemoError> {
        match &self.postgres {
            Some(postgres) => {
                let printed = match postgres.query(actors, from, address, SQL).await? {
                    Ok(rows) => rows,
                    Err(error) => error,
                };
                let command = format!("psql -h {address} -c \"{SQL}\"");
                Ok(Answer { command, printed, expected: format!("{address}|{source}|5050") })
            }
            None => {
                let command = format!("nc {address} {PORT}");
                let printed = ask_responder(actors, from, address).await?;
                Ok(Answer { command, printed, expected: format!("{address} answers {source}") })
            }
        }
    }

    /// Stops them all.
    pub(crate) async fn stop(&mut self) {
        self.responders.shutdown().await;
        for server in self.servers.drain(..) {
            server.stop().await;
        }
    }

    fn respond(&mut self, actors: &Actors, name: &str) -> Result<(), DemoError> {
        let sockets = ProbeSockets::in_namespace(actors.namespace(name)?);
        let listener = sockets.tcp_listener(SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT)))?;
        let listener = TcpListener::from_std(listener).map_err(machine("listen in a server"))?;
        self.responders.spawn(async move {
            while let Ok((mut stream, peer)) = listener.accept().await {
                let Ok(own) = stream.local_addr() else { continue };
                // Who asked and went away needs no answer.
                let _ = stream.write_all(format!("{} answers {}\n", own.ip(), peer.ip()).as_bytes()).await;
            }
        });
        Ok(())
    }
}

/// Connects and reads one line; what went wrong is an answer too.
async fn ask_responder(actors: &Actors, from: &str, address: &str) -> Result<String, DemoError> {
    let sockets = ProbeSockets::in_namespace(actors.namespace(from)?);
    let to: Ipv4Addr = address.parse().map_err(|_| DemoError::Topology(format!("{address} is no address")))?;
    let connecting = spawn_blocking(move || sockets.tcp_connect(None, SocketAddr::from((to, PORT)), PATIENCE));
    let stream = match connecting.await.map_err(std::io::Error::other).map_err(machine("connect"))? {
        Ok(stream) => stream,
        Err(error) => return Ok(error.to_string()),
    };
    let mut stream = TcpStream::from_std(stream).map_err(machine("connect"))?;
    let mut line = String::new();
    match timeout(PATIENCE, stream.read_to_string(&mut line)).await {
        Ok(Ok(_)) => Ok(line.trim().to_owned()),
        Ok(Err(error)) => Ok(error.to_string()),
        Err(_) => Ok("no answer".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use netlink::Namespace;

    use super::*;
    use crate::stream::{Account, Stream};

    /// A namespace of its own that is removed with the test.
    struct Own(String);

    impl Drop for Own {
        fn drop(&mut self) {
            let _ = Namespace::remove(&self.0);
        }
    }

    #[tokio::test]
    async fn a_machine_without_postgresql_and_ping_has_stand_ins() {
        if !nix::unistd::geteuid().is_root() {
            eprintln!("SKIPPED: making network namespaces needs root");
            return;
        }
        let own = Own(format!("cw-demo-test-{}", std::process::id()));
        let namespace = Namespace::create(&own.0).unwrap();
        netlink::set_link_up(&namespace, "lo", true).unwrap();
        let mut actors = Actors::default();
        actors.add("here", &own.0).unwrap();
        let (postgres, responders) = (None, JoinSet::new());
        let mut databases = Databases { folder: PathBuf::new(), postgres, servers: Vec::new(), responders };
        databases.start(&actors, &["here"]).await.unwrap();
        let answer = databases.ask(&actors, "here", "127.0.0.1", "127.0.0.1").await.unwrap();
        assert_eq!(answer.printed, answer.expected);
        databases.stop().await;
        let answer = databases.ask(&actors, "here", "127.0.0.1", "127.0.0.1").await.unwrap();
        assert_ne!(answer.printed, answer.expected);

        let mut stream = Stream::udp(&actors, "here", ("here", "127.0.0.1")).unwrap();
        let mut account = Account::default();
        assert!(stream.answered(3, Duration::from_secs(20), &mut account).await, "{account:?}");
        netlink::set_link_up(&namespace, "lo", false).unwrap();
        let down = std::time::Instant::now();
        tokio::time::sleep(Duration::from_millis(200)).await;
        let account = stream.end(down, account).await;
        assert!(account.unanswered_after > 0, "{account:?}");
    }
}
