//! Fan-out: one publication to many subscribers, beside a floor that only writes ready frames.
//!
//! Servers and clients are processes of their own, each with its own limit of open files. The hub pushes what it
//! executes; then the floor pushes the very frames that the hub's subscribers got, to the same client program. Every
//! size has a fresh hub and a fresh floor, so that memory can be compared with what each held before anybody came.

#[path = "fanout/client.rs"]
pub mod client;
#[path = "fanout/crew.rs"]
pub mod crew;
#[path = "fanout/floor.rs"]
pub mod floor;
#[path = "fanout/stage.rs"]
pub mod stage;
#[path = "fanout/wire.rs"]
pub mod wire;

use std::path::Path;
use std::time::{Duration, Instant};

use self::client::{Heard, Latency, Mark, Order, Report};
use self::crew::{Crew, Line};
use self::stage::{Server, Stage};
use crate::load::cpu_ms;
use crate::world::memory_kib;

/// What is measured.
#[derive(Clone, Debug)]
pub struct Plan<'a> {
    /// The hub's program.
    pub program: &'a Path,
    /// How many subscribers there are.
    pub sizes: &'a [usize],
    /// How many publications come at a steady pace.
    pub publications: usize,
    /// How many come at once.
    pub burst: usize,
    /// How many publications a subscriber is behind who has to catch up; 0: nobody has to.
    pub behind: usize,
}

/// Seven fields and an object.
const DOCUMENT: &str = "subscription { itemPublished { \
    cursor item { title id slug kind publishedAt url language project { slug title } } } }";

/// The two streams of somebody who comes back, with the messages a second that each has to reach.
const CATCHING_UP: [(&str, &str, f64); 2] = [
    ("changes", "subscription { changes(after: AFTER) { cursor change { action kind nodeId fields } } }", 20_000.0),
    (
        "itemPublished",
        "subscription { itemPublished(after: AFTER) { cursor item { id slug title kind publishedAt url language } } }",
        4_000.0,
    ),
];

/// How often somebody comes back; the median counts.
const RETURNS: usize = 3;

/// So many subscribers meet the burst, or as many as there are at the most.
const BURST_SUBSCRIBERS: usize = 5_000;

/// So many subscribers have to be cheap.
const MEMORY_SUBSCRIBERS: usize = 10_000;

/// What the hub has to reach of the floor's deliveries per second of CPU time.
const LEAST_OF_FLOOR: f64 = 0.6;

/// The deliveries a second that the hub has to reach in the burst.
const LEAST_DELIVERIES: f64 = 60_000.0;

/// The memory that a connection may take, in KiB.
const MOST_MEMORY_KIB: f64 = 24.0;

/// Publications before anything is measured, and how many come each second then and later.
const WARM_UP: (usize, u32) = (10, 10);

/// How many subscribers a server has had before its memory is looked at for the first time.
const PRIMING: usize = 20;

/// How long a server is left alone before its memory is looked at.
const REST: Duration = Duration::from_secs(2);

/// How long all deliveries may take.
const DELIVER_WITHIN: Duration = Duration::from_secs(180);

/// The publications of one size.
struct Script {
    prime: Vec<Line>,
    warm_up: Vec<Line>,
    steady: Vec<Line>,
    burst: Vec<Line>,
}

/// What a server did.
struct Measured {
    name: &'static str,
    subscribers: usize,
    /// For each connection: when all have begun to follow, and after the steady publications.
    memory_kib: (f64, f64),
    highest_mib: u64,
    steady: Deliveries,
    burst: Option<Deliveries>,
    /// The publications, as frames.
    frames: Script,
}

/// Some publications to everybody, and what they cost.
struct Deliveries {
    report: Report,
    missing: u64,
    surplus: u64,
    cpu_ms: f64,
    client_cpu_ms: f64,
}

