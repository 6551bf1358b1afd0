//! The data folder: what is where in it, who owns it, and its lock files.
//!
//! ```text
//! <data>/postgres        the cluster, 0700, owned by the server's user
//! <data>/postgres.new-…  a cluster that is being made; a leftover after a kill
//! <data>/run             the socket's folder, 0700, unless the path is too long for a socket
//! <data>/cluster.lock    held while one process decides to start or stop the server
//! <data>/users.lock      shared by every process that uses the server
//! <data>/server.lock     inherited by the server, as by initdb: held while one process lives
//! <data>/hub.lock        held by the one hub that serves this folder
//! ```

use std::fmt::Write;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use nix::unistd::geteuid;
use sha2::{Digest, Sha256};

use super::user::{ServerUser, name_of};
use crate::text::messages::Message;

/// The name of the server's socket in its folder: PostgreSQL makes it of the port.
const SOCKET_NAME: &str = ".s.PGSQL.5432";

/// The longest path of a unix socket, without its closing NUL (`sun_path` in `sys/un.h`).
const SOCKET_PATH_BYTES: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// How the folder of a cluster that is being made begins.
pub(super) const FRESH_PREFIX: &str = "postgres.new-";

/// A data folder that exists, by its canonical path.
#[derive(Clone, Debug)]
pub(super) struct DataFolder {
    path: PathBuf,
}

impl DataFolder {
    /// Opens the folder and makes it, with its ancestors, where it is missing.
    pub(super) fn open(data_dir: &Path) -> Result<Self, Message> {
        make_all(data_dir, true)?;
        let path = fs::canonicalize(data_dir).map_err(|error| refusal(data_dir, &error))?;
        Ok(Self { path })
    }

    /// A folder that is only looked at.
    pub(super) fn with_path(path: PathBuf) -> Self {
        Self { path }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn cluster(&self) -> PathBuf {
        self.path.join("postgres")
    }

    /// Where a cluster is made before it is renamed into its place.
    pub(super) fn fresh_cluster(&self) -> PathBuf {
        self.path.join(format!("{FRESH_PREFIX}{}", std::process::id()))
    }

    /// What the server says until its own log takes over.
    pub(super) fn start_log(&self) -> PathBuf {
        self.path.join("postgres-start.log")
    }

    /// Twelve hexadecimal digits that tell this folder from every other on the machine.
    pub(super) fn mark(&self) -> String {
        let digest = Sha256::digest(self.path.as_os_str().as_bytes());
        let mut mark = String::new();
        for byte in digest.iter().take(6) {
            // Writing to a String cannot fail.
            let _ = write!(mark, "{byte:02x}");
        }
        mark
    }

    /// The major version that made the cluster; None where there is no cluster yet.
    pub(super) fn cluster_major(&self) -> Result<Option<u32>, Message> {
        let cluster = self.cluster();
        let unknown = || Message::new("local-cluster-unknown").with("folder", shown(&cluster));
        match fs::read_to_string(cluster.join("PG_VERSION")) {
            Ok(version) => version.trim().parse().map(Some).map_err(|_| unknown()),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                match fs::read_dir(&cluster).map(Iterator::count) {
                    // An empty folder may be replaced by a rename; anything else is not ours.
                    Ok(0) => Ok(None),
                    Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                    Ok(_) | Err(_) => Err(unknown()),
                }
            }
            Err(error) if error.kind() == ErrorKind::NotADirectory => Err(unknown()),
            Err(error) => Err(refusal(&cluster, &error)),
        }
    }

