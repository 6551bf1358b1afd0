//! What the hub tells of itself: its log, its numbers, its health, its traces.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::State;
use diesel::sql_types::Bool;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use futures_util::FutureExt;
use knowledge_hub::db::statement::Sql;
use knowledge_hub::db::{Db, write};
use knowledge_hub::policy::Viewer;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::processes::hub;
use crate::socket::{Heard, Socket};
use crate::support::{self, TestHub};

/// How long anything may take before a test gives up on it.
const DEADLINE: Duration = Duration::from_secs(60);

/// A text that is in no catalogue and no row.
const SECRET: &str = "zqxjvenerable";

/// Whether somebody has been waiting for a lock for a tenth of a second.
const WAITS: &str = "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() \
                     AND wait_event_type = 'Lock' AND clock_timestamp() - query_start > interval '100 ms')";

/// What a collector was sent: paths and bodies.
type Received = Arc<Mutex<Vec<(String, Bytes)>>>;

/// A `hub` that serves and whose log is read; killed when it is dropped.
struct Logged {
    child: Child,
    address: SocketAddr,
    log: Arc<Mutex<Vec<String>>>,
}

impl Drop for Logged {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Logged {
    /// Over a database, with these flags and its log as lines of JSON.
    fn over(address: &str, flags: &[&str]) -> Self {
        let mut command = hub(&["serve", "--listen", "127.0.0.1:0", "--database-url", address, "--log", "json"]);
        let mut child = command.args(flags).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (errors, kept) = (child.stderr.take().unwrap(), log.clone());
        std::thread::spawn(move || {
            for line in BufReader::new(errors).lines() {
                kept.lock().unwrap().push(line.unwrap());
            }
        });
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let serving = lines.by_ref().map(Result::unwrap).find(|line| line.contains("http://"));
        let serving = serving.unwrap_or_else(|| panic!("the hub did not start: {:?}", log.lock().unwrap()));
        let address = serving.split("http://").nth(1).unwrap().split('/').next().unwrap().parse().unwrap();
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address, log }
    }

    fn lines(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// The first line with this message of this request, as soon as it is there.
    async fn line(&self, message: &str, request: &str) -> Value {
        let found = || {
            let lines = self.lines();
            let values =
                lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap_or_else(|_| panic!("{line}")));
            values.into_iter().find(|line| line["message"] == message && line["request"] == request)
        };
        let (began, mut looks) = (Instant::now(), tokio::time::interval(Duration::from_millis(10)));
        loop {
            looks.tick().await;
            if let Some(line) = found() {
                return line;
            }
            assert!(began.elapsed() < DEADLINE, "no {message} of {request}: {:#?}", self.lines());
        }
    }

    fn request(&self, id: &str) -> reqwest::RequestBuilder {
        let request = support::client().post(format!("http://{}/graphql", self.address));
        request.header("x-request-id", id).timeout(DEADLINE)
    }

    async fn ask(&self, id: &str, body: Value) -> Value {
        self.request(id).json(&body).send().await.unwrap().json().await.unwrap()
    }

    /// Ends it in order; the answer is all that it wrote.
    fn stop(mut self) -> Vec<String> {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
        assert!(self.child.wait().unwrap().success());
        self.lines()
    }
}

async fn holds(db: &Db, sql: &'static str) -> bool {
    let mut conn = db.connection().await.unwrap();
    Sql::new(sql).returning::<Bool>().get_result(&mut conn).await.unwrap()
}

async fn until(mut holds: impl AsyncFnMut() -> bool) {
    let (began, mut looks) = (Instant::now(), tokio::time::interval(Duration::from_millis(10)));
    loop {
        looks.tick().await;
        if holds().await {
            return;
        }
        assert!(began.elapsed() < DEADLINE);
    }
}

fn search() -> Value {
    let query = "query SearchForIt($text: String!) { search(text: $text, first: 3) { totalCount nodes { __typename } } \
                 communities(first: 2) { nodes { displayName roles(first: 2) { nodes { kind } } } } }";
    json!({ "query": query, "variables": { "text": SECRET } })
}