/// Measures and prints everything.
pub async fn run(plan: &Plan<'_>) -> Result<(), String> {
    let largest = plan.sizes.iter().copied().max().unwrap_or_default();
    wire::raise_file_limit(largest)?;
    let mut stage = Stage::build(plan.program).await?;
    let burst_size = if plan.sizes.contains(&BURST_SUBSCRIBERS) { BURST_SUBSCRIBERS } else { largest };
    let mut all = Vec::new();
    let mut failure = None;
    for subscribers in plan.sizes.iter().copied() {
        let burst = if subscribers == burst_size { plan.burst } else { 0 };
        match measure_both(&mut stage, subscribers, plan.publications, burst) {
            Ok(both) => all.push(both),
            Err(reason) => {
                failure = Some(format!("{subscribers} subscribers: {reason}"));
                break;
            }
        }
    }
    // What was measured before something went wrong is worth seeing.
    print_steady(&all);
    print_burst(&all);
    if let Some(reason) = failure {
        return Err(reason);
    }
    let returns = if plan.behind > 0 { catch_up(&mut stage, plan.behind).await? } else { Vec::new() };
    print_targets(&all, &returns);
    Ok(())
}

/// The hub, and then the floor with the hub's frames.
fn measure_both(
    stage: &mut Stage,
    subscribers: usize,
    publications: usize,
    burst: usize,
) -> Result<(Measured, Measured), String> {
    eprintln!("Fan-out to {subscribers} subscribers …");
    let script = Script {
        prime: stage.lines(1),
        warm_up: stage.lines(WARM_UP.0),
        steady: stage.lines(publications),
        burst: stage.lines(burst),
    };
    let hub = measure(stage.hub()?, Some(stage), &script, subscribers)?;
    let floor = measure(stage.floor()?, None, &hub.frames, subscribers)?;
    Ok((hub, floor))
}

/// One server from its start to its end. A hub imports its burst; the floor, which has no stage, is fed it.
fn measure(mut server: Server, stage: Option<&Stage>, script: &Script, subscribers: usize) -> Result<Measured, String> {
    let pid = server.process.pid();
    let prime = prime(&mut server, &script.prime)?;
    std::thread::sleep(REST);
    let before_kib = memory_kib(pid, "VmRSS:")?;
    let mut crew = Crew::start(&server.address, subscribers, DOCUMENT)?;
    std::thread::sleep(REST);
    let grown = || Ok::<_, String>(memory_kib(pid, "VmRSS:")?.saturating_sub(before_kib) as f64 / subscribers as f64);
    let memory = grown()?;
    server.feed.publish(&script.warm_up, WARM_UP.1)?;
    let come = crew.wait_for(&script.warm_up, DELIVER_WITHIN)?;
    if come.missing > 0 {
        return Err(format!("{}: {} deliveries of the warm-up are missing", server.name, come.missing));
    }
    let steady = deliver(pid, &mut crew, &script.steady, || server.feed.publish(&script.steady, WARM_UP.1))?;
    let memory_after = grown()?;
    let burst = match script.burst.is_empty() {
        true => None,
        false => Some(deliver(pid, &mut crew, &script.burst, || {
            let at = wire::now_us()?;
            match stage {
                Some(stage) => stage.import(&script.burst)?,
                None => server.feed.pour(&script.burst)?,
            }
            let mark = |line: &Line| Mark { number: line.number, scheduled_us: at, committed_us: at };
            Ok(script.burst.iter().map(mark).collect())
        })?),
    };
    let mut frames = |lines: &[Line]| crew.frames(lines);
    let frames = Script {
        prime,
        warm_up: frames(&script.warm_up)?,
        steady: frames(&script.steady)?,
        burst: frames(&script.burst)?,
    };
    Ok(Measured {
        name: server.name,
        subscribers,
        memory_kib: (memory, memory_after),
        highest_mib: memory_kib(pid, "VmHWM:")? / 1024,
        steady,
        burst,
        frames,
    })
}

/// Lets a few follow, so that what is made once is made; the answer is what they got.
fn prime(server: &mut Server, lines: &[Line]) -> Result<Vec<Line>, String> {
    let mut crew = Crew::start(&server.address, PRIMING, DOCUMENT)?;
    std::thread::sleep(REST);
    server.feed.publish(lines, WARM_UP.1)?;
    let come = crew.wait_for(lines, DELIVER_WITHIN)?;
    match come.missing {
        0 => crew.frames(lines),
        missing => Err(format!("{}: {missing} of the first {PRIMING} deliveries are missing", server.name)),
    }
}

