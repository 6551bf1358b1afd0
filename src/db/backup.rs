//! Saving a database to a file and bringing it back, by PostgreSQL's own `pg_dump` and `pg_restore`.
//!
//! **Invariant:** the epoch of the change log is neither saved nor brought back, so what was restored has a new one, and
//! no cursor from before passes there.
//!
//! **Invariant:** no password is on the command line of a program, where others could see it.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{Seek, Write};
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::process::Stdio;

use diesel::sql_types::{BigInt, Integer, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use tempfile::NamedTempFile;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use tokio_postgres::config::{Host, TargetSessionAttrs};
use uuid::Uuid;

use crate::db::address::{Address, SYSTEM};
use crate::db::local::binaries::{ClientProgram, client};
use crate::db::local::keyword_value;
use crate::db::migrations::{self, SchemaState};
use crate::db::statement::Sql;
use crate::db::{Db, log};
use crate::error::Fault;
use crate::text::messages::Message;

/// The table that the migrations keep, and that every hub has.
const MIGRATIONS_TABLE: &str = "__diesel_schema_migrations";

/// How long `pg_dump` waits for a table that somebody changes, in milliseconds.
const LOCK_WITHIN: &str = "--lock-wait-timeout=30000";

/// How long a program waits for the server, in seconds.
const CONNECT_WITHIN: &str = "10";

/// The most that is kept of what a program complains of, in bytes; the rest is read and left.
const COMPLAINTS_BYTES: usize = 64 * 1024;

/// The most that a table of contents may hold, in bytes: a hub's has 40 KB.
const CONTENTS_BYTES: usize = 4 * 1024 * 1024;

/// The longest reason that is repeated, in characters.
const REASON_CHARS: usize = 200;

/// Where the certificates are that a machine trusts: Debian, Fedora, Alpine and macOS.
const TRUSTED: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// Why a database was neither saved nor brought back.
#[derive(Debug)]
pub enum Failure {
    /// Whoever runs the command can mend it.
    Refused(Message),
    /// The hub's own fault, or the database went away.
    Fault(Fault),
}

impl From<Message> for Failure {
    fn from(message: Message) -> Self {
        Self::Refused(message)
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// What was brought back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// How many nodes there are.
    pub nodes: i64,
    /// How many entries the change log has.
    pub changes: i64,
    /// How many migrations are missing; 0: the schema is this program's.
    pub missing: usize,
}

/// Writes the whole database as it is now, while others go on writing, as an archive for `restore`. `path` is where programs
/// are looked for first.
pub async fn save(db: &Db, path: &OsStr, out: Stdio) -> Result<(), Failure> {
    if migrations::state(db).await? == SchemaState::Empty {
        return Err(Message::new("backup-nothing").into());
    }
    let mut conn = db.connection().await?;
    let server = Server::ask(&mut conn).await?;
    drop(conn);
    let program = server.program(path, "pg_dump")?;
    if program.major < server.major {
        let found = i64::from(program.major);
        return Err(Message::new("backup-program-old")
            .with("server", i64::from(server.major))
            .with("found", found)
            .into());
    }
    let mut dump = server.command(&program, db, path);
    dump.arg(server.database_argument());
    dump.args(["--format=custom", "--no-owner", "--no-privileges", "--no-password", LOCK_WITHIN]);
    // What is restored is another log.
    dump.arg("--exclude-table-data=log_epoch");
    dump.stdin(Stdio::null()).stdout(out);
    let said = finish(dump).await;
    said.map_err(|reason| Message::new("backup-failed").with("reason", reason).into())
}

/// Brings a saved database back into one that is empty, all of it or nothing, and begins the epoch `epoch` of its change log.
/// `path` is where programs are looked for first.
pub async fn restore(db: &Db, path: &OsStr, archive: &File, epoch: Uuid) -> Result<Restored, Failure> {
    // A hub that starts meanwhile waits for its tables, and finds them.
    let mut conn = migrations::locked(db).await?;
    let restored = fill(&mut conn, db, path, archive).await;
    let restored = match restored {
        Ok(missing) => begin(&mut conn, epoch, missing).await,
        Err(failure) => Err(failure),
    };
    migrations::unlock(&mut conn).await?;
    restored
}

/// The restore itself; the answer is how many migrations are missing.
async fn fill(conn: &mut AsyncPgConnection, db: &Db, path: &OsStr, archive: &File) -> Result<usize, Failure> {
    let server = Server::ask(conn).await?;
    if server.encoding != "UTF8" {
        return Err(Message::new("restore-encoding").with("encoding", server.encoding).into());
    }
    if tables(conn).await? > 0 {
        return Err(Message::new("restore-not-empty").with("database", server.database).into());
    }
    let program = server.program(path, "pg_restore")?;
    let contents = Contents::read(&program, path, archive).await?;
    let missing = match migrations::judged(&contents.migrations)? {
        SchemaState::Current => 0,
        SchemaState::Older(missing) => missing.len(),
        SchemaState::Newer(unknown) => {
            let newest = unknown.last().cloned().unwrap_or_default();
            return Err(Message::new("restore-newer").with("version", newest).into());
        }
        SchemaState::Empty => return Err(Message::new("restore-foreign").into()),
    };
    let wanted = contents.wanted().map_err(|error| Fault::internal("writing a list of contents", error))?;
    let mut restore = server.command(&program, db, path);
    restore.arg(server.database_argument()).arg(listed_in(wanted.path()));
    restore.args(["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", "--no-password"]);
    restore.stdin(from_start(archive)?).stdout(Stdio::null());
    let said = finish(restore).await;
    said.map_err(|reason| Message::new("restore-failed").with("reason", reason))?;
    Ok(missing)
}

/// What follows a restore: the new epoch, and what the planner has to know.
async fn begin(conn: &mut AsyncPgConnection, epoch: Uuid, missing: usize) -> Result<Restored, Failure> {
    let begun = log::ensure_epoch(conn, epoch).await?;
    if begun != epoch {
        return Err(Fault::internal("beginning an epoch", "the log has one already").into());
    }
    // A large table takes longer than statements of requests may.
    let analyzed = conn.batch_execute("SET statement_timeout = 0; ANALYZE").await;
    analyzed.map_err(|error| Fault::database("analyzing what was restored", error))?;
    // SQL: once, over the whole of both tables.
    let counts = Sql::new("SELECT (SELECT count(*) FROM nodes), (SELECT count(*) FROM changes)");
    let counted = counts.returning::<(BigInt, BigInt)>().get_result(conn).await;
    let (nodes, changes) = counted.map_err(|error| Fault::database("counting what was restored", error))?;
    Ok(Restored { nodes, changes, missing })
}

/// How many tables there are where a hub has its own, without those of extensions.
async fn tables(conn: &mut AsyncPgConnection) -> Result<i64, Fault> {
    // SQL: catalogues alone.
    let count = Sql::new(
        "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND n.nspname IN ('public', current_schema()) \
         AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')",
    );
    let count = count.returning::<BigInt>().get_result(conn).await;
    count.map_err(|error| Fault::database("looking for tables", error))
}

/// The server and the database, as they say themselves.
struct Server {
    user: String,
    database: String,
    major: u32,
    encoding: String,
}

impl Server {
    async fn ask(conn: &mut AsyncPgConnection) -> Result<Self, Fault> {
        // SQL: settings alone.
        let statement = Sql::new(
            "SELECT session_user::text, current_database()::text, current_setting('server_version_num')::integer / 10000, \
             current_setting('server_encoding')",
        );
        let told = statement.returning::<(Text, Text, Integer, Text)>().get_result(conn).await;
        let (user, database, major, encoding): (String, String, i32, String) =
            told.map_err(|error| Fault::database("asking for the server's version", error))?;
        Ok(Self { user, database, major: major.unsigned_abs(), encoding })
    }

    fn program(&self, path: &OsStr, name: &str) -> Result<ClientProgram, Message> {
        let found = client(path, name, self.major);
        found.ok_or_else(|| {
            Message::new("backup-program-missing").with("program", name).with("version", i64::from(self.major))
        })
    }

    /// The name of the database, which could be read as more than a name if it were given alone.
    fn database_argument(&self) -> String {
        format!("--dbname=dbname={}", keyword_value(&self.database))
    }

    /// A program that reaches the database as the hub does: by its environment alone, where a password stays private.
    fn command(&self, program: &ClientProgram, db: &Db, path: &OsStr) -> Command {
        let mut command = plain_command(program, path);
        command.env("PGUSER", &self.user).envs(reach(&db.address, program.major));
        command
    }
}

/// A program with nothing of the hub's environment, that ends with the hub's interest in it.
fn plain_command(program: &ClientProgram, path: &OsStr) -> Command {
    let mut command = Command::new(&program.program);
    // English messages: an error is found by its word. A terminal's Ctrl-C reaches the hub alone, which ends the program.
    command.env_clear().env("PATH", path).env("LC_ALL", "C").env("TZ", "UTC").current_dir("/");
    command.process_group(0).kill_on_drop(true);
    command
}

/// What libpq has to know (PostgreSQL manual, "Environment Variables") to reach what the hub reaches.
fn reach(address: &Address, program_major: u32) -> Vec<(&'static str, OsString)> {
    let config = address.config();
    let joined = |parts: Vec<OsString>| parts.join(OsStr::new(","));
    let host = |host: &Host| match host {
        Host::Tcp(name) => OsString::from(name),
        Host::Unix(folder) => folder.clone().into_os_string(),
    };
    let mut variables = vec![
        ("PGAPPNAME", OsString::from("hub")),
        ("PGCONNECT_TIMEOUT", OsString::from(CONNECT_WITHIN)),
        // What other programs of this user read, such as certificates in their home, is not for the hub.
        ("PGPASSFILE", OsString::from("/dev/null")),
        ("HOME", OsString::from("/nonexistent")),
    ];
    let hosts: Vec<OsString> = config.get_hosts().iter().map(host).collect();
    let addresses: Vec<OsString> = config.get_hostaddrs().iter().map(|address| address.to_string().into()).collect();
    let ports: Vec<OsString> = config.get_ports().iter().map(|port| port.to_string().into()).collect();
    for (name, parts) in [("PGHOST", hosts), ("PGHOSTADDR", addresses), ("PGPORT", ports)] {
        if !parts.is_empty() {
            variables.push((name, joined(parts)));
        }
    }
    if let Some(password) = config.get_password() {
        variables.push(("PGPASSWORD", OsString::from_vec(password.to_vec())));
    }
    if let Some(options) = config.get_options() {
        variables.push(("PGOPTIONS", options.into()));
    }
    match config.get_target_session_attrs() {
        TargetSessionAttrs::ReadWrite => variables.push(("PGTARGETSESSIONATTRS", "read-write".into())),
        TargetSessionAttrs::ReadOnly => variables.push(("PGTARGETSESSIONATTRS", "read-only".into())),
        _ => {}
    }
    variables.extend(protection(address, program_major));
    variables
}

/// As the hub protects its own connections.
fn protection(address: &Address, program_major: u32) -> Vec<(&'static str, OsString)> {
    let mut variables = vec![("PGSSLMODE", OsString::from(address.mode()))];
    if let Some(root) = address.root() {
        // From version 16 on, libpq knows the machine's own.
        let of_machine = TRUSTED.into_iter().find(|file| Path::new(file).is_file()).unwrap_or_default();
        let root = match root {
            SYSTEM if program_major >= 16 => OsString::from(SYSTEM),
            SYSTEM => OsString::from(of_machine),
            // The program runs in another folder.
            file => std::path::absolute(file).map_or_else(|_| file.into(), std::path::PathBuf::into_os_string),
        };
        variables.push(("PGSSLROOTCERT", root));
    }
    variables
}

/// What an archive holds, as far as it has to be known before any of it is believed.
struct Contents {
    /// One line for each thing, as `pg_restore --list` writes it.
    entries: String,
    /// The versions of the migrations that had run, the first of them first.
    migrations: Vec<String>,
}

impl Contents {
    async fn read(program: &ClientProgram, path: &OsStr, archive: &File) -> Result<Self, Failure> {
        let mut list = plain_command(program, path);
        list.arg("--list").stdin(from_start(archive)?);
        let foreign = |reason: String| Message::new("restore-unreadable").with("reason", reason);
        let entries = finish_reading(list).await.map_err(foreign)?;
        let has = |table: &str| entries.lines().any(|line| line.contains(&format!(" TABLE DATA public {table} ")));
        if !has(MIGRATIONS_TABLE) || !has("changes") || !has("nodes") {
            return Err(Message::new("restore-foreign").into());
        }
        let mut rows = plain_command(program, path);
        rows.args(["--data-only", "--table", MIGRATIONS_TABLE, "--file=-"]).stdin(from_start(archive)?);
        let rows = finish_reading(rows).await.map_err(foreign)?;
        Ok(Self { entries, migrations: versions(&rows) })
    }

    /// A file that names what is restored: all but the epoch of the log, which an archive that was made by hand may hold, and
    /// what is said of extensions, which may be another's.
    fn wanted(&self) -> std::io::Result<NamedTempFile> {
        let mut file = NamedTempFile::new()?;
        for line in self.entries.lines() {
            if !line.contains(" TABLE DATA public log_epoch ") && !line.contains(" COMMENT - EXTENSION ") {
                writeln!(file, "{line}")?;
            }
        }
        file.flush()?;
        Ok(file)
    }
}

/// The first column of the rows that follow COPY.
fn versions(script: &str) -> Vec<String> {
    let rows = script.lines().skip_while(|line| !line.starts_with("COPY ")).skip(1).take_while(|line| *line != "\\.");
    let mut versions: Vec<String> = rows
        .filter_map(|row| row.split('\t').next())
        .map(str::to_owned)
        .filter(|version| !version.is_empty())
        .collect();
    versions.sort();
    versions
}

fn listed_in(path: &Path) -> OsString {
    let mut argument = OsString::from("--use-list=");
    argument.push(path);
    argument
}

/// The archive from its beginning on, as a program's standard input.
fn from_start(archive: &File) -> Result<Stdio, Fault> {
    let unusable = |error: std::io::Error| Fault::internal("reading a backup", error);
    let mut archive = archive.try_clone().map_err(unusable)?;
    archive.rewind().map_err(unusable)?;
    Ok(archive.into())
}

/// Runs a program to its end; what went wrong is its own word.
async fn finish(mut command: Command) -> Result<(), String> {
    let mut child = command.stderr(Stdio::piped()).spawn().map_err(|error| error.to_string())?;
    let complaints = match child.stderr.take() {
        Some(stderr) => beginning(stderr, COMPLAINTS_BYTES).await,
        None => Ok(Vec::new()),
    };
    let status = child.wait().await.map_err(|error| error.to_string())?;
    let complaints = complaints.map_err(|error| error.to_string())?;
    if status.success() { Ok(()) } else { Err(complaint(&complaints).unwrap_or_else(|| status.to_string())) }
}

/// The same with what it wrote on its standard output, of which there must not be much.
async fn finish_reading(mut command: Command) -> Result<String, String> {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(|error| error.to_string())?;
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err("its words cannot be read".to_owned());
    };
    let read = tokio::join!(beginning(stdout, CONTENTS_BYTES + 1), beginning(stderr, COMPLAINTS_BYTES));
    let status = child.wait().await.map_err(|error| error.to_string())?;
    let (said, complaints) = (read.0.map_err(|error| error.to_string())?, read.1.map_err(|error| error.to_string())?);
    if !status.success() {
        return Err(complaint(&complaints).unwrap_or_else(|| status.to_string()));
    }
    if said.len() > CONTENTS_BYTES {
        return Err("its table of contents is too long".to_owned());
    }
    String::from_utf8(said).map_err(|error| error.to_string())
}

/// Reads all of a program's words and keeps the first of them, so that it never waits for a reader.
async fn beginning(mut from: impl AsyncRead + Unpin, bytes: usize) -> std::io::Result<Vec<u8>> {
    let mut kept = Vec::new();
    let limit = u64::try_from(bytes).unwrap_or(u64::MAX);
    (&mut from).take(limit).read_to_end(&mut kept).await?;
    tokio::io::copy(&mut from, &mut tokio::io::sink()).await?;
    Ok(kept)
}

/// The first error that a program tells, on one line; details, which may hold values of rows, are left out.
fn complaint(said: &[u8]) -> Option<String> {
    let said = String::from_utf8_lossy(said);
    let line = said.lines().find(|line| line.contains("error: "))?;
    let reason = line.split_once("error: ").map_or(line, |(_, reason)| reason);
    let reason: String = reason.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let reason = reason.trim().trim_end_matches('.');
    Some(reason.chars().take(REASON_CHARS).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::{complaint, reach, versions};
    use crate::db::address::Address;

    fn variables(address: &str, major: u32) -> HashMap<&'static str, String> {
        let address = Address::read(address).unwrap();
        reach(&address, major).into_iter().map(|(name, value)| (name, value.into_string().unwrap())).collect()
    }

    #[test]
    fn a_program_reaches_what_the_hub_reaches() {
        let url = variables(
            "postgres://reader:s%20cret@one.example:5433,two.example:5434/facts?target_session_attrs=read-write",
            15,
        );
        assert_eq!(url["PGHOST"], "one.example,two.example");
        assert_eq!(url["PGPORT"], "5433,5434");
        assert_eq!(url["PGPASSWORD"], "s cret");
        assert_eq!(url["PGTARGETSESSIONATTRS"], "read-write");
        assert_eq!(url["PGSSLMODE"], "prefer");
        let socket = variables("host='/srv/a b/run' port=5432 user=hub dbname=hub", 15);
        assert_eq!((socket["PGHOST"].as_str(), socket["PGSSLMODE"].as_str()), ("/srv/a b/run", "disable"));
        assert!(!socket.contains_key("PGPASSWORD"));
    }

    #[test]
    fn a_program_protects_its_connection_as_the_hub_does() {
        let newer = variables("postgres://a@one.example/b?sslmode=verify-full", 16);
        assert_eq!((newer["PGSSLMODE"].as_str(), newer["PGSSLROOTCERT"].as_str()), ("verify-full", "system"));
        let older = variables("postgres://a@one.example/b?sslmode=verify-full", 15);
        assert_eq!(older["PGSSLMODE"], "verify-full");
        assert!(!older["PGSSLROOTCERT"].contains("system"));
        let any = variables("postgres://a@one.example/b?sslmode=require", 15);
        assert_eq!((any["PGSSLMODE"].as_str(), any.contains_key("PGSSLROOTCERT")), ("require", false));
        assert_eq!(variables("postgres://a@one.example/b?sslmode=disable", 16)["PGSSLMODE"], "disable");
    }

    #[test]
    fn the_migrations_of_an_archive_are_read() {
        let script = "SET x = 1;\n\nCOPY public.__diesel_schema_migrations (version, run_on) FROM stdin;\n2\t2026-11-26\n1\t2026-11-25\n\\.\n\nSELECT 1;\n3\tx\n";
        assert_eq!(versions(script), ["1", "2"]);
        assert!(versions("").is_empty());
    }

    #[test]
    fn of_what_a_program_says_the_first_error_is_told() {
        let said = b"pg_restore: while PROCESSING TOC:\npg_restore: error: could not execute query: ERROR:  no\tright.\nDETAIL:  Key (name)=(x).\n";
        assert_eq!(complaint(said).unwrap(), "could not execute query: ERROR:  no right");
        assert_eq!(complaint(b"nothing"), None);
        assert_eq!(complaint(format!("error: {}", "x".repeat(500)).as_bytes()).unwrap().len(), 200);
    }
}