    /// The user of the server: the owner of the cluster, else who would make it.
    pub(super) fn server_user(&self) -> Result<ServerUser, Message> {
        let cluster = self.cluster();
        match fs::metadata(cluster.join("PG_VERSION")).and_then(|_| fs::metadata(&cluster)) {
            Ok(found) => ServerUser::for_cluster(&cluster, found.uid(), found.gid()),
            // A cluster that cannot be entered is somebody else's.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                let found = fs::metadata(&cluster).map_err(|error| refusal(&cluster, &error))?;
                ServerUser::for_cluster(&cluster, found.uid(), found.gid())
            }
            Err(_) => ServerUser::for_new_cluster(),
        }
    }

    /// Refuses a folder that the server's user cannot reach, naming the ancestor in the way.
    pub(super) fn check_reach(&self, user: &ServerUser) -> Result<(), Message> {
        // Another process may have made the folder a moment ago under a strict umask and be
        // about to open it, so one refusal is not the last word.
        let deadline = Instant::now() + Duration::from_millis(300);
        loop {
            let Some(ancestor) = self.barrier(user)? else {
                return Ok(());
            };
            if Instant::now() > deadline {
                return Err(Message::new("local-folder-unreachable")
                    .with("user", user.name.as_str())
                    .with("ancestor", shown(&ancestor))
                    .with("folder", shown(&self.path)));
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn barrier(&self, user: &ServerUser) -> Result<Option<PathBuf>, Message> {
        let mut ancestors: Vec<&Path> = self.path.ancestors().collect();
        ancestors.reverse();
        for folder in ancestors {
            let found = fs::metadata(folder).map_err(|error| refusal(folder, &error))?;
            if !user.can_traverse(folder, found.mode(), found.uid(), found.gid()) {
                return Ok(Some(folder.to_owned()));
            }
        }
        Ok(None)
    }

    /// Where the server's socket belongs: beside the cluster, or in a short folder below
    /// `/tmp` when the path is too long, or holds what a connection string or the server's
    /// pid file cannot.
    pub(super) fn socket_folder(&self, user: &ServerUser) -> PathBuf {
        let beside = self.path.join("run");
        let fits = beside.join(SOCKET_NAME).as_os_str().len() <= SOCKET_PATH_BYTES;
        let plain = beside.to_str().is_some_and(|path| !path.contains([',', '\n', '\r']));
        if fits && plain {
            return beside;
        }
        PathBuf::from(format!("/tmp/hub-{}-{}", user.uid, self.mark()))
    }

    /// Removes what a kill in the middle of making a cluster left behind. The caller holds
    /// `cluster.lock`, so nobody is making one now.
    pub(super) fn remove_leftovers(&self) {
        for entry in fs::read_dir(&self.path).into_iter().flatten().flatten() {
            if entry.file_name().as_bytes().starts_with(FRESH_PREFIX.as_bytes()) {
                remove_leftover(&entry.path());
            }
        }
    }

    /// Opens one of the lock files, and makes it where it is missing.
    pub(super) fn lock_file(&self, name: &str) -> Result<File, Message> {
        self.make_file(name, 0o644, false)
    }

    /// Opens the start-up log, emptied.
    pub(super) fn new_start_log(&self) -> Result<File, Message> {
        self.make_file("postgres-start.log", 0o600, true)
    }

    /// Waits for the right to start or stop the server. Whoever has it works with deadlines,
    /// so the wait ends.
    pub(super) fn lock_cluster(&self) -> Result<File, Message> {
        let file = self.lock_file("cluster.lock")?;
        uninterrupted(|| file.lock()).map_err(|error| refusal(&self.path, &error))?;
        Ok(file)
    }

    fn make_file(&self, name: &str, mode: u32, truncate: bool) -> Result<File, Message> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(truncate).mode(mode);
        // Root also works in an ordinary user's folder, who must not be able to lead it to
        // another file, and who must be able to go on alone.
        options.custom_flags(OFlag::O_NOFOLLOW.bits());
        let fail = |error: io::Error| refusal(&self.path, &error);
        let file = options.open(self.path.join(name)).map_err(fail)?;
        if geteuid().is_root() {
            let owner = fs::metadata(&self.path).map_err(fail)?;
            fchown(&file, Some(owner.uid()), Some(owner.gid())).map_err(fail)?;
        }
        Ok(file)
    }
}

/// Makes a folder that only the server's user may enter; an existing one must be just that.
pub(super) fn make_private(folder: &Path, user: &ServerUser) -> Result<(), Message> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => user.give(folder).map_err(|error| refusal(folder, &error))?,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(refusal(folder, &error)),
    }
    let found = fs::symlink_metadata(folder).map_err(|error| refusal(folder, &error))?;
    let private = found.is_dir() && found.mode() & 0o777 == 0o700;
    if private && found.uid() == 0 && geteuid().is_root() {
        // Made by this same code and killed before it was given away: nobody else can be in it.
        return user.give(folder).map_err(|error| refusal(folder, &error));
    }
    if private && found.uid() == user.uid {
        return Ok(());
    }
    Err(Message::new("local-socket-folder-refused").with("folder", shown(folder)).with("user", user.name.as_str()))
}