fn deliver(
    pid: u32,
    crew: &mut Crew,
    lines: &[Line],
    publish: impl FnOnce() -> Result<Vec<Mark>, String>,
) -> Result<Deliveries, String> {
    let (before, client_before) = (cpu_ms(pid)?, cpu_ms(crew.pid())?);
    let marks = publish()?;
    let come = crew.wait_for(lines, DELIVER_WITHIN)?;
    let (after, client_after) = (cpu_ms(pid)?, cpu_ms(crew.pid())?);
    Ok(Deliveries {
        report: crew.report(marks)?,
        missing: come.missing,
        surplus: come.surplus,
        cpu_ms: after - before,
        client_cpu_ms: client_after - client_before,
    })
}

impl Deliveries {
    fn per_second(&self) -> f64 {
        self.report.deliveries as f64 / (self.report.span_us as f64 / 1e6)
    }

    fn per_cpu_second(&self) -> f64 {
        self.report.deliveries as f64 / (self.cpu_ms / 1e3)
    }

    fn cpu_us(&self) -> f64 {
        self.cpu_ms * 1e3 / self.report.deliveries as f64
    }

    fn cores(&self, cpu_ms: f64) -> f64 {
        cpu_ms * 1e3 / self.report.span_us as f64
    }

    /// Every one, unless some are missing or came twice.
    fn completeness(&self) -> String {
        match (self.missing, self.surplus) {
            (0, 0) => "all".to_owned(),
            (missing, surplus) => format!("{missing} missing, {surplus} twice"),
        }
    }
}

fn print_steady(all: &[(Measured, Measured)]) {
    let frames = all.iter().flat_map(|(hub, _)| &hub.frames.steady);
    let (count, bytes) = frames.fold((0, 0), |(count, bytes), line| (count + 1, bytes + line.text.len()));
    let publications = all.first().map_or(0, |(hub, _)| hub.frames.steady.len());
    println!(
        "\n### Fan-out: {publications} publications, {} a second, frames of {} bytes\n",
        WARM_UP.1,
        bytes / count.max(1)
    );
    println!(
        "| server | subscribers | delivered | deliveries/s | from due p50 / p99 ms | from commit p50 / p99 ms \
         | last subscriber, from due p50 / p99 ms | last subscriber, from commit p50 / p99 ms | CPU µs/delivery \
         | server cores | client cores | KiB/connection, idle / after | peak RSS MiB |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    for measured in all.iter().flat_map(|(hub, floor)| [hub, floor]) {
        let steady = &measured.steady;
        println!(
            "| {} | {} | {} | {:.0} | {} | {} | {} | {} | {:.1} | {:.2} | {:.2} | {:.1} / {:.1} | {} |",
            measured.name,
            measured.subscribers,
            steady.completeness(),
            steady.per_second(),
            latency(&steady.report.scheduled),
            latency(&steady.report.committed),
            latency(&steady.report.last_scheduled),
            latency(&steady.report.last_committed),
            steady.cpu_us(),
            steady.cores(steady.cpu_ms),
            steady.cores(steady.client_cpu_ms),
            measured.memory_kib.0,
            measured.memory_kib.1,
            measured.highest_mib,
        );
    }
}

fn print_burst(all: &[(Measured, Measured)]) {
    for (hub, floor) in all {
        let (Some(of_hub), Some(of_floor)) = (&hub.burst, &floor.burst) else { continue };
        println!("\n### Saturation: {} publications at once\n", hub.frames.burst.len());
        println!(
            "| server | subscribers | delivered | deliveries/s | seconds | deliveries per CPU second \
             | CPU µs/delivery | server cores | client cores |"
        );
        println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|");
        for (measured, burst) in [(hub, of_hub), (floor, of_floor)] {
            println!(
                "| {} | {} | {} | {:.0} | {:.1} | {:.0} | {:.1} | {:.2} | {:.2} |",
                measured.name,
                measured.subscribers,
                burst.completeness(),
                burst.per_second(),
                burst.report.span_us as f64 / 1e6,
                burst.per_cpu_second(),
                burst.cpu_us(),
                burst.cores(burst.cpu_ms),
                burst.cores(burst.client_cpu_ms),
            );
        }
    }
}

fn latency(latency: &Latency) -> String {
    format!("{:.1} / {:.1}", latency.p50_ms, latency.p99_ms)
}

