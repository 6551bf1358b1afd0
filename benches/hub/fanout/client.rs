//! The client program: many subscribers in one thread, which look into frames only for the number in the title.
//!
//! It is told what to do by lines on its standard input, and answers each with a line.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::Write;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::LocalSet;

use super::wire;

/// What precedes the number of a publication.
pub const TITLE: &str = "\"title\":\"Fanout ";

/// How many subscribers are connecting at once.
const CONNECTING: usize = 64;

/// How much is read at once; shared by all subscribers.
const READ_BYTES: usize = 256 * 1024;

/// How often it is looked whether what is waited for is there.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// How long the first message may take.
const FIRST_WITHIN_US: u64 = 60_000_000;

/// What the client is told.
#[derive(Debug, Deserialize, Serialize)]
pub enum Order {
    /// Waits until everybody has these publications.
    Until {
        /// The first.
        from: u64,
        /// The last.
        to: u64,
        /// How long at the most.
        within_ms: u64,
    },
    /// Waits until nothing has come for so long.
    Quiet {
        /// How long.
        ms: u64,
    },
    /// Sums up the deliveries of publications.
    Report {
        /// When they were.
        marks: Vec<Mark>,
    },
    /// Tells the frames of these publications.
    Frames {
        /// The first.
        from: u64,
        /// The last.
        to: u64,
    },
}

/// When a publication was.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Mark {
    /// Its number.
    pub number: u64,
    /// When it was due, in microseconds.
    pub scheduled_us: u64,
    /// When it was acknowledged, in microseconds.
    pub committed_us: u64,
}

/// Half of them took no longer, and 99 of 100, in milliseconds.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Latency {
    /// Half.
    pub p50_ms: f64,
    /// 99 of 100.
    pub p99_ms: f64,
}

/// That everybody is there.
#[derive(Debug, Deserialize, Serialize)]
pub struct Begun {
    /// How many have begun to follow.
    pub subscribers: usize,
    /// How many could not, or are gone since.
    pub gone: usize,
    /// The first thing that went wrong; null: nothing.
    pub problem: Option<String>,
}

/// How far publications have come.
#[derive(Debug, Deserialize, Serialize)]
pub struct Come {
    /// Deliveries that are missing.
    pub missing: u64,
    /// Deliveries beyond one for each subscriber.
    pub surplus: u64,
    /// How many subscribers are gone.
    pub gone: usize,
    /// The first thing that went wrong; null: nothing.
    pub problem: Option<String>,
}

/// What came until it was quiet.
#[derive(Debug, Deserialize, Serialize)]
pub struct Heard {
    /// Messages, numbered or not.
    pub messages: u64,
    /// Their text, in bytes.
    pub bytes: u64,
    /// From the request until the first, in microseconds.
    pub first_us: u64,
    /// From the request until the last, in microseconds.
    pub last_us: u64,
    /// The first thing that went wrong; null: nothing.
    pub problem: Option<String>,
}

/// The deliveries of some publications.
#[derive(Debug, Deserialize, Serialize)]
pub struct Report {
    /// How many there were.
    pub deliveries: u64,
    /// From the first to the last, in microseconds.
    pub span_us: u64,
    /// Every delivery, from when the publication was due.
    pub scheduled: Latency,
    /// Every delivery, from the acknowledgement.
    pub committed: Latency,
    /// The last delivery of each publication, from when it was due.
    pub last_scheduled: Latency,
    /// The last delivery of each publication, from the acknowledgement.
    pub last_committed: Latency,
}

/// What all subscribers have heard.
struct Ears {
    subscribers: usize,
    begun: usize,
    gone: usize,
    problem: Option<String>,
    /// When each publication arrived, by its number, in microseconds since `base_us`.
    arrivals: Vec<Vec<u32>>,
    /// What each looked like, by its number.
    texts: Vec<Option<String>>,
    /// Where the title was last.
    title_at: usize,
    messages: u64,
    bytes: u64,
    base_us: u64,
    asked_us: u64,
    first_us: u64,
    last_us: u64,
    buffer: Vec<u8>,
}

/// A subscriber, somewhere on its way.
struct Subscriber {
    stream: TcpStream,
    ears: Rc<RefCell<Ears>>,
    /// A frame that is not all there yet.
    rest: Vec<u8>,
    is_upgraded: bool,
    /// What its server said that is no publication.
    said: VecDeque<String>,
}

