//! The floor: ready frames to the same clients through a bare loop of axum, with nothing of GraphQL.

use std::convert::Infallible;
use std::io::Write;

use axum::Router;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::routing::get;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::broadcast;

use super::wire;

/// How many frames wait for a slow socket before it loses some: more than a burst.
const WAITING: usize = 8_192;

/// What is read from a socket at once: as the hub does it.
const READ_BUFFER_BYTES: usize = 2 * 1024;

/// Serves until standard input ends: each of its lines is a frame for all, and is acknowledged with a line.
pub async fn serve() -> Result<(), String> {
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| wire::told("listening", &error))?;
    let address = listener.local_addr().map_err(|error| wire::told("listening", &error))?;
    let listener = listener.tap_io(|socket| drop(socket.set_nodelay(true)));
    let frames = broadcast::Sender::new(WAITING);
    let heard = frames.clone();
    let open = move |upgrade: WebSocketUpgrade| {
        let frames = heard.subscribe();
        async move {
            upgrade
                .protocols(["graphql-transport-ws"])
                .read_buffer_size(READ_BUFFER_BYTES)
                .write_buffer_size(0)
                .on_upgrade(move |socket| async {
                    // Whoever is gone is gone.
                    let _ = converse(socket, frames).await;
                })
        }
    };
    let router = Router::new().route("/graphql", get(open));
    say(&format!("http://{address}/"))?;
    let ended = tokio::task::spawn_blocking(move || {
        for line in std::io::stdin().lines() {
            let line = line.map_err(|error| wire::told("reading a frame", &error))?;
            // Nobody may be there yet.
            let _ = frames.send(Utf8Bytes::from(line));
            say("sent")?;
        }
        Ok::<_, String>(())
    });
    tokio::select! {
        served = axum::serve(listener, router) => served.map_err(|error| wire::told("serving", &error)),
        ended = ended => ended.map_err(|error| wire::told("reading frames", &error))?,
    }
}

async fn converse(mut socket: WebSocket, mut frames: broadcast::Receiver<Utf8Bytes>) -> Option<Infallible> {
    loop {
        tokio::select! {
            frame = frames.recv() => socket.send(Message::Text(frame.ok()?)).await.ok()?,
            said = socket.recv() => {
                let Message::Text(said) = said?.ok()? else { continue };
                let answer = match said.as_str() {
                    said if said.contains("connection_init") => "{\"type\":\"connection_ack\"}",
                    said if said.contains("\"ping\"") => "{\"type\":\"pong\"}",
                    _ => continue,
                };
                socket.send(Message::text(answer)).await.ok()?;
            }
        }
    }
}

fn say(line: &str) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(|error| wire::told("acknowledging", &error))
}
