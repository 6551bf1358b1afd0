//! Where the fan-out is measured: a database of its own with the sample data, a hub on it, and the floor.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use knowledge_hub::db::local::LocalPostgres;
use serde_json::json;
use tokio_postgres::{Client, NoTls};

use super::client::TITLE;
use super::crew::{Feed, Line, Process, again};
use super::wire::told;
use crate::world;

/// A database with the sample data in a folder that goes with it.
pub struct Stage {
    program: PathBuf,
    data: PathBuf,
    database: Client,
    next_number: u64,
    // Ended in this order.
    _server: LocalPostgres,
    folder: tempfile::TempDir,
}

/// What pushes: the hub or the floor.
pub struct Server {
    /// Its name in the tables.
    pub name: &'static str,
    /// Host and port.
    pub address: String,
    /// Publishes one by one.
    pub feed: Feed,
    // The hub is fed through another process, which ends first.
    _importer: Option<Process>,
    /// What pushes.
    pub process: Process,
}

impl Stage {
    /// Makes the database.
    pub async fn build(program: &Path) -> Result<Self, String> {
        let folder = tempfile::Builder::new().prefix("knowledge-hub-fanout").tempdir();
        let folder = folder.map_err(|error| told("making a folder", &error))?;
        // The database's own user has to get there.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))
            .map_err(|error| told("opening the folder", &error))?;
        let data = folder.path().join("data");
        let server = LocalPostgres::attach(&data, &world::path(), &[]).map_err(|error| error.to_string())?;
        run(program, &["seed"], &data, &[])?;
        let connection = server.connection_string("hub");
        let (database, driver) =
            tokio_postgres::connect(&connection, NoTls).await.map_err(|error| told("connecting", &error))?;
        tokio::spawn(driver);
        let stage = Self { program: program.to_owned(), data, database, next_number: 1, _server: server, folder };
        stage.tidy().await?;
        Ok(stage)
    }

    /// Brings the database to where it is after it has run for a while.
    pub async fn tidy(&self) -> Result<(), String> {
        self.database.batch_execute("VACUUM ANALYZE").await.map_err(|error| told("cleaning up", &error))
    }

    /// The lines of so many new publications.
    pub fn lines(&mut self, count: usize) -> Vec<Line> {
        let from = self.next_number;
        self.next_number = self.next_number.saturating_add(u64::try_from(count).unwrap_or_default());
        (from..self.next_number).map(|number| Line { number, text: item(number) }).collect()
    }

    /// Publishes everything in one transaction.
    pub fn import(&self, lines: &[Line]) -> Result<(), String> {
        let file = self.folder.path().join("lines.jsonl");
        let mut text = String::new();
        for line in lines {
            // Writing to a string never fails.
            let _ = writeln!(text, "{}", line.text);
        }
        fs::write(&file, text).map_err(|error| told("writing lines", &error))?;
        run(&self.program, &["import"], &self.data, &[&file])
    }

    /// Starts a hub and what publishes in it.
    pub fn hub(&self) -> Result<Server, String> {
        let (hub, url) = world::serve(&self.program, &self.data)?;
        let process = Process::new(hub);
        let mut import = world::hub(&self.program);
        import.args(["import", "--each", "-", "--data-dir"]).arg(&self.data);
        let (importer, feed) = Feed::start(&mut import)?;
        Ok(Server { name: "hub", address: host_of(&url)?, feed, process, _importer: Some(importer) })
    }

    /// Starts the floor, which is this program.
    pub fn floor(&self) -> Result<Server, String> {
        let (process, feed) = Feed::start(again()?.arg("--serve-floor"))?;
        let (_, url) = feed.line()?;
        Ok(Server { name: "floor", address: host_of(&url)?, feed, process, _importer: None })
    }
}

fn host_of(url: &str) -> Result<String, String> {
    let host = url.split("//").nth(1).and_then(|rest| rest.split('/').next());
    host.map(str::to_owned).ok_or_else(|| format!("no address: {url}"))
}

/// Runs a command of the hub to its end.
fn run(program: &Path, arguments: &[&str], data: &Path, files: &[&Path]) -> Result<(), String> {
    let mut command = world::hub(program);
    command.args(arguments).arg("--data-dir").arg(data).args(files).stdout(Stdio::null()).stderr(Stdio::piped());
    let output = command.output().map_err(|error| told("starting the hub", &error))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("hub {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr))),
    }
}

/// An item of a project of the sample data.
fn item(number: u64) -> String {
    let title = TITLE.rsplit('"').next().unwrap_or_default();
    json!({
        "kind": "item",
        "key": format!("fanout-{number}"),
        "originalLanguage": "en",
        "itemKind": "GUIDE",
        "title": { "en": format!("{title}{number}") },
        "summary": { "en": "One of many, published to see how fast it gets to everybody." },
        "url": format!("https://example.org/fanout/{number}"),
        "project": "sample-project-1",
        "status": "PUBLISHED",
        "publishedAt": "2026-01-01T00:00:00Z",
    })
    .to_string()
}
