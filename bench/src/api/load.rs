//! The load generator: requests that are ready as bytes, sent one after the other on each of some connections.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Barrier;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

/// An answer that takes longer is a failure.
const PATIENCE: Duration = Duration::from_secs(60);

/// A request as it goes over the wire.
pub type Request = Vec<u8>;

/// Sends `requests` over `connections` connections, each its share in turn; answers the bodies in the order of the
/// requests, and the time from the first byte sent to the last received.
///
/// # Errors
/// An answer that is no success, or none.
pub fn run(address: SocketAddr, connections: usize, requests: &[Request]) -> anyhow::Result<(Vec<Vec<u8>>, Duration)> {
    let start = Barrier::new(connections);
    let shares: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..connections)
            .map(|first| {
                let start = &start;
                scope.spawn(move || {
                    // Connected before the clock starts, as a client that keeps its connection is.
                    let mut connection = Connection::open(address);
                    start.wait();
                    let began = Instant::now();
                    let mut bodies = Vec::new();
                    for request in requests.iter().skip(first).step_by(connections) {
                        connection = match connection {
                            Ok(mut open) => match open.exchange(request) {
                                Ok(body) => {
                                    bodies.push(body);
                                    if open.closes { Connection::open(address) } else { Ok(open) }
                                }
                                Err(error) => Err(error),
                            },
                            Err(error) => Err(error),
                        };
                    }
                    connection.map(|_| (bodies, began, Instant::now()))
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| bail!("a connection's thread panicked")))
            .collect()
    });
    let mut bodies = vec![Vec::new(); requests.len()];
    let (mut began, mut ended) = (None, None);
    for (first, share) in shares.into_iter().enumerate() {
        let (share, from, to) = share?;
        began = began.map_or(Some(from), |began: Instant| Some(began.min(from)));
        ended = ended.map_or(Some(to), |ended: Instant| Some(ended.max(to)));
        for (place, body) in share.into_iter().enumerate() {
            bodies[first + place * connections] = body;
        }
    }
    let took = began.zip(ended).map_or(Duration::ZERO, |(began, ended)| ended - began);
    Ok((bodies, took))
}

/// Sends one request.
///
/// # Errors
/// As [`run`].
pub fn one(address: SocketAddr, request: Request) -> anyhow::Result<Vec<u8>> {
    Ok(run(address, 1, &[request])?.0.remove(0))
}

struct Connection {
    stream: BufReader<TcpStream>,
    /// The server said that it closes the connection after the answer.
    closes: bool,
}

impl Connection {
    fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::with_capacity(64 * 1024, stream), closes: false })
    }

    /// One request and its answer's body.
    fn exchange(&mut self, request: &[u8]) -> anyhow::Result<Vec<u8>> {
        self.stream.get_mut().write_all(request)?;
        let status = self.line()?;
        let code = status.split(' ').nth(1).and_then(|code| code.parse::<u16>().ok());
        let code = code.with_context(|| format!("no HTTP answer: {status}"))?;
        let mut length = None;
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':') {
                let value = value.trim();
                match name.to_ascii_lowercase().as_str() {
                    "content-length" => length = Some(value.parse::<usize>()?),
                    "connection" if value.eq_ignore_ascii_case("close") => self.closes = true,
                    _ => {}
                }
            }
        }
        let mut body = Vec::new();
        match length {
            Some(length) => {
                body.resize(length, 0);
                self.stream.read_exact(&mut body)?;
            }
            None if self.closes => {
                self.stream.read_to_end(&mut body)?;
            }
            None if code == 204 => {}
            None => bail!("an answer without a length"),
        }
        if !(200..300).contains(&code) {
            bail!("status {code}: {}", String::from_utf8_lossy(&body));
        }
        Ok(body)
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            bail!("the server closed the connection");
        }
        line.truncate(line.trim_end().len());
        Ok(line)
    }
}