/// Repeats a system call that a signal interrupted.
pub(super) fn uninterrupted(mut call: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    loop {
        match call() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// The sentence for a file or folder that cannot be used.
pub(super) fn refusal(folder: &Path, error: &io::Error) -> Message {
    match error.kind() {
        ErrorKind::PermissionDenied => Message::new("local-folder-unwritable")
            .with("folder", shown(folder))
            .with("user", name_of(geteuid().as_raw())),
        ErrorKind::NotADirectory => Message::new("local-folder-is-file").with("folder", shown(folder)),
        _ => Message::new("local-folder-failed").with("folder", shown(folder)).with("reason", error.to_string()),
    }
}

/// A path as a reader sees it.
pub(super) fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Removes a half-made cluster. The programs that an ended initdb had started still tidy up in
/// it for a moment, so a failure is not the last word. What stays all the same does no harm, and
/// the next start tries again.
fn remove_leftover(fresh: &Path) {
    let deadline = Instant::now() + Duration::from_secs(5);
    while fs::remove_dir_all(fresh).is_err() && fresh.exists() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(10));
    }
}

fn make_all(folder: &Path, is_data: bool) -> Result<(), Message> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent()
        && !parent.as_os_str().is_empty()
    {
        make_all(parent, false)?;
    }
    // An ordinary user's data are nobody else's business. What root makes, the server's user
    // must pass through, whatever the umask.
    let root = geteuid().is_root();
    let mode = match (is_data, root) {
        (true, true) => 0o711,
        (true, false) => 0o700,
        (false, _) => 0o755,
    };
    match DirBuilder::new().mode(mode).create(folder) {
        Ok(()) if root => {
            fs::set_permissions(folder, Permissions::from_mode(mode)).map_err(|error| refusal(folder, &error))
        }
        Ok(()) => Ok(()),
        // Another process was faster.
        Err(error) if error.kind() == ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Err(Message::new("local-folder-is-file").with("folder", shown(folder)))
        }
        Err(error) => Err(refusal(folder, &error)),
    }
}

#[cfg(test)]
mod tests {
    use super::{DataFolder, SOCKET_PATH_BYTES};
    use crate::db::local::user::ServerUser;
    use std::path::PathBuf;

    fn socket_folder(path: &str) -> String {
        let user = ServerUser::for_new_cluster().unwrap();
        DataFolder::with_path(PathBuf::from(path)).socket_folder(&user).to_str().unwrap().to_owned()
    }

    #[test]
    fn the_socket_lies_beside_the_cluster_as_long_as_its_path_fits() {
        let longest = "/".to_owned() + &"x".repeat(SOCKET_PATH_BYTES - 1 - "/run/.s.PGSQL.5432".len());
        assert_eq!(socket_folder(&longest), format!("{longest}/run"));
        assert!(socket_folder(&format!("{longest}x")).starts_with("/tmp/hub-"));
    }

    #[test]
    fn a_path_that_a_connection_string_cannot_hold_has_its_socket_elsewhere() {
        assert!(socket_folder("/srv/a,b").starts_with("/tmp/hub-"));
        assert_eq!(socket_folder("/srv/a 'b' \"c\" é"), "/srv/a 'b' \"c\" é/run");
    }

    #[test]
    fn folders_have_different_marks() {
        let mark = |path: &str| DataFolder::with_path(PathBuf::from(path)).mark();
        assert_eq!(mark("/srv/a").len(), 12);
        assert_ne!(mark("/srv/a"), mark("/srv/b"));
    }
}
