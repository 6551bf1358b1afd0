//! One private server: is it there, start it, stop it.
//!
//! Whether a server lives is asked of the kernel: the server inherits `server.lock` as its
//! standard input, and a file lock lives as long as the last process that inherited it. So a
//! server that was killed, a zombie that nobody reaps, a pid that now belongs to another
//! program and orphaned backends are all told apart without looking at any pid.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::binaries::Binaries;
use super::folder::{DataFolder, make_private, shown};
use super::log::{LogMark, complaint};
use super::process::{PidFile, cluster_name, is_postmaster, running_pid, signal_creation, signal_leftovers};
use super::socket::{Address, Answer, NAME, knock};
use super::user::ServerUser;
use crate::text::messages::Message;

const PORT: u16 = 5432;

const POLL: Duration = Duration::from_millis(10);

/// How long a server that somebody else started may stay silent before it counts as lost.
const SILENT: Duration = Duration::from_secs(3);

/// How long the processes of a server whose first process was killed may take to notice.
const ORPHANED: Duration = Duration::from_millis(200);

/// How long a start may take before the server listens.
const START: Duration = Duration::from_secs(60);

/// How long a server may say that it is recovering; a crash under heavy load takes minutes.
const RECOVERY: Duration = Duration::from_secs(300);

/// How long a fast shutdown may take.
const FAST_STOP: Duration = Duration::from_secs(30);

/// How long the server's processes may take to leave after an immediate shutdown.
const QUICK_STOP: Duration = Duration::from_secs(5);

/// What a server does.
#[derive(Debug)]
enum State {
    /// It accepts connections.
    Ready(Address),
    /// It answers that it is starting, recovering or stopping, or is too busy to answer.
    Busy,
    /// Nobody answers, but some process of a server lives; how long that may be normal.
    Silent(Duration),
    /// No process of a server lives.
    Gone,
}

/// The server of one data folder, running or not.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) data: DataFolder,
    pub(super) user: ServerUser,
    pub(super) binaries: Binaries,
    pub(super) path: OsString,
    pub(super) tuning: Vec<(String, String)>,
}

impl Server {
    /// Makes the cluster beside its place and renames it when it is complete, so that a kill
    /// leaves nothing half-made in its place. The caller holds `cluster.lock`.
    pub(super) fn create(&self) -> Result<(), Message> {
        self.end_remains();
        self.data.remove_leftovers();
        let fresh = self.data.fresh_cluster();
        make_private(&fresh, &self.user)?;
        let made = self.fill(&fresh).and_then(|()| {
            fs::rename(&fresh, self.data.cluster())
                .and_then(|()| File::open(self.data.path())?.sync_all())
                .map_err(|error| self.not_created(&error.to_string()))
        });
        if made.is_err() {
            self.data.remove_leftovers();
        }
        made
    }

    /// Ends what may still be at work in a folder without a cluster: the initdb of a hub that
    /// was killed, or the server of a cluster that somebody removed.
    fn end_remains(&self) {
        let deadline = Instant::now() + START;
        while self.lives() && Instant::now() < deadline {
            signal_creation(&self.data, Signal::SIGKILL);
            signal_leftovers(&self.data, Signal::SIGQUIT);
            thread::sleep(POLL);
        }
    }

    fn fill(&self, fresh: &Path) -> Result<(), Message> {
        let mut initdb = self.command("initdb");
        initdb.args(["--encoding=UTF8", "--locale=C", "--auth=trust", "--no-instructions"]);
        initdb.args(["--username", NAME, "--pgdata"]).arg(fresh);
        let hurried = self.tuning.iter().any(|(name, value)| name == "fsync" && value == "off");
        if hurried {
            initdb.arg("--no-sync");
        }
        // A later start sees by this lock that an initdb outlived its hub. It was free just now.
        let held = self.data.lock_file("server.lock")?;
        let _ = held.try_lock();
        initdb.stdin(Stdio::from(held));
        self.run(initdb, "")?;
        let mut single = self.command("postgres");
        single.arg("--single").arg("-D").arg(fresh);
        single.args(["-c", "exit_on_error=on"]);
        for (name, value) in &self.tuning {
            single.arg("-c").arg(format!("{name}={value}"));
        }
        single.arg("postgres");
        // Single-user mode ends a statement at the end of its line.
        single.stdin(Stdio::piped());
        self.run(single, &format!("CREATE DATABASE {NAME};\n"))
    }

    fn run(&self, mut command: Command, input: &str) -> Result<(), Message> {
        let spawned = command.stderr(Stdio::piped()).spawn();
        let mut child = spawned.map_err(|error| unstartable(&command, &error))?;
        // The command holds its own copy of what it gave to the child.
        drop(command);
        if let Some(mut stdin) = child.stdin.take() {
            // A program that ended early says on stderr why; a broken pipe says nothing.
            let _ = stdin.write_all(input.as_bytes());
        }
        let output = child.wait_with_output().map_err(|error| self.not_created(&error.to_string()))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(self.not_created(complaint(&said).unwrap_or(&output.status.to_string())))
    }

