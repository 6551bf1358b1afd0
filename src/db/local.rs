//! The hub's own private PostgreSQL, for when no `DATABASE_URL` is given.
//!
//! Every process that wants the database attaches: the first one starts the server, the last
//! one stops it. Who uses it is counted by file locks, which the kernel gives back when a
//! process is killed, so nothing has to be mended by hand afterwards.
//!
//! **Invariant:** a server is started and stopped only under `cluster.lock`, and stopped only
//! by who gets `users.lock` exclusively.
//!
//! All of this blocks; asynchronous callers run it on a thread for blocking work.

pub mod binaries;
mod folder;
mod log;
mod process;
mod server;
mod socket;
mod user;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::statvfs::statvfs;

use self::binaries::Binaries;
use self::folder::{DataFolder, refusal, shown, uninterrupted};
use self::process::running_pid;
use self::server::Server;
use self::socket::{Address, Answer, NAME, knock};
use crate::text::messages::Message;

/// Held by `serve` and `demo` for their whole life: one hub per data folder. The operating
/// system gives it back when the process ends, however it ends.
#[derive(Debug)]
pub struct HubLock {
    file: File,
}

/// A running private server that this process uses, until `detach` or the end of the value.
#[derive(Debug)]
pub struct LocalPostgres {
    server: Server,
    /// Where the server listens; a server that is started anew may listen elsewhere.
    address: Mutex<Address>,
    /// The shared lock on `users.lock`, held by its being open.
    users: File,
}

/// What is in a data folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// The folder, canonical when it exists.
    pub folder: PathBuf,
    /// False when the folder is missing, which the next start mends by itself.
    pub exists: bool,
    /// The login name of the folder's owner; None when the folder is missing.
    pub owner: Option<String>,
    /// The major version that made the cluster; None when there is no cluster, or this user may
    /// not look at it.
    pub cluster_major: Option<u32>,
    /// The running server's process; None when none runs, or this user may not know.
    pub server_pid: Option<i32>,
    /// What this user can still write, in bytes, on the folder's disk (for a missing folder: on
    /// that of its nearest ancestor); None when the system does not say.
    pub free_bytes: Option<u64>,
}

impl HubLock {
    /// Takes the lock and writes this process's pid into its file. Makes the data folder when it
    /// is missing. Refused when another hub has it; the sentence names that process.
    pub fn take(data_dir: &Path) -> Result<Self, Message> {
        let data = DataFolder::open(data_dir)?;
        let mut file = data.lock_file("hub.lock")?;
        if file.try_lock().is_err() {
            return Err(Message::new("local-hub-running")
                .with("folder", shown(data.path()))
                .with("pid", holder(&mut file)));
        }
        let pid = std::process::id();
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{pid}"))
            .map_err(|error| refusal(data.path(), &error))?;
        Ok(Self { file })
    }
}

impl Drop for HubLock {
    fn drop(&mut self) {
        // Nobody is misled by the number of a process that has left; the lock goes with the file.
        let _ = self.file.set_len(0);
    }
}

impl LocalPostgres {
    /// Adopts the folder's running server, or creates and starts it. Any number of processes may
    /// do so at once. `path` is where programs are looked for first (the caller's `PATH`);
    /// `tuning` are settings (`name`, `value`) for a server that is started here, beside the
    /// hub's own; with `fsync` `off` the cluster is also created without waiting for the disk.
    pub fn attach(data_dir: &Path, path: &OsStr, tuning: &[(&str, &str)]) -> Result<Self, Message> {
        let data = DataFolder::open(data_dir)?;
        let _deciding = data.lock_cluster()?;
        let user = data.server_user()?;
        data.check_reach(&user)?;
        let users = data.lock_file("users.lock")?;
        // Only who holds `cluster.lock` asks for it exclusively, so this does not wait.
        uninterrupted(|| users.lock_shared()).map_err(|error| refusal(data.path(), &error))?;
        let wanted = data.cluster_major()?;
        let binaries = Binaries::find_for(path, wanted, &user, data.path())?;
        let tuning = tuning.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let tuning = tuning.collect();
        let server = Server { data, user, binaries, path: path.to_owned(), tuning };
        if wanted.is_none() {
            server.create()?;
        }
        let address = Mutex::new(server.bring_up()?);
        Ok(Self { server, address, users })
    }

