//! The accept loop.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{TlsAcceptor, rustls};
use tower::ServiceBuilder;

/// How long requests that are under way may take to end once a shutdown has begun.
pub const SHUTDOWN_GRACE: Duration = Duration::from_secs(10);

/// How long a client may take from the connection to the end of the TLS handshake.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a client may take to send the head of a request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// The protocols that a TLS listener offers (ALPN, RFC 7301), the preferred one first.
pub const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// How a request reached the server; an extension of every request that came over a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Who is at the other end.
    pub peer: SocketAddr,
    /// Whether TLS ends here.
    pub tls: bool,
}

/// Serves HTTP/1.1 and HTTP/2 without TLS until `shutdown` is done; then takes no more connections, lets the requests
/// under way end within [`SHUTDOWN_GRACE`], and returns. No task of it is left then.
///
/// # Errors
/// Does not fail: an accept that fails (no file descriptors left, say) is logged and tried again.
pub async fn serve(listener: TcpListener, router: Router, shutdown: impl Future<Output = ()>) -> io::Result<()> {
    accept(listener, router, None, shutdown).await
}

/// As [`serve`], over TLS. A client that is slow or speaks something else holds up nobody: each handshake has
/// [`HANDSHAKE_TIMEOUT`] of its own. `config` should offer [`PROTOCOLS`].
///
/// # Errors
/// Does not fail.
pub async fn serve_tls(
    listener: TcpListener,
    config: Arc<ServerConfig>,
    router: Router,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    accept(listener, router, Some(TlsAcceptor::from(config)), shutdown).await
}

async fn accept(
    listener: TcpListener,
    router: Router,
    tls: Option<TlsAcceptor>,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let mut server = Server::new(router);
    let mut handshakes = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let (stream, peer) = tokio::select! {
            () = &mut shutdown => break,
            Some(_) = server.tasks.join_next() => continue,
            Some(done) = handshakes.join_next() => {
                if let Ok(Some((stream, peer))) = done {
                    server.spawn(stream, Connection { peer, tls: true });
                }
                continue;
            }
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    // Without a pause an error that lasts, such as too many open files, would keep a core busy.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        // Answers are small: waiting to fill a segment would only delay them.
        let _ = stream.set_nodelay(true);
        match &tls {
            None => server.spawn(stream, Connection { peer, tls: false }),
            Some(acceptor) => {
                let acceptor = acceptor.clone();
                handshakes.spawn(async move { Some((handshake(&acceptor, stream, peer).await?, peer)) });
            }
        }
    }
    drop(listener);
    // Who has not asked for anything yet loses nothing.
    handshakes.shutdown().await;
    server.end().await;
    Ok(())
}

/// A connection's TLS stream; what goes wrong is the client's matter, logged and over.
async fn handshake(acceptor: &TlsAcceptor, stream: TcpStream, peer: SocketAddr) -> Option<TlsStream<TcpStream>> {
    let refused = |error: &dyn std::fmt::Display| tracing::debug!(%peer, %error, "a TLS handshake failed");
    match tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(error)) => {
            refused(&error);
            None
        }
        Err(_) => {
            refused(&"it took too long");
            None
        }
    }
}

/// The connections of a listener.
struct Server {
    router: Router,
    http: auto::Builder<TokioExecutor>,
    connections: GracefulShutdown,
    tasks: JoinSet<()>,
}

impl Server {
    fn new(router: Router) -> Self {
        let mut http = auto::Builder::new(TokioExecutor::new());
        http.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
        http.http2().timer(TokioTimer::new()).keep_alive_interval(Some(HEADER_TIMEOUT));
        Self { router, http, connections: GracefulShutdown::new(), tasks: JoinSet::new() }
    }

    fn spawn(&mut self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, connection: Connection) {
        let marked = ServiceBuilder::new()
            .map_request(move |mut request: axum::http::Request<_>| {
                request.extensions_mut().insert(connection);
                request
            })
            .service(self.router.clone());
        let service = TowerToHyperService::new(marked);
        let serving = self.http.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
        let serving = self.connections.watch(serving);
        self.tasks.spawn(async move {
            if let Err(error) = serving.await {
                tracing::debug!(peer = %connection.peer, error = %error, "connection ended");
            }
        });
    }

    async fn end(mut self) {
        if tokio::time::timeout(SHUTDOWN_GRACE, self.connections.shutdown()).await.is_err() {
            tracing::warn!(grace = ?SHUTDOWN_GRACE, "requests were still under way at the end of the grace period");
        }
        self.tasks.shutdown().await;
    }
}

/// What a TLS listener of this API needs beside certificates: TLS 1.2 or newer, and [`PROTOCOLS`].
///
/// # Errors
/// When the cryptography does not know these versions.
pub fn tls_config(
    certificates: Arc<dyn rustls::server::ResolvesServerCert>,
    provider: Arc<rustls::crypto::CryptoProvider>,
) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(certificates);
    config.alpn_protocols = PROTOCOLS.iter().map(|name| name.to_vec()).collect();
    Ok(config)
}
