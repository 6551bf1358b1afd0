//! A live consumer in Rust: prints each KT item that is published, once, whatever happens to the network or the hub.
//!
//! ```sh
//! cargo run --example follow -- 127.0.0.1:8080 /tmp/follow.cursor
//! ```
//!
//! Its cursor is kept in a file. The first time it begins with what is published from now on; after a cut it comes back
//! with the cursor, after a wait that doubles up to a minute, of which it takes a part by chance, so that all who were cut
//! at once do not come back at once. An item is printed before its cursor is kept: killed in between, it prints that
//! item once more rather than never.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

const FEED: &str = "subscription($after: String) { \
    itemPublished(after: $after, bookmarks: true) { cursor item { title kind url } } }";

/// The longest wait before it comes back.
const LONGEST: Duration = Duration::from_secs(60);

/// The hub speaks at least every 20 seconds, be it a ping; whoever hears nothing for so long is alone.
const SILENCE: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(address), Some(file)) = (arguments.next(), arguments.next()) else {
        return Err("Say where the hub is and where to keep the cursor: follow 127.0.0.1:8080 follow.cursor".into());
    };
    let file = Path::new(&file);
    let mut wait = Duration::from_secs(1);
    loop {
        match follow(&address, file, &mut wait).await {
            // A cursor that leads nowhere any more: this consumer begins anew; one that holds a list would list anew.
            Ok(Some(error)) if error["extensions"]["code"].as_str().is_some_and(|code| code.starts_with("CURSOR_")) => {
                eprintln!("{}", error["message"]);
                std::fs::remove_file(file)?;
            }
            Ok(Some(error)) => return Err(error.to_string().into()),
            Ok(None) => eprintln!("The hub said goodbye."),
            Err(error) => eprintln!("{error}"),
        }
        // A new hash map is seeded by chance.
        let chance = std::hash::BuildHasher::hash_one(&std::collections::hash_map::RandomState::new(), wait) % 1_000;
        tokio::time::sleep(wait.mul_f64(chance as f64 / 1_000.0)).await;
        wait = LONGEST.min(wait * 2);
    }
}

/// Follows until the connection ends (null) or the hub ends the subscription with an error.
async fn follow(address: &str, file: &Path, wait: &mut Duration) -> Result<Option<Value>, Box<dyn Error>> {
    let after = std::fs::read_to_string(file).ok();
    let mut request = format!("ws://{address}/graphql").into_client_request()?;
    request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse()?);
    let (mut socket, _) = client_async(request, TcpStream::connect(address).await?).await?;
    socket.send(Message::text(json!({ "type": "connection_init" }).to_string())).await?;
    let payload = json!({ "query": FEED, "variables": { "after": after } });
    let subscribe = json!({ "id": "1", "type": "subscribe", "payload": payload }).to_string();
    while let Some(message) = tokio::time::timeout(SILENCE, socket.next()).await? {
        let Message::Text(text) = message? else { continue };
        let said: Value = serde_json::from_str(&text)?;
        match said["type"].as_str() {
            Some("connection_ack") => socket.send(Message::text(subscribe.clone())).await?,
            Some("ping") => socket.send(Message::text(json!({ "type": "pong" }).to_string())).await?,
            Some("next") => {
                let delivery = &said["payload"]["data"]["itemPublished"];
                let Some(cursor) = delivery["cursor"].as_str() else { return Ok(Some(said["payload"].clone())) };
                // Without an item it is a bookmark, which only moves the cursor.
                if let Some(title) = delivery["item"]["title"].as_str() {
                    let url = delivery["item"]["url"].as_str().unwrap_or("-");
                    println!("{title} ({}) {url}", delivery["item"]["kind"].as_str().unwrap_or("-"));
                }
                keep(file, cursor)?;
                *wait = Duration::from_secs(1);
            }
            Some("error") => return Ok(Some(said["payload"][0].clone())),
            _ => {}
        }
    }
    Ok(None)
}

/// Keeps the cursor: whole or not at all.
fn keep(file: &Path, cursor: &str) -> std::io::Result<()> {
    let new = file.with_extension("new");
    std::fs::write(&new, cursor)?;
    std::fs::rename(new, file)
}
