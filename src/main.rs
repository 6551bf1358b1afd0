//! The command line of the hub: builds the world, runs one command, and exits.

#[path = "main/accounts.rs"]
mod accounts;
#[path = "main/backup.rs"]
mod backup;
#[path = "main/output.rs"]
mod output;
#[path = "main/telemetry.rs"]
mod telemetry;

use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use clap::{Parser, Subcommand};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::accounts::{GrantArguments, TokenCommand};
use crate::output::{Lines, print, progress_bar, report, sentence_of, welcome, write_line};
use crate::telemetry::Telemetry;
use knowledge_hub::changes::cursor::Cursor;
use knowledge_hub::clock;
use knowledge_hub::config::{Config, Flags};
use knowledge_hub::db::bounds::Bounds;
use knowledge_hub::db::local::{self, HubLock, LocalPostgres};
use knowledge_hub::db::migrations::{self, SchemaState};
use knowledge_hub::db::storage::Storage;
use knowledge_hub::db::{Db, doctor, log};
use knowledge_hub::error::Fault;
use knowledge_hub::graph;
use knowledge_hub::http::{self, Hub, server};
use knowledge_hub::policy::Viewer;
use knowledge_hub::text::language::Languages;
use knowledge_hub::text::messages::Message;
use knowledge_hub::transfer::feed::{self, FeedFailure};
use knowledge_hub::transfer::generate::{self, Plan};
use knowledge_hub::transfer::{self, ImportFailure, Input, LineProblem, Mode, Outcome, Report, change};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// How often the hub looks whether its own database still runs.
const WATCH_EVERY: Duration = Duration::from_millis(500);

/// How many lines pass between two lines of progress when there is no terminal.
const LINES_PER_REPORT: usize = 1_000;

/// A knowledge-exchange hub: the facts of communities of practice, held once, served as GraphQL.
#[derive(Parser)]
#[command(name = "hub", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    flags: Flags,
}

