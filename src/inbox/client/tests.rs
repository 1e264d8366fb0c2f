//! The client on the wire: its requests, and its results for every kind of answer.

mod limits;

use std::{sync::atomic::Ordering, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::SignedDuration;
use mockito::{Matcher, Server, ServerGuard};
use serde_json::json;
use tokio::net::{TcpListener, TcpSocket};

use super::{Client, Patience};
use crate::{
    inbox::{
        InboxError,
        response::Page,
        testing::{Open, TOKEN, client, inbox, noon, raw, within},
    },
    model::Filter,
    sandbox::{Fault, FaultKind, Place},
};

/// A text in bodies and addresses that no message may contain.
const SECRET: &str = "hunter2";

async fn ask(client: &Client, gate: &Open) -> Result<Page, InboxError> {
    client.page(gate, &Filter::default(), 1, noon()).await
}

/// The error for an answer, and the number of requests.
async fn fault(client: &Client) -> (InboxError, u32) {
    let gate = Open::default();
    let error = ask(client, &gate).await.unwrap_err();
    let said = format!("{error} {error:?} {client:?}");
    for secret in [TOKEN, SECRET, "http://", "127.0.0.1", "inbox/users"] {
        assert!(!error.to_string().contains(secret), "{error}");
    }
    assert!(!said.contains(TOKEN), "{said}");
    assert!(error.to_string().starts_with("the API") || error.to_string().starts_with("something between"), "{error}");
    (error, gate.requests())
}

async fn answering(status: usize, headers: &[(&str, &str)], body: &str) -> ServerGuard {
    let mut server = Server::new_async().await;
    let mut mock = server.mock("POST", "/inbox/users").with_status(status).with_body(body);
    for (name, value) in headers {
        mock = mock.with_header(*name, value);
    }
    mock.create_async().await;
    server
}

fn documented(status: u16, code: &str) -> String {
    json!({ "success": false, "error": { "code": code, "message": SECRET, "statusCode": status } }).to_string()
}

#[tokio::test]
async fn the_request_is_as_documented() {
    for base in ["", "/", "/api/v7", "/api/v7/"] {
        let mut server = Server::new_async().await;
        let path = format!("{}/inbox/users", base.trim_end_matches('/'));
        let mock = server
            .mock("POST", path.as_str())
            .match_header("authorization", format!("Bearer {TOKEN}").as_str())
            .match_header("authtype", "Key")
            .match_header("content-type", "application/json")
            .match_header("user-agent", Matcher::Regex("^pengwatch/".to_owned()))
            .match_body(Matcher::PartialJson(json!({ "page": 1, "isExport": "none" })))
            .with_body(r#"{"success":true,"message":"","code":200,"data":[{"_id":"c1"}]}"#)
            .create_async()
            .await;
        let page = ask(&client(&format!("{}{base}", server.url())), &Open::default()).await.unwrap();
        assert_eq!(page.contacts[0].id, "c1");
        mock.assert_async().await;
    }
}

#[tokio::test]
async fn refusals_are_not_tried_again() {
    for (status, error) in [
        (400, InboxError::BadRequest { code: Some("INVALID".to_owned()) }),
        (401, InboxError::TokenRefused { status: 401 }),
        (403, InboxError::TokenRefused { status: 403 }),
        (404, InboxError::Status { status: 404 }),
        (418, InboxError::Status { status: 418 }),
    ] {
        let server = answering(status.into(), &[], &documented(status, "INVALID")).await;
        assert_eq!(fault(&client(&server.url())).await, (error, 1));
    }
}

#[tokio::test]
async fn who_stands_between_is_not_the_api() {
    let page = format!("<html><title>{SECRET}</title></html>");
    for (status, body, what) in [
        (403, page.as_str(), "a web page"),
        (403, "", "not an error of the API"),
        (403, r#"{"message":"Forbidden"}"#, "not an error of the API"),
        (407, page.as_str(), "a proxy that wants a login"),
        (511, page.as_str(), "a network that wants a login"),
    ] {
        let server = answering(status.into(), &[], body).await;
        let between = InboxError::Between { status, what };
        assert_eq!(fault(&client(&server.url())).await, (between.clone(), 3), "it may pass");
        // A proxy is named.
        let proxy = "http://proxy:3128 (HTTPS_PROXY)";
        let behind = client(&server.url()).through(Some(proxy.to_owned()));
        let error = ask(&behind, &Open::default()).await.unwrap_err();
        assert_eq!(error.to_string(), format!("{between}; requests go through the proxy {proxy}"));
        assert_eq!(error.name(), "between");
    }
    let server = answering(302, &[("location", "https://guest.example/login")], "").await;
    let error = fault(&client(&server.url())).await.0;
    assert_eq!(
        error.to_string(),
        "something between us and the API answered (HTTP 302, a redirect to a login page): look there, not at the token"
    );
    // An error of the API itself is not the proxy's fault.
    let server = answering(401, &[], &documented(401, "UNAUTHORIZED")).await;
    let behind = client(&server.url()).through(Some("http://proxy:3128 (HTTPS_PROXY)".to_owned()));
    assert_eq!(fault(&behind).await, (InboxError::TokenRefused { status: 401 }, 1));
}

#[tokio::test]
async fn a_pause_counts_by_the_clock_of_the_answer() {
    // Our clock and the answer's differ.
    let date = ("date", "Fri, 12 Jun 2026 18:00:00 GMT");
    for (header, value, seconds) in [
        ("retry-after", "Fri, 12 Jun 2026 18:00:07 GMT", 7),
        ("retry-after", "Friday, 12-Jun-26 18:00:07 GMT", 7),
        ("retry-after", "Fri Jun 12 18:00:07 2026", 7),
        ("x-ratelimit-reset", "1781287207", 7),
        ("x-ratelimit-reset", "1781287207000", 7),
        ("retry-after", "7.0", 7),
        ("retry-after", "7s", 7),
        ("retry-after-ms", "7000", 7),
    ] {
        let server = answering(429, &[date, (header, value)], "").await;
        let error = fault(&client(&server.url())).await.0;
        let right = SignedDuration::from_secs(seconds);
        assert_eq!(error, InboxError::RateLimited { retry_after: Some(right) }, "{header}: {value}");
    }
    let server = answering(429, &[], r#"{"success":false,"error":{"code":"TOO_MANY","retry_after":7}}"#).await;
    let limited = InboxError::RateLimited { retry_after: Some(SignedDuration::from_secs(7)) };
    assert_eq!(fault(&client(&server.url())).await.0, limited);
}

#[tokio::test]
async fn an_error_in_a_200_is_one() {
    for (body, error, tries) in [
        (documented(401, "UNAUTHORIZED"), InboxError::TokenRefused { status: 401 }, 1),
        (documented(429, "TOO_MANY"), InboxError::RateLimited { retry_after: None }, 3),
        (documented(500, "INTERNAL"), InboxError::Unsuccessful { code: Some("INTERNAL".to_owned()) }, 3),
        (json!({ "success": true, "data": null }).to_string(), InboxError::WrongShape { what: "`data` is missing" }, 3),
        (
            json!({ "success": true, "data": { "name": SECRET } }).to_string(),
            InboxError::WrongShape { what: "`data` is not a list" },
            3,
        ),
        (json!([SECRET]).to_string(), InboxError::WrongShape { what: "it is not an object" }, 3),
        (String::new(), InboxError::Empty { status: 200 }, 3),
        (format!("<html>{SECRET}</html>"), InboxError::Html { status: 200 }, 3),
        (format!("{{\"success\":true,\"data\":[{{\"_id\":\"{SECRET}"), InboxError::NotJson, 3),
    ] {
        let server = answering(200, &[], &body).await;
        assert_eq!(fault(&client(&server.url())).await, (error, tries), "{body}");
    }
}

#[tokio::test]
async fn faults_of_the_server_are_tried_three_times() {
    for status in [500_u16, 502, 503, 504] {
        let body = if status == 502 { format!("<html>{SECRET}</html>") } else { documented(status, "INTERNAL") };
        let server = answering(status.into(), &[], &body).await;
        let error = InboxError::Server { status, retry_after: None };
        assert_eq!(fault(&client(&server.url())).await, (error, 3));
    }
}

#[tokio::test]
async fn faults_of_a_sandbox() {
    let inbox = inbox(10).await;
    inbox.fill(3);
    for (kind, name) in [
        (FaultKind::Html, "server"),
        (FaultKind::Empty, "empty"),
        (FaultKind::HalfJson, "not-json"),
        (FaultKind::Cut, "broken"),
        (FaultKind::Close, "broken"),
        (FaultKind::Reset, "broken"),
        (FaultKind::NoSuccess, "unsuccessful"),
        (FaultKind::DataNoArray, "wrong-shape"),
        (FaultKind::WrongShape, "wrong-shape"),
    ] {
        inbox.sandbox.fault(Fault::inbox(kind.clone()).repeated(3));
        let (error, tries) = fault(&inbox.client()).await;
        assert_eq!((error.name(), tries), (name, 3), "{kind:?}");
        // Two failures are survived.
        inbox.sandbox.fault(Fault::inbox(kind.clone()).repeated(2));
        assert_eq!(ask(&inbox.client(), &Open::default()).await.unwrap().len(), 3, "{kind:?}");
    }
}

#[tokio::test]
async fn a_pause_that_is_asked_for_reaches_the_budget() {
    let seconds = SignedDuration::from_secs;
    for (status, value, pause, tries) in [
        (429, "7", seconds(7), 3),
        (429, "Fri, 12 Jun 2026 12:00:30 GMT", seconds(30), 3),
        (503, "60", seconds(60), 3),
        // The pause is too long for a poll: it has failed, and the next one waits.
        (429, "61", seconds(61), 1),
        (503, "99999999999999999999", seconds(3_600), 1),
    ] {
        let headers = [("date", "Fri, 12 Jun 2026 12:00:00 GMT"), ("retry-after", value)];
        let server = answering(status, &headers, &documented(429, "TOO_MANY")).await;
        let gate = Open::default();
        let error = ask(&client(&server.url()), &gate).await.unwrap_err();
        assert_eq!((error.retry_after(), gate.requests()), (Some(pause), tries), "{status} {value}");
        assert_eq!(*gate.held.lock(), vec![pause; usize::try_from(tries).unwrap()]);
    }
    let server = answering(429, &[], "").await;
    let gate = Open::default();
    let error = ask(&client(&server.url()), &gate).await.unwrap_err();
    assert_eq!(error, InboxError::RateLimited { retry_after: None });
    assert!(gate.held.lock().is_empty());
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_takes_no_token_along() {
    for status in [301, 302, 303, 307, 308] {
        let mut elsewhere = Server::new_async().await;
        let target = elsewhere.mock("POST", Matcher::Any).expect(0).create_async().await;
        let got = elsewhere.mock("GET", Matcher::Any).expect(0).create_async().await;
        let to = format!("{}/inbox/users?key={SECRET}", elsewhere.url());
        let server = answering(status, &[("location", &to)], "").await;
        let error = InboxError::Redirected { status: u16::try_from(status).unwrap() };
        assert_eq!(fault(&client(&server.url())).await, (error, 1));
        target.assert_async().await;
        got.assert_async().await;
    }
}

#[tokio::test]
async fn no_answer_in_time() {
    let timeout = SignedDuration::from_millis(60);
    let late = inbox(10).await;
    late.sandbox.fault(Fault::inbox(FaultKind::Delay { ms: 60_000 }).repeated(3));
    let client = late.client();
    let client = Client { timeout, ..client };
    assert_eq!(fault(&client).await, (InboxError::Timeout { timeout }, 3));

    // The head came in time, but the rest does not come.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 8_192]).await;
            let head = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"success\"";
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, head).await;
            open.push(stream);
        }
    });
    assert_eq!(fault(&within(&url, timeout)).await, (InboxError::Timeout { timeout }, 3));
}

#[tokio::test]
async fn nobody_listens() {
    // A port that is bound without listening refuses connections, and nobody else gets it.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}/{SECRET}", socket.local_addr().unwrap());
    let (error, tries) = fault(&client(&url)).await;
    assert_eq!((error.name(), tries), ("unreachable", 3));
    assert!(error.to_string().to_lowercase().contains("refused"), "{error}");
}

#[tokio::test]
async fn a_broken_answer() {
    for answer in [
        "",
        "no HTTP at all\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"success\":true,\"data\":[]}",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"suc",
        "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 26\r\n\r\n{\"success\":true,\"data\":[]}",
    ] {
        let url = raw(answer.as_bytes().to_vec(), 0).await;
        assert_eq!(fault(&client(&url)).await, (InboxError::Broken, 3), "{answer}");
    }
    // The status is known nevertheless.
    let url = raw(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 500\r\n\r\n{\"success".to_vec(), 0).await;
    assert_eq!(fault(&client(&url)).await, (InboxError::TokenRefused { status: 401 }, 1));
}

#[tokio::test]
async fn gzip_is_understood() {
    let zipped =
        "H4sIAAAAAAACA6tWKi5NTk4tLlayKikqTdVRygWyE9NTlayUlHSUkvNTgCwjAwMdpZTEkkQlq+hqpfjMFKBksqFSbWwtANw4x8g+AAAA";
    let mut server = Server::new_async().await;
    let mock = server
        .mock("POST", "/inbox/users")
        .match_header("accept-encoding", Matcher::Regex("gzip".to_owned()))
        .with_header("content-encoding", "gzip")
        .with_body(BASE64_STANDARD.decode(zipped).unwrap())
        .create_async()
        .await;
    let page = ask(&client(&server.url()), &Open::default()).await.unwrap();
    assert_eq!(page.contacts[0].id, "c1");
    mock.assert_async().await;
}

#[tokio::test]
async fn pauses_between_tries_grow() {
    let server = answering(500, &[], "").await;
    let patience = Patience { tries: 3, first: Duration::from_millis(20) };
    let began = std::time::Instant::now();
    fault(&client(&server.url()).with_patience(patience)).await;
    assert!(began.elapsed() >= Duration::from_millis(80), "20 ms and three times as many");
}

#[tokio::test]
async fn a_closed_gate_lets_nothing_out() {
    struct Closed;
    impl super::Gate for Closed {
        async fn enter(&self) -> Result<(), InboxError> {
            Err(InboxError::OutOfTime)
        }
        async fn leave(&self) {
            panic!("nobody entered");
        }
        async fn hold(&self, _: SignedDuration) {}
        fn now(&self) -> jiff::Timestamp {
            noon()
        }
    }
    let mut server = Server::new_async().await;
    let mock = server.mock("POST", "/inbox/users").expect(0).create_async().await;
    let asked = client(&server.url()).page(&Closed, &Filter::default(), 1, noon()).await;
    assert_eq!(asked.unwrap_err(), InboxError::OutOfTime);
    mock.assert_async().await;
}

#[tokio::test]
async fn a_token_that_is_no_header_is_said_to_be_wrong_and_not_sent() {
    let mut server = Server::new_async().await;
    let mock = server.mock("POST", "/inbox/users").expect(0).create_async().await;
    let token = secrecy::SecretString::from(format!("{TOKEN}\n{SECRET}"));
    let client = Client { token: token.into(), ..client(&server.url()) };
    let (error, tries) = fault(&client).await;
    assert_eq!((error.name(), tries), ("token-refused", 1));
    assert!(error.to_string().contains("`token`"), "{error}");
    mock.assert_async().await;
}

#[tokio::test]
async fn names_of_segments() {
    let inbox = inbox(10).await;
    let gate = Open::default();
    let named = inbox.client().segments(&gate).await.unwrap();
    assert_eq!(named.len(), 3);
    assert!(named.values().any(|name| name == "Newsletter"));
    inbox.sandbox.fault(Fault::at(Place::Segments, FaultKind::status(404)));
    assert_eq!(inbox.client().segments(&gate).await, Err(InboxError::Status { status: 404 }));
    inbox.sandbox.fault(Fault::at(Place::Segments, FaultKind::status(500)).repeated(10));
    let before = gate.entered.load(Ordering::SeqCst);
    assert!(inbox.client().segments(&gate).await.is_err());
    assert_eq!(gate.entered.load(Ordering::SeqCst) - before, 1, "what nothing depends on is asked for once");
}

#[test]
fn every_error_has_a_name_of_its_own_and_one_sentence() {
    let timeout = SignedDuration::from_millis(1_500);
    let all = [
        InboxError::TokenRefused { status: 401 },
        InboxError::BadRequest { code: None },
        InboxError::RateLimited { retry_after: Some(SignedDuration::from_secs(7)) },
        InboxError::Server { status: 502, retry_after: None },
        InboxError::Redirected { status: 302 },
        InboxError::Status { status: 404 },
        InboxError::Unreachable { reason: "refused".to_owned() },
        InboxError::Timeout { timeout },
        InboxError::Broken,
        InboxError::TooLarge { limit: 16 },
        InboxError::Empty { status: 200 },
        InboxError::Html { status: 200 },
        InboxError::NotJson,
        InboxError::WrongShape { what: "`data` is not a list" },
        InboxError::Unsuccessful { code: Some("INTERNAL".to_owned()) },
        InboxError::Between { status: 403, what: "not an error of the API" },
        InboxError::OutOfTime,
    ];
    let names: std::collections::BTreeSet<&str> = all.iter().map(InboxError::name).collect();
    assert_eq!(names.len(), all.len());
    let said: Vec<String> = all.iter().map(ToString::to_string).collect();
    assert!(said.iter().all(|text| !text.contains('\n') && !text.ends_with('.') && text.len() < 120), "{said:#?}");
    assert_eq!(said[2], "the API's request limit is used up; it asks to wait 7 s");
    assert_eq!(said[7], "the API did not answer within 1.5 s");
}
