//! The `hub` program as a newcomer meets it: starts, kills, refusals.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::support;

/// How long anything may take before a test gives up on it.
const DEADLINE: Duration = Duration::from_secs(60);

/// A `hub` that serves on a free port; killed when it is dropped.
pub struct Running {
    pub child: Child,
    pub address: SocketAddr,
    said: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn hub(arguments: &[&str]) -> Command {
    let mut command = Command::new(support::program());
    command.args(arguments).env_clear().env("PATH", support::path()).env("LANG", "en_CA.UTF-8").stdin(Stdio::null());
    command
}

/// Starts the command and waits until it says where it serves.
pub fn start(mut command: Command) -> Running {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said = String::new();
    let mut address = None;
    for line in lines.by_ref() {
        let line = line.unwrap();
        said.push_str(&line);
        said.push('\n');
        if let Some(rest) = line.split("http://").nth(1)
            && address.is_none()
        {
            address = rest.split('/').next().unwrap().parse().ok();
        }
        if line.contains("Serving on") || line.contains("Ctrl-C") {
            break;
        }
    }
    let mut errors = child.stderr.take().unwrap();
    let Some(address) = address else {
        let mut error = String::new();
        errors.read_to_string(&mut error).unwrap();
        panic!("the hub did not start: {said}{error}");
    };
    // The pipes must go on being read, or a later line would end the hub.
    std::thread::spawn(move || lines.for_each(drop));
    std::thread::spawn(move || std::io::copy(&mut errors, &mut std::io::sink()));
    Running { child, address, said }
}

pub fn serve(folder: &Path, command: &str) -> Running {
    start(hub(&[command, "--data-dir", folder.to_str().unwrap(), "--listen", "127.0.0.1:0"]))
}

async fn ask(address: SocketAddr, query: &str) -> Option<Value> {
    let request = support::client().post(format!("http://{address}/graphql"));
    let response = request.timeout(DEADLINE).json(&json!({ "query": query })).send().await.ok()?;
    response.json().await.ok()
}

async fn total(address: SocketAddr) -> i64 {
    let answer = ask(address, "{ organizations { totalCount } }").await.unwrap();
    answer["data"]["organizations"]["totalCount"].as_i64().unwrap_or_else(|| panic!("{answer}"))
}

pub fn server_pid(folder: &Path) -> Pid {
    let file = std::fs::read_to_string(folder.join("postgres/postmaster.pid")).unwrap();
    Pid::from_raw(file.lines().next().unwrap().parse().unwrap())
}

pub fn stop(mut running: Running) {
    kill(Pid::from_raw(running.child.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
    assert!(running.child.wait().unwrap().success());
}

/// The command's one sentence, after an exit with code 2.
fn refusal(command: &mut Command) -> String {
    let output: Output = command.output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert_eq!(error.trim_end().lines().count(), 1, "one sentence: {error}");
    assert!(error.starts_with("hub: "), "{error}");
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demo_loads_serves_and_stops_and_the_next_one_answers_within_two_seconds() {
    let folder = support::open_folder("hub-demo-");
    let first = serve(folder.path(), "demo");
    assert!(first.said.contains("0 changed, 0 retired, 0 as they were"), "{}", first.said);
    for line in first.said.lines().filter(|line| line.trim_start().starts_with("curl ")) {
        let output = Command::new("sh").args(["-c", line.trim()]).output().unwrap();
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(answer.get("errors").is_none() && answer["data"].is_object(), "{line}: {answer}");
    }
    assert_eq!(first.said.matches("curl -s").count(), 3);
    let count = total(first.address).await;
    assert!(count >= 10);
    let socket_folder = folder.path().join("run");
    stop(first);
    assert!(!socket_folder.join(".s.PGSQL.5432").exists(), "the database stops with the hub");
    let began = Instant::now();
    let second = serve(folder.path(), "demo");
    assert_eq!(total(second.address).await, count);
    let took = began.elapsed();
    assert!(took < Duration::from_secs(2), "the first answer took {took:?}");
    assert!(second.said.contains(" 0 new, 0 changed"), "{}", second.said);
    stop(second);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_killed_the_next_start_finds_everything() {
    let folder = support::open_folder("hub-kill-");
    let mut running = serve(folder.path(), "demo");
    let count = total(running.address).await;
    for kill_server in [false, true] {
        for kill_hub in [true, false] {
            if !kill_hub && !kill_server {
                continue;
            }
            if kill_server {
                kill(server_pid(folder.path()), Signal::SIGKILL).unwrap();
            }
            if kill_hub {
                drop(running);
                running = serve(folder.path(), "serve");
            }
            // A hub that goes on without its server starts it again; until then it says that it cannot answer.
            let began = Instant::now();
            let mut looks = tokio::time::interval(Duration::from_millis(20));
            loop {
                looks.tick().await;
                let answer = ask(running.address, "{ organizations { totalCount } }").await.unwrap();
                if answer["data"]["organizations"]["totalCount"] == count {
                    break;
                }
                let code = &answer["errors"][0]["extensions"]["code"];
                assert_eq!(code, "SERVICE_UNAVAILABLE", "{answer}");
                assert!(began.elapsed() < DEADLINE, "{answer}");
            }
        }
    }
    stop(running);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_commands_attach_to_the_running_database() {
    let folder = support::open_folder("hub-attach-");
    let data_dir = folder.path().to_str().unwrap().to_owned();
    let running = serve(folder.path(), "serve");
    assert_eq!(total(running.address).await, 0);
    let output = hub(&["seed", "--data-dir", &data_dir]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(total(running.address).await >= 10, "a running hub sees what another command wrote");
    let export = hub(&["export", "--data-dir", &data_dir]).output().unwrap();
    assert!(export.status.success() && export.stdout.split(|byte| *byte == b'\n').count() > 150);
    let doctor = hub(&["doctor", "--data-dir", &data_dir]).output().unwrap();
    let report = String::from_utf8(doctor.stdout).unwrap();
    assert!(doctor.status.success() && report.lines().all(|line| line.starts_with("ok ")), "{report}");
    assert!(report.contains("PostgreSQL") && report.contains("MB free") && report.contains("version"), "{report}");
    stop(running);
    // Without a hub they start the database for their own duration.
    let again = hub(&["export", "--data-dir", &data_dir]).output().unwrap();
    assert_eq!(again.stdout, export.stdout);
    assert!(!folder.path().join("postgres/postmaster.pid").exists());
}

#[test]
fn a_second_hub_on_the_same_folder_and_a_taken_port_are_refused() {
    let folder = support::open_folder("hub-second-");
    let data_dir = folder.path().to_str().unwrap();
    let running = serve(folder.path(), "serve");
    let second = refusal(&mut hub(&["serve", "--data-dir", data_dir, "--listen", "127.0.0.1:0"]));
    assert!(second.contains(data_dir) && second.contains(&running.child.id().to_string()), "{second}");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let other = support::open_folder("hub-port-");
    let refused = refusal(&mut hub(&["serve", "--data-dir", other.path().to_str().unwrap(), "--listen", &address]));
    assert!(refused.contains(&address) && refused.contains("--listen"), "{refused}");
    let french = refusal(
        hub(&["serve", "--data-dir", other.path().to_str().unwrap(), "--listen", &address]).env("LANG", "fr_CA.UTF-8"),
    );
    assert!(french.contains("ne peut écouter"), "{french}");
    stop(running);
}

#[test]
fn settings_and_folders_that_cannot_be_used_are_refused_in_one_sentence() {
    let folder = support::open_folder("hub-refuse-");
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    for arguments in [
        ["--listen", "nowhere"],
        ["--default-language", "not a tag"],
        ["--database-connections", "0"],
        ["--config", "/nowhere/hub.toml"],
        ["--database-url", "postgres://nobody@127.0.0.1:1/none"],
        ["--database-url", "what is this"],
        ["--data-dir", file.to_str().unwrap()],
    ] {
        let data_dir = folder.path().join("data");
        let mut command = hub(&["serve"]);
        command.args(arguments);
        if arguments[0] != "--data-dir" {
            command.args(["--data-dir", data_dir.to_str().unwrap()]);
        }
        if arguments[0] != "--listen" {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        let sentence = refusal(&mut command);
        assert!(
            sentence.ends_with(".\n") || sentence.contains("hub.toml") || sentence.contains("not a tag"),
            "{sentence}"
        );
    }
    let unwritable =
        refusal(hub(&["serve", "--listen", "127.0.0.1:0", "--data-dir", "/proc/nowhere"]).env("LANG", "C"));
    assert!(unwritable.contains("/proc/nowhere"), "{unwritable}");
    // Nothing of PostgreSQL is in this PATH, and the usual folders are not looked at by a hub that finds none there:
    // where they hold one, the hub starts, so only the sentence of a machine without any can be looked at.
    let missing = hub(&["doctor", "--data-dir", folder.path().join("data").to_str().unwrap()])
        .env("PATH", "/nowhere")
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&missing.stdout).contains("PostgreSQL"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_or_newer_database_is_refused_and_migrate_mends_the_older() {
    use diesel_async::SimpleAsyncConnection;
    let address = support::address_of_new_database("sample").await;
    let db = knowledge_hub::db::Db::with_address(&address, 1).unwrap();
    let execute = |sql: &'static str| {
        let db = db.clone();
        async move { db.connection().await.unwrap().batch_execute(sql).await.unwrap() }
    };
    let serve = || hub(&["serve", "--listen", "127.0.0.1:0", "--database-url", &address]);
    execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('99991231000001')").await;
    let newer = refusal(&mut serve());
    assert!(newer.contains("newer") && newer.contains("99991231000001"), "{newer}");
    assert_eq!(refusal(&mut hub(&["migrate", "--database-url", &address])), newer);
    execute("DELETE FROM __diesel_schema_migrations WHERE version = '99991231000001'").await;
    // Taking the last migration back makes the database an older one.
    execute(include_str!("../../migrations/2026-11-21-000007_create_links/down.sql")).await;
    execute("DELETE FROM __diesel_schema_migrations WHERE version = '20261121000007'").await;
    let older = refusal(&mut serve());
    assert!(older.contains("older") && older.contains("hub migrate"), "{older}");
    let migrated = hub(&["migrate", "--database-url", &address]).output().unwrap();
    assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
    let running = start(serve());
    assert!(total(running.address).await >= 10);
    stop(running);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_waits_can_be_stopped() {
    use diesel_async::SimpleAsyncConnection;
    let address = support::address_of_new_database("empty").await;
    let db = knowledge_hub::db::Db::with_address(&address, 1).unwrap();
    let mut conn = db.connection().await.unwrap();
    // Somebody else is migrating: the lock of migrators, by its key ("hub" and "mig" as bytes).
    conn.batch_execute("SELECT pg_advisory_lock(x'687562006d696700'::bigint)").await.unwrap();
    let mut command = hub(&["demo", "--listen", "127.0.0.1:0", "--database-url", &address]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let (began, mut looks) = (Instant::now(), tokio::time::interval(Duration::from_millis(20)));
    loop {
        looks.tick().await;
        let others = knowledge_hub::db::statement::Sql::new(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
             AND query LIKE '%pg_try_advisory_lock%'",
        );
        let waiting: i64 =
            diesel_async::RunQueryDsl::get_result(others.returning::<diesel::sql_types::BigInt>(), &mut conn)
                .await
                .unwrap();
        if waiting > 0 {
            break;
        }
        assert!(began.elapsed() < DEADLINE);
    }
    kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
    let mut said = String::new();
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(said, "", "it never came to serve");
}

#[test]
fn several_migrators_at_once_agree() {
    let folder = support::open_folder("hub-migrators-");
    let data_dir = folder.path().to_str().unwrap();
    let children: Vec<Child> =
        (0..4).map(|_| hub(&["migrate", "--data-dir", data_dir]).stderr(Stdio::piped()).spawn().unwrap()).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn an_ordinary_user_and_a_long_path_work() {
    let folder = support::open_folder("hub-user-");
    let long = folder.path().join("é long, 'quoted' path ".repeat(5)).join("x".repeat(60));
    assert!(long.as_os_str().len() > 150);
    std::fs::create_dir_all(&long).unwrap();
    let data_dir = long.join("data");
    let mut command = hub(&["demo", "--data-dir", data_dir.to_str().unwrap(), "--listen", "127.0.0.1:0"]);
    if nix::unistd::geteuid().is_root() {
        let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap();
        std::os::unix::fs::chown(&long, Some(nobody.uid.as_raw()), Some(nobody.gid.as_raw())).unwrap();
        // The program may lie below a folder that only root may enter. Another process writes the copy: what another
        // test starts meanwhile would inherit our handle, and a file that somebody may write cannot be run.
        let copy = folder.path().join("hub");
        let install = Command::new("install").args(["-m", "755"]).arg(support::program()).arg(&copy).status().unwrap();
        assert!(install.success());
        let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
        command = Command::new(copy);
        command.args(arguments).env_clear().env("PATH", support::path()).env("LANG", "C").stdin(Stdio::null());
        command.uid(nobody.uid.as_raw()).gid(nobody.gid.as_raw()).current_dir("/");
    }
    let running = start(command);
    stop(running);
}

#[test]
fn looking_at_an_empty_folder_makes_nothing_there() {
    let folder = support::open_folder("hub-doctor-");
    let data_dir = folder.path().join("data");
    let output = hub(&["doctor", "--data-dir", data_dir.to_str().unwrap()]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!data_dir.exists());
}

#[test]
fn the_contract_is_printed_without_a_database() {
    let output = hub(&["schema", "--data-dir", "/nowhere"]).output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stdout).unwrap(), knowledge_hub::graph::sdl());
}

#[test]
fn bad_lines_of_a_file_are_listed_with_their_places() {
    let folder = support::open_folder("hub-lines-");
    let file = folder.path().join("lines.jsonl");
    std::fs::write(&file, "{\"kind\":\"topic\"}\n\n{\"kind\":\"castle\"}\n").unwrap();
    let data_dir = folder.path().join("data");
    let output = hub(&["import", file.to_str().unwrap(), "--data-dir", data_dir.to_str().unwrap()]).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(error.contains("line 1,") && error.contains("line 3, kind: "), "{error}");
}