/// Follows with so many subscribers until its standard input ends.
pub fn run(subscribers: usize, address: &str, document: &str) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| wire::told("starting", &error))?;
    let (orders, mut ordered) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if orders.send(line).is_err() {
                break;
            }
        }
    });
    let ears = Rc::new(RefCell::new(Ears::new(subscribers)?));
    let places = Rc::new(Semaphore::new(CONNECTING));
    let set = LocalSet::new();
    for _ in 0..subscribers {
        set.spawn_local(live(ears.clone(), places.clone(), address.to_owned(), document.to_owned()));
    }
    set.block_on(&runtime, async {
        let begun = loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let ears = ears.borrow();
            if ears.begun.saturating_add(ears.gone) >= subscribers {
                break Begun { subscribers: ears.begun, gone: ears.gone, problem: ears.problem.clone() };
            }
        };
        answer(&begun)?;
        while let Some(line) = ordered.recv().await {
            let order = serde_json::from_str(&line).map_err(|error| wire::told("reading an order", &error))?;
            obey(&ears, order).await?;
        }
        Ok(())
    })
}

async fn obey(ears: &RefCell<Ears>, order: Order) -> Result<(), String> {
    match order {
        Order::Until { from, to, within_ms } => {
            let until = wire::now_us()?.saturating_add(within_ms.saturating_mul(1_000));
            loop {
                let come = ears.borrow().come(from, to);
                if come.missing == 0 || come.gone > 0 || wire::now_us()? > until {
                    return answer(&come);
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
        Order::Quiet { ms } => loop {
            let now = wire::now_us()?;
            {
                let ears = ears.borrow();
                let is_over = if ears.messages == 0 {
                    now > ears.asked_us.saturating_add(FIRST_WITHIN_US)
                } else {
                    now > ears.last_us.saturating_add(ms.saturating_mul(1_000))
                };
                if is_over || ears.problem.is_some() {
                    return answer(&Heard {
                        messages: ears.messages,
                        bytes: ears.bytes,
                        first_us: ears.first_us.saturating_sub(ears.asked_us),
                        last_us: ears.last_us.saturating_sub(ears.asked_us),
                        problem: ears.problem.clone(),
                    });
                }
            }
            tokio::time::sleep(LOOK_EVERY).await;
        },
        Order::Report { marks } => answer(&ears.borrow().report(&marks)),
        Order::Frames { from, to } => {
            let ears = ears.borrow();
            let texts: Vec<Option<&String>> =
                (from..=to).map(|number| ears.texts.get(usize::try_from(number).ok()?)?.as_ref()).collect();
            answer(&texts)
        }
    }
}

fn answer(what: &impl Serialize) -> Result<(), String> {
    let mut line = serde_json::to_string(what).map_err(|error| wire::told("answering", &error))?;
    line.push('\n');
    let mut out = std::io::stdout().lock();
    out.write_all(line.as_bytes()).and_then(|()| out.flush()).map_err(|error| wire::told("answering", &error))
}

/// The life of one subscriber.
async fn live(ears: Rc<RefCell<Ears>>, places: Rc<Semaphore>, address: String, document: String) {
    let place = places.acquire().await;
    let begun = Subscriber::begin(ears.clone(), &address, &document).await;
    drop(place);
    let reason = match begun {
        Ok(mut subscriber) => {
            ears.borrow_mut().begun += 1;
            let reason = subscriber.follow().await;
            ears.borrow_mut().begun -= 1;
            reason
        }
        Err(reason) => reason,
    };
    ears.borrow_mut().fail(reason);
}

impl Subscriber {
    async fn begin(ears: Rc<RefCell<Ears>>, address: &str, document: &str) -> Result<Self, String> {
        let stream = TcpStream::connect(address).await.map_err(|error| wire::told("connecting", &error))?;
        stream.set_nodelay(true).map_err(|error| wire::told("connecting", &error))?;
        let mut subscriber = Self { stream, ears, rest: Vec::new(), is_upgraded: false, said: VecDeque::new() };
        let upgrade = format!(
            "GET /graphql HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
        );
        subscriber.write(upgrade.as_bytes()).await?;
        subscriber.say(&json!({"type": "connection_init"})).await?;
        subscriber.hear("connection_ack").await?;
        subscriber.ears.borrow_mut().asked_us = wire::now_us()?;
        subscriber.say(&json!({"id": "1", "type": "subscribe", "payload": {"query": document}})).await?;
        subscriber.say(&json!({"type": "ping"})).await?;
        subscriber.hear("pong").await?;
        Ok(subscriber)
    }

    async fn say(&mut self, message: &serde_json::Value) -> Result<(), String> {
        self.write(&wire::frame(wire::TEXT, message.to_string().as_bytes())).await
    }

    /// Waits for a message of this type.
    async fn hear(&mut self, wanted: &str) -> Result<(), String> {
        let wanted = format!("\"type\":\"{wanted}\"");
        loop {
            match self.said.pop_front() {
                Some(said) if said.contains(&wanted) => return Ok(()),
                Some(said) => return Err(said),
                None => {}
            }
            std::future::poll_fn(|cx| self.poll_once(cx)).await?;
        }
    }

    /// Listens until the server ends it; the answer is why.
    async fn follow(&mut self) -> String {
        loop {
            if let Some(said) = self.said.pop_front() {
                return said;
            }
            if let Err(reason) = std::future::poll_fn(|cx| self.poll_once(cx)).await {
                return reason;
            }
        }
    }

    async fn write(&mut self, mut bytes: &[u8]) -> Result<(), String> {
        while !bytes.is_empty() {
            let written = std::future::poll_fn(|cx| Pin::new(&mut self.stream).poll_write(cx, bytes)).await;
            let written = written.map_err(|error| wire::told("writing", &error))?;
            bytes = bytes.get(written..).unwrap_or_default();
        }
        Ok(())
    }

    /// Reads once, and takes all whole frames.
    fn poll_once(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), String>> {
        let ears = self.ears.clone();
        let mut ears = ears.borrow_mut();
        let mut buffer = std::mem::take(&mut ears.buffer);
        buffer.resize(READ_BYTES, 0);
        let mut space = ReadBuf::new(&mut buffer);
        let polled = Pin::new(&mut self.stream).poll_read(cx, &mut space);
        let heard = match polled {
            Poll::Ready(Ok(())) if space.filled().is_empty() => {
                Poll::Ready(Err("the server closed the connection".to_owned()))
            }
            Poll::Ready(Ok(())) => Poll::Ready(self.take(space.filled(), &mut ears)),
            Poll::Ready(Err(error)) => Poll::Ready(Err(wire::told("reading", &error))),
            Poll::Pending => Poll::Pending,
        };
        ears.buffer = buffer;
        heard
    }

    fn take(&mut self, read: &[u8], ears: &mut Ears) -> Result<(), String> {
        let joined;
        let mut bytes = read;
        if !self.rest.is_empty() {
            self.rest.extend_from_slice(read);
            joined = std::mem::take(&mut self.rest);
            bytes = &joined;
        }
        if !self.is_upgraded {
            let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
                self.rest = bytes.to_vec();
                return Ok(());
            };
            if !bytes.starts_with(b"HTTP/1.1 101") {
                return Err(String::from_utf8_lossy(bytes).into_owned());
            }
            self.is_upgraded = true;
            bytes = bytes.get(end.saturating_add(4)..).unwrap_or_default();
        }
        let now = wire::now_us()?;
        while let Some((opcode, payload, length)) = wire::parse(bytes) {
            match opcode {
                wire::TEXT if ears.note(payload, now) => {}
                wire::TEXT => self.said.push_back(String::from_utf8_lossy(payload).into_owned()),
                wire::PING => {
                    // What does not fit into the socket's buffer need not be said.
                    let _ = self.stream.try_write(&wire::frame(wire::PONG, payload));
                }
                wire::CLOSE => return Err(format!("closed: {}", String::from_utf8_lossy(payload))),
                _ => {}
            }
            bytes = bytes.get(length..).unwrap_or_default();
        }
        if !bytes.is_empty() {
            self.rest = bytes.to_vec();
        }
        Ok(())
    }
}

impl Ears {
    fn new(subscribers: usize) -> Result<Self, String> {
        let now = wire::now_us()?;
        Ok(Self {
            subscribers,
            begun: 0,
            gone: 0,
            problem: None,
            arrivals: Vec::new(),
            texts: Vec::new(),
            title_at: 0,
            messages: 0,
            bytes: 0,
            base_us: now,
            asked_us: now,
            first_us: now,
            last_us: now,
            buffer: Vec::new(),
        })
    }

    fn fail(&mut self, problem: String) {
        self.gone += 1;
        self.problem.get_or_insert(problem);
    }

    /// Counts a publication or a change; the answer is whether it was one.
    fn note(&mut self, payload: &[u8], now: u64) -> bool {
        let number = self.number(payload);
        if number.is_none() {
            let text = String::from_utf8_lossy(payload);
            if !text.contains("\"type\":\"next\"") || text.contains("\"errors\":") {
                return false;
            }
        }
        if self.messages == 0 {
            self.first_us = now;
        }
        self.messages += 1;
        self.bytes += u64::try_from(payload.len()).unwrap_or_default();
        self.last_us = now;
        if let Some(number) = number {
            if self.arrivals.len() <= number {
                self.arrivals.resize_with(number + 1, Vec::new);
                self.texts.resize(number + 1, None);
            }
            if let Some(arrivals) = self.arrivals.get_mut(number) {
                arrivals.push(u32::try_from(now.saturating_sub(self.base_us)).unwrap_or(u32::MAX));
            }
            if let Some(text @ None) = self.texts.get_mut(number) {
                *text = Some(String::from_utf8_lossy(payload).into_owned());
            }
        }
        true
    }

    /// The number in the title, which is nearly always where it was last.
    fn number(&mut self, payload: &[u8]) -> Option<usize> {
        let title = TITLE.as_bytes();
        let starts = |at: usize| payload.get(at..).filter(|rest| rest.starts_with(title));
        let rest = match starts(self.title_at) {
            Some(rest) => rest,
            None => {
                self.title_at = payload.windows(title.len()).position(|window| window == title)?;
                starts(self.title_at)?
            }
        };
        let digits = rest.get(title.len()..)?.iter().take_while(|byte| byte.is_ascii_digit());
        Some(digits.fold(0, |number: usize, digit| number.saturating_mul(10).saturating_add(usize::from(digit - b'0'))))
    }

    fn of(&self, number: u64) -> &[u32] {
        usize::try_from(number).ok().and_then(|number| self.arrivals.get(number)).map_or(&[], Vec::as_slice)
    }

    fn come(&self, from: u64, to: u64) -> Come {
        let (mut missing, mut surplus) = (0_usize, 0_usize);
        for number in from..=to {
            let here = self.of(number).len();
            missing += self.subscribers.saturating_sub(here);
            surplus += here.saturating_sub(self.subscribers);
        }
        Come {
            missing: u64::try_from(missing).unwrap_or(u64::MAX),
            surplus: u64::try_from(surplus).unwrap_or(u64::MAX),
            gone: self.gone,
            problem: self.problem.clone(),
        }
    }

    fn report(&self, marks: &[Mark]) -> Report {
        let (mut scheduled, mut committed, mut last_scheduled, mut last_committed) = (vec![], vec![], vec![], vec![]);
        let (mut first_us, mut last_us) = (u64::MAX, 0);
        let since = |at: u64, from: u64| at.cast_signed().saturating_sub(from.cast_signed());
        for mark in marks {
            let arrivals = self.of(mark.number).iter().map(|arrival| self.base_us + u64::from(*arrival));
            let mut last = None;
            for at in arrivals {
                scheduled.push(since(at, mark.scheduled_us));
                committed.push(since(at, mark.committed_us));
                first_us = first_us.min(at);
                last = last.max(Some(at));
            }
            if let Some(last) = last {
                last_scheduled.push(since(last, mark.scheduled_us));
                last_committed.push(since(last, mark.committed_us));
                last_us = last_us.max(last);
            }
        }
        Report {
            deliveries: u64::try_from(scheduled.len()).unwrap_or(u64::MAX),
            span_us: last_us.saturating_sub(first_us),
            scheduled: Latency::of(scheduled),
            committed: Latency::of(committed),
            last_scheduled: Latency::of(last_scheduled),
            last_committed: Latency::of(last_committed),
        }
    }
}

impl Latency {
    fn of(mut micros: Vec<i64>) -> Self {
        micros.sort_unstable();
        let at = |share: f64| {
            let index = (micros.len() as f64 * share) as usize;
            micros.get(index).copied().unwrap_or_default() as f64 / 1e3
        };
        Self { p50_ms: at(0.50), p99_ms: at(0.99) }
    }
}