/// Somebody comes back after many publications in one transaction; the answer is how many messages a second each stream
/// brings.
async fn catch_up(stage: &mut Stage, behind: usize) -> Result<Vec<f64>, String> {
    let lines = stage.lines(behind.saturating_add(1));
    let (mark, missed) = lines.split_at(1);
    let after = {
        let mut server = stage.hub()?;
        let frames = prime(&mut server, mark)?;
        let frame = frames.first().ok_or("nothing was published")?;
        let message: serde_json::Value = serde_json::from_str(&frame.text).map_err(|error| error.to_string())?;
        message["payload"]["data"]["itemPublished"]["cursor"].to_string()
    };
    eprintln!("Publishing {behind} items to be behind …");
    let started = Instant::now();
    stage.import(missed)?;
    let seconds = started.elapsed().as_secs_f64();
    stage.tidy().await?;
    let mut server = stage.hub()?;
    prime(&mut server, &stage.lines(1))?;
    println!("\n### Catching up: one subscriber, {behind} publications behind (imported in {seconds:.1} s)\n");
    println!("| stream | messages | bytes a message | first ms | messages/s, median of {RETURNS} | each |");
    println!("|---|--:|--:|--:|--:|---|");
    let mut rates = Vec::new();
    for (name, document, _) in CATCHING_UP {
        let (mut each, mut last) = (Vec::new(), None);
        for _ in 0..RETURNS {
            let mut crew = Crew::start(&server.address, 1, &document.replace("AFTER", &after))?;
            let heard: Heard = crew.order(&Order::Quiet { ms: 1_500 })?;
            if let Some(problem) = heard.problem {
                return Err(format!("{name}: {problem}"));
            }
            each.push(heard.messages as f64 / (heard.last_us as f64 / 1e6));
            last = Some(heard);
        }
        each.sort_by(f64::total_cmp);
        let median = each.get(each.len() / 2).copied().unwrap_or_default();
        let heard = last.ok_or("nobody came back")?;
        let short = heard.messages < u64::try_from(behind).unwrap_or(u64::MAX);
        println!(
            "| {name} | {}{} | {} | {:.0} | {median:.0} | {} |",
            heard.messages,
            if short { " (some are missing)" } else { "" },
            heard.bytes / heard.messages.max(1),
            heard.first_us as f64 / 1e3,
            each.iter().map(|rate| format!("{rate:.0}")).collect::<Vec<_>>().join(", "),
        );
        // What is missing was not brought, however fast.
        rates.push(if short { 0.0 } else { median });
    }
    Ok(rates)
}

fn print_targets(all: &[(Measured, Measured)], returns: &[f64]) {
    println!("\n### Fan-out: targets\n");
    if cfg!(debug_assertions) {
        println!("The floor and the clients were built without optimisation: these figures mean nothing.\n");
    }
    println!("| what | target | reached | |");
    println!("|---|--:|--:|---|");
    let row = |what: &str, target: String, reached: String, is_reached: bool| {
        println!("| {what} | {target} | {reached} | {} |", if is_reached { "reached" } else { "missed" });
    };
    for (hub, floor) in all {
        let size = hub.subscribers;
        if let (Some(of_hub), Some(of_floor)) = (&hub.burst, &floor.burst) {
            let least = format!("at least {LEAST_OF_FLOOR}");
            for (how, ratio) in [
                ("at once", of_hub.per_cpu_second() / of_floor.per_cpu_second()),
                ("at a steady pace", hub.steady.per_cpu_second() / floor.steady.per_cpu_second()),
            ] {
                let what = format!("deliveries per CPU second of the floor's, {size} subscribers, {how}");
                row(&what, least.clone(), format!("{ratio:.2}"), ratio >= LEAST_OF_FLOOR);
            }
            let (rate, complete) = (of_hub.per_second(), of_hub.missing == 0);
            let what = format!("deliveries/s at saturation, {size} subscribers");
            let is_reached = rate >= LEAST_DELIVERIES && complete;
            row(&what, format!("at least {LEAST_DELIVERIES}"), format!("{rate:.0}"), is_reached);
        }
        if size == MEMORY_SUBSCRIBERS {
            let what = format!("KiB per connection, {size} subscribers");
            // Buffers that were needed once may stay: the larger counts.
            let most = hub.memory_kib.0.max(hub.memory_kib.1);
            row(&what, format!("at most {MOST_MEMORY_KIB}"), format!("{most:.1}"), most <= MOST_MEMORY_KIB);
        }
    }
    for ((name, _, least), rate) in CATCHING_UP.iter().zip(returns) {
        row(
            &format!("messages/s catching up, {name}"),
            format!("at least {least}"),
            format!("{rate:.0}"),
            rate >= least,
        );
    }
}