#[derive(Subcommand)]
enum Command {
    /// Start with the sample data and say what to try.
    Demo,
    /// Serve the hub.
    Serve,
    /// Bring the database to this version.
    Migrate,
    /// Read the sample data into the hub.
    Seed,
    /// Fill an empty hub with synthetic data.
    Generate {
        /// How much: at 1, 200,000 items and 100,000 people; more than 0, at most 10.
        #[arg(long, default_value_t = 1.0)]
        scale: f64,
        /// What chance begins with; another number makes other data.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Read files of JSON lines into the hub, all in one transaction.
    Import {
        /// Files of lines; - is standard input.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Say what each line would do, and write nothing.
        #[arg(long, conflicts_with = "each")]
        dry_run: bool,
        /// Read one file line by line: commit each line and print one acknowledgement for it.
        #[arg(long)]
        each: bool,
    },
    /// Write every node as a line of JSON to standard output.
    Export,
    /// Write the change log as lines of JSON to standard output.
    Changes {
        /// Only what follows this cursor, as an acknowledgement or a line of the log has it.
        #[arg(long)]
        after: Option<String>,
    },
    #[command(flatten)]
    Backup(backup::BackupCommand),
    /// Make, list and revoke the tokens by which programs are known.
    Token {
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// Give a right to whoever signs in, or to a service; the first administrator is made so.
    Grant(GrantArguments),
    /// Write the contract in GraphQL's schema language to standard output.
    Schema,
    /// Say what is there, what is missing, and how to mend it.
    Doctor,
}

/// Why a command ended early.
enum Stop {
    /// It could not start: one sentence, exit code 2.
    Refused(Message),
    /// It went wrong on the way: exit code 1.
    Failed(Fault),
    /// Lines of an import cannot be used: one sentence each, exit code 1.
    Lines(Vec<LineProblem>),
    /// Everything was said already: exit code 1.
    Told,
    /// It was asked to end before it served: exit code 0.
    Asked,
}

impl From<Message> for Stop {
    fn from(message: Message) -> Self {
        Self::Refused(message)
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Failed(fault)
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let languages = arguments.flags.languages();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("hub: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut telemetry = None;
    let code = match runtime.block_on(run(arguments, &languages, &mut telemetry)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Stop::Refused(message)) => {
            eprintln!("hub: {}", message.sentence(&languages));
            ExitCode::from(2)
        }
        Err(Stop::Failed(fault)) => {
            // Whoever runs the command is told the cause itself; there is no log to look it up in.
            match fault.cause() {
                Some(cause) => eprintln!("hub: {cause}"),
                None => eprintln!("hub: {}", fault.message().sentence(&languages)),
            }
            ExitCode::FAILURE
        }
        Err(Stop::Lines(problems)) => {
            for problem in problems {
                eprintln!("hub: {}", problem.sentence(&languages));
            }
            ExitCode::FAILURE
        }
        Err(Stop::Told) => ExitCode::FAILURE,
        Err(Stop::Asked) => ExitCode::SUCCESS,
    };
    // A start of the database that was cut short may still be waiting in a thread of its own.
    runtime.shutdown_timeout(Duration::from_secs(1));
    code
}

/// Runs a command. `telemetry` lasts longer than what it tells of.
async fn run(arguments: Arguments, languages: &Languages, telemetry: &mut Option<Telemetry>) -> Result<(), Stop> {
    // The contract needs no database, and so no settings either.
    if let Command::Schema = arguments.command {
        return print(&graph::sdl());
    }
    let config = Config::load(&arguments.flags)?;
    *telemetry = Some(Telemetry::begin(&config)?);
    match arguments.command {
        Command::Schema => Ok(()),
        Command::Demo => serve(&config, languages, true).await,
        Command::Serve => serve(&config, languages, false).await,
        Command::Backup(command) => backup::run(&config, command, languages).await,
        Command::Doctor => examine(&config, languages).await,
        Command::Migrate => {
            let world = World::open(&config).await?;
            let outcome = migrate(&world.db, languages).await;
            world.close().await;
            outcome
        }
        Command::Token { command } => {
            let world = World::open_current(&config).await?;
            let outcome = accounts::token(&world.db.for_upkeep(), command, languages).await;
            world.close().await;
            outcome
        }
        Command::Grant(arguments) => {
            let world = World::open_current(&config).await?;
            let outcome = accounts::grant(&world.db.for_upkeep(), arguments, languages).await;
            world.close().await;
            outcome
        }
        Command::Generate { scale, seed } => {
            let world = World::open_current(&config).await?;
            let outcome = fill(&world.db, Plan { scale, seed }, languages).await;
            world.close().await;
            outcome
        }
        Command::Seed => read_lines(&config, transfer::sample_data(), Mode::Write, languages).await,
        Command::Import { files, each: true, .. } => match files.as_slice() {
            [file] => {
                let world = World::open_current(&config).await?;
                let outcome = feed(&world.db, file, languages).await;
                world.close().await;
                outcome
            }
            _ => Err(Message::new("cli-each-one-file").into()),
        },
        Command::Import { files, dry_run, .. } => {
            let mode = if dry_run { Mode::Rehearse } else { Mode::Write };
            read_lines(&config, read(&files)?, mode, languages).await
        }
        Command::Export => {
            let world = World::open_current(&config).await?;
            let mut out = Lines::new();
            let outcome = transfer::export(&world.db, &Viewer::system("export"), |line| out.write(line)).await;
            world.close().await;
            out.end(outcome)
        }
        Command::Changes { after } => {
            let after = after.as_deref().map(Cursor::read).transpose().map_err(|fault| fault.message().clone())?;
            let world = World::open_current(&config).await?;
            let mut out = Lines::new();
            let outcome = match epoch(&world.db).await {
                Ok(_) => change::write(&world.db, after, |line| out.write(line)).await,
                Err(fault) => Err(fault),
            };
            world.close().await;
            out.end(outcome)
        }
    }
}

/// Fills an empty hub with synthetic data.
async fn fill(db: &Db, plan: Plan, languages: &Languages) -> Result<(), Stop> {
    db.require_room()?;
    let bar = progress_bar();
    let shown = bar.clone();
    let progress = move |_stage: &'static str, done: u64, total: u64| {
        shown.set_length(total);
        shown.set_position(done);
    };
    let made = generate::generate(db, plan, Arc::new(progress)).await;
    bar.finish_and_clear();
    let made = made?;
    let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let sentence = Message::new("generate-done")
        .with("nodes", count(made.nodes()))
        .with("items", count(made.items))
        .with("people", count(made.people))
        .with("communities", count(made.communities));
    print(&sentence.sentence(languages))
}

/// The database, and the server behind it when it is the hub's own.
struct World {
    db: Db,
    local: Option<Arc<LocalPostgres>>,
}

impl World {
    async fn open(config: &Config) -> Result<Self, Stop> {
        let (address, local) = match &config.database_url {
            Some(address) => (address.reveal().to_owned(), None),
            None => {
                let (folder, path) = (config.data_dir.clone(), config.path.clone());
                let local = blocking(move || LocalPostgres::attach(&folder, &path, &[])).await??;
                (local.connection_string("hub"), Some(Arc::new(local)))
            }
        };
        let storage = local.as_ref().map(|_| Storage::of_folder(config.data_dir.clone(), config.limits.free_bytes));
        let db = Db::with_address(&address, config.database_connections)?.within(storage);
        let world = Self { db, local };
        if let Err(fault) = world.db.check().await {
            world.close().await;
            let reason = fault.cause().unwrap_or_default().to_owned();
            return Err(Message::new("cli-database-unreachable").with("reason", reason).into());
        }
        Ok(world)
    }

    /// Opens a database and brings an empty one to this version; an older or newer one is refused.
    async fn open_current(config: &Config) -> Result<Self, Stop> {
        let world = Self::open(config).await?;
        match require_current(&world.db).await {
            Ok(()) => Ok(world),
            Err(stop) => {
                world.close().await;
                Err(stop)
            }
        }
    }

    /// Leaves the database; the last process that uses the hub's own one stops it.
    async fn close(self) {
        let Self { db, local } = self;
        drop(db);
        if let Some(local) = local.and_then(Arc::into_inner)
            && blocking(move || local.detach()).await.is_err()
        {
            tracing::warn!("the database could not be left in order");
        }
    }
}

/// Brings a database to this version; one that is ahead of it is refused.
async fn migrate(db: &Db, languages: &Languages) -> Result<(), Stop> {
    if let SchemaState::Newer(_) = migrations::state(db).await? {
        return require_current(db).await;
    }
    let applied = migrations::run(db).await?;
    print(&Message::new("cli-migrated").with("count", applied.len()).sentence(languages))
}

/// Brings an empty database to this version; refuses an older or newer one.
async fn require_current(db: &Db) -> Result<(), Stop> {
    match migrations::state(db).await? {
        SchemaState::Current => Ok(()),
        SchemaState::Empty => Ok(migrations::run(db).await.map(|_| ())?),
        SchemaState::Older(missing) => Err(Message::new("cli-schema-older").with("count", missing.len()).into()),
        SchemaState::Newer(unknown) => {
            let newest = unknown.last().cloned().unwrap_or_default();
            Err(Message::new("cli-schema-newer").with("version", newest).into())
        }
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Stop> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Stop::Failed(Fault::internal("working", error)))
}

async fn serve(config: &Config, languages: &Languages, demo: bool) -> Result<(), Stop> {
    let listener = TcpListener::bind(config.listen).await.map_err(|error| {
        let address = config.listen.to_string();
        Message::new("cli-cannot-listen").with("address", address).with("reason", error.to_string())
    })?;
    let lock = match config.database_url {
        Some(_) => None,
        None => {
            let folder = config.data_dir.clone();
            Some(blocking(move || HubLock::take(&folder)).await??)
        }
    };
    let stop = told_to_stop().map_err(|error| Fault::internal("listening to signals", error))?;
    let mut stop = Box::pin(stop);
    let world = tokio::select! {
        world = World::open(config) => world?,
        () = &mut stop => return Ok(()),
    };
    let watch = tokio::spawn(watch(world.local.clone()));
    let outcome = tokio::select! {
        prepared = async { prepare(&world.db.for_upkeep(), languages, demo).await } => prepared,
        () = &mut stop => Err(Stop::Asked),
    };
    let outcome = match outcome {
        Ok(()) => run_server(&world.db, config, listener, languages, demo, stop).await,
        Err(Stop::Asked) => Ok(()),
        Err(stop) => Err(stop),
    };
    watch.abort();
    // Its share of the server has to be given back before the last share is.
    let _ = watch.await;
    world.close().await;
    drop(lock);
    outcome
}

/// Brings the database to this version, as far as the command may, and loads the sample data for a demo.
async fn prepare(db: &Db, languages: &Languages, demo: bool) -> Result<(), Stop> {
    if demo {
        migrations::run(db).await?;
    }
    require_current(db).await?;
    epoch(db).await?;
    // What became due while no hub ran is applied before the first request.
    if let Err(fault) = clock::drain(db).await {
        tracing::error!(cause = fault.cause(), "what became due cannot be applied for the moment");
    }
    if demo {
        let report = load(db, transfer::sample_data(), Mode::Write, languages).await?;
        println!("{}", sentence_of(&report).sentence(languages));
    }
    Ok(())
}

async fn run_server(
    db: &Db,
    config: &Config,
    listener: TcpListener,
    languages: &Languages,
    demo: bool,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Stop> {
    let address = listener.local_addr().map_err(|error| Fault::internal("listening", error))?;
    let shown = address.to_string();
    let greeting = if demo { welcome(&shown) } else { Message::new("cli-serving").with("address", shown) };
    print(&greeting.sentence(languages))?;
    let upkeep = db.for_upkeep();
    if demo {
        print(&accounts::personas(&upkeep, languages).await?)?;
    }
    let hub = Hub::start(db.bounded(Bounds::of(&config.limits))?, config.clone(), address).await?;
    let age = TimeDelta::days(config.keep_changes_days);
    let retention = log::Retention { age, count: config.keep_changes };
    let served = tokio::select! {
        served = server::serve(listener, hub, stop) => served,
        never = clock::run(upkeep, retention) => match never {},
    };
    served.map_err(|error| Stop::Failed(Fault::internal("serving", error)))
}

/// Starts the hub's own database again whenever it died.
async fn watch(local: Option<Arc<LocalPostgres>>) {
    let Some(local) = local else { return };
    let mut every = tokio::time::interval(WATCH_EVERY);
    loop {
        every.tick().await;
        let looked_at = local.clone();
        let revived =
            blocking(move || if looked_at.is_alive() { Ok(false) } else { looked_at.revive().map(|()| true) });
        match revived.await {
            Ok(Ok(true)) => tracing::warn!("the database had stopped and was started again"),
            Ok(Ok(false)) => {}
            Ok(Err(message)) => tracing::error!("{message}"),
            Err(_) => tracing::error!("the database could not be looked at"),
        }
    }
}

/// Resolves when the process is asked to end, by Ctrl-C, SIGTERM or a closed terminal. They are listened to from the
/// call on.
fn told_to_stop() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    })
}

