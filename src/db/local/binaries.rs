//! Where the PostgreSQL programs of this machine are.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::user::ServerUser;
use crate::text::messages::Message;

/// The oldest major version that the hub's SQL runs on.
pub const LEAST_MAJOR: u32 = 14;

/// The PostgreSQL programs of one installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binaries {
    /// The folder that holds `initdb` and `postgres`.
    pub folder: PathBuf,
    /// The major version, at least [`LEAST_MAJOR`].
    pub major: u32,
    /// The version as `postgres --version` prints it, for example `15.14`.
    pub version: String,
}

impl Binaries {
    /// Finds the programs: in the folders of `path` (the caller's `PATH`), then where Debian,
    /// Fedora and Homebrew put them, the highest version first. With `wanted` (the major
    /// version that made an existing cluster) only that version counts.
    pub fn find(path: &OsStr, wanted: Option<u32>) -> Result<Self, Message> {
        let user = ServerUser::for_new_cluster()?;
        Self::search(path, wanted, &user).map_err(|found| match wanted {
            Some(version) if !found.is_empty() => {
                Message::new("local-version-wanted").with("version", version.to_string()).with("found", listed(&found))
            }
            Some(_) | None => missing(&found),
        })
    }

    /// As `find`, for attaching to the cluster of `data_dir`, which the refusal names.
    pub(super) fn find_for(
        path: &OsStr,
        wanted: Option<u32>,
        user: &ServerUser,
        data_dir: &Path,
    ) -> Result<Self, Message> {
        Self::search(path, wanted, user).map_err(|found| {
            let Some(version) = wanted else {
                return missing(&found);
            };
            let folder = data_dir.display().to_string();
            let version = version.to_string();
            if found.is_empty() {
                return Message::new("local-version-alone").with("folder", folder).with("version", version);
            }
            Message::new("local-version-other")
                .with("folder", folder)
                .with("version", version)
                .with("found", listed(&found))
        })
    }

    /// The first installation that fits, else the major versions that were found. An
    /// installation that the server's user cannot run does not count.
    fn search(path: &OsStr, wanted: Option<u32>, user: &ServerUser) -> Result<Self, Vec<u32>> {
        let mut found = Vec::new();
        for folder in candidates(path) {
            if !folder.join("initdb").is_file() || !folder.join("postgres").is_file() {
                continue;
            }
            let Some((major, version)) = version_of(&folder, path, user) else {
                continue;
            };
            if major >= LEAST_MAJOR && wanted.is_none_or(|wanted| wanted == major) {
                return Ok(Self { folder, major, version });
            }
            found.push(major);
        }
        found.sort_unstable();
        found.dedup();
        Err(found)
    }

    /// The full path of one of the programs.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// A program that speaks to a server, such as `pg_dump`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientProgram {
    /// Where it is.
    pub program: PathBuf,
    /// Its major version.
    pub major: u32,
}

/// Finds a client program for a server of the major version `wanted`, in the folders where servers are looked for: one of
/// that version, else the newest. Each version says what only it understands, so the same one fits best. None when there is
/// none.
pub fn client(path: &OsStr, name: &str, wanted: u32) -> Option<ClientProgram> {
    let mut best: Option<ClientProgram> = None;
    for folder in candidates(path) {
        let program = folder.join(name);
        // Debian's `/usr/bin` has one script under many names, which chooses a server of its own.
        if fs::canonicalize(&program).ok().and_then(|real| Some(real.file_name()? == name)) != Some(true) {
            continue;
        }
        let Some(major) = client_major(&program, path) else {
            continue;
        };
        let rank = |major: u32| (major == wanted, major);
        if best.as_ref().is_none_or(|best| rank(best.major) < rank(major)) {
            best = Some(ClientProgram { program, major });
        }
    }
    best
}

fn client_major(program: &Path, path: &OsStr) -> Option<u32> {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", path).env("LC_ALL", "C").current_dir("/");
    let output = command.arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    parse_version(&String::from_utf8_lossy(&output.stdout)).map(|(major, _)| major)
}

/// The folders to look into, best first. Relative entries of `PATH` are left out: they would
/// mean another folder for the server, which runs elsewhere.
fn candidates(path: &OsStr) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = path
        .as_bytes()
        .split(|byte| *byte == b':')
        .map(|entry| PathBuf::from(OsStr::from_bytes(entry)))
        .filter(|entry| entry.is_absolute())
        .collect();
    folders.extend(numbered("/usr/lib/postgresql", "", "bin"));
    folders.push(PathBuf::from("/usr/bin"));
    folders.extend(numbered("/usr", "pgsql-", "bin"));
    folders.extend(numbered("/opt/homebrew/opt", "postgresql@", "bin"));
    folders.extend(numbered("/usr/local/opt", "postgresql@", "bin"));
    folders
}