    /// The keyword string by which libpq and tokio-postgres reach a database of this server.
    pub fn connection_string(&self, database: &str) -> String {
        let Address { folder, port } = self.address();
        let host = keyword_value(&folder.to_string_lossy());
        let database = keyword_value(database);
        format!("host={host} port={port} user={NAME} dbname={database}")
    }

    /// True while the server accepts connections on its socket.
    pub fn is_alive(&self) -> bool {
        matches!(knock(&self.address()), Answer::Ready)
    }

    /// Starts the server again after it died under its users; does nothing when it is alive.
    pub fn revive(&self) -> Result<(), Message> {
        let _deciding = self.server.data.lock_cluster()?;
        let address = self.server.bring_up()?;
        *self.address.lock().unwrap_or_else(PoisonError::into_inner) = address;
        Ok(())
    }

    /// Leaves the server; the last process that uses it stops it. Takes up to half a minute when
    /// the server is slow to stop. The end of the value does the same.
    pub fn detach(self) {
        drop(self);
    }

    fn address(&self) -> Address {
        self.address.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for LocalPostgres {
    fn drop(&mut self) {
        // A folder that cannot be locked any more has nothing left to stop.
        let Ok(_deciding) = self.server.data.lock_cluster() else {
            return;
        };
        if self.users.unlock().is_ok() && self.users.try_lock().is_ok() {
            self.server.stop();
        }
    }
}

/// Looks at a data folder without starting, making or locking anything.
pub fn inspect(data_dir: &Path) -> Inspection {
    let canonical = fs::canonicalize(data_dir).ok();
    let folder = canonical.clone().unwrap_or_else(|| data_dir.to_owned());
    let data = DataFolder::with_path(folder.clone());
    let owner = canonical.as_ref().and_then(|folder| fs::metadata(folder).ok());
    Inspection {
        exists: canonical.is_some(),
        owner: owner.map(|found| user::name_of(found.uid())),
        cluster_major: data.cluster_major().ok().flatten(),
        server_pid: running_pid(&data),
        free_bytes: free_bytes(&folder),
        folder,
    }
}

/// What this user can still write, in bytes, where the cluster of a data folder lies or will lie; null when the system does not
/// say.
pub fn free_bytes(data_dir: &Path) -> Option<u64> {
    let cluster = DataFolder::with_path(data_dir.to_owned()).cluster();
    let disk = cluster.ancestors().find_map(|ancestor| statvfs(ancestor).ok())?;
    // The widths of these two numbers differ between systems.
    let bytes = u128::from(disk.blocks_available()) * u128::from(disk.fragment_size());
    u64::try_from(bytes).ok()
}

/// The pid in a lock file that another process holds, which may be about to write it.
fn holder(file: &mut File) -> String {
    let deadline = Instant::now() + Duration::from_millis(200);
    loop {
        let mut text = String::new();
        let read = file.rewind().and_then(|()| file.read_to_string(&mut text));
        let pid = text.trim();
        if read.is_ok() && !pid.is_empty() {
            return pid.to_owned();
        }
        if Instant::now() > deadline {
            return "?".to_owned();
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Quotes a value for a connection string (PostgreSQL manual, "Keyword/Value Connection Strings").
pub(super) fn keyword_value(value: &str) -> String {
    let mut quoted = String::from("'");
    for letter in value.chars() {
        if letter == '\'' || letter == '\\' {
            quoted.push('\\');
        }
        quoted.push(letter);
    }
    quoted.push('\'');
    quoted
}

#[cfg(test)]
mod tests {
    use super::{HubLock, inspect, keyword_value};

    #[test]
    fn connection_values_are_quoted() {
        assert_eq!(keyword_value(r"/a b'c\d"), r"'/a b\'c\\d'");
        assert_eq!(keyword_value(""), "''");
    }

    #[test]
    fn a_second_hub_on_a_folder_is_refused_until_the_first_leaves() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let first = HubLock::take(&data).unwrap();
        assert_eq!(HubLock::take(&data).unwrap_err().id(), "local-hub-running");
        drop(first);
        assert!(HubLock::take(&data).is_ok());
    }

    #[test]
    fn inspecting_a_missing_folder_makes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("a/b");
        let found = inspect(&data);
        assert!(!found.exists && found.owner.is_none() && found.cluster_major.is_none());
        assert!(found.server_pid.is_none() && found.free_bytes.is_some());
        assert!(!data.exists());
    }
}
