//! Load on the floor by pgbench and on the hub by wrk, and what it cost.

use std::fmt::Write as _;
use std::fs;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::parameters::Query;
use crate::world::World;

/// What a load reached.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// Requests per second.
    pub per_second: f64,
    /// Half of them took no longer.
    pub p50_ms: f64,
    /// 99 of 100 took no longer.
    pub p99_ms: f64,
}

/// What a request cost the hub.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// CPU time in user and kernel, in milliseconds.
    pub cpu_ms: f64,
    /// Instructions; null where the machine does not count them.
    pub instructions: Option<f64>,
}

/// Before a measurement the same load runs for so long, so that plans are made and pages read.
const WARM_UP_SECONDS: u64 = 2;

/// The floor: one script for each parameter set, each prepared once per connection.
pub fn pgbench(
    world: &World,
    query: &Query,
    floor: &str,
    statements: &[String],
    connections: usize,
    seconds: u64,
) -> Result<Measured, String> {
    let mut files = Vec::new();
    for (index, statement) in statements.iter().enumerate() {
        let file = world.scripts.path().join(format!("{}.{floor}.{index}.sql", query.name));
        fs::write(&file, statement).map_err(|error| error.to_string())?;
        files.push(file);
    }
    let run = |seconds: u64| {
        let logs = tempfile::tempdir().map_err(|error| error.to_string())?;
        let mut command = Command::new(world.programs.join("pgbench"));
        command.args(["--no-vacuum", "--protocol=prepared", "--log", "--log-prefix"]).arg(logs.path().join("log"));
        command.args(["--client", &connections.to_string(), "--time", &seconds.to_string()]);
        for file in &files {
            command.arg("--file").arg(file);
        }
        let output = command.arg(&world.connection).stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        let mut latencies = Vec::new();
        for entry in fs::read_dir(logs.path()).map_err(|error| error.to_string())? {
            let text = fs::read_to_string(entry.map_err(|error| error.to_string())?.path())
                .map_err(|error| error.to_string())?;
            // Client, number, latency in µs, script, …
            latencies.extend(text.lines().filter_map(|line| line.split(' ').nth(2)?.parse::<f64>().ok()));
        }
        latencies.sort_by(f64::total_cmp);
        let at =
            |share: f64| latencies.get((latencies.len() as f64 * share) as usize).copied().unwrap_or_default() / 1e3;
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        let tps = told.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
        Ok(Measured { per_second: tps.ok_or(told)?, p50_ms: at(0.50), p99_ms: at(0.99) })
    };
    run(WARM_UP_SECONDS)?;
    run(seconds)
}

/// What of an answer the hub may have kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    /// Nothing: `Cache-Control: no-cache`.
    Anew,
    /// The rows behind it: every request is a question that nobody asked before, which an extension makes it.
    New,
    /// All of it, as browsers and partner sites ask.
    AsUsual,
}

impl Asking {
    /// Every way to ask.
    pub const ALL: [Self; 3] = [Self::Anew, Self::New, Self::AsUsual];

    /// How the way is called in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Anew => "nothing kept",
            Self::New => "executed",
            Self::AsUsual => "as usual",
        }
    }
}

/// The hub: every connection goes through the parameter sets in turn.
pub fn wrk(
    world: &World,
    query: &Query,
    asking: Asking,
    connections: usize,
    seconds: u64,
) -> Result<(Measured, Cost), String> {
    let script = lua(query, asking);
    let run = |seconds: u64| {
        let numbers = wrk_once(&script, &world.url, connections, seconds)?;
        let [requests, micros, p50, p99, errors, _] = numbers.as_slice() else { return Err(format!("{numbers:?}")) };
        if *errors > 0.0 {
            return Err(format!("{errors} of {requests} requests of {} failed", query.name));
        }
        Ok((*requests, Measured { per_second: requests / (micros / 1e6), p50_ms: p50 / 1e3, p99_ms: p99 / 1e3 }))
    };
    run(WARM_UP_SECONDS)?;
    let counter = Instructions::start(world.hub_pid);
    let before = cpu_ms(world.hub_pid)?;
    let (requests, measured) = run(seconds)?;
    let cpu_ms = (cpu_ms(world.hub_pid)? - before) / requests;
    Ok((measured, Cost { cpu_ms, instructions: counter.and_then(Instructions::stop).map(|count| count / requests) }))
}

