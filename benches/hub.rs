//! The hub against floors: five queries over the data of scale 1, at 1 and at 16 connections.
//!
//! `plain` is one hand-written SQL statement that builds the same JSON from the hub's tables under pgbench with prepared
//! statements; `best` may use every column and index that the hub itself uses. Both run beside the hub in the same run,
//! as these machines are shared and noisy: what counts are the ratios. Before anything is measured the answers of 20
//! random parameter sets are compared; a wrong one stops the run.

#[path = "hub/answers.rs"]
mod answers;
#[path = "hub/load.rs"]
mod load;
#[path = "hub/parameters.rs"]
mod parameters;
#[path = "hub/world.rs"]
mod world;

use std::process::ExitCode;

use clap::Parser;

use crate::load::Measured;
use crate::parameters::Query;
use crate::world::World;

/// What is measured, and how long.
#[derive(Parser)]
struct Arguments {
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
    /// These queries alone.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// The program that is measured, built in release mode.
    #[arg(long)]
    hub: std::path::PathBuf,
    /// The folder of the data, kept from run to run.
    #[arg(long, default_value = "/var/tmp/knowledge-hub-bench")]
    data_dir: std::path::PathBuf,
    /// What cargo passes to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

/// What the hub has to reach of `plain` at 16 connections.
const TARGETS: [(&str, f64); 5] = [("q1", 1.0), ("q2", 0.7), ("q3", 1.0), ("q4", 0.25), ("q5", 1.0)];

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("bench: {reason}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<(), String> {
    let world = World::start(&arguments.hub, &arguments.data_dir, arguments.scale, arguments.seed).await?;
    let queries = parameters::queries(&world, arguments.seed).await?;
    for query in &queries {
        answers::compare(&world, query).await?;
    }
    println!("The answers of hub and floors are the same for {} parameter sets of each query.", parameters::COMPARED);
    let only = |query: &&Query| arguments.only.is_empty() || arguments.only.iter().any(|name| name == query.name);
    for connections in &arguments.connections {
        println!("\n### {connections} connection{}\n", if *connections == 1 { "" } else { "s" });
        println!(
            "| query | plain req/s | best req/s | hub req/s | of plain | of best | plain p50 / p99 ms | hub p50 / p99 ms | hub CPU ms/req | hub Minstr/req |"
        );
        println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
        for query in queries.iter().filter(only) {
            measure(&world, query, *connections, arguments.seconds)?;
        }
    }
    println!("\nHub memory, highest seen: {} MiB resident.", world.highest_memory_mib()?);
    Ok(())
}

fn measure(world: &World, query: &Query, connections: usize, seconds: u64) -> Result<(), String> {
    let plain = load::pgbench(world, query, "plain", &query.plain, connections, seconds)?;
    let best = match &query.best {
        Some(best) => load::pgbench(world, query, "best", best, connections, seconds)?,
        None => plain,
    };
    let (hub, cost) = load::wrk(world, query, connections, seconds)?;
    let of = |floor: &Measured| hub.per_second / floor.per_second;
    let target = TARGETS.iter().find(|(name, _)| *name == query.name && connections == 16);
    let verdict = match target {
        Some((_, least)) if of(&plain) >= *least => format!(" (target {least}: reached)"),
        Some((_, least)) => format!(" (target {least}: missed)"),
        None => String::new(),
    };
    let instructions = cost.instructions.map_or("-".to_owned(), |count| format!("{:.2}", count / 1e6));
    println!(
        "| {} | {:.0} | {:.0} | {:.0} | {:.2}{verdict} | {:.2} | {:.2} / {:.2} | {:.2} / {:.2} | {:.3} | {instructions} |",
        query.name,
        plain.per_second,
        best.per_second,
        hub.per_second,
        of(&plain),
        of(&best),
        plain.p50_ms,
        plain.p99_ms,
        hub.p50_ms,
        hub.p99_ms,
        cost.cpu_ms,
    );
    Ok(())
}
