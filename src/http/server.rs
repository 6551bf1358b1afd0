//! The loop that takes connections: HTTP/1.1, and HTTP/2 without TLS for proxies that speak it, each with deadlines.
//!
//! axum's own server waits for heads that never end, and takes any number of connections.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::connect_info::ConnectInfo;
use axum::http::{HeaderValue, Request, Version, header};
use futures_util::FutureExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
#[cfg(target_os = "linux")]
use nix::sys::socket::{setsockopt, sockopt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};
use tower_service::Service;

use crate::config::limits::Limits;
use crate::http::embed::sites;
use crate::http::places::Places;
use crate::http::{Hub, caller, is_stopping};

/// How long a peer may leave what was sent unacknowledged, in milliseconds.
#[cfg(target_os = "linux")]
const GONE_AFTER_MS: u32 = 60_000;

/// The largest head of a request, in bytes: a document in an address fits.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// The most headers of a request.
const MAX_HEADERS: usize = 100;

/// The most requests at once on one HTTP/2 connection.
const MAX_REQUESTS: u32 = 100;

/// How often a quiet HTTP/2 connection is asked whether it is still there, and how long it may take to say so.
const PING_EVERY: Duration = Duration::from_secs(20);
const PONG_WITHIN: Duration = Duration::from_secs(10);

/// How long a connection with nothing under way is kept when the hub is about to stop: a request may be on its way.
const LINGER: Duration = Duration::from_millis(500);

/// How long it is waited when the machine has no file descriptor left for a connection.
const BREATHE: Duration = Duration::from_millis(200);

/// How an HTTP/2 connection begins, as no HTTP/1 request does. All of it is waited for here: hyper would do so for ever.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What all connections have in common.
struct Server {
    one: Builder<TokioExecutor>,
    two: Builder<TokioExecutor>,
    header_within: Duration,
    router: Router,
}

/// Serves until `stop` resolves, then lets open requests and streams end, for as long as the limits say.
pub async fn serve(listener: TcpListener, hub: Hub, stop: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
    let limits = hub.limits().clone();
    let server = Arc::new(Server::new(&limits, hub.clone().router()));
    let places = Places::new(limits.connections);
    let stopping = hub.stopping();
    let mut stop = std::pin::pin!(stop);
    // Each connection holds a receiver; when all are gone, so are the connections.
    let open = watch::Sender::new(());
    let counting = sites::keep_writing(hub.clone());
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            // Whoever comes when all are taken waits.
            accepted = places.one_free().then(|()| listener.accept()) => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            // The peer went away before it was let in.
            Err(error) if is_of_peer(&error) => continue,
            Err(error) => {
                tracing::error!(%error, "no connection can be taken for the moment");
                tokio::time::sleep(BREATHE).await;
                continue;
            }
        };
        // Everybody behind a proxy comes from its address.
        let most = if hub.is_proxy(peer) { usize::MAX } else { limits.connections_per_address };
        // Whoever has too many is turned away without a word: to say one takes what there is too little of.
        let Ok(place) = places.take(caller::name_of(peer.ip()), most) else { continue };
        let (server, stopping, alive) = (server.clone(), stopping.clone(), open.subscribe());
        tokio::spawn(async move {
            server.connection(stream, peer, stopping).await;
            drop((alive, place));
        });
    }
    // Nobody is let in any more, and those who are there are told to come back.
    drop(listener);
    hub.begin_to_stop();
    let ended = async {
        open.closed().await;
        // WebSockets have left their connections by then.
        hub.drained().await;
        // Nothing is counted any more.
        if counting.await.is_ok()
            && let Err(fault) = hub.embeds().sites().write(&hub).await
        {
            tracing::warn!(cause = fault.cause(), "the last uses of listings were not counted");
        }
    };
    // What has not ended by then is cut off.
    let _ = timeout(Duration::from_secs(limits.drain_seconds), ended).await;
    Ok(())
}

fn is_of_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    [ConnectionAborted, ConnectionRefused, ConnectionReset].contains(&error.kind())
}

impl Server {
    fn new(limits: &Limits, router: Router) -> Self {
        let header_within = Duration::from_secs(limits.header_seconds);
        let mut one = Builder::new(TokioExecutor::new());
        one.http1()
            .timer(TokioTimer::new())
            .header_read_timeout(header_within)
            .max_buf_size(MAX_HEAD_BYTES)
            .max_headers(MAX_HEADERS);
        let mut two = Builder::new(TokioExecutor::new());
        two.http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_REQUESTS)
            .max_header_list_size(u32::try_from(MAX_HEAD_BYTES).unwrap_or(u32::MAX))
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PONG_WITHIN);
        Self { one: one.http1_only(), two: two.http2_only(), header_within, router }
    }

    /// Serves one connection until its peer goes, or until it has nothing under way and the hub is about to stop.
    async fn connection(&self, stream: TcpStream, peer: SocketAddr, mut stopping: watch::Receiver<bool>) {
        settle(&stream);
        let builder = match self.version(&stream).await {
            Some(true) => &self.two,
            Some(false) => &self.one,
            None => return,
        };
        let is_over = stopping.clone();
        let service = service_fn(|request: Request<Incoming>| {
            let (is_over, version) = (is_over.clone(), request.version());
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            let answering = self.router.clone().call(request);
            async move {
                let mut response = answering.await?;
                // So that nobody sends another request where it would not be read.
                if *is_over.borrow() && version < Version::HTTP_2 {
                    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                }
                Ok::<_, Infallible>(response)
            }
        });
        let mut connection = std::pin::pin!(builder.serve_connection_with_upgrades(TokioIo::new(stream), service));
        tokio::select! {
            // Peers go away in the middle of things all the time.
            _ = connection.as_mut() => return,
            () = is_stopping(&mut stopping) => {}
        }
        // What is on its way by now is answered once more.
        if timeout(LINGER, connection.as_mut()).await.is_ok() {
            return;
        }
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }

    /// Whether the peer speaks HTTP/2; null: it said nothing in time, or went away.
    async fn version(&self, stream: &TcpStream) -> Option<bool> {
        let deadline = Instant::now() + self.header_within;
        let mut start = [0; PREFACE.len()];
        loop {
            let read = timeout_at(deadline, stream.peek(&mut start)).await.ok()?.ok()?;
            let said = start.get(..read)?;
            if said.is_empty() {
                return None;
            }
            if !PREFACE.starts_with(said) {
                return Some(false);
            }
            if said == PREFACE {
                return Some(true);
            }
            // What was peeked at stays there, so that the next peek would come back at once.
            timeout_at(deadline, tokio::time::sleep(BREATHE)).await.ok()?;
        }
    }
}

/// Settings of a socket; one that takes neither works all the same.
fn settle(stream: &TcpStream) {
    // Frames are small and are to leave at once.
    let _ = stream.set_nodelay(true);
    // A peer who is gone acknowledges nothing; one who merely reads slowly does.
    #[cfg(target_os = "linux")]
    let _ = setsockopt(stream, sockopt::TcpUserTimeout, &GONE_AFTER_MS);
}