/// Reads files of lines and says what came of it.
async fn read_lines(config: &Config, inputs: Vec<Input>, mode: Mode, languages: &Languages) -> Result<(), Stop> {
    let world = World::open_current(config).await?;
    let outcome = load(&world.db, inputs, mode, languages).await;
    world.close().await;
    let report = outcome?;
    let mut text = String::new();
    for line in report.lines.iter().filter(|_| mode == Mode::Rehearse) {
        let message = match line.outcome {
            Outcome::Created => Message::new("import-would-create"),
            Outcome::Updated => Message::new("import-would-update"),
            Outcome::Unchanged => Message::new("import-would-keep"),
            Outcome::Retired => Message::new("import-would-retire"),
            Outcome::Withheld => Message::new("import-would-withhold"),
        };
        let message = message
            .with("file", line.place.file.as_str())
            .with("line", line.place.line)
            .with("node", line.node.as_str());
        text.push_str(&message.sentence(languages));
        text.push('\n');
    }
    if mode == Mode::Rehearse {
        text.push_str(&Message::new("import-rehearsed").sentence(languages));
        text.push('\n');
    }
    text.push_str(&sentence_of(&report).sentence(languages));
    print(&text)
}

/// Reads a file line by line, each in a transaction of its own, and acknowledges each on standard output once it is
/// committed or refused. Fails at the end when a line was refused.
async fn feed(db: &Db, file: &Path, languages: &Languages) -> Result<(), Stop> {
    let name = file.display().to_string();
    let unreadable = |error: std::io::Error| {
        let message = Message::new("cli-file-unreadable").with("file", name.as_str());
        Stop::Refused(message.with("reason", error.to_string()))
    };
    let lines: Box<dyn BufRead + Send> = if name == "-" {
        Box::new(BufReader::new(std::io::stdin()))
    } else {
        Box::new(BufReader::new(File::open(file).map_err(unreadable)?))
    };
    let epoch = epoch(db).await?;
    let acknowledge = |line: &serde_json::Value| write_line(&line.to_string());
    match feed::read(db, epoch, &name, lines, languages, acknowledge).await {
        Ok(0) => Ok(()),
        Ok(_) => Err(Stop::Told),
        Err(FeedFailure::Unreadable(error)) => Err(unreadable(error)),
        Err(FeedFailure::Fault(fault)) => Err(fault.into()),
    }
}

