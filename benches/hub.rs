//! The hub against floors: five queries over the data of scale 1, at 1 and at 16 connections, a listing in partners' pages, and
//! publications to many subscribers.
//!
//! `plain` is one hand-written SQL statement that builds the same JSON from the hub's tables under pgbench with prepared
//! statements; `best` may use every column and index that the hub itself uses. Both run beside the hub in the same run,
//! as these machines are shared and noisy: what counts are the ratios. The hub is measured in three ways: *executed*,
//! where every request is a new question, about rows of which others may have loaded some before; *as usual*, where it may
//! give a whole answer that it keeps, so that this is what popular pages cost; and *nothing kept*, where every request
//! wants all of it from the database. Before anything is measured the answers of 20 random parameter sets are compared,
//! in all three ways; a wrong one stops the run.

#[path = "hub/answers.rs"]
mod answers;
#[path = "hub/fanout.rs"]
mod fanout;
#[path = "hub/listings.rs"]
mod listings;
#[path = "hub/load.rs"]
mod load;
#[path = "hub/parameters.rs"]
mod parameters;
#[path = "hub/world.rs"]
mod world;

use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use crate::load::{Asking, Measured};
use crate::parameters::Query;
use crate::world::World;

/// As in the hub: the floor of the fan-out is to have nothing worse.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// What is measured, and how long.
#[derive(Parser)]
struct Arguments {
    /// Which part.
    #[arg(long, value_enum, default_value_t = Part::All)]
    part: Part,
    /// The scale of the data.
    #[arg(long, default_value_t = 1.0)]
    scale: f64,
    /// The seed of the data and of the parameters.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How long each measurement takes, in seconds.
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    /// How many connections at once.
    #[arg(long, default_values_t = [1, 16], value_delimiter = ',')]
    connections: Vec<usize>,
    /// How many parameter sets each query is measured with; pgbench takes no more than 128. The rows of 40 are about what
    /// lies on the hub's shelf; of three times as many, most do not.
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(i64).range(20..=128))]
    sets: i64,
    /// These queries alone.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// The program that is measured, built in release mode.
    #[arg(long, default_value = "target/release/hub")]
    hub: std::path::PathBuf,
    /// The folder of the data, kept from run to run.
    #[arg(long, default_value = "/var/tmp/knowledge-hub-bench")]
    data_dir: std::path::PathBuf,
    /// How many subscribers publications are fanned out to.
    #[arg(long, default_values_t = [1_000, 5_000, 10_000], value_delimiter = ',')]
    fanout: Vec<usize>,
    /// How many publications are fanned out, ten a second.
    #[arg(long, default_value_t = 100)]
    publications: usize,
    /// How many publications are fanned out at once.
    #[arg(long, default_value_t = 250)]
    burst: usize,
    /// How many publications somebody has to catch up with; 0: nobody has to.
    #[arg(long, default_value_t = 10_000)]
    behind: usize,
    /// Be the floor of the fan-out.
    #[arg(long, hide = true)]
    serve_floor: bool,
    /// Be so many subscribers.
    #[arg(long, hide = true, requires_all = ["url", "document"])]
    clients: Option<usize>,
    /// Where they subscribe: host and port.
    #[arg(long, hide = true)]
    url: Option<String>,
    /// What they subscribe to.
    #[arg(long, hide = true)]
    document: Option<String>,
    /// What cargo passes to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

/// What the hub has to reach of `plain` at 16 connections.
const TARGETS: [(&str, f64); 5] = [("q1", 1.0), ("q2", 0.7), ("q3", 1.0), ("q4", 0.25), ("q5", 1.0)];

