//! The law of the house: who may name whom, and what no file may hold.

use std::fs;
use std::path::{Path, PathBuf};

/// Every Rust file below a folder, with its text up to its unit tests.
fn sources(folder: &str) -> Vec<(String, String)> {
    files(folder, "rs")
}

/// The files of a folder and those below it that end so: their names and texts.
fn files(folder: &str, ending: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut found, mut open) = (Vec::new(), vec![root.join(folder)]);
    while let Some(path) = open.pop() {
        for entry in fs::read_dir(path).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == ending) {
                let text = fs::read_to_string(&path).unwrap();
                let name = path.strip_prefix(root).unwrap().display().to_string();
                found.push((name, text));
            }
        }
    }
    assert!(!found.is_empty());
    found
}

fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap()
}

/// What the file names, comments aside.
fn names(text: &str, word: &str) -> bool {
    without_tests(text).lines().any(|line| !line.trim_start().starts_with("//") && line.contains(word))
}

fn forbid(files: impl Fn(&str) -> bool, words: &[&str]) {
    let mut matched = 0;
    for (name, text) in sources("src") {
        if files(&name) {
            matched += 1;
            for word in words {
                assert!(!names(&text, word), "{name} names {word}");
            }
        }
    }
    assert!(matched > 0, "the rule speaks of no file");
}

#[test]
fn rules_records_policy_and_text_are_pure() {
    let pure = |name: &str| {
        name.starts_with("src/policy")
            || name.starts_with("src/text")
            || name.ends_with("/rules.rs")
            || name.ends_with("/record.rs")
            || name.ends_with("/hierarchy.rs")
    };
    let words =
        ["async ", "diesel", "async_graphql", "axum", "tokio", "crate::db", "crate::graph", "crate::http", "now()"];
    forbid(pure, &words);
}

#[test]
fn stores_speak_sql_and_never_the_contract_or_the_web() {
    forbid(
        |name| name.ends_with("/store.rs"),
        &["async_graphql", "axum", "crate::graph", "crate::loaders", "crate::http"],
    );
}

#[test]
fn graphs_reach_rows_through_loaders_and_lists_alone() {
    let words = ["diesel", "db::schema", "axum", "dataloader", "crate::http", "db::statement", "db::write"];
    forbid(|name| name.starts_with("src/domain/") && name.ends_with("/graph.rs"), &words);
}

#[test]
fn nothing_imports_upwards() {
    let levels: [(&str, &[&str]); 9] = [
        ("src/text", &["crate::error", "crate::db", "crate::domain", "crate::loaders", "crate::graph", "crate::http"]),
        ("src/error.rs", &["crate::db", "crate::domain", "crate::loaders", "crate::graph", "crate::http"]),
        ("src/policy", &["crate::db", "crate::domain", "crate::loaders", "crate::graph", "crate::http"]),
        ("src/auth", &["crate::db", "crate::domain", "crate::loaders", "crate::graph", "crate::http"]),
        ("src/db", &["crate::domain", "crate::loaders", "crate::graph", "crate::http", "crate::transfer"]),
        ("src/changes", &["crate::domain", "crate::loaders", "crate::graph", "crate::http", "crate::transfer"]),
        ("src/clock.rs", &["crate::graph", "crate::http", "crate::transfer"]),
        ("src/loaders.rs", &["crate::graph", "crate::http", "crate::transfer"]),
        ("src/graph", &["crate::http", "crate::transfer"]),
    ];
    for (start, words) in levels {
        forbid(|name| name.starts_with(start), words);
    }
}

#[test]
fn one_file_names_the_dataloader_crate() {
    forbid(|name| name != "src/loaders.rs", &["dataloader::"]);
}

#[test]
fn no_module_file_glob_re_export_or_common_place() {
    for (name, text) in sources("src") {
        assert!(!name.ends_with("/mod.rs"), "{name}");
        assert!(!name.contains("common") && !name.contains("util"), "{name}");
        for line in without_tests(&text).lines() {
            let line = line.trim_start();
            assert!(!line.starts_with("pub use "), "{name} re-exports: {line}");
            assert!(!(line.starts_with("use ") && line.contains("::*")), "{name} imports a glob: {line}");
        }
    }
}

#[test]
fn nothing_is_allowed_unfinished_ignored_or_waited_for() {
    // Written in pieces, so that this file does not find itself.
    let words = ["#[al", "todo", "unimple", "#[ig", "db"];
    let ends = ["low(", "!(", "mented!(", "nore", "g!("];
    for folder in ["src", "tests"] {
        for (name, text) in sources(folder) {
            for (start, end) in words.iter().zip(ends) {
                assert!(!text.contains(&format!("{start}{end}")), "{name} holds {start}{end}");
            }
            let sleeps = format!("sle{}(", "ep");
            assert!(folder == "src" || !text.contains(&sleeps), "{name} sleeps");
        }
    }
}

#[test]
fn what_may_panic_in_the_program_owes_a_proof() {
    for (name, text) in sources("src") {
        let lines: Vec<&str> = without_tests(&text).lines().collect();
        for (index, line) in lines.iter().enumerate() {
            let panics = [".unwrap()", ".expect(", "panic!(", "unreachable!("].iter().any(|word| line.contains(word));
            let proof = index > 0 && lines[index - 1].trim_start().starts_with("// ");
            assert!(!panics || proof || line.trim_start().starts_with("//"), "{name}:{}: {line}", index + 1);
        }
    }
}

#[test]
fn no_file_is_longer_than_600_lines() {
    for folder in ["src", "tests"] {
        for (name, text) in sources(folder) {
            let lines = text.lines().count();
            assert!(lines <= 600 || name == "src/db/schema.rs", "{name} has {lines} lines");
        }
    }
}

#[test]
fn every_sentence_that_the_program_names_is_in_the_catalogues() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/text/messages/en");
    let mut catalogue = Vec::new();
    for file in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        let ids = text.lines().filter(|line| line.starts_with(|first: char| first.is_ascii_lowercase()));
        catalogue.extend(ids.filter_map(|line| line.split_once(" =")).map(|(id, _)| id.to_owned()));
    }
    let mut used = Vec::new();
    for (name, text) in sources("src") {
        for rest in without_tests(&text).split("Message::new(").skip(1) {
            let Some(id) = rest.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next()) else {
                continue;
            };
            assert!(catalogue.iter().any(|known| known == id), "{name} names {id}, which no catalogue has");
            used.push(id.to_owned());
        }
    }
    // What templates say, or begin with a word of an enum to come, and what the words of templates say.
    let mut begun = Vec::new();
    for (name, text) in files("src/http", "html") {
        for (start, call) in text.match_indices("t(\"") {
            // Not the end of another function's name.
            let is_whole = !text[..start].ends_with(|before: char| before.is_alphanumeric());
            let rest = &text[start + call.len()..];
            let Some((id, after)) = rest.split_once('"').filter(|_| is_whole) else { continue };
            if after.trim_start().starts_with('~') {
                begun.push(id.to_owned());
            } else {
                assert!(catalogue.iter().any(|known| known == id), "{name} names {id}, which no catalogue has");
                used.push(id.to_owned());
            }
        }
    }
    let words = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/embed/words.rs")).unwrap();
    used.extend(without_tests(&words).split('"').filter(|text| text.starts_with("embed-")).map(str::to_owned));
    for id in catalogue {
        let is_used = used.contains(&id) || begun.iter().any(|begin| id.starts_with(begin.as_str()));
        assert!(is_used, "nobody uses the sentence {id}");
    }
}