/// The epoch of the change log, a new one when the database is another than it was.
async fn epoch(db: &Db) -> Result<uuid::Uuid, Fault> {
    let mut connection = db.connection().await?;
    log::ensure_epoch(&mut connection, http::new_epoch()).await
}

async fn load(db: &Db, inputs: Vec<Input>, mode: Mode, languages: &Languages) -> Result<Report, Stop> {
    let terminal = std::io::stderr().is_terminal();
    let bar = progress_bar();
    let (shown, spoken) = (bar.clone(), languages.clone());
    let progress = move |done: usize, total: usize| {
        if terminal {
            shown.set_length(u64::try_from(total).unwrap_or(u64::MAX));
            shown.set_position(u64::try_from(done).unwrap_or(u64::MAX));
        } else if done.is_multiple_of(LINES_PER_REPORT) {
            let message = Message::new("cli-loading").with("done", done).with("total", total);
            eprintln!("{}", message.sentence(&spoken));
        }
    };
    let outcome = transfer::import(db, Viewer::system("import"), inputs, mode, Arc::new(progress)).await;
    bar.finish_and_clear();
    outcome.map_err(|failure| match failure {
        ImportFailure::Fault(fault) => Stop::Failed(fault),
        ImportFailure::Lines(problems) => Stop::Lines(problems),
    })
}

