//! The server's processes, as its pid file and the operating system know them.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::folder::{DataFolder, FRESH_PREFIX};
use super::socket::Address;

/// What `postmaster.pid` says.
pub(super) struct PidFile {
    pub(super) pid: i32,
    /// None while the server has not opened its socket, or when the file was copied along from
    /// another folder.
    pub(super) address: Option<Address>,
    /// True while the server says that it is starting or stopping.
    pub(super) unready: bool,
}

impl PidFile {
    /// Reads the file of a cluster; None where there is none.
    pub(super) fn read(cluster: &Path) -> Option<Self> {
        let text = fs::read(cluster.join("postmaster.pid")).ok()?;
        let mut lines = text.split(|byte| *byte == b'\n');
        let pid: i32 = std::str::from_utf8(lines.next()?).ok()?.trim().parse().ok()?;
        let here = lines.next().is_some_and(|line| line == cluster.as_os_str().as_bytes());
        let port = lines.nth(1).and_then(|line| std::str::from_utf8(line).ok()?.trim().parse().ok());
        let folder = lines.next().filter(|line| !line.is_empty());
        let address = match (here, port, folder) {
            (true, Some(port), Some(folder)) => {
                Some(Address { folder: PathBuf::from(OsStr::from_bytes(folder)), port })
            }
            _ => None,
        };
        // The two lines between are the TCP address and the shared memory's key.
        let status = lines.nth(2).unwrap_or_default();
        let unready = status.starts_with(b"starting") || status.starts_with(b"stopping");
        (pid > 1).then_some(Self { pid, address, unready })
    }
}

/// The pid of the folder's running server; None when none runs, or it cannot be told.
pub(super) fn running_pid(data: &DataFolder) -> Option<i32> {
    let pid = PidFile::read(&data.cluster())?.pid;
    is_postmaster(pid, data).then_some(pid)
}

/// Ends the processes of a server that can no longer be reached.
pub(super) fn signal_leftovers(data: &DataFolder, signal: Signal) {
    let title = format!("postgres: {}: ", cluster_name(data));
    for (pid, command) in processes(None) {
        if command.starts_with(title.as_bytes()) || names_cluster(&command, data) {
            // One that has just ended by itself is no matter.
            let _ = kill(Pid::from_raw(pid), signal);
        }
    }
}

/// Ends programs that make a cluster for the folder.
pub(super) fn signal_creation(data: &DataFolder, signal: Signal) {
    let mut wanted = b"--pgdata ".to_vec();
    wanted.extend(data.path().join(FRESH_PREFIX).as_os_str().as_bytes());
    for (pid, command) in processes(None) {
        if holds(&command, &wanted) {
            // One that has just ended by itself is no matter.
            let _ = kill(Pid::from_raw(pid), signal);
        }
    }
}

/// The name that the server's processes carry in their titles.
pub(super) fn cluster_name(data: &DataFolder) -> String {
    format!("hub-{}", data.mark())
}

/// True when the pid belongs to a running server of this folder; a zombie has no command line.
/// On a system that tells nothing about processes, the pid file is believed.
pub(super) fn is_postmaster(pid: i32, data: &DataFolder) -> bool {
    let listed = processes(Some(pid));
    if listed.is_empty() && processes(Some(Pid::this().as_raw())).is_empty() {
        return kill(Pid::from_raw(pid), None).is_ok();
    }
    listed.iter().any(|(_, command)| names_cluster(command, data))
}

fn names_cluster(command: &[u8], data: &DataFolder) -> bool {
    let mut wanted = b"postgres -D ".to_vec();
    wanted.extend(data.cluster().as_os_str().as_bytes());
    wanted.push(b' ');
    let mut command = command.to_vec();
    command.push(b' ');
    holds(&command, &wanted)
}

fn holds(command: &[u8], wanted: &[u8]) -> bool {
    command.windows(wanted.len()).any(|window| window == wanted)
}

