//! A listing in partners' pages, beside nginx with the same bytes as a file: hot, known to the reader already, and cold.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::load::{Measured, run_wrk};
use crate::world::{World, path};

/// What the hub has to reach of nginx where the listing is hot.
const TARGET: f64 = 0.6;

/// How long nginx may take to start.
const STARTS_WITHIN: Duration = Duration::from_secs(10);

/// An nginx that serves a folder: two workers, connections kept, nothing compressed on the way, nothing logged.
struct Nginx {
    process: Child,
    url: String,
    _folder: TempDir,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // The master ends its workers.
        let pid = nix::unistd::Pid::from_raw(self.process.id().cast_signed());
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        let _ = self.process.wait();
    }
}

impl Nginx {
    async fn start(bytes: &[u8]) -> Result<Self, String> {
        let told = |error: std::io::Error| format!("nginx: {error}");
        let folder = tempfile::tempdir().map_err(told)?;
        // Its workers may be another user's.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).map_err(told)?;
        fs::write(folder.path().join("listing.html"), bytes).map_err(told)?;
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).map_err(told)?.port();
        let at = folder.path().display();
        let configuration = format!(
            "daemon off; worker_processes 2; pid {at}/pid; error_log stderr crit; events {{ worker_connections 1024; }}\n\
             http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000; default_type text/html;\n\
             client_body_temp_path {at}/1; proxy_temp_path {at}/2; fastcgi_temp_path {at}/3; uwsgi_temp_path {at}/4; scgi_temp_path {at}/5;\n\
             open_file_cache max=10; server {{ listen 127.0.0.1:{port}; root {at};\n\
             add_header Cache-Control \"public, max-age=300\"; }} }}\n"
        );
        let file = folder.path().join("nginx.conf");
        fs::write(&file, configuration).map_err(told)?;
        let mut command = Command::new(program()?);
        command.args(["-e", "stderr", "-p"]).arg(folder.path()).arg("-c").arg(&file);
        let process = command.stdin(Stdio::null()).spawn().map_err(told)?;
        let nginx = Self { process, url: format!("http://127.0.0.1:{port}/listing.html"), _folder: folder };
        let began = Instant::now();
        while reqwest::get(&nginx.url).await.is_err() {
            if began.elapsed() > STARTS_WITHIN {
                return Err("nginx does not start".to_owned());
            }
        }
        Ok(nginx)
    }
}

fn program() -> Result<PathBuf, String> {
    let folders =
        std::env::split_paths(&path()).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]).collect::<Vec<_>>();
    let mut programs = folders.iter().map(|folder: &PathBuf| folder.join("nginx"));
    programs.find(|program: &PathBuf| Path::is_file(program)).ok_or_else(|| "nginx is missing".to_owned())
}

/// Measures one listing.
pub async fn run(world: &World, connections: &[usize], seconds: u64) -> Result<(), String> {
    let hub = world.url.trim_end_matches("/graphql");
    let page =
        format!("{hub}/embed/communities-of-organization.html?organization={}&lang=en", organization(world).await?);
    let (tag, bytes) = fetched(&page).await?;
    println!("\n### A listing of {} bytes, beside nginx with the same bytes\n", bytes.len());
    let nginx = Nginx::start(&bytes).await?;
    let (file_tag, file) = fetched(&nginx.url).await?;
    if file != bytes {
        return Err("nginx serves other bytes".to_owned());
    }
    println!("| connections | | req/s | of nginx | p50 / p99 ms |");
    println!("|--:|---|--:|--:|--:|");
    for connections in connections {
        for (name, floor_tag, own_tag, status) in [("200", None, None, 200), ("304", Some(&file_tag), Some(&tag), 304)]
        {
            let floor = run_wrk(&script(floor_tag, None), &nginx.url, *connections, seconds, status)?;
            row(*connections, &format!("nginx {name}"), &floor, None);
            let own = run_wrk(&script(own_tag, None), &page, *connections, seconds, status)?;
            row(*connections, &format!("hot {name}"), &own, Some(own.per_second / floor.per_second));
        }
        // Another colour for each request: a page that nobody asked for before.
        let cold = run_wrk(&script(None, Some(&page)), &page, *connections, seconds, 200)?;
        row(*connections, "cold", &cold, None);
    }
    Ok(())
}

fn row(connections: usize, name: &str, measured: &Measured, of_nginx: Option<f64>) {
    let ratio = match of_nginx {
        Some(ratio) if name == "hot 200" && connections == 16 => {
            let verdict = if ratio >= TARGET { "reached" } else { "missed" };
            format!("{ratio:.2} (target {TARGET}: {verdict})")
        }
        Some(ratio) => format!("{ratio:.2}"),
        None => String::new(),
    };
    println!(
        "| {connections} | {name} | {:.0} | {ratio} | {:.2} / {:.2} |",
        measured.per_second, measured.p50_ms, measured.p99_ms
    );
}

/// The organization that comes first of those with about five communities, as a partner's page lists.
async fn organization(world: &World) -> Result<String, String> {
    let sql = "SELECT nodes.key FROM nodes JOIN links ON links.from_id = nodes.id JOIN communities ON communities.id = links.to_id \
               WHERE nodes.kind = 'ORGANIZATION' AND links.kind = 'HOSTS' AND communities.is_public \
               GROUP BY nodes.key ORDER BY abs(count(*) - 5), nodes.key LIMIT 1";
    let row = world.database.query_one(sql, &[]).await.map_err(|error| format!("choosing an organization: {error}"))?;
    Ok(row.get(0))
}

/// The tag and the bytes at an address.
async fn fetched(url: &str) -> Result<(String, Vec<u8>), String> {
    let told = |error: reqwest::Error| format!("{url}: {error}");
    let response = reqwest::get(url).await.and_then(reqwest::Response::error_for_status).map_err(told)?;
    let tag = response.headers().get("etag").and_then(|tag| tag.to_str().ok()).unwrap_or_default().to_owned();
    Ok((tag, response.bytes().await.map_err(told)?.to_vec()))
}

fn script(tag: Option<&String>, cold: Option<&str>) -> String {
    let mut script = String::new();
    if let Some(tag) = tag {
        script.push_str(&format!("wrk.headers[\"if-none-match\"] = '{tag}'\n"));
    }
    if let Some(path) = cold.and_then(|url| url.splitn(4, '/').nth(3)) {
        script.push_str(&format!(
            "local colour = os.time() % 10000 * 1000\nfunction request()\n  colour = (colour + 1) % 16777216\n  \
             return wrk.format(nil, string.format('/{}&accent=%06x', colour))\nend\n",
            path.replace('%', "%%")
        ));
    }
    script
}
