//! Kept safe: what is saved comes back whole, anywhere that is empty, as another log; what is broken leaves nothing.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use diesel::sql_types::BigInt;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use knowledge_hub::db::Db;
use knowledge_hub::db::statement::Sql;
use knowledge_hub::policy::{NodeKind, Right};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::callers::{self, Caller};
use crate::processes::{hub, serve, stop};
use crate::support::{self, TestHub};

/// What a command writes, after an exit with code 0.
fn done(command: &mut Command) -> Vec<u8> {
    let output: Output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The command's one sentence, after an exit with code 2.
fn refused(command: &mut Command) -> String {
    let output: Output = command.output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert_eq!(error.trim_end().lines().count(), 1, "one sentence: {error}");
    assert_eq!(output.stdout, b"", "nothing was done");
    error
}

/// The command on a database of a server.
fn at(address: &str, arguments: &[&str]) -> Command {
    let mut command = hub(arguments);
    command.args(["--database-url", address]);
    command
}

/// The command on a data folder.
fn within(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = hub(arguments);
    command.args(["--data-dir", folder.to_str().unwrap()]);
    command
}

async fn execute(db: &Db, sql: &str) {
    db.connection().await.unwrap().batch_execute(sql).await.unwrap();
}

/// The address of a database without a table, which belongs to somebody who may do nothing else on the server.
async fn bare_database(like: &Db, name: &str, encoding: &str) -> String {
    execute(like, &format!("CREATE ROLE {name} LOGIN")).await;
    let sql = format!("CREATE DATABASE {name} OWNER {name} TEMPLATE template0 ENCODING '{encoding}'");
    execute(like, &sql).await;
    let address = support::address_of(like).await;
    let server = address.split(" user=").next().unwrap();
    format!("{server} user={name} dbname={name}")
}

async fn tables(address: &str) -> i64 {
    let db = Db::with_address(address, 1).unwrap();
    let count = Sql::new("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace");
    count.returning::<BigInt>().get_result(&mut db.connection().await.unwrap()).await.unwrap()
}

/// The change log without its cursors, and the last cursor.
fn log(command: &mut Command) -> (Vec<Value>, String) {
    let lines = String::from_utf8(done(command)).unwrap();
    let mut entries: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last = entries.last().unwrap()["cursor"].as_str().unwrap().to_owned();
    for entry in &mut entries {
        entry.as_object_mut().unwrap().remove("cursor");
    }
    (entries, last)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_saved_while_the_hub_runs_comes_back_whole_and_as_another_log() {
    let original = TestHub::with_sample_data().await;
    let here = Some((NodeKind::Community, "resot"));
    let coordinator = Caller::new(&original, "coordinator", None, &[(Right::Coordinator, here)]).await;
    let id = original.data("{ community(slug: \"resot\") { id } }").await["community"]["id"].clone();
    let fields = json!({"purpose": [{"language": "en", "text": "To be kept safe"}]});
    coordinator.done(&original, "communityEdit", json!({"community": id, "fields": fields}), "community { id }").await;
    let address = support::address_of(&original.db).await;
    let export = done(&mut at(&address, &["export"]));
    let (entries, cursor) = log(&mut at(&address, &["changes"]));
    assert_eq!(entries.last().unwrap()["action"], "UPDATED");

    let folder = support::open_folder("hub-backup-");
    let file = folder.path().join("one.backup");
    let name = file.to_str().unwrap();
    let said = done(&mut at(&address, &["backup", name]));
    assert!(String::from_utf8(said).unwrap().contains("personal data"));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    // What is there is not overwritten unawares, and a running hub's database is not empty.
    let bytes = fs::read(&file).unwrap();
    assert!(refused(&mut at(&address, &["backup", name])).contains("--force"));
    assert_eq!(fs::read(&file).unwrap(), bytes);
    done(&mut at(&address, &["backup", name, "--force"]));
    assert!(refused(&mut at(&address, &["restore", name])).contains("not empty"));
    assert_eq!(done(&mut at(&address, &["export"])), export);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left beside it");

    // Another database of a server, by standard input, as somebody without rights on the server.
    let other = bare_database(&original.db, "restored_elsewhere", "UTF8").await;
    let said = done(at(&other, &["restore", "-"]).stdin(File::open(&file).unwrap()));
    assert!(String::from_utf8(said).unwrap().contains("new epoch"));
    assert_eq!(done(&mut at(&other, &["export"])), export);
    let (again, new) = log(&mut at(&other, &["changes"]));
    assert_eq!(again, entries);
    assert_ne!(new, cursor);
    assert!(done(&mut at(&other, &["changes", "--after", &new])).is_empty());
    refused(&mut at(&other, &["changes", "--after", &cursor]));
    let restored = TestHub::over(Db::with_address(&other, 4).unwrap()).await;
    let after = format!("{{ changes(after: \"{cursor}\") {{ edges {{ cursor }} }} }}");
    assert_eq!(restored.error(&after).await.0, "CURSOR_EXPIRED");
    // Whoever had a token has it still, and the log goes on.
    let fields = json!({"purpose": [{"language": "en", "text": "To go on"}]});
    coordinator.done(&restored, "communityEdit", json!({"community": id, "fields": fields}), "community { id }").await;
    assert_eq!(log(&mut at(&other, &["changes", "--after", &new])).0.len(), 1);
}

#[test]
fn the_hubs_own_database_is_saved_while_it_runs_and_comes_back_in_a_new_folder() {
    let folder = support::open_folder("hub-safe-");
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    let file = folder.path().join("hub.backup");
    let name = file.to_str().unwrap();
    assert!(refused(&mut within(&first, &["backup", name])).contains("no database in the folder"));
    assert!(!first.exists() && !file.exists(), "looking for a hub makes none");
    done(&mut within(&first, &["seed"]));
    let running = serve(&first, "serve");
    done(&mut within(&first, &["backup", name]));
    let export = done(&mut within(&first, &["export"]));
    assert!(refused(&mut within(&first, &["restore", name])).contains("not empty"));
    // A program, too, may take it.
    let mut piped = within(&first, &["backup", "-"]);
    piped.stdout(File::create(folder.path().join("piped.backup")).unwrap());
    assert!(piped.status().unwrap().success());
    stop(running);
    for (file, folder) in [("hub.backup", &second), ("piped.backup", &folder.path().join("third"))] {
        let file = second.parent().unwrap().join(file);
        done(&mut within(folder, &["restore", file.to_str().unwrap()]));
        assert_eq!(done(&mut within(folder, &["export"])), export);
        assert!(!folder.join("postgres/postmaster.pid").exists(), "its server is stopped");
    }
    let running = serve(&second, "serve");
    stop(running);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_broken_foreign_or_newer_leaves_the_database_empty() {
    let db = support::database("sample", 2).await;
    let address = support::address_of(&db).await;
    let folder = support::open_folder("hub-broken-");
    let good = folder.path().join("good");
    let path_of = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    done(&mut at(&address, &["backup", good.to_str().unwrap()]));
    let bytes = fs::read(&good).unwrap();
    let empty = bare_database(&db, "restored_at_last", "UTF8").await;
    let mut broken = vec![b"nothing of the kind".to_vec(), Vec::new()];
    for length in [10, 2_000, bytes.len() / 2, bytes.len() - 1_000, bytes.len() - 1] {
        broken.push(bytes[..length].to_vec());
    }
    let mut turned = bytes.clone();
    turned[bytes.len() / 2] ^= 0x55;
    broken.push(turned);
    for (number, bytes) in broken.iter().enumerate() {
        fs::write(path_of("broken"), bytes).unwrap();
        let sentence = refused(&mut at(&empty, &["restore", &path_of("broken")]));
        assert!(sentence.contains("damaged") || sentence.contains("Nothing was restored"), "{number}: {sentence}");
        assert_eq!(tables(&empty).await, 0, "{number}: {sentence}");
    }
    assert!(refused(&mut at(&empty, &["restore", &path_of("missing")])).contains("missing"));

    // A backup of something else, and one of a hub that is ahead.
    let foreign = bare_database(&db, "something_else", "UTF8").await;
    execute(&Db::with_address(&foreign, 1).unwrap(), "CREATE TABLE nodes (id integer)").await;
    assert!(refused(&mut at(&foreign, &["backup", &path_of("none")])).contains("nothing to save"));
    assert!(refused(&mut at(&foreign, &["restore", good.to_str().unwrap()])).contains("not empty"));
    let dump = Command::new(pg_dump()).args(["-Fc", "-f", &path_of("foreign"), "-d", &foreign]).status().unwrap();
    assert!(dump.success());
    assert!(refused(&mut at(&empty, &["restore", &path_of("foreign")])).contains("something else"));
    execute(&db, "INSERT INTO __diesel_schema_migrations (version) VALUES ('99991231000001')").await;
    done(&mut at(&address, &["backup", &path_of("newer")]));
    let newer = refused(&mut at(&empty, &["restore", &path_of("newer")]));
    assert!(newer.contains("newer") && newer.contains("99991231000001"), "{newer}");
    assert_eq!(tables(&empty).await, 0);
    let ascii = bare_database(&db, "restored_in_ascii", "SQL_ASCII").await;
    assert!(refused(&mut at(&ascii, &["restore", good.to_str().unwrap()])).contains("UTF8"));

    // The same database takes what is whole.
    done(&mut at(&empty, &["restore", good.to_str().unwrap()]));
    assert_eq!(done(&mut at(&empty, &["export"])), done(&mut at(&address_of_same(&db).await, &["export"])));
}

/// The database that was made to look newer, as it was.
async fn address_of_same(db: &Db) -> String {
    execute(db, "DELETE FROM __diesel_schema_migrations WHERE version = '99991231000001'").await;
    support::address_of(db).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_an_older_version_comes_back_and_is_migrated_then() {
    let db = support::database("sample", 1).await;
    let address = support::address_of(&db).await;
    execute(&db, include_str!("../../migrations/2026-11-21-000007_create_links/down.sql")).await;
    execute(&db, "DELETE FROM __diesel_schema_migrations WHERE version = '20261121000007'").await;
    let folder = support::open_folder("hub-older-");
    let file = folder.path().join("older").to_str().unwrap().to_owned();
    done(&mut at(&address, &["backup", &file]));
    let empty = bare_database(&db, "restored_older", "UTF8").await;
    let said = String::from_utf8(done(&mut at(&empty, &["restore", &file]))).unwrap();
    assert!(said.contains("older") && said.contains("hub migrate"), "{said}");
    assert!(refused(&mut at(&empty, &["export"])).contains("hub migrate"));
    done(&mut at(&empty, &["migrate"]));
    assert!(refused(&mut at(&empty, &["restore", &file])).contains("not empty"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_on_no_command_line_and_an_epoch_in_no_backup() {
    let db = support::database("sample", 1).await;
    let folder = support::open_folder("hub-secret-");
    let notes = folder.path().join("notes");
    for name in ["pg_dump", "pg_restore"] {
        let script = format!(
            "#!/bin/sh\n[ \"$1\" = --version ] || {{ echo \"$@\" >>'{0}.arguments'; env >>'{0}.environment'; }}\nexec '{1}' \"$@\"\n",
            notes.display(),
            pg_dump().replace("pg_dump", name)
        );
        stand_in(folder.path(), name, &script);
    }
    let path = path_with(folder.path());
    let file = folder.path().join("file").to_str().unwrap().to_owned();
    let address = format!("{} password='what nobody sees'", support::address_of(&db).await);
    done(at(&address, &["backup", &file]).env("PATH", &path));
    let empty = bare_database(&db, "restored_in_secret", "UTF8").await;
    done(at(&format!("{empty} password='what nobody sees'"), &["restore", &file]).env("PATH", &path));
    let read = |end: &str| fs::read_to_string(format!("{}.{end}", notes.display())).unwrap();
    assert!(read("arguments").contains("--format=custom") && read("arguments").contains("--single-transaction"));
    assert!(!read("arguments").contains("nobody") && read("environment").contains("PGPASSWORD=what nobody sees"));
    let listed = Command::new(pg_dump().replace("pg_dump", "pg_restore")).args(["--list", &file]).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains("TABLE DATA public changes") && !listed.contains("TABLE DATA public log_epoch"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_that_was_made_by_hand_with_the_epoch_in_it_begins_a_new_one_too() {
    let db = support::database("sample", 1).await;
    let address = support::address_of(&db).await;
    let (entries, cursor) = log(&mut at(&address, &["changes"]));
    let folder = support::open_folder("hub-by-hand-");
    let file = folder.path().join("file").to_str().unwrap().to_owned();
    let dump =
        Command::new(pg_dump()).args(["-Fc", "-f", &file, "-d", &address]).stdin(Stdio::null()).status().unwrap();
    assert!(dump.success());
    let empty = bare_database(&db, "restored_by_hand", "UTF8").await;
    done(&mut at(&empty, &["restore", &file]));
    assert_eq!(log(&mut at(&empty, &["changes"])).0, entries);
    refused(&mut at(&empty, &["changes", "--after", &cursor]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_told_to_stop_leaves_nothing() {
    let db = support::database("sample", 1).await;
    let folder = support::open_folder("hub-stopped-");
    let begun = folder.path().join("begun");
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = --version ] && exec '{1}' --version\necho half\necho $$ >'{0}.new'\nmv '{0}.new' '{0}'\nexec tail -f /dev/null\n",
        begun.display(),
        pg_dump()
    );
    stand_in(folder.path(), "pg_dump", &script);
    let backups = folder.path().join("backups");
    fs::create_dir(&backups).unwrap();
    let mut command = at(&support::address_of(&db).await, &["backup", backups.join("file").to_str().unwrap()]);
    let child =
        command.env("PATH", path_with(folder.path())).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until(|| begun.exists()).await;
    let program: i32 = fs::read_to_string(&begun).unwrap().trim().parse().unwrap();
    kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("nothing of it is left"));
    assert_eq!(fs::read_dir(&backups).unwrap().count(), 0);
    // One that has ended and that nobody asked after yet has no command line any more.
    until(|| !fs::read(format!("/proc/{program}/cmdline")).is_ok_and(|line| !line.is_empty())).await;
}

/// Asks until something holds.
async fn until(holds: impl Fn() -> bool) {
    callers::until(async || {
        tokio::task::yield_now().await;
        holds()
    })
    .await;
}

/// Puts a script where a program would be found.
fn stand_in(folder: &Path, name: &str, script: &str) {
    let bin = folder.join("bin");
    fs::create_dir_all(&bin).unwrap();
    fs::write(bin.join(name), script).unwrap();
    fs::set_permissions(bin.join(name), Permissions::from_mode(0o755)).unwrap();
}

/// Where programs are looked for, those that stand in first.
fn path_with(folder: &Path) -> String {
    format!("{}:{}", folder.join("bin").display(), support::path().to_str().unwrap())
}

/// The program itself, not the script that stands before it on Debian.
fn pg_dump() -> String {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let path = support::path();
    let folders = std::env::split_paths(&path).chain(versions.map(|version| version.path().join("bin")));
    let programs: Vec<String> = folders
        .map(|folder| folder.join("pg_dump"))
        .filter(|program| program.exists())
        .map(|program| program.to_str().unwrap().to_owned())
        .collect();
    programs.last().expect("pg_dump is there with PostgreSQL").clone()
}
