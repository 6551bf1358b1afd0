//! Saving a hub to a file and bringing it back.

use std::fs::{self, File};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use clap::Subcommand;

use knowledge_hub::config::Config;
use knowledge_hub::db::backup::{self, Failure};
use knowledge_hub::db::local;
use knowledge_hub::error::Fault;
use knowledge_hub::http;
use knowledge_hub::text::language::Languages;
use knowledge_hub::text::messages::Message;

use crate::output::print;
use crate::{Stop, World, blocking, told_to_stop};

/// What keeps a hub safe.
#[derive(Subcommand)]
pub enum BackupCommand {
    /// Save the hub to a file, while it runs or not; the file holds personal data.
    Backup {
        /// The file; - is standard output.
        file: PathBuf,
        /// Take the place of a file that is there.
        #[arg(long)]
        force: bool,
    },
    /// Bring a saved hub back into an empty database.
    Restore {
        /// The file that `hub backup` wrote; - is standard input.
        file: PathBuf,
    },
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(message) => Self::Refused(message),
            Failure::Fault(fault) => Self::Failed(fault),
        }
    }
}

/// Runs the command. One that is told to stop leaves nothing half-made.
pub async fn run(config: &Config, command: BackupCommand, languages: &Languages) -> Result<(), Stop> {
    let stop = told_to_stop().map_err(|error| Fault::internal("listening to signals", error))?;
    match command {
        BackupCommand::Backup { file, force } => {
            let target = Target::open(file, force)?;
            require_cluster(config).await?;
            let world = World::open(config).await?;
            let saved = tokio::select! {
                saved = save(&world, config, target) => saved,
                () = stop => Err(Message::new("backup-interrupted").into()),
            };
            world.close().await;
            match saved? {
                Some(done) => print(&done.sentence(languages)),
                None => Ok(()),
            }
        }
        BackupCommand::Restore { file } => {
            let archive = blocking(move || open(&file)).await??;
            let world = World::open(config).await?;
            let restored = tokio::select! {
                restored = backup::restore(&world.db, &config.path, &archive, http::new_epoch()) => restored,
                () = stop => Err(Message::new("backup-interrupted").into()),
            };
            world.close().await;
            let restored = restored?;
            let done = Message::new("restore-done")
                .with("nodes", restored.nodes)
                .with("changes", restored.changes)
                .with("missing", restored.missing);
            print(&done.sentence(languages))
        }
    }
}

/// Looking for a hub to save must not make one.
async fn require_cluster(config: &Config) -> Result<(), Stop> {
    if config.database_url.is_some() {
        return Ok(());
    }
    let folder = config.data_dir.clone();
    let found = blocking(move || local::inspect(&folder)).await?;
    match found.cluster_major {
        Some(_) => Ok(()),
        None => Err(Message::new("backup-no-cluster").with("folder", found.folder.display().to_string()).into()),
    }
}

/// Where a backup goes.
enum Target {
    Output,
    File {
        path: PathBuf,
        /// Readable by its owner alone, beside its place, where it goes once it is complete; else it is removed.
        fresh: tempfile::NamedTempFile,
        force: bool,
    },
}

impl Target {
    fn open(path: PathBuf, force: bool) -> Result<Self, Message> {
        if path.as_os_str() == "-" {
            let is_shown = std::io::stdout().is_terminal();
            return if is_shown { Err(Message::new("backup-terminal")) } else { Ok(Self::Output) };
        }
        // What is no ordinary file, such as a device, would be lost.
        match fs::symlink_metadata(&path) {
            Ok(found) if !(force && found.is_file()) => return Err(exists(&path, found.is_file())),
            Ok(_) | Err(_) => {}
        }
        let fresh = tempfile::Builder::new().prefix(".hub-backup-").tempfile_in(folder_of(&path));
        let fresh = fresh.map_err(|error| unwritable(&path, &error))?;
        Ok(Self::File { path, fresh, force })
    }
}

/// The sentence that says where the backup is, unless it is where the sentence would go.
async fn save(world: &World, config: &Config, target: Target) -> Result<Option<Message>, Stop> {
    let (path, fresh, force) = match target {
        Target::Output => {
            backup::save(&world.db, &config.path, Stdio::inherit()).await?;
            return Ok(None);
        }
        Target::File { path, fresh, force } => (path, fresh, force),
    };
    let out = fresh.as_file().try_clone().map_err(|error| unwritable(&path, &error))?;
    backup::save(&world.db, &config.path, Stdio::from(out)).await?;
    let shown = path.display().to_string();
    let bytes = blocking(move || keep(&path, fresh, force)).await??;
    Ok(Some(Message::new("backup-done").with("file", shown).with("bytes", i64::try_from(bytes).unwrap_or(i64::MAX))))
}

/// Gives a complete backup its name, and waits until the disk has both.
fn keep(path: &Path, fresh: tempfile::NamedTempFile, force: bool) -> Result<u64, Message> {
    let fail = |error: std::io::Error| unwritable(path, &error);
    fresh.as_file().sync_all().map_err(fail)?;
    let bytes = fresh.as_file().metadata().map_err(fail)?.len();
    let kept = if force { fresh.persist(path) } else { fresh.persist_noclobber(path) };
    match kept {
        Ok(_) => {}
        Err(failed) if failed.error.kind() == std::io::ErrorKind::AlreadyExists => return Err(exists(path, true)),
        Err(failed) => return Err(fail(failed.error)),
    }
    File::open(folder_of(path)).and_then(|folder| folder.sync_all()).map_err(fail)?;
    Ok(bytes)
}

/// The archive; what comes from standard input is put where it can be read more than once.
fn open(path: &Path) -> Result<File, Message> {
    let read = if path.as_os_str() == "-" {
        tempfile::tempfile().and_then(|mut file| std::io::copy(&mut std::io::stdin(), &mut file).map(|_| file))
    } else {
        File::open(path)
    };
    let name = path.display().to_string();
    read.map_err(|error| Message::new("cli-file-unreadable").with("file", name).with("reason", error.to_string()))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn exists(path: &Path, is_file: bool) -> Message {
    let file = path.display().to_string();
    if is_file {
        Message::new("backup-file-exists").with("file", file)
    } else {
        Message::new("backup-not-a-file").with("file", file)
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Message {
    Message::new("backup-unwritable").with("file", path.display().to_string()).with("reason", error.to_string())
}
