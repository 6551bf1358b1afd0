//! What `hub doctor` finds: each finding with the way to mend what is wrong.

use std::ffi::OsStr;

use diesel::sql_types::{Integer, Text};
use diesel_async::RunQueryDsl;

use crate::db::Db;
use crate::db::local::Inspection;
use crate::db::local::binaries::Binaries;
use crate::db::migrations::{self, SchemaState};
use crate::db::statement::Sql;
use crate::error::Fault;
use crate::text::messages::Message;

/// Below this the hub's own database may soon be unable to write: 1 GB.
const LITTLE_SPACE_BYTES: u64 = 1_000_000_000;

/// The oldest PostgreSQL that the hub's statements run on.
const LEAST_MAJOR: i32 = 14;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether it is as it should be.
    pub is_good: bool,
    /// What was found, and how to mend it.
    pub message: Message,
}

impl Finding {
    /// Something that is as it should be.
    pub fn good(message: Message) -> Self {
        Self { is_good: true, message }
    }

    /// Something that has to be mended.
    pub fn bad(message: Message) -> Self {
        Self { is_good: false, message }
    }
}

/// The programs and the folder of the hub's own database. Starts nothing.
pub fn of_machine(folder: &Inspection, path: &OsStr) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.push(match Binaries::find(path, folder.cluster_major) {
        Ok(found) => Finding::good(
            Message::new("doctor-postgres")
                .with("version", found.version.as_str())
                .with("folder", found.folder.display().to_string()),
        ),
        Err(message) => Finding::bad(message),
    });
    let name = folder.folder.display().to_string();
    findings.push(Finding::good(match (folder.exists, folder.server_pid) {
        (false, _) => Message::new("doctor-folder-new").with("folder", name.as_str()),
        (true, None) => Message::new("doctor-folder").with("folder", name.as_str()),
        (true, Some(pid)) => Message::new("doctor-folder-served").with("folder", name.as_str()).with("pid", pid),
    }));
    if let Some(free) = folder.free_bytes {
        let megabytes = i64::try_from(free / 1_000_000).unwrap_or(i64::MAX);
        let with_numbers = |message: Message| message.with("megabytes", megabytes).with("folder", name.as_str());
        findings.push(if free < LITTLE_SPACE_BYTES {
            Finding::bad(with_numbers(Message::new("doctor-space-low")))
        } else {
            Finding::good(with_numbers(Message::new("doctor-space")))
        });
    }
    findings
}

/// The database itself: version, encoding, extensions, schema.
pub async fn of_database(db: &Db) -> Vec<Finding> {
    let mut findings = Vec::new();
    match server(db).await {
        Ok((version, major, encoding, missing)) => {
            findings.push(if major >= LEAST_MAJOR {
                Finding::good(Message::new("doctor-server").with("version", version))
            } else {
                Finding::bad(Message::new("doctor-server-old").with("version", version).with("least", LEAST_MAJOR))
            });
            findings.push(if encoding == "UTF8" {
                Finding::good(Message::new("doctor-encoding").with("encoding", encoding))
            } else {
                Finding::bad(Message::new("doctor-encoding-wrong").with("encoding", encoding))
            });
            findings.push(if missing.is_empty() {
                Finding::good(Message::new("doctor-extensions"))
            } else {
                Finding::bad(Message::new("doctor-extensions-missing").with("missing", missing))
            });
        }
        Err(fault) => findings.push(Finding::bad(fault.message().clone())),
    }
    findings.push(match migrations::state(db).await {
        Ok(SchemaState::Current) => Finding::good(Message::new("doctor-schema")),
        Ok(SchemaState::Empty) => Finding::good(Message::new("doctor-schema-empty")),
        Ok(SchemaState::Older(missing)) => Finding::bad(Message::new("cli-schema-older").with("count", missing.len())),
        Ok(SchemaState::Newer(unknown)) => {
            let newest = unknown.last().cloned().unwrap_or_default();
            Finding::bad(Message::new("cli-schema-newer").with("version", newest))
        }
        Err(fault) => Finding::bad(fault.message().clone()),
    });
    findings
}

/// Version, major version, encoding, and what is missing of the extensions and collations that the hub needs.
async fn server(db: &Db) -> Result<(String, i32, String, String), Fault> {
    let mut connection = db.connection().await?;
    // SQL: the catalogue alone.
    Sql::new(
        "SELECT current_setting('server_version'), current_setting('server_version_num')::integer / 10000, \
         current_setting('server_encoding'), concat_ws(', ', \
           CASE WHEN NOT EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = 'unaccent') THEN 'unaccent' END, \
           CASE WHEN NOT EXISTS (SELECT 1 FROM pg_collation WHERE collname = 'und-x-icu') THEN 'ICU' END)",
    )
    .returning::<(Text, Integer, Text, Text)>()
    .get_result(&mut connection)
    .await
    .map_err(|error| Fault::database("examining the database", error))
}
