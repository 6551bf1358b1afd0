//! A client of graphql-transport-ws and one of event streams, as small as they can be: what they are told is not
//! interpreted, so that a test sees every message.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

/// How long anything may take before a test gives up on it.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// What a socket was told.
#[derive(Debug, PartialEq)]
pub enum Heard {
    /// A message.
    Said(Value),
    /// It was closed with a code.
    Closed(u16),
    /// It ended without a goodbye.
    Ended,
}

pub struct Socket {
    stream: WebSocketStream<TcpStream>,
    put_back: VecDeque<Value>,
}

impl Socket {
    /// Opens a socket with these headers; the status of the refusal where there is one.
    pub async fn try_open(address: SocketAddr, headers: &[(&'static str, &str)]) -> Result<Self, u16> {
        let mut request = format!("ws://{address}/graphql").into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let connection = TcpStream::connect(address).await.map_err(|_| 0_u16)?;
        match timeout(DEADLINE, client_async(request, connection)).await.unwrap() {
            Ok((stream, _)) => Ok(Self { stream, put_back: VecDeque::new() }),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(_) => Err(0),
        }
    }

    /// A socket that may speak, not begun.
    pub async fn open(address: SocketAddr) -> Self {
        Self::try_open(address, &[("sec-websocket-protocol", "graphql-transport-ws")]).await.unwrap()
    }

    /// A socket that is begun.
    pub async fn begun(address: SocketAddr) -> Self {
        Self::try_begun(address).await.unwrap()
    }

    /// The same where the hub may be away.
    pub async fn try_begun(address: SocketAddr) -> Option<Self> {
        let protocol = [("sec-websocket-protocol", "graphql-transport-ws")];
        let mut socket = Self::try_open(address, &protocol).await.ok()?;
        socket.try_say(&json!({ "type": "connection_init" })).await?;
        match socket.hear().await {
            Heard::Said(said) if said["type"] == "connection_ack" => Some(socket),
            _ => None,
        }
    }

    pub async fn say(&mut self, message: &Value) {
        self.try_say(message).await.unwrap();
    }

    pub async fn try_say(&mut self, message: &Value) -> Option<()> {
        self.say_raw(Message::text(message.to_string())).await
    }

    pub async fn say_raw(&mut self, message: Message) -> Option<()> {
        self.stream.send(message).await.ok()
    }

    pub async fn subscribe(&mut self, id: &str, query: &str, variables: Value) {
        let payload = json!({ "query": query, "variables": variables });
        self.say(&json!({ "id": id, "type": "subscribe", "payload": payload })).await;
    }

    /// Has these be heard again before anything else.
    pub fn put_back(&mut self, messages: Vec<Value>) {
        self.put_back.extend(messages);
    }

    /// The next thing that it is told; pings aside.
    pub async fn hear(&mut self) -> Heard {
        self.hear_within(DEADLINE).await.expect("nothing was said in time")
    }

    pub async fn hear_within(&mut self, within: Duration) -> Option<Heard> {
        if let Some(said) = self.put_back.pop_front() {
            return Some(Heard::Said(said));
        }
        let hearing = async {
            loop {
                match self.stream.next().await {
                    Some(Ok(Message::Text(text))) => return Heard::Said(serde_json::from_str(&text).unwrap()),
                    Some(Ok(Message::Close(Some(frame)))) => return Heard::Closed(frame.code.into()),
                    Some(Ok(Message::Close(None)) | Err(_)) | None => return Heard::Ended,
                    Some(Ok(_)) => {}
                }
            }
        };
        timeout(within, hearing).await.ok()
    }

    /// The next result of an operation.
    pub async fn next(&mut self) -> Value {
        match self.hear().await {
            Heard::Said(said) if said["type"] == "next" => said["payload"].clone(),
            heard => panic!("no result, but {heard:?}"),
        }
    }

    /// The code with which it is closed, whatever is said before.
    pub async fn code(&mut self) -> u16 {
        loop {
            match self.hear().await {
                Heard::Closed(code) => return code,
                Heard::Said(_) => {}
                Heard::Ended => panic!("it ended without a goodbye"),
            }
        }
    }
}

/// One event of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    pub name: String,
    pub id: Option<String>,
    pub data: String,
}

/// A stream of events, as it is read.
pub struct Events {
    response: reqwest::Response,
    text: String,
}

impl Events {
    pub async fn open(request: reqwest::RequestBuilder) -> Self {
        let response = request.header("accept", "text/event-stream").send().await.unwrap();
        assert_eq!(response.status(), 200);
        let media_type = response.headers()["content-type"].to_str().unwrap().to_owned();
        assert!(media_type.starts_with("text/event-stream"), "{media_type}");
        Self { response, text: String::new() }
    }

    /// The next event; comments and settings aside. Null: the stream ended.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let block = self.text[..end].to_owned();
                self.text.drain(..end + 2);
                let mut event = Event::default();
                for line in block.lines() {
                    match line.split_once(": ") {
                        Some(("event", name)) => event.name = name.to_owned(),
                        Some(("id", id)) => event.id = Some(id.to_owned()),
                        Some(("data", data)) => event.data.push_str(data),
                        _ => {}
                    }
                }
                if !event.name.is_empty() {
                    return Some(event);
                }
                continue;
            }
            let chunk = timeout(DEADLINE, self.response.chunk()).await.expect("nothing came in time");
            let chunk = chunk.ok()??;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}