/// `<parent>/<prefix><number>/<below>` for every number there is, the highest first.
fn numbered(parent: &str, prefix: &str, below: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(prefix));
        if let Some(number) = number.and_then(|number| number.parse::<u32>().ok()) {
            found.push((number, entry.path().join(below)));
        }
    }
    found.sort_unstable_by(|one, other| other.cmp(one));
    found.into_iter().map(|(_, folder)| folder).collect()
}

fn version_of(folder: &Path, path: &OsStr, user: &ServerUser) -> Option<(u32, String)> {
    let mut command = user.command(&folder.join("postgres"), path);
    let output = command.arg("--version").stdout(Stdio::piped()).output().ok()?;
    parse_version(&String::from_utf8_lossy(&output.stdout))
}

/// Reads `postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)`, also `17beta1` and `18devel`.
fn parse_version(line: &str) -> Option<(u32, String)> {
    let version = line.split_once("(PostgreSQL) ")?.1.split_whitespace().next()?;
    let digits = version.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(version.len());
    let major = version.get(..digits)?.parse().ok()?;
    Some((major, version.to_owned()))
}

fn missing(found: &[u32]) -> Message {
    let least = LEAST_MAJOR.to_string();
    if found.iter().all(|major| *major >= LEAST_MAJOR) {
        return Message::new("local-postgres-missing").with("least", least);
    }
    Message::new("local-postgres-old").with("least", least).with("found", listed(found))
}

fn listed(majors: &[u32]) -> String {
    let texts: Vec<String> = majors.iter().map(u32::to_string).collect();
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::{candidates, client, missing, parse_version};
    use std::ffi::OsStr;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::PathBuf;

    #[test]
    fn version_lines_of_all_builds_are_read() {
        for (line, major, version) in [
            ("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n", 15, "15.14"),
            ("postgres (PostgreSQL) 17beta1\n", 17, "17beta1"),
            ("postgres (PostgreSQL) 18devel", 18, "18devel"),
            ("postgres (PostgreSQL) 9.6.24", 9, "9.6.24"),
        ] {
            assert_eq!(parse_version(line), Some((major, version.to_owned())), "{line}");
        }
        for line in ["", "postgres", "postgres (PostgreSQL) ", "postgres (PostgreSQL) devel"] {
            assert_eq!(parse_version(line), None, "{line}");
        }
    }

    #[test]
    fn relative_entries_of_path_are_left_out() {
        let folders = candidates(OsStr::new(":bin:/opt/a b/bin:.:/sbin"));
        assert_eq!(folders[..2], [PathBuf::from("/opt/a b/bin"), PathBuf::from("/sbin")]);
    }

    #[test]
    fn the_client_of_the_servers_version_is_found_else_the_newest_and_never_a_script_that_chooses() {
        let folder = tempfile::tempdir().unwrap();
        let mut path = Vec::new();
        for (place, version) in [("a", "13.2"), ("b", "98.1"), ("c", "97.4"), ("d", "not a version")] {
            let bin = folder.path().join(place);
            fs::create_dir(&bin).unwrap();
            let program = bin.join("pg_example");
            fs::write(&program, format!("#!/bin/sh\necho 'pg_example (PostgreSQL) {version}'\n")).unwrap();
            fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
            path.push(bin);
        }
        let chooser = folder.path().join("chooser");
        fs::write(&chooser, "#!/bin/sh\necho 'pg_example (PostgreSQL) 99.1'\n").unwrap();
        fs::set_permissions(&chooser, Permissions::from_mode(0o755)).unwrap();
        let scripts = folder.path().join("scripts");
        fs::create_dir(&scripts).unwrap();
        symlink(&chooser, scripts.join("pg_example")).unwrap();
        path.insert(0, scripts);
        let path = std::env::join_paths(path).unwrap();
        let major = |wanted: u32| client(&path, "pg_example", wanted).unwrap().major;
        assert_eq!((major(13), major(97), major(98), major(42)), (13, 97, 98, 98));
        assert_eq!(client(&path, "pg_nothing", 15), None);
    }

    #[test]
    fn too_old_is_told_apart_from_none() {
        assert_eq!(missing(&[]).id(), "local-postgres-missing");
        assert_eq!(missing(&[12, 13]).id(), "local-postgres-old");
    }
}
