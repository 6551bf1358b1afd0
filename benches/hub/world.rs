//! The hub that is measured: its data, made once, and a process in release mode.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use knowledge_hub::db::local::LocalPostgres;
use tokio_postgres::{Client, NoTls};

/// A running hub, its database, and a folder for scripts.
pub struct World {
    /// The address of the API.
    pub url: String,
    /// The process of the hub.
    pub hub_pid: u32,
    /// A connection to its database.
    pub database: Client,
    /// The connection string, for pgbench.
    pub connection: String,
    /// Where scripts are written.
    pub scripts: tempfile::TempDir,
    /// Where PostgreSQL's programs are.
    pub programs: PathBuf,
    // Ended with the world, the hub first.
    hub: Child,
    _server: LocalPostgres,
}

impl Drop for World {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = nix::sys::signal::kill(
            nix::unistd::Pid::from_raw(self.hub_pid.cast_signed()),
            nix::sys::signal::Signal::SIGTERM,
        );
        let _ = self.hub.wait();
    }
}

/// Where programs are looked for.
#[expect(clippy::disallowed_methods, reason = "the bench is its own start-up")]
pub fn path() -> std::ffi::OsString {
    std::env::var_os("PATH").unwrap_or_default()
}

impl World {
    /// Makes the data unless it is there, and starts the hub.
    pub async fn start(program: &Path, folder: &Path, scale: f64, seed: u64) -> Result<Self, String> {
        let told = |doing: &str, error: &dyn std::fmt::Display| format!("{doing}: {error}");
        fs::create_dir_all(folder).map_err(|error| told("making the folder of the data", &error))?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755))
            .map_err(|error| told("opening the folder", &error))?;
        let data = folder.join(format!("scale-{scale}-seed-{seed}"));
        let server = LocalPostgres::attach(&data, &path(), &[]).map_err(|error| error.to_string())?;
        let connection = server.connection_string("hub");
        generate(program, &data, scale, seed)?;
        migrate(program, &data)?;
        let (database, driver) =
            tokio_postgres::connect(&connection, NoTls).await.map_err(|error| told("connecting", &error))?;
        tokio::spawn(driver);
        // As a database is after it has run for a while: visibility known, everything read once.
        database.batch_execute("VACUUM ANALYZE").await.map_err(|error| told("cleaning up", &error))?;
        let bin = database.query_one("SELECT setting FROM pg_config WHERE name = 'BINDIR'", &[]).await;
        let programs: String = bin.map_err(|error| told("looking for programs", &error))?.get(0);
        let (hub, url) = serve(program, &data)?;
        Ok(Self {
            url,
            hub_pid: hub.id(),
            database,
            connection,
            scripts: tempfile::tempdir().map_err(|error| told("making a folder", &error))?,
            programs: programs.into(),
            hub,
            _server: server,
        })
    }

    /// The most memory that the hub held at once.
    pub fn highest_memory_mib(&self) -> Result<u64, String> {
        Ok(memory_kib(self.hub_pid, "VmHWM:")? / 1024)
    }
}

/// A line of a process's memory in KiB: `VmRSS:` is what it holds, `VmHWM:` the most that it ever held (proc(5)).
pub fn memory_kib(pid: u32, line: &str) -> Result<u64, String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).map_err(|error| error.to_string())?;
    let found = status.lines().find(|candidate| candidate.starts_with(line)).unwrap_or_default();
    Ok(found.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or_default())
}

/// A command of the hub, without the settings of whoever runs the bench.
pub fn hub(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", path()).stdin(Stdio::null());
    command
}

fn generate(program: &Path, data: &Path, scale: f64, seed: u64) -> Result<(), String> {
    let marker = data.join("generated");
    if marker.exists() {
        return Ok(());
    }
    println!("Making the data of scale {scale} …");
    let started = std::time::Instant::now();
    let arguments = ["generate", "--scale", &scale.to_string(), "--seed", &seed.to_string(), "--data-dir"];
    let status = hub(program).args(arguments).arg(data).status().map_err(|error| error.to_string())?;
    if !status.success() {
        return Err(format!("the data could not be made; remove {} and try again", data.display()));
    }
    println!("It took {:.0} s.", started.elapsed().as_secs_f64());
    fs::write(marker, "").map_err(|error| error.to_string())
}

/// What an older program made is brought to this one's tables.
fn migrate(program: &Path, data: &Path) -> Result<(), String> {
    let status = hub(program).args(["migrate", "--data-dir"]).arg(data).status().map_err(|error| error.to_string())?;
    if status.success() { Ok(()) } else { Err("the data could not be migrated".to_owned()) }
}

/// Starts a hub on a free port; the answer is its process and the address of its API.
pub fn serve(program: &Path, data: &Path) -> Result<(Child, String), String> {
    let mut child = hub(program)
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(data)
        // All that is asked here comes from one address.
        .args(["--limit", "cost_per_minute=0,streams_per_address=50000,connections_per_address=55000"])
        .stdout(Stdio::piped())
        // A line for each operation: written as usual, and kept from the tables.
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    let output = child.stdout.take().ok_or("the hub has no output")?;
    for line in BufReader::new(output).lines() {
        let line = line.map_err(|error| error.to_string())?;
        if let Some(rest) = line.split("http://").nth(1) {
            return Ok((child, format!("http://{}/graphql", rest.trim_end_matches('/'))));
        }
    }
    Err("the hub did not start".to_owned())
}