/// A part of the bench.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Queries.
    Queries,
    /// Publications to many subscribers.
    Fanout,
    /// A listing in partners' pages.
    Listings,
    /// All of them.
    All,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // An error would mean that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let outcome = match (&arguments.clients, &arguments.url, &arguments.document) {
        (Some(subscribers), Some(url), Some(document)) => fanout::client::run(*subscribers, url, document),
        _ => tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())
            .and_then(|runtime| runtime.block_on(run(&arguments))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("bench: {reason}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<(), String> {
    if arguments.serve_floor {
        return fanout::floor::serve().await;
    }
    let has = |part: Part| arguments.part == part || arguments.part == Part::All;
    if has(Part::Queries) || has(Part::Listings) {
        let world = World::start(&arguments.hub, &arguments.data_dir, arguments.scale, arguments.seed).await?;
        if has(Part::Queries) {
            run_queries(arguments, &world).await?;
        }
        if has(Part::Listings) {
            listings::run(&world, &arguments.connections, arguments.seconds).await?;
        }
    }
    if has(Part::Fanout) {
        let plan = fanout::Plan {
            program: &arguments.hub,
            sizes: &arguments.fanout,
            publications: arguments.publications,
            burst: arguments.burst,
            behind: arguments.behind,
        };
        fanout::run(&plan).await?;
    }
    Ok(())
}

async fn run_queries(arguments: &Arguments, world: &World) -> Result<(), String> {
    let queries = parameters::queries(world, arguments.seed, arguments.sets).await?;
    for query in &queries {
        answers::compare(world, query).await?;
    }
    println!("The answers of hub and floors are the same for {} parameter sets of each query.", parameters::COMPARED);
    let only = |query: &&Query| arguments.only.is_empty() || arguments.only.iter().any(|name| name == query.name);
    for connections in &arguments.connections {
        println!("\n### {connections} connection{}\n", if *connections == 1 { "" } else { "s" });
        println!("| query | | req/s | of plain | of best | p50 / p99 ms | hub CPU ms/req | Minstr/req |");
        println!("|---|---|--:|--:|--:|--:|--:|--:|");
        for query in queries.iter().filter(only) {
            measure(world, query, *connections, arguments.seconds)?;
        }
    }
    println!("\nHub memory, highest seen: {} MiB resident.", world.highest_memory_mib()?);
    Ok(())
}

fn measure(world: &World, query: &Query, connections: usize, seconds: u64) -> Result<(), String> {
    let name = query.name;
    let plain = load::pgbench(world, query, "plain", &query.plain, connections, seconds)?;
    println!("| {name} | plain | {:.0} | 1 | | {} | | |", plain.per_second, latency(&plain));
    let best = match &query.best {
        Some(best) => {
            let best = load::pgbench(world, query, "best", best, connections, seconds)?;
            let of_plain = best.per_second / plain.per_second;
            println!("| {name} | best | {:.0} | {of_plain:.2} | 1 | {} | | |", best.per_second, latency(&best));
            best
        }
        None => plain,
    };
    let target = TARGETS.iter().find(|(target, _)| *target == name && connections == 16).map(|(_, least)| *least);
    for asking in Asking::ALL {
        let (hub, cost) = load::wrk(world, query, asking, connections, seconds)?;
        let of_plain = hub.per_second / plain.per_second;
        let verdict = match target {
            // What is kept whole is not the floor's work done again.
            Some(least) if asking == Asking::New && of_plain >= least => format!(" (target {least}: reached)"),
            Some(least) if asking == Asking::New => format!(" (target {least}: missed)"),
            Some(_) | None => String::new(),
        };
        println!(
            "| {name} | {} | {:.0} | {of_plain:.2}{verdict} | {:.2} | {} | {:.3} | {} |",
            asking.name(),
            hub.per_second,
            hub.per_second / best.per_second,
            latency(&hub),
            cost.cpu_ms,
            cost.instructions.map_or("-".to_owned(), |count| format!("{:.2}", count / 1e6)),
        );
    }
    Ok(())
}

fn latency(measured: &Measured) -> String {
    format!("{:.2} / {:.2}", measured.p50_ms, measured.p99_ms)
}