/// What wrk reaches at an address with a script. While it warms up every answer has to have this status; later they are not looked at,
/// as looking costs wrk as much as asking.
pub fn run_wrk(script: &str, url: &str, connections: usize, seconds: u64, status: u16) -> Result<Measured, String> {
    let judge = format!(
        "function setup(thread) measured = thread end\n\
         wrong = 0\nfunction response(status) if status ~= {status} then wrong = wrong + 1 end end\n"
    );
    let numbers = wrk_once(&format!("{script}{judge}{DONE}"), url, connections, WARM_UP_SECONDS)?;
    if numbers.get(5).is_none_or(|wrong| *wrong > 0.0) {
        return Err(format!("{url} does not answer with {status}"));
    }
    let numbers = wrk_once(&format!("{script}{DONE}"), url, connections, seconds)?;
    let [requests, micros, p50, p99, errors, _] = numbers.as_slice() else { return Err(format!("{numbers:?}")) };
    if *errors > 0.0 || *requests == 0.0 {
        return Err(format!("{errors} of {requests} requests of {url} failed"));
    }
    Ok(Measured { per_second: requests / (micros / 1e6), p50_ms: p50 / 1e3, p99_ms: p99 / 1e3 })
}

/// The numbers that a script tells when it is done.
fn wrk_once(script: &str, url: &str, connections: usize, seconds: u64) -> Result<Vec<f64>, String> {
    let file = tempfile::Builder::new().suffix(".lua").tempfile().map_err(|error| error.to_string())?;
    fs::write(file.path(), script).map_err(|error| error.to_string())?;
    let output = Command::new("wrk")
        .args(["--threads", "1", "--connections", &connections.to_string(), "--duration", &format!("{seconds}s")])
        .args(["--timeout", "20s", "--script"])
        .arg(file.path())
        .arg(url)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("wrk: {error}"))?;
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let numbers = told.lines().find_map(|line| line.strip_prefix("RESULT ")).ok_or(told.clone())?;
    Ok(numbers.split(' ').filter_map(|number| number.parse().ok()).collect())
}

/// How a script tells what was reached, and how many answers were wrong where it looked at them.
const DONE: &str = "function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('RESULT %d %d %d %d %d %d\\n', summary.requests, summary.duration, latency:percentile(50),
    latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout, measured and measured:get('wrong') or 0))
end
";

/// A script for wrk: the bodies in turn, an error for every answer that is no 200 or holds errors.
fn lua(query: &Query, asking: Asking) -> String {
    let mut script = String::from("local bodies = {\n");
    for variables in &query.variables {
        let body = json!({"query": query.document, "variables": variables}).to_string();
        // Without the brace that ends it. Writing to a string never fails.
        let _ = writeln!(script, "  [=====[{}]=====],", body.strip_suffix('}').unwrap_or(&body));
    }
    script.push_str("}\n");
    if asking == Asking::Anew {
        script.push_str("wrk.headers[\"cache-control\"] = \"no-cache\"\n");
    }
    let end = match asking {
        Asking::New => r#"string.format(',"extensions":{"question":%d}}', asked)"#,
        Asking::Anew | Asking::AsUsual => r#""}""#,
    };
    // Questions of one run are not those of another.
    script.push_str("local asked = os.time() % 100000 * 100000\n");
    let _ = write!(
        script,
        r#"
local at = 0

wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
wrk.headers["accept-language"] = "en"
function request()
  at = at % #bodies + 1
  asked = asked + 1
  return wrk.format(nil, nil, nil, bodies[at] .. {end})
end
"#
    );
    script.push_str(DONE);
    script
}

/// The CPU time that a process has used, in milliseconds.
pub fn cpu_ms(pid: u32) -> Result<f64, String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).map_err(|error| error.to_string())?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|ticks| ticks.parse::<f64>().ok()).unwrap_or_default();
    // utime and stime, in hundredths of a second (proc(5)).
    Ok((ticks(11) + ticks(12)) * 10.0)
}

/// `perf stat` beside a process.
struct Instructions(std::process::Child);

impl Instructions {
    /// Null when perf is not there.
    fn start(pid: u32) -> Option<Self> {
        let mut command = Command::new("perf");
        command.args(["stat", "-x", ",", "-e", "instructions:u", "-p", &pid.to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().ok().map(Self)
    }

    /// Null when the machine does not count.
    fn stop(self) -> Option<f64> {
        let pid = nix::unistd::Pid::from_raw(self.0.id().cast_signed());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).ok()?;
        let output = self.0.wait_with_output().ok()?;
        String::from_utf8_lossy(&output.stderr).lines().find_map(|line| line.split(',').next()?.parse().ok())
    }
}
