//! Connections that are opened and never come to their end, and heads that are larger than any.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::http2::PREFACE;
use super::{DEADLINE, Target, send_bytes};

const SHORT: [&str; 4] = ["--limit", "header_seconds=2", "--limit", "body_seconds=2"];

/// How long what has two seconds may last: the machine may have much else to do.
const CLOSED_WITHIN: Duration = Duration::from_secs(8);

const HALF_A_HEAD: &[u8] = b"POST /graphql HTTP/1.1\r\nHost: hub.example\r\nContent-Ty";
const HALF_A_BODY: &[u8] =
    b"POST /graphql HTTP/1.1\r\nHost: hub.example\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{\"query\":";
const HALF_A_CHUNK: &[u8] =
    b"POST /graphql HTTP/1.1\r\nHost: hub.example\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{";

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_half_sent_are_closed_in_time() {
    let target = Target::serve(&SHORT).await;
    target
        .under(async {
            let kinds: [(&str, &[u8], usize); 5] = [
                ("half a head", HALF_A_HEAD, 200),
                ("half a body", HALF_A_BODY, 200),
                ("half a chunk", HALF_A_CHUNK, 20),
                ("nothing at all", b"", 20),
                ("half of what begins HTTP/2", &PREFACE[..9], 20),
            ];
            let all = kinds.iter().flat_map(|(what, bytes, count)| std::iter::repeat_n((what, bytes), *count));
            let told = join_all(
                all.map(|(what, bytes)| async move { (what, send_bytes(target.address, bytes.to_vec()).await) }),
            )
            .await;
            for (what, told) in told {
                assert!(matches!(told.status, None | Some(400 | 408)), "{what}: {told:?}");
                assert!(told.took < CLOSED_WITHIN, "{what} lasted {:?}", told.took);
                assert!(told.took > Duration::from_millis(1_500), "{what} was given {:?} only", told.took);
            }
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_byte_now_and_then_buys_no_time() {
    let target = Target::serve(&SHORT).await;
    let drip = |start: &'static [u8], byte: &'static [u8]| async move {
        let began = Instant::now();
        let (mut reading, mut writing) = TcpStream::connect(target.address).await.unwrap().into_split();
        writing.write_all(start).await.unwrap();
        let dripping = async {
            let mut drops = tokio::time::interval(Duration::from_millis(100));
            loop {
                drops.tick().await;
                if writing.write_all(byte).await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        let mut told = Vec::new();
        tokio::select! {
            // A connection that is reset is closed too.
            _ = timeout(DEADLINE, reading.read_to_end(&mut told)) => {}
            () = dripping => {}
        }
        (String::from_utf8_lossy(&told).into_owned(), began.elapsed())
    };
    target
        .under(async {
            let heads = (0..50).map(|_| drip(b"GET /graphql HTTP/1.1\r\nHost: a\r\nX-Slow: ", b"x"));
            let lines = (0..10).map(|_| drip(b"GET /graphql HTTP/1.1\r\nHost: a\r\n", b"X: y\r\n"));
            let targets = (0..10).map(|_| drip(b"GET /graphql?query=", b"x"));
            let bodies = (0..50).map(|_| drip(HALF_A_BODY, b"x"));
            let chunks = (0..10).map(|_| drip(HALF_A_CHUNK, b"x"));
            let (heads, lines, targets, bodies, chunks) =
                tokio::join!(join_all(heads), join_all(lines), join_all(targets), join_all(bodies), join_all(chunks));
            for (told, lasted) in [heads, lines, targets, bodies, chunks].concat() {
                assert!(lasted < CLOSED_WITHIN, "it lasted {lasted:?}: {told}");
                assert!(["", "HTTP/1.1 4"].contains(&told.get(..10).unwrap_or_default()), "{told}");
            }
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_asks_nothing_more_is_closed() {
    let target = Target::serve(&SHORT).await;
    target
        .under(async {
            let idle =
                send_bytes(target.address, b"GET /schema.graphql HTTP/1.1\r\nHost: hub.example\r\n\r\n".to_vec()).await;
            assert!(idle.status == Some(200) && idle.took < CLOSED_WITHIN, "{:?} {:?}", idle.status, idle.took);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_all_connections_are_taken_by_the_silent_others_wait_until_these_are_closed() {
    let target = Target::serve(&[&SHORT[..], &["--limit", "connections=20"]].concat()).await;
    let silent = join_all((0..40).map(|_| async { TcpStream::connect(target.address).await.unwrap() })).await;
    let began = Instant::now();
    let answer = timeout(DEADLINE, target.send("{ __typename }")).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(began.elapsed() < CLOSED_WITHIN * 2, "it took {:?}", began.elapsed());
    drop(silent);
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_that_are_too_large_are_refused() {
    let target = Target::serve(&[]).await;
    let head = |more: String| {
        format!("GET /graphql?query={{__typename}} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{more}\r\n")
    };
    let many: String = (0..2_000).map(|number| format!("X-{number}: y\r\n")).collect();
    let path = "a".repeat(200 * 1024);
    target
        .under(async {
            let well = send_bytes(target.address, head("X: y\r\n".repeat(50)).into_bytes()).await;
            assert_eq!(well.status, Some(200), "{well:?}");
            let heads = [
                head(many),
                head(format!("X: {}\r\n", "y".repeat(100 * 1024))),
                head(format!("Cookie: {}\r\n", "a=b; ".repeat(40 * 1024))),
                format!("GET /graphql?query={path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
                format!("{path} / HTTP/1.1\r\nHost: a\r\n\r\n"),
            ];
            for head in heads.iter().cycle().take(40) {
                let told = send_bytes(target.address, head.clone().into_bytes()).await;
                assert!(matches!(told.status, None | Some(400 | 414 | 431)), "{:.40}: {:?}", head, told.status);
            }
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_http_is_refused() {
    let target = Target::serve(&SHORT).await;
    target
        .under(async {
            let nonsense: [&[u8]; 7] = [
                b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
                b"SSH-2.0-x\r\n",
                b"\0\0\0\0\r\n\r\n",
                b"GET\r\n\r\n",
                b"GET / HTTP/9.9\r\n\r\n",
                b"GET /graphql HTTP/1.1\r\nA b: c\r\n\r\n",
                b"GET /graphql HTTP/1.1\nHost: a\n b\n\n",
            ];
            for bytes in nonsense.iter().cycle().take(50) {
                let told = send_bytes(target.address, bytes.to_vec()).await;
                assert!(
                    matches!(told.status, None | Some(400 | 505)) && told.took < CLOSED_WITHIN,
                    "{bytes:?}: {told:?}"
                );
            }
        })
        .await;
}
