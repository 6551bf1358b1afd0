//! The attack list: what strangers do to take a hub down. Each attack is on a `hub` process of its own, and while it lasts
//! somebody else's simple queries go on being answered and the process stays within its memory.

mod bodies;
mod connections;
mod documents;
mod http2;
mod pace;
mod streams;

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use reqwest::Response;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::processes::{self, Running};
use crate::support;

/// How long anything may take before a test gives up on it.
const DEADLINE: Duration = Duration::from_secs(60);

/// How long somebody else's simple query may take during an attack, in a debug build and beside other tests.
const ANSWERED_WITHIN: Duration = Duration::from_secs(2);

/// The same in times of what it takes when it is quiet, for machines that are slower than that.
const TIMES_QUIET: u32 = 20;

/// How much memory an attack may take, in kilobytes.
const MEMORY_KB: u64 = 64 * 1024;

/// From where somebody else asks: another address of this machine, so that the limits of the attacker are not theirs.
const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// A hub with the sample data that is attacked; it is gone when it is dropped.
struct Target {
    running: Mutex<Running>,
    address: SocketAddr,
    client: reqwest::Client,
}

impl Target {
    /// A hub with these flags besides those that it needs.
    async fn serve(flags: &[&str]) -> Self {
        let database = support::address_of_new_database("sample").await;
        let mut command = processes::hub(&["serve", "--listen", "127.0.0.1:0", "--database-url", &database]);
        command.args(flags);
        let running = tokio::task::spawn_blocking(move || processes::start(command)).await.unwrap();
        Self { address: running.address, running: Mutex::new(running), client: support::client() }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Sends a document.
    async fn send(&self, query: &str) -> Response {
        self.send_body(json!({ "query": query }).to_string()).await
    }

    /// Sends a body of JSON, or what passes for it.
    async fn send_body(&self, body: impl Into<reqwest::Body>) -> Response {
        let request = self.client.post(self.url("/graphql")).header("content-type", "application/json").body(body);
        timeout(DEADLINE, request.send()).await.unwrap().unwrap()
    }

    /// Attacks, while somebody else asks; the answer is the attack's.
    async fn under<T>(&self, attack: impl Future<Output = T>) -> T {
        let bystander = Bystander::quiet(self.address).await;
        let quiet = self.memory_kb("VmRSS:");
        self.forget_peak();
        let (over, mut is_over) = oneshot::channel::<()>();
        let asking = tokio::spawn(async move {
            let mut looks = tokio::time::interval(Duration::from_millis(10));
            // Once more after it is over.
            while is_over.try_recv() == Err(oneshot::error::TryRecvError::Empty) {
                looks.tick().await;
                bystander.ask().await;
            }
        });
        let outcome = attack.await;
        drop(over);
        asking.await.unwrap();
        if let (Some(quiet), Some(peak)) = (quiet, self.memory_kb("VmHWM:")) {
            let taken = peak.saturating_sub(quiet);
            assert!(taken <= MEMORY_KB, "the attack took {taken} kB more than the {quiet} kB when it was quiet");
        }
        assert!(self.running.lock().unwrap().child.try_wait().unwrap().is_none(), "the hub has ended");
        outcome
    }

    /// What the machine says of the memory of the process; null where it says nothing.
    fn memory_kb(&self, name: &str) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix(" kB")?.parse().ok()
    }

    /// Has the peak of the memory begin anew.
    fn forget_peak(&self) {
        // Where it cannot, the peak is that of the start, which is lower than most attacks.
        let _ = std::fs::write(format!("/proc/{}/clear_refs", self.pid()), "5");
    }

    fn pid(&self) -> u32 {
        self.running.lock().unwrap().child.id()
    }
}

/// Somebody else who asks simple queries, each on a connection of its own.
struct Bystander {
    client: reqwest::Client,
    url: String,
    asked: [(String, Value); 2],
    within: Duration,
}

impl Bystander {
    /// Somebody who knows what is answered, and how soon, when it is quiet.
    async fn quiet(address: SocketAddr) -> Self {
        let client = support::client_builder().local_address(ELSEWHERE).pool_max_idle_per_host(0).build().unwrap();
        let asked = ["{ __typename }", "{ topics(first: 3) { nodes { key } } }"];
        let url = format!("http://{address}/graphql");
        let mut quiet =
            Self { client, url, asked: asked.map(|query| (query.to_owned(), Value::Null)), within: DEADLINE };
        let mut times = Vec::new();
        for _ in 0..5 {
            for index in 0..quiet.asked.len() {
                let began = Instant::now();
                let answer = quiet.answer(&quiet.asked[index].0).await;
                times.push(began.elapsed());
                assert!(answer.get("errors").is_none() && answer["data"].is_object(), "{answer}");
                quiet.asked[index].1 = answer;
            }
        }
        times.sort();
        quiet.within = ANSWERED_WITHIN.max(times[times.len() / 2] * TIMES_QUIET);
        quiet
    }

    async fn answer(&self, query: &str) -> Value {
        // What is kept would say nothing of the database.
        let request = self.client.post(&self.url).header("cache-control", "no-cache").json(&json!({ "query": query }));
        let asking = async { request.send().await.unwrap().json().await.unwrap() };
        let within = self.within;
        timeout(within, asking).await.unwrap_or_else(|_| panic!("somebody else had no answer within {within:?}"))
    }

    async fn ask(&self) {
        for (query, expected) in &self.asked {
            assert_eq!(self.answer(query).await, *expected, "somebody else was answered wrongly");
        }
    }
}

/// What came on a connection until it was closed.
#[derive(Debug)]
struct Told {
    /// Null: it was closed without an answer.
    status: Option<u16>,
    text: String,
    took: Duration,
}

/// Sends bytes on a connection of their own, and reads until the hub closes it.
async fn send_bytes(address: SocketAddr, bytes: Vec<u8>) -> Told {
    let began = Instant::now();
    let start = String::from_utf8_lossy(bytes.get(..80).unwrap_or(&bytes)).into_owned();
    let (mut reading, mut writing) = TcpStream::connect(address).await.unwrap().into_split();
    // Whoever is refused may be so before everything is sent.
    let sending = tokio::spawn(async move {
        let _ = writing.write_all(&bytes).await;
        writing
    });
    let mut read = Vec::new();
    // A connection that is reset is closed too.
    let reading = timeout(DEADLINE, reading.read_to_end(&mut read)).await;
    assert!(reading.is_ok(), "the hub never closed the connection that began with {start:?}");
    sending.abort();
    let text = String::from_utf8_lossy(&read).into_owned();
    let status = text.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    Told { status, text, took: began.elapsed() }
}

/// The code of the first error of an answer.
fn code(answer: &Value) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default()
}

/// The status and the body of an answer.
async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    (status, timeout(DEADLINE, response.json()).await.unwrap().unwrap())
}