    /// Brings the server to where it accepts connections, whatever state it is in: adopts a
    /// running one, waits for a busy one, starts a missing one. The caller holds `cluster.lock`.
    pub(super) fn bring_up(&self) -> Result<Address, Message> {
        let begun = Instant::now();
        let (mut heard, mut signalled) = (begun, begun);
        let mut started: Option<LogMark> = None;
        let mut remedy = Signal::SIGQUIT;
        loop {
            match self.state() {
                State::Ready(address) => return Ok(address),
                State::Busy => heard = Instant::now(),
                State::Silent(patience) if started.is_none() && heard.max(signalled).elapsed() > patience => {
                    signal_leftovers(&self.data, remedy);
                    remedy = Signal::SIGKILL;
                    signalled = Instant::now();
                }
                State::Silent(_) => {}
                State::Gone => {
                    if let Some(mark) = started.take() {
                        self.judge_failure(&mark, begun)?;
                    }
                    started = self.start()?;
                    heard = Instant::now();
                }
            }
            if heard.elapsed() > START || begun.elapsed() > RECOVERY {
                if started.is_some() {
                    signal_leftovers(&self.data, Signal::SIGQUIT);
                }
                return Err(Message::new("local-start-slow")
                    .with("folder", shown(self.data.path()))
                    .with("seconds", begun.elapsed().as_secs().to_string())
                    .with("log", shown(&self.data.start_log())));
            }
            thread::sleep(POLL);
        }
    }

    /// Stops the server: fast, at once when that takes too long, and by force (which loses
    /// nothing, but makes the next start recover) when even that is not heard. The caller holds
    /// `cluster.lock`, and nobody uses the server.
    pub(super) fn stop(&self) {
        let Some(pid) = running_pid(&self.data) else {
            return;
        };
        let steps = [(Signal::SIGINT, FAST_STOP), (Signal::SIGQUIT, QUICK_STOP), (Signal::SIGKILL, QUICK_STOP)];
        for (signal, patience) in steps {
            // A server that is already gone cannot be signalled, which is as good.
            let _ = kill(Pid::from_raw(pid), signal);
            let deadline = Instant::now() + patience;
            while Instant::now() < deadline {
                if self.is_over(pid) {
                    self.remove_short_socket_folder();
                    return;
                }
                thread::sleep(POLL);
            }
        }
    }

    fn state(&self) -> State {
        let file = PidFile::read(&self.data.cluster());
        let postmaster = file.as_ref().map(|file| is_postmaster(file.pid, &self.data));
        if postmaster == Some(true) && file.as_ref().is_some_and(|file| file.unready) {
            // Every knock at a recovering server leaves a line in its log.
            return State::Busy;
        }
        let own = Address { folder: self.data.socket_folder(&self.user), port: PORT };
        let address = file.and_then(|file| file.address).unwrap_or(own);
        match knock(&address) {
            Answer::Ready => State::Ready(address),
            Answer::Busy => State::Busy,
            Answer::None if self.lives() => State::Silent(if postmaster == Some(false) { ORPHANED } else { SILENT }),
            Answer::None => State::Gone,
        }
    }

    /// True while a process lives that inherited `server.lock`.
    fn lives(&self) -> bool {
        self.data.lock_file("server.lock").is_ok_and(|file| file.try_lock().is_err())
    }

    fn is_over(&self, pid: i32) -> bool {
        // A server that somebody started by hand does not have the lock.
        !self.lives() && !is_postmaster(pid, &self.data)
    }

