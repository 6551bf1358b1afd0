//! What the server says in its logs about a start.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::folder::DataFolder;

/// Where the logs stood before a start.
pub(super) struct LogMark {
    file: Option<PathBuf>,
    length: u64,
}

impl LogMark {
    pub(super) fn take(data: &DataFolder) -> Self {
        let file = newest_log(data);
        let length = file.as_ref().and_then(|file| fs::metadata(file).ok()).map_or(0, |found| found.len());
        Self { file, length }
    }

    /// What the server has said since: its own log's words before those of the start, so that
    /// the last line is found by looking from the end.
    pub(super) fn said_since(&self, data: &DataFolder) -> String {
        let mut said = tail(&data.start_log(), 0);
        if let Some(file) = newest_log(data) {
            let from = if self.file.as_ref() == Some(&file) { self.length } else { 0 };
            said.push_str(&tail(&file, from));
        }
        said
    }
}

fn newest_log(data: &DataFolder) -> Option<PathBuf> {
    let entries = fs::read_dir(data.cluster().join("log")).ok()?;
    let mut newest: Option<(SystemTime, PathBuf)> = None;
    for entry in entries.flatten() {
        if let Ok(changed) = entry.metadata().and_then(|found| found.modified())
            && newest.as_ref().is_none_or(|(time, _)| *time < changed)
        {
            newest = Some((changed, entry.path()));
        }
    }
    newest.map(|(_, file)| file)
}

/// The end of a file after `from`, at most 64 KiB of it.
fn tail(file: &Path, from: u64) -> String {
    let mut bytes = Vec::new();
    if let Ok(mut file) = File::open(file) {
        let length = file.metadata().map_or(0, |found| found.len());
        let from = if from > length { 0 } else { from };
        let from = from.max(length.saturating_sub(65_536));
        if file.seek(SeekFrom::Start(from)).is_ok() {
            // What could be read is enough.
            let _ = file.read_to_end(&mut bytes);
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The last line in which PostgreSQL says why it gives up, without its time and pid; else the
/// first line that is no ordinary log line (some failures come before there is a log).
pub(super) fn complaint(said: &str) -> Option<&str> {
    let marks = ["PANIC:", "FATAL:", "ERROR:", "error:"];
    // What it told those who knocked too early is not why it failed.
    let told = said.lines().filter(|line| !line.contains("FATAL:  the database system is "));
    let marked = told.clone().rev().find_map(|line| {
        let (_, reason) = marks.iter().find_map(|mark| line.split_once(mark))?;
        Some(reason.trim())
    });
    let ordinary = ["LOG:", "HINT:", "DETAIL:", "CONTEXT:", "WARNING:"];
    let plain = |line: &&str| !line.trim().is_empty() && !ordinary.iter().any(|mark| line.contains(mark));
    marked.or_else(|| told.clone().find(plain).map(str::trim))
}

#[cfg(test)]
mod tests {
    use super::complaint;

    #[test]
    fn the_last_fatal_line_is_the_reason() {
        let said = "2026-11-21 23:13:40.564 UTC [7] LOG:  starting\n\
            2026-11-21 23:13:40.565 UTC [8] PANIC:  could not locate a valid checkpoint record\n\
            2026-11-21 23:13:40.566 UTC [9] FATAL:  the database system is starting up\n\
            2026-11-21 23:13:40.567 UTC [7] LOG:  aborting startup\n";
        assert_eq!(complaint(said), Some("could not locate a valid checkpoint record"));
    }

    #[test]
    fn a_failure_before_the_log_is_the_reason() {
        let said = "postgres: could not find the database system\nExpected to find it in …\n";
        assert_eq!(complaint(said), Some("postgres: could not find the database system"));
    }

    #[test]
    fn ordinary_lines_are_no_reason() {
        assert_eq!(complaint("… LOG:  redirecting log output\n… HINT:  Future log output …\n\n"), None);
    }
}
