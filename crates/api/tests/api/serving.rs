//! Over a real socket: both HTTP versions, and a shutdown that lets requests end.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::fixture::{World, refused};

/// A handler that panics answers 500 in its family's words; the next request is served.
#[tokio::test]
async fn a_panic_is_an_answer_and_nothing_more() {
    let world = World::new().await;
    world.agent.broken.store(true, std::sync::atomic::Ordering::SeqCst);
    let reply = world.a.get("/causeway/v1/status").await;
    assert_eq!(reply.refusal(), refused(500, "internal", "internal"));
    assert!(!reply.text.contains("broken"), "the cause is for the log: {}", reply.text);
    world.agent.broken.store(false, std::sync::atomic::Ordering::SeqCst);
    world.a.get("/causeway/v1/status").await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_ends_idle_connections_and_returns() {
    let world = World::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let served = tokio::spawn(api::serve(listener, world.router.clone(), async {
        let _ = stopped.await;
    }));

    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut head = [0; 15];
    stream.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200 OK");

    // HTTP/2 with prior knowledge: the preface is answered with a SETTINGS frame.
    let mut second = TcpStream::connect(address).await.unwrap();
    second.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut frame = [0; 9];
    second.read_exact(&mut frame).await.unwrap();
    assert_eq!(frame[3], 4, "a SETTINGS frame");

    drop(second);

    stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(5), served).await.unwrap().unwrap().unwrap();
    let mut rest = Vec::new();
    tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await.unwrap().unwrap();
}