    /// Starts the server and returns where its logs stood before; None when a last process of
    /// the old server is still leaving.
    fn start(&self) -> Result<Option<LogMark>, Message> {
        let folder = self.data.socket_folder(&self.user);
        make_private(&folder, &self.user)?;
        self.remove_stale_pid_files(&folder);
        let mark = LogMark::take(&self.data);
        let held = self.data.lock_file("server.lock")?;
        if held.try_lock().is_err() {
            return Ok(None);
        }
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.data.cluster());
        for (name, value) in self.settings(&folder) {
            let mut setting = OsString::from(name);
            setting.push("=");
            setting.push(value);
            command.arg("-c").arg(setting);
        }
        command.stdin(Stdio::from(held)).stderr(Stdio::from(self.data.new_start_log()?));
        let child = command.spawn().map_err(|error| unstartable(&command, &error))?;
        reap(child).map_err(|error| self.not_started(&error.to_string()))?;
        Ok(Some(mark))
    }

    fn settings(&self, folder: &Path) -> Vec<(String, OsString)> {
        let fixed = [
            ("listen_addresses", ""),
            ("unix_socket_permissions", "0700"),
            ("timezone", "UTC"),
            ("log_timezone", "UTC"),
            // One file per weekday, emptied when its day comes again: a week of logs at most.
            ("logging_collector", "on"),
            ("log_directory", "log"),
            ("log_filename", "postgresql-%a.log"),
            ("log_truncate_on_rotation", "on"),
            ("log_rotation_age", "1d"),
            ("log_rotation_size", "0"),
        ];
        let mut settings: Vec<(String, OsString)> =
            fixed.map(|(name, value)| (name.to_owned(), OsString::from(value))).into();
        settings.push(("unix_socket_directories".to_owned(), quoted_folder(folder)));
        settings.push(("port".to_owned(), OsString::from(PORT.to_string())));
        settings.push(("cluster_name".to_owned(), OsString::from(cluster_name(&self.data))));
        for (name, value) in &self.tuning {
            settings.push((name.clone(), OsString::from(value)));
        }
        settings
    }

    /// Removes the pid files of a server that is gone where their number belongs to a zombie or
    /// to another program now, which PostgreSQL would take for a running server. It guards
    /// itself against the rest by its shared memory.
    fn remove_stale_pid_files(&self, socket_folder: &Path) {
        let cluster = self.data.cluster();
        let Some(file) = PidFile::read(&cluster) else {
            return;
        };
        if kill(Pid::from_raw(file.pid), None).is_ok() && !is_postmaster(file.pid, &self.data) {
            // What cannot be removed, the failing start will name.
            let _ = fs::remove_file(cluster.join("postmaster.pid"));
            let _ = fs::remove_file(socket_folder.join(format!(".s.PGSQL.{PORT}.lock")));
        }
    }

    /// After a start that ended by itself: Ok when it is worth another try.
    fn judge_failure(&self, mark: &LogMark, begun: Instant) -> Result<(), Message> {
        let said = mark.said_since(&self.data);
        let reason = complaint(&said);
        // Processes of a killed server hold their shared memory until they notice; the lock
        // says that they are gone, but not on every system at the same moment. A server without
        // a last word was killed.
        let patience = match reason {
            Some(reason) if reason.contains("shared memory block") => Duration::from_secs(10),
            Some(_) => Duration::ZERO,
            None => Duration::from_secs(2),
        };
        if begun.elapsed() < patience {
            signal_leftovers(&self.data, Signal::SIGQUIT);
            thread::sleep(POLL * 10);
            return Ok(());
        }
        Err(self.not_started(reason.unwrap_or("postgres ended without a word")))
    }

    fn remove_short_socket_folder(&self) {
        let folder = self.data.socket_folder(&self.user);
        if folder.parent() == Some(Path::new("/tmp")) {
            // Only an empty folder goes; anything in it was put there by somebody.
            let _ = fs::remove_dir(folder);
        }
    }

    fn command(&self, program: &str) -> Command {
        self.user.command(&self.binaries.program(program), &self.path)
    }

    fn not_created(&self, reason: &str) -> Message {
        Message::new("local-create-failed").with("folder", shown(self.data.path())).with("reason", reason)
    }

    fn not_started(&self, reason: &str) -> Message {
        Message::new("local-start-failed")
            .with("folder", shown(self.data.path()))
            .with("reason", reason)
            .with("log", shown(&self.data.start_log()))
    }
}

/// Quotes a folder for `unix_socket_directories`, which is a list.
fn quoted_folder(folder: &Path) -> OsString {
    let mut quoted = vec![b'"'];
    for byte in folder.as_os_str().as_bytes() {
        if *byte == b'"' {
            quoted.push(b'"');
        }
        quoted.push(*byte);
    }
    quoted.push(b'"');
    OsStr::from_bytes(&quoted).to_owned()
}

/// Waits for the server in a thread of its own, so that it never stays behind as a zombie, also
/// when the process that started it no longer uses it.
fn reap(mut child: Child) -> std::io::Result<()> {
    let reaper = thread::Builder::new().name("postgres-reaper".to_owned()).stack_size(64 * 1024);
    reaper.spawn(move || child.wait()).map(drop)
}

fn unstartable(command: &Command, error: &std::io::Error) -> Message {
    Message::new("local-program-failed")
        .with("program", command.get_program().to_string_lossy().into_owned())
        .with("reason", error.to_string())
}

#[cfg(test)]
mod tests {
    use super::quoted_folder;
    use std::path::Path;

    #[test]
    fn a_socket_folder_is_one_entry_of_the_list() {
        assert_eq!(quoted_folder(Path::new("/a b, \"c\"/run")), r#""/a b, ""c""/run""#);
    }
}