#[tokio::test(flavor = "multi_thread")]
async fn each_operation_has_one_line_with_what_it_took_and_nothing_of_what_was_asked() {
    let address = support::address_of_new_database("sample").await;
    let logged = Logged::over(&address, &[]);
    let answer = logged.ask("first", search()).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    let line = logged.line("operation", "first").await;
    let expected =
        [("name", "SearchForIt"), ("kind", "query"), ("transport", "http"), ("outcome", "ok"), ("kept", "miss")];
    for (field, value) in expected {
        assert_eq!(line[field], value, "{field}: {line}");
    }
    assert_eq!((&line["level"], &line["target"]), (&json!("INFO"), &json!("hub::operation")));
    let number = |field: &str| line[field].as_f64().unwrap_or_else(|| panic!("{field}: {line}"));
    assert!(
        number("cost") > 5.0 && number("statements") >= 4.0 && number("rows") >= 4.0 && number("ms") > 0.0,
        "{line}"
    );
    logged.ask("second", search()).await;
    let again = logged.line("operation", "second").await;
    assert_eq!(
        (&again["kept"], &again["statements"], &again["name"]),
        (&json!("hit"), &json!(0), &json!("SearchForIt"))
    );
    logged.ask("third", json!({ "query": "{ nothingOfThisName }" })).await;
    let refused = logged.line("operation", "third").await;
    assert_eq!((&refused["outcome"], &refused["code"]), (&json!("refused"), &json!("GRAPHQL_VALIDATION_FAILED")));
    logged.ask("fourth", json!({ "query": "{", "operationName": format!("{}\nforged", "x".repeat(200)) })).await;
    let unread = logged.line("operation", "fourth").await;
    assert_eq!((&unread["kind"], &unread["code"]), (&json!("unknown"), &json!("GRAPHQL_PARSE_FAILED")));
    assert_eq!(unread["name"], "x".repeat(100));
    let token = "hub_token_that_nobody_has_0123456789";
    let unknown = logged.request("fifth").bearer_auth(token).json(&search()).send().await.unwrap();
    assert_eq!(unknown.status(), 401);
    assert_eq!(logged.line("operation", "fifth").await["code"], "UNAUTHENTICATED");
    let lines = logged.stop();
    let count = lines.iter().filter(|line| line.contains("hub::operation")).count();
    assert_eq!(count, 5, "one line for each: {lines:#?}");
    for hidden in [SECRET, token, "totalCount", "127.0.0.1", "user="] {
        assert!(!lines.iter().any(|line| line.contains(hidden)), "{hidden}: {lines:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_of_all_transports_are_told() {
    let address = support::address_of_new_database("sample").await;
    let logged = Logged::over(&address, &[]);
    let headers = [("sec-websocket-protocol", "graphql-transport-ws"), ("x-request-id", "socket")];
    let mut socket = Socket::try_open(logged.address, &headers).await.unwrap();
    socket.say(&json!({ "type": "connection_init" })).await;
    let query = json!({ "query": "query OverSocket { communities { totalCount } }" });
    socket.say(&json!({ "id": "1", "type": "subscribe", "payload": query })).await;
    let line = logged.line("operation", "socket").await;
    assert_eq!((&line["transport"], &line["name"]), (&json!("websocket"), &json!("OverSocket")));
    let following = json!({ "query": "subscription Following { changes { cursor } }" });
    let stream = logged.request("stream").header("accept", "text/event-stream").json(&following).send().await.unwrap();
    assert_eq!(stream.status(), 200);
    let numbers = async || support::client().get(format!("http://{}/metrics", logged.address)).send().await.unwrap();
    let text = numbers().await.text().await.unwrap();
    for transport in ["sse", "websocket"] {
        assert!(text.contains(&format!("hub_open_streams{{transport=\"{transport}\"}} 1")), "{text}");
    }
    drop(stream);
    let line = logged.line("operation", "stream").await;
    assert_eq!((&line["transport"], &line["kind"]), (&json!("sse"), &json!("subscription")));
    assert!(line["outcome"] == "ok" && line["open_ms"].as_f64() > line["ms"].as_f64(), "{line}");
    drop(socket);
    until(async || numbers().await.text().await.unwrap().contains("hub_open_streams{transport=\"websocket\"} 0")).await;
    logged.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_line_is_lost_to_what_else_its_thread_did() {
    let db = support::database("sample", 2).await;
    let logged = Logged::over(&support::address_of(&db).await, &[]);
    let mut lock = db.connection().await.unwrap();
    lock.batch_execute("BEGIN; LOCK TABLE search_documents IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let ids: Vec<String> = (0..4).map(|number| format!("waits-{number}")).collect();
    let asking = ids.iter().map(|id| logged.ask(id, json!({ "query": "{ search(text: \"a\") { totalCount } }" })));
    let asking = futures_util::future::join_all(asking);
    let meanwhile = async {
        until(async || holds(&db, WAITS).await).await;
        let mut sockets = Vec::new();
        for _ in 0..20 {
            sockets.push(Socket::open(logged.address).await);
        }
        lock.batch_execute("ROLLBACK").await.unwrap();
        sockets
    };
    let (_, sockets) = futures_util::future::join(asking, meanwhile).await;
    for id in &ids {
        logged.line("operation", id).await;
    }
    drop(sockets);
    logged.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_operation_is_told_with_what_it_read_and_no_value() {
    let db = support::database("sample", 2).await;
    let logged = Logged::over(&support::address_of(&db).await, &["--slow-ms", "80"]);
    let mut lock = db.connection().await.unwrap();
    lock.batch_execute("BEGIN; LOCK TABLE search_documents IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let asking = tokio::spawn(logged.request("slow").json(&search()).send());
    until(async || holds(&db, WAITS).await).await;
    lock.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(asking.await.unwrap().unwrap().status(), 200);
    let line = logged.line("slow operation", "slow").await;
    let text = |field: &str| line[field].as_str().unwrap_or_else(|| panic!("{field}: {line}")).to_owned();
    assert_eq!(line["level"], "WARN");
    assert!(
        text("read").contains("Pages<Communities> 1 keys ") && text("read").contains("HitCounts 1 keys 1 rows"),
        "{line}"
    );
    assert!(text("sql").contains(" ms ") && text("sql").contains("search_documents d"), "{line}");
    assert!(!logged.stop().iter().any(|line| line.contains(SECRET)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_is_logged_with_the_reference_that_the_client_saw() {
    let db = support::database("sample", 1).await;
    let logged = Logged::over(&support::address_of(&db).await, &[]);
    db.connection().await.unwrap().batch_execute("ALTER TABLE topics RENAME TO elsewhere").await.unwrap();
    let answer = logged.ask("broken", json!({ "query": "{ topics { totalCount } }" })).await;
    let error = &answer["errors"][0];
    assert_eq!(error["extensions"]["code"], "INTERNAL_SERVER_ERROR", "{answer}");
    let fault = logged.line("fault", "broken").await;
    let reference = fault["reference"].as_str().unwrap();
    assert!(error["message"].as_str().unwrap().contains(reference), "{error} {fault}");
    logged.stop();
}

#[test]
fn a_panic_is_logged_with_its_place_and_without_what_it_says() {
    let folder = support::open_folder("hub-panic-");
    let (reader, writer) = std::io::pipe().unwrap();
    // Nobody reads what is printed, at which the library of the language panics.
    drop(reader);
    let mut command: Command =
        hub(&["doctor", "--log", "json", "--data-dir", folder.path().join("data").to_str().unwrap()]);
    let output = command.stdout(writer).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let line: Value = serde_json::from_str(said.trim()).unwrap_or_else(|_| panic!("{said}"));
    assert_eq!((&line["message"], &line["level"]), (&json!("a panic"), &json!("ERROR")));
    assert!(line["place"].as_str().unwrap().contains("stdio.rs") && !said.contains("Broken pipe"), "{said}");
}

#[tokio::test]
async fn an_answer_has_the_id_of_its_request() {
    let hub = TestHub::with_sample_data().await;
    let id = async |path: &str, given: Option<&str>| {
        let mut request = hub.client.get(hub.url(path));
        if let Some(given) = given {
            request = request.header("x-request-id", given);
        }
        let response = request.send().await.unwrap();
        response.headers()["x-request-id"].to_str().unwrap().to_owned()
    };
    for path in ["/livez", "/", "/nowhere", "/graphql"] {
        assert_eq!(id(path, Some("my-id:1.2_3")).await, "my-id:1.2_3", "{path}");
    }
    let first = id("/livez", None).await;
    let second = id("/livez", None).await;
    assert_ne!(first, second);
    for bad in ["with blank", "semi;colon", "é", &"a".repeat(65)] {
        let made = id("/livez", Some(bad)).await;
        assert!(made != bad && made.len() <= 64, "{made}");
    }
}

#[tokio::test]
async fn numbers_are_told_by_known_names_alone() {
    let hub = TestHub::with_sample_data().await;
    for number in 0..30 {
        hub.data(&format!("query Made{number} {{ communities {{ totalCount }} }}")).await;
    }
    hub.data_anew("query Resot { community(slug: \"resot\") { displayName roles { nodes { kind } } } }").await;
    hub.ask("query Resot { nothing }").await;
    hub.data("query Overview { topics { totalCount } }").await;
    hub.data("query Overview { topics { totalCount } }").await;
    let response = hub.client.get(hub.url("/metrics")).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let text = response.text().await.unwrap();
    for line in [
        r#"hub_operations_total{name="other",kind="query",outcome="ok"} 30"#,
        r#"hub_operations_total{name="Resot",kind="query",outcome="ok"} 1"#,
        r#"hub_operations_total{name="Resot",kind="query",outcome="refused"} 1"#,
        r#"hub_operations_total{name="Overview",kind="query",outcome="ok"} 2"#,
        r#"hub_operation_duration_seconds_count{name="other",kind="query"} 30"#,
        r#"hub_refused_total{code="GRAPHQL_VALIDATION_FAILED"} 1"#,
        r#"hub_kept_answers_total{result="hit"} 1"#,
        r#"hub_database_connections_max 4"#,
        r#"hub_open_streams{transport="sse"} 0"#,
        r#"hub_change_log_lag 0"#,
        r#"hub_stopping 0"#,
    ] {
        assert!(text.lines().any(|told| told == line), "{line}: {text}");
    }
    assert!(!text.contains("Made"), "{text}");
    let value = |name: &str| -> f64 {
        let line = text.lines().find(|line| line.split(' ').next() == Some(name));
        line.unwrap_or_else(|| panic!("{name}: {text}")).split(' ').nth(1).unwrap().parse().unwrap()
    };
    assert!(value(r#"hub_operation_statements_total{name="Resot",kind="query"}"#) >= 2.0);
    assert!(value(r#"hub_operation_rows_total{name="Resot",kind="query"}"#) >= 2.0);
    assert!(value(r#"hub_operation_cost_total{name="Resot",kind="query"}"#) >= 4.0);
    assert!(value("hub_database_statements_total") > 10.0 && value("hub_change_log_position") > 0.0);
    if cfg!(target_os = "linux") {
        assert!(value("process_resident_memory_bytes") > 1e6);
    }
    let names =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).map(|line| line.split(' ').next().unwrap());
    for name in names {
        assert!(text.contains(&format!("# HELP {name} ")), "nothing says what {name} is");
    }
}

#[tokio::test]
async fn numbers_are_for_those_who_may_read_them() {
    let hub = TestHub::with_sample_data().await;
    let asked = hub.client.get(hub.url("/metrics")).header("x-forwarded-for", "127.0.0.1").send().await.unwrap();
    assert_eq!(asked.status(), 404, "through a proxy that nobody named");
    let flags = ["--metrics-from", "10.9.0.0/16", "--proxies", "127.0.0.0/8"];
    let hub = TestHub::with_flags(hub.db.clone(), &flags).await;
    let status = async |forwarded: Option<&str>| {
        let request = hub.client.get(hub.url("/metrics"));
        let request = forwarded.map_or(request.try_clone().unwrap(), |from| request.header("x-forwarded-for", from));
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(status(None).await, 404);
    assert_eq!(status(Some("10.9.1.1")).await, 200);
    assert_eq!(status(Some("10.9.1.1, 203.0.113.5")).await, 404);
}

async fn readiness(hub: &TestHub) -> (u16, Value) {
    let response = hub.client.get(hub.url("/readyz")).send().await.unwrap();
    assert_eq!(response.headers()["cache-control"], "no-store");
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn a_hub_is_ready_until_it_is_about_to_stop_and_lives_on_until_then() {
    let hub = TestHub::with_sample_data().await;
    let good = json!({ "database": "ok", "migrations": "ok", "changeLog": "ok", "space": "ok", "stopping": "no" });
    assert_eq!(readiness(&hub).await, (200, json!({ "status": "ready", "checks": good })));
    hub.hub.begin_to_stop();
    let (status, report) = readiness(&hub).await;
    assert_eq!((status, &report["status"], &report["checks"]["stopping"]), (503, &json!("not ready"), &json!("yes")));
    let live = hub.client.get(hub.url("/livez")).send().await.unwrap();
    assert_eq!((live.status().as_u16(), &live.headers()["cache-control"]), (200, &"no-store".parse().unwrap()));
    assert_eq!(live.text().await.unwrap(), "ok\n");
}

#[tokio::test]
async fn a_hub_whose_database_is_of_another_version_is_not_ready() {
    let hub = TestHub::with_sample_data().await;
    let newer = "INSERT INTO __diesel_schema_migrations (version) VALUES ('99991231000001')";
    hub.db.connection().await.unwrap().batch_execute(newer).await.unwrap();
    let (status, report) = readiness(&hub).await;
    assert_eq!((status, &report["checks"]["migrations"]), (503, &json!("not of this version")));
}

#[tokio::test]
async fn a_hub_whose_database_is_away_is_not_ready_and_is_again_when_it_is_back() {
    let hub = TestHub::with_sample_data().await;
    assert_eq!(readiness(&hub).await.0, 200);
    // Nobody can close the database that they are connected to.
    let address = support::address_of(&hub.db).await;
    let (server, name) = address.split_once("dbname=").unwrap();
    let operator = Db::with_address(&format!("{server}dbname=hub"), 1).unwrap();
    let mut conn = operator.connection().await.unwrap();
    let name = name.trim_matches('\'');
    conn.batch_execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).await.unwrap();
    let end = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
    conn.batch_execute(&end).await.unwrap();
    until(async || readiness(&hub).await.0 == 503).await;
    let (_, report) = readiness(&hub).await;
    assert_eq!(report["checks"]["database"], "does not answer", "{report}");
    let live = hub.client.get(hub.url("/livez")).send().await.unwrap();
    assert_eq!(live.status(), 200, "the process lives all the same");
    let text = hub.client.get(hub.url("/metrics")).send().await.unwrap().text().await.unwrap();
    assert!(text.contains("hub_change_log_lag NaN"), "{text}");
    conn.batch_execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true")).await.unwrap();
    until(async || readiness(&hub).await.0 == 200).await;
}

#[tokio::test]
async fn a_hub_that_stops_waits_for_writes_whose_clients_are_gone() {
    let hub = TestHub::with_sample_data().await;
    let (go, gone) = tokio::sync::oneshot::channel::<()>();
    let writing = write::write(&hub.db, Viewer::system("test"), |_| {
        async move {
            gone.await.unwrap();
            Ok(())
        }
        .boxed()
    });
    // Whoever asked goes away while it is under way.
    let mut writing = Box::pin(writing);
    assert!(futures_util::poll!(writing.as_mut()).is_pending());
    drop(writing);
    assert_eq!(hub.hub.db().writes().under_way(), 1);
    hub.hub.begin_to_stop();
    let mut drained = Box::pin(hub.hub.drained());
    assert!(futures_util::poll!(drained.as_mut()).is_pending());
    go.send(()).unwrap();
    tokio::time::timeout(DEADLINE, drained).await.unwrap();
    assert_eq!(hub.hub.db().writes().under_way(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn traces_are_sent_with_the_callers_as_their_parent_and_no_value() {
    let received = Received::default();
    let take = async |State(received): State<Received>, uri: axum::http::Uri, body: Bytes| {
        received.lock().unwrap().push((uri.path().to_owned(), body));
    };
    let collector = axum::Router::new().fallback(take).with_state(received.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let collects = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async { axum::serve(listener, collector).await });
    let address = support::address_of_new_database("sample").await;
    let logged = Logged::over(&address, &["--traces", &collects]);
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let parent = format!("00-{trace}-b7ad6b7169203331-01");
    let query = search()["query"].as_str().unwrap().replace("SearchForIt", "Search");
    let body = json!({ "query": query, "variables": { "text": SECRET } });
    let answered = logged.request("traced").header("traceparent", parent).json(&body).send().await.unwrap();
    assert_eq!(answered.status(), 200);
    logged.line("operation", "traced").await;
    let lines = logged.stop();
    assert!(!lines.iter().any(|line| line.contains("traces cannot be sent")), "{lines:#?}");
    let received = received.lock().unwrap();
    assert!(received.iter().all(|(path, _)| path == "/v1/traces") && !received.is_empty(), "{received:?}");
    let all: Vec<u8> = received.iter().flat_map(|(_, body)| body.to_vec()).collect();
    let has = |piece: &[u8]| all.windows(piece.len()).filter(|window| *window == piece).count();
    let hex = |text: &str| -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    };
    let text = String::from_utf8_lossy(&all).into_owned();
    assert!(has(&hex(trace)) >= 4 && has(&hex("b7ad6b7169203331")) == 1, "an operation and its batches: {text}");
    for piece in
        ["knowledge-hub", "query Search", "graphql.operation.type", "Pages<Communities>", "HitCounts", "hub.cost"]
    {
        assert!(has(piece.as_bytes()) > 0, "{piece}: {text}");
    }
    for hidden in [SECRET, "totalCount", "127.0.0.1"] {
        assert_eq!(has(hidden.as_bytes()), 0, "{hidden}: {text}");
    }
    serving.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_is_told_once_and_stops_nothing() {
    let address = support::address_of_new_database("sample").await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let logged = Logged::over(&address, &["--traces", &format!("http://{closed}/collect")]);
    assert!(logged.ask("one", search()).await.get("errors").is_none());
    let began = Instant::now();
    let lines = logged.stop();
    assert!(began.elapsed() < Duration::from_secs(20));
    let told = lines.iter().filter(|line| line.contains("traces cannot be sent for the moment")).count();
    assert_eq!(told, 1, "{lines:#?}");
}

#[test]
fn settings_that_cannot_be_used_are_refused_before_there_is_a_log() {
    let output = hub(&["serve", "--log", "json", "--traces", "nowhere"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && said.starts_with("hub: ") && said.lines().count() == 1, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_is_refused_before_it_asks_is_no_operation() {
    let address = support::address_of_new_database("empty").await;
    let logged = Logged::over(&address, &[]);
    let mut socket = Socket::open(logged.address).await;
    socket.say(&json!({ "id": "1", "type": "subscribe", "payload": search() })).await;
    assert_eq!(socket.hear().await, Heard::Closed(4401));
    assert!(!logged.stop().iter().any(|line| line.contains("hub::operation")));
}
