//! The example dashboard in headless Chromium, against a hub with the sample data.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{self, TestHub};

#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_shows_what_the_api_says_in_both_languages() {
    let hub = TestHub::with_sample_data().await;
    let address = hub.url("");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    assert!(folder.join("node_modules").is_dir(), "run `make test`, which installs what the browser tests need");
    let run = tokio::task::spawn_blocking(move || {
        Command::new("node")
            .arg("run.mjs")
            .current_dir(folder)
            .env_clear()
            .env("PATH", support::path())
            .env("HUB_URL", address)
            .stdin(Stdio::null())
            .output()
    });
    let output = run.await.unwrap().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.contains("# fail 0") || told.contains("ℹ fail 0"), "{told}");
}
