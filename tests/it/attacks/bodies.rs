//! Bodies that are too large, packed, too many at once, or of a kind that a page of another site can send.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{DEADLINE, Target, code, read, send_bytes};

const TEN_MEGABYTES: usize = 10 * 1024 * 1024;

/// The head of a request whose body is JSON.
fn head(more: &str) -> Vec<u8> {
    format!("POST /graphql HTTP/1.1\r\nHost: hub.example\r\nContent-Type: application/json\r\n{more}\r\n\r\n")
        .into_bytes()
}

/// A piece of a chunked body.
fn chunk(bytes: usize) -> Vec<u8> {
    [format!("{bytes:x}\r\n").as_bytes(), &vec![b' '; bytes], b"\r\n"].concat()
}

/// Packed zeros that unpack to about a thousand times as much, without the sum that a whole file ends with.
fn gzip_bomb(bytes: usize) -> Vec<u8> {
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let (mut held, mut bits) = (0_u32, 0);
    let mut put = |packed: &mut Vec<u8>, code: u32, length: u32| {
        for bit in (0..length).rev() {
            held |= (code >> bit & 1) << bits;
            bits += 1;
            if bits == 8 {
                packed.push(u8::try_from(held).unwrap());
                (held, bits) = (0, 0);
            }
        }
    };
    // The last block, with fixed codes, begins with a literal zero.
    put(&mut packed, 0b110, 3);
    put(&mut packed, 0b0011_0000, 8);
    while packed.len() < bytes {
        // The same 258 times, from one place before.
        put(&mut packed, 0b1100_0101, 8);
        put(&mut packed, 0, 5);
    }
    packed
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_ten_megabytes_is_refused_before_it_is_there() {
    let target = Target::serve(&[]).await;
    target
        .under(async {
            for _ in 0..10 {
                // It is announced, and nothing of it is sent.
                let told =
                    send_bytes(target.address, head(&format!("Connection: close\r\nContent-Length: {TEN_MEGABYTES}")))
                        .await;
                assert!(told.status == Some(413) && told.text.contains("PAYLOAD_TOO_LARGE"), "{told:?}");
                // It is not announced, goes beyond the limit, and never comes to its end.
                let (mut reading, mut writing) = TcpStream::connect(target.address).await.unwrap().into_split();
                writing.write_all(&head("Connection: close\r\nTransfer-Encoding: chunked")).await.unwrap();
                for _ in 0..5 {
                    writing.write_all(&chunk(64 * 1024)).await.unwrap();
                }
                let mut answer = [0; 12];
                timeout(DEADLINE, reading.read_exact(&mut answer)).await.expect("it is not waited for").unwrap();
                assert_eq!(&answer, b"HTTP/1.1 413");
                // Whoever sends all of it all the same is answered, or cut off, and not read to the end.
                let announced = head(&format!("Connection: close\r\nContent-Length: {TEN_MEGABYTES}"));
                let told = send_bytes(target.address, [announced, vec![b' '; TEN_MEGABYTES]].concat()).await;
                assert!(matches!(told.status, Some(413) | None), "{told:?}");
                let chunks = chunk(64 * 1024).repeat(TEN_MEGABYTES / (64 * 1024));
                let unannounced =
                    [head("Connection: close\r\nTransfer-Encoding: chunked"), chunks, b"0\r\n\r\n".to_vec()].concat();
                let told = send_bytes(target.address, unannounced).await;
                assert!(matches!(told.status, Some(413) | None), "{told:?}");
            }
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lengths_that_lie_are_refused() {
    let target = Target::serve(&["--limit", "header_seconds=2", "--limit", "body_seconds=2"]).await;
    target
        .under(async {
            let body = r#"{"query":"{ __typename }"}"#;
            for more in [
                "Content-Length: -1",
                "Content-Length: 99999999999999999999999",
                "Content-Length: 26\r\nContent-Length: 27",
                "Content-Length: 26, 27",
                "Transfer-Encoding: chunked\r\nContent-Length: 26",
                "Transfer-Encoding: gzip, chunked, gzip",
                "Transfer-Encoding: chunked",
                "Content-Length: 27",
            ] {
                let told = send_bytes(target.address, [head(more), body.as_bytes().to_vec()].concat()).await;
                assert!(matches!(told.status, Some(400 | 408 | 411 | 413 | 501) | None), "{more}: {told:?}");
            }
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_packed_is_never_unpacked() {
    let target = Target::serve(&[]).await;
    // 40 MB once it is unpacked.
    let bomb = gzip_bomb(160 * 1024);
    target
        .under(async {
            let encodings = ["gzip", "deflate", "br", "zstd", "gzip, gzip"];
            let send = |encoding: &'static str, body: Vec<u8>| {
                let request = target.client.post(target.url("/graphql")).header("content-type", "application/json");
                request.header("content-encoding", encoding).body(body).send()
            };
            for encoding in encodings {
                let (status, answer) = read(send(encoding, gzip_bomb(1_000)).await.unwrap()).await;
                assert_eq!((status, code(&answer)), (415, "UNSUPPORTED_MEDIA_TYPE"), "{encoding}: {answer}");
            }
            let all = (0..40).zip(encodings.iter().cycle()).map(|(_, encoding)| send(encoding, bomb.clone()));
            for response in futures_util::future::join_all(all).await {
                // Whoever goes on sending what is not read may be cut off before they hear why.
                assert!(response.is_err() || response.is_ok_and(|response| response.status() == 415));
            }
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_a_thousand_is_refused_as_a_whole() {
    let target = Target::serve(&[]).await;
    target
        .under(async {
            let batch = Value::from(vec![json!({ "query": "{ topics { totalCount } }" }); 1_000]);
            for _ in 0..20 {
                let (status, answer) = read(target.send_body(batch.to_string()).await).await;
                assert_eq!((status, code(&answer)), (400, "BAD_REQUEST"), "{answer}");
            }
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_can_have_nothing_done() {
    let target = Target::serve(&[]).await;
    let url = target.url("/graphql");
    let document =
        json!({ "query": "mutation { topicRetire(input: { id: \"x\" }) { clientMutationId } }" }).to_string();
    let multipart = format!(
        "--x\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n{document}\r\n--x\r\nContent-Disposition: form-data; \
         name=\"map\"\r\n\r\n{{}}\r\n--x--\r\n"
    );
    target
        .under(async {
            // What forms can send without asking first.
            for (media_type, body) in [
                ("text/plain", document.clone()),
                ("text/plain; application/json", document.clone()),
                ("application/x-www-form-urlencoded", "query=mutation%7Bx%7D".to_owned()),
                ("multipart/form-data; boundary=x", multipart.clone()),
                ("multipart/mixed; boundary=x", multipart.clone()),
                ("", document.clone()),
            ] {
                let request = target
                    .client
                    .post(&url)
                    .header("content-type", media_type)
                    .header("origin", "https://evil.example");
                let (status, answer) = read(request.body(body).send().await.unwrap()).await;
                assert_eq!((status, code(&answer)), (415, "UNSUPPORTED_MEDIA_TYPE"), "{media_type}: {answer}");
            }
            for parameters in [
                [("query", "mutation M { nothing }"), ("operationName", "M")],
                [("query", "mutation { nothing }"), ("operationName", "")],
                [("query", "query A { __typename } mutation B { nothing }"), ("operationName", "B")],
            ] {
                let response = target.client.get(&url).query(&parameters).send().await.unwrap();
                assert_eq!(response.headers()["allow"], "POST");
                let (status, answer) = read(response).await;
                assert_eq!((status, code(&answer)), (405, "METHOD_NOT_ALLOWED"), "{parameters:?}: {answer}");
            }
            // What asks first is not told that it may with credentials.
            let request =
                target.client.request(reqwest::Method::OPTIONS, &url).header("origin", "https://evil.example");
            let request = request.header("access-control-request-method", "POST");
            let response =
                request.header("access-control-request-headers", "content-type,authorization").send().await.unwrap();
            assert!(response.headers().get("access-control-allow-credentials").is_none(), "{response:?}");
            let read_by_all = target.client.post(&url).header("origin", "https://evil.example").header("cookie", "a=b");
            let response = read_by_all.json(&json!({ "query": "{ __typename }" })).send().await.unwrap();
            assert!(response.headers().get("access-control-allow-credentials").is_none(), "{response:?}");
        })
        .await;
}