/// One process or all, each with its command line, arguments separated by spaces. Linux says
/// it in `/proc`, elsewhere `ps` does.
fn processes(only: Option<i32>) -> Vec<(i32, Vec<u8>)> {
    if !Path::new("/proc/self/cmdline").exists() {
        return processes_by_ps(only);
    }
    let pids = match only {
        Some(pid) => vec![pid],
        None => fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .collect(),
    };
    let mut found = Vec::new();
    for pid in pids {
        if let Ok(mut command) = fs::read(format!("/proc/{pid}/cmdline")) {
            command.iter_mut().filter(|byte| **byte == 0).for_each(|byte| *byte = b' ');
            found.push((pid, command));
        }
    }
    found
}

fn processes_by_ps(only: Option<i32>) -> Vec<(i32, Vec<u8>)> {
    let mut ps = Command::new("/bin/ps");
    ps.args(["-ww", "-o", "pid=,command="]);
    match only {
        Some(pid) => ps.args(["-p", &pid.to_string()]),
        None => ps.arg("-ax"),
    };
    let Ok(output) = ps.stdin(Stdio::null()).stderr(Stdio::null()).output() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for line in output.stdout.split(|byte| *byte == b'\n') {
        let line = line.trim_ascii_start();
        let end = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
        let (pid, command) = line.split_at(end);
        if let Some(pid) = std::str::from_utf8(pid).ok().and_then(|pid| pid.parse().ok()) {
            found.push((pid, command.trim_ascii_start().to_vec()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{PidFile, is_postmaster, processes, processes_by_ps};
    use crate::db::local::folder::DataFolder;
    use std::fs;
    use std::path::PathBuf;

    fn read(lines: &str) -> Option<PidFile> {
        let cluster = tempfile::tempdir().unwrap();
        let text = lines.replace("HERE", cluster.path().to_str().unwrap());
        fs::write(cluster.path().join("postmaster.pid"), text).unwrap();
        PidFile::read(cluster.path())
    }

    #[test]
    fn a_pid_file_tells_where_its_server_listens() {
        let file = read("812\nHERE\n1763766820\n5432\n/srv/a b/run\n\n  3407877         4\nready   \n").unwrap();
        let address = file.address.unwrap();
        assert_eq!((file.pid, file.unready), (812, false));
        assert_eq!((address.folder, address.port), (PathBuf::from("/srv/a b/run"), 5432));
    }

    #[test]
    fn a_pid_file_of_a_starting_or_another_server_has_no_address() {
        let starting = read("812\nHERE\n1763766820\n5432\n").unwrap();
        assert!(starting.address.is_none() && !starting.unready);
        let recovering = read("812\nHERE\n1763766820\n5432\n/run/x\n\n1 2\nstarting\n").unwrap();
        assert!(recovering.address.is_some() && recovering.unready);
        let copied = read("812\n/another/folder\n1763766820\n5432\n/run/x\n\n1 2\nready   \n").unwrap();
        assert!(copied.address.is_none());
    }

    #[test]
    fn a_broken_pid_file_counts_as_none() {
        for text in ["", "\n", "x\nHERE\n", "1\nHERE\n", "-5\nHERE\n", "99999999999\nHERE\n"] {
            assert!(read(text).is_none(), "{text}");
        }
    }

    #[test]
    fn this_process_is_listed_and_is_no_server() {
        let own = i32::try_from(std::process::id()).unwrap();
        assert_eq!(processes(Some(own)).len(), 1);
        assert!(processes(None).iter().any(|(pid, _)| *pid == own));
        assert!(!is_postmaster(own, &DataFolder::with_path(PathBuf::from("/nowhere"))));
    }

    #[test]
    fn ps_says_the_same_where_there_is_no_proc() {
        let own = i32::try_from(std::process::id()).unwrap();
        let listed = processes_by_ps(Some(own));
        // A machine that has /proc may do without ps.
        if let [(pid, command)] = listed.as_slice() {
            let same = processes(Some(own));
            assert_eq!(*pid, own);
            assert_eq!(command.trim_ascii_end(), same[0].1.trim_ascii_end());
        }
    }
}
