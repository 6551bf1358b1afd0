//! HTTP/2 without TLS, as a proxy speaks it, and as whoever misuses it does.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::Target;

/// What an HTTP/2 connection begins with.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const GOODBYE: u8 = 7;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// How long what has two seconds may last.
const CLOSED_WITHIN: Duration = Duration::from_secs(10);

/// A frame as it is written and read (RFC 9113 §4.1).
#[derive(Debug)]
struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}

impl Frame {
    fn bytes(&self) -> Vec<u8> {
        let length = u32::try_from(self.payload.len()).unwrap().to_be_bytes();
        [&length[1..], &[self.kind, self.flags], &self.stream.to_be_bytes(), &self.payload].concat()
    }
}

/// A request whose fields are written out (RFC 7541): a query in the address, or a body that follows.
fn request(stream: u32, method: u8, path: &str, flags: u8) -> Vec<u8> {
    let mut fields = vec![method, 0x86, 0x04, u8::try_from(path.len()).unwrap()];
    fields.extend_from_slice(path.as_bytes());
    fields.extend_from_slice(b"\x01\x01a");
    if method == POST {
        // content-type is the 31st name of the static table.
        fields.extend_from_slice(b"\x0f\x10\x10application/json");
    }
    Frame { kind: HEADERS, flags, stream, payload: fields }.bytes()
}

/// Both are whole entries of the static table.
const GET: u8 = 0x82;
const POST: u8 = 0x83;

const QUERY: &str = "/graphql?query=%7B__typename%7D";

struct Connection {
    stream: TcpStream,
}

impl Connection {
    async fn begun(address: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let settings = Frame { kind: SETTINGS, flags: 0, stream: 0, payload: Vec::new() };
        stream.write_all(&[PREFACE, &settings.bytes()].concat()).await.unwrap();
        Self { stream }
    }

    /// Null: the hub has closed the connection.
    async fn say(&mut self, bytes: &[u8]) -> Option<()> {
        self.stream.write_all(bytes).await.ok()
    }

    /// The next frame; null: the hub has closed the connection.
    async fn hear(&mut self, deadline: Instant) -> Option<Frame> {
        let reading = async {
            let mut head = [0; 9];
            self.stream.read_exact(&mut head).await.ok()?;
            let [a, b, c, kind, flags, d, e, f, g] = head;
            let mut payload = vec![0; usize::try_from(u32::from_be_bytes([0, a, b, c])).unwrap()];
            self.stream.read_exact(&mut payload).await.ok()?;
            Some(Frame { kind, flags, stream: u32::from_be_bytes([d, e, f, g]), payload })
        };
        timeout_at(deadline, reading).await.expect("nothing was heard in time")
    }

    /// Waits until the hub closes the connection or says goodbye.
    async fn ended(&mut self, within: Duration) {
        let deadline = Instant::now() + within;
        while self.hear(deadline).await.is_some_and(|frame| frame.kind != GOODBYE) {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn http_2_without_tls_is_spoken() {
    let target = Target::serve(&[]).await;
    let mut connection = Connection::begun(target.address).await;
    connection.say(&request(1, GET, QUERY, END_HEADERS | END_STREAM)).await.unwrap();
    let deadline = Instant::now() + super::DEADLINE;
    let (mut fields, mut body) = (Vec::new(), Vec::new());
    loop {
        let frame = connection.hear(deadline).await.expect("the hub speaks HTTP/2");
        match frame.kind {
            HEADERS => fields = frame.payload,
            DATA => body.extend_from_slice(&frame.payload),
            _ => continue,
        }
        if frame.flags & END_STREAM != 0 {
            break;
        }
    }
    // A change of the table's size may come first; 0x88 is the entry of status 200.
    let status = fields.iter().find(|byte| **byte & 0xe0 != 0x20);
    assert_eq!(status, Some(&0x88), "{fields:?}");
    assert!(String::from_utf8_lossy(&body).contains(r#"{"__typename":"Query"}"#), "{body:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_taken_back_at_once_hurt_nobody() {
    let target = Target::serve(&[]).await;
    target
        .under(async {
            for _ in 0..4 {
                let mut connection = Connection::begun(target.address).await;
                for number in 0..5_000 {
                    let stream = 2 * number + 1;
                    let back = Frame { kind: RESET, flags: 0, stream, payload: 8_u32.to_be_bytes().to_vec() };
                    let both = [request(stream, GET, QUERY, END_HEADERS | END_STREAM), back.bytes()].concat();
                    if connection.say(&both).await.is_none() {
                        break;
                    }
                }
            }
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_and_bodies_that_never_end_do_not_outlive_their_deadlines() {
    let target = Target::serve(&["--limit", "header_seconds=2", "--limit", "body_seconds=2"]).await;
    target
        .under(async {
            // The body of a request that has begun.
            let mut body = Connection::begun(target.address).await;
            body.say(&request(1, POST, "/graphql", END_HEADERS)).await.unwrap();
            let begun = Frame { kind: DATA, flags: 0, stream: 1, payload: b"{\"query\":".to_vec() };
            body.say(&begun.bytes()).await.unwrap();
            let deadline = Instant::now() + CLOSED_WITHIN;
            while body.hear(deadline).await.is_some_and(|frame| frame.stream != 1) {}
            // A head that goes on and on is ended for its size.
            let mut head = Connection::begun(target.address).await;
            head.say(&request(1, GET, QUERY, 0)).await.unwrap();
            let more = [b"\x00\x7f\xc1\x1e".as_slice(), &[b'x'; 4_000], b"\x00"].concat();
            let more = Frame { kind: CONTINUATION, flags: 0, stream: 1, payload: more }.bytes();
            for _ in 0..2_000 {
                if head.say(&more).await.is_none() {
                    break;
                }
            }
            head.ended(CLOSED_WITHIN).await;
        })
        .await;
}