fn read(files: &[PathBuf]) -> Result<Vec<Input>, Stop> {
    let read_one = |path: &PathBuf| {
        let name = path.display().to_string();
        let read = if name == "-" {
            let mut bytes = Vec::new();
            std::io::stdin().read_to_end(&mut bytes).map(|_| bytes)
        } else {
            std::fs::read(path)
        };
        match read {
            Ok(bytes) => Ok(Input { name, bytes }),
            Err(error) => {
                let message = Message::new("cli-file-unreadable").with("file", name).with("reason", error.to_string());
                Err(Stop::Refused(message))
            }
        }
    };
    files.iter().map(read_one).collect()
}

async fn examine(config: &Config, languages: &Languages) -> Result<(), Stop> {
    let mut findings = Vec::new();
    if config.database_url.is_none() {
        let (folder, path) = (config.data_dir.clone(), config.path.clone());
        let folder = blocking(move || local::inspect(&folder)).await?;
        let has_cluster = folder.cluster_major.is_some();
        findings.extend(blocking(move || doctor::of_machine(&folder, &path)).await?);
        if !has_cluster {
            // Looking must not make one.
            return report(&findings, languages);
        }
    }
    match World::open(config).await {
        Ok(world) => {
            findings.extend(doctor::of_database(&world.db).await);
            world.close().await;
        }
        Err(Stop::Refused(message)) => findings.push(doctor::Finding::bad(message)),
        Err(stop) => return Err(stop),
    }
    report(&findings, languages)
}
