//! The operating-system user as whom the private PostgreSQL runs.

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::lchown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::unistd::{Uid, User, getegid, geteuid};

use crate::text::messages::Message;

/// The user of the server and of the programs that create its cluster.
#[derive(Clone, Debug)]
pub(super) struct ServerUser {
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// The login name, or the number where the system knows no name.
    pub(super) name: String,
    /// True when this process is root, so that programs must change to this user.
    switch: bool,
}

impl ServerUser {
    /// The user for a folder without a cluster: this process's own, or for root (whom
    /// PostgreSQL refuses) `postgres`, else `nobody`.
    pub(super) fn for_new_cluster() -> Result<Self, Message> {
        let uid = geteuid();
        if !uid.is_root() {
            let name = name_of(uid.as_raw());
            return Ok(Self { uid: uid.as_raw(), gid: getegid().as_raw(), name, switch: false });
        }
        for name in ["postgres", "nobody"] {
            if let Ok(Some(user)) = User::from_name(name)
                && !user.uid.is_root()
            {
                let (uid, gid) = (user.uid.as_raw(), user.gid.as_raw());
                return Ok(Self { uid, gid, name: user.name, switch: true });
            }
        }
        Err(Message::new("local-user-missing"))
    }

    /// The user who owns an existing cluster; only root may run somebody else's.
    pub(super) fn for_cluster(cluster: &Path, uid: u32, gid: u32) -> Result<Self, Message> {
        let folder = cluster.display().to_string();
        let own = geteuid();
        if own.is_root() && uid == 0 {
            let user = Self::for_new_cluster()?.name;
            return Err(Message::new("local-cluster-of-root").with("folder", folder).with("user", user));
        }
        if !own.is_root() && uid != own.as_raw() {
            return Err(Message::new("local-cluster-owner").with("folder", folder).with("owner", name_of(uid)));
        }
        Ok(Self { uid, gid, name: name_of(uid), switch: own.is_root() })
    }

    /// A program that runs as this user, outside the terminal's process group (Ctrl-C must
    /// reach only the hub), with nothing of the hub's environment (it may hold secrets, and
    /// `PG…` variables would change what the programs do).
    pub(super) fn command(&self, program: &Path, path: &OsStr) -> Command {
        let mut command = Command::new(program);
        // The current folder may be one that this user cannot enter, which initdb minds.
        command.current_dir("/").env_clear().process_group(0);
        // English messages: the last FATAL line is looked for. UTC: logs read alike everywhere.
        command.env("PATH", path).env("LC_ALL", "C").env("TZ", "UTC");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if self.switch {
            // The standard library drops root's other groups along with the user id.
            command.uid(self.uid).gid(self.gid);
        }
        command
    }

    /// Gives a file or folder that this process made to the user.
    pub(super) fn give(&self, path: &Path) -> std::io::Result<()> {
        if self.switch { lchown(path, Some(self.uid), Some(self.gid)) } else { Ok(()) }
    }

    /// True when the user can pass through the folder. `mode_allows` is asked first because it
    /// needs no process; where it says no, an access list may still say yes.
    pub(super) fn can_traverse(&self, folder: &Path, mode: u32, uid: u32, gid: u32) -> bool {
        if !self.switch || self.mode_allows(mode, uid, gid) {
            return true;
        }
        let mut shell = self.command(Path::new("/bin/sh"), &OsString::new());
        shell.args(["-c", "cd \"$1\"", "sh"]).arg(folder);
        shell.status().is_ok_and(|status| status.success())
    }

    fn mode_allows(&self, mode: u32, uid: u32, gid: u32) -> bool {
        let bit = if uid == self.uid {
            0o100
        } else if gid == self.gid {
            0o010
        } else {
            0o001
        };
        mode & bit != 0
    }
}

/// The login name of a user, or the number where the system knows no name.
pub(super) fn name_of(uid: u32) -> String {
    match User::from_uid(Uid::from_raw(uid)) {
        Ok(Some(user)) => user.name,
        Ok(None) | Err(_) => uid.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::ServerUser;

    #[test]
    fn only_the_class_of_the_user_counts_for_traversing() {
        let user = ServerUser { uid: 101, gid: 104, name: "postgres".to_owned(), switch: true };
        for (mode, uid, gid, expected) in [
            (0o755, 0, 0, true),
            (0o700, 0, 0, false),
            (0o710, 0, 104, true),
            (0o701, 0, 104, false),
            (0o700, 101, 0, true),
            (0o011, 101, 104, false),
            (0o1777, 0, 0, true),
        ] {
            assert_eq!(user.mode_allows(mode, uid, gid), expected, "{mode:o} {uid} {gid}");
        }
    }
}
