//! The sandbox on the wire, against the provider's page.

mod api;
mod control;
mod faults;
mod filters;
mod people;
mod sinks;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Running, Sandbox, Settings};
use crate::clock::ManualClock;

const TOKEN: &str = "made-up-token";

/// A sandbox on loopback with its own clock, and a client.
struct Bench {
    running: Running,
    sandbox: Sandbox,
    clock: Arc<ManualClock>,
    client: Client,
    shutdown: CancellationToken,
}

fn noon() -> Timestamp {
    "2026-06-12T12:00:00Z".parse().unwrap()
}

fn settings() -> Settings {
    Settings { token: TOKEN.to_owned(), ..Settings::default() }
}

fn client() -> Client {
    // Another test may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().map(|der| reqwest::Certificate::from_der(der).unwrap());
    Client::builder().tls_certs_only(roots).redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap()
}

impl Bench {
    async fn new(settings: Settings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let clock = Arc::new(ManualClock::at(noon()));
        let shutdown = CancellationToken::new();
        let running = Sandbox::start(settings, clock.clone(), listener, shutdown.clone()).unwrap();
        Self { sandbox: running.sandbox(), running, clock, client: client(), shutdown }
    }

    /// With a plain contact for every list of changes.
    async fn with(contacts: &[Value]) -> Self {
        let bench = Self::new(settings()).await;
        for contact in contacts {
            bench.add(contact).await;
        }
        bench
    }

    async fn add(&self, contact: &Value) -> Value {
        let response = self.post("/sandbox/customers", contact).await;
        assert_eq!(response.status(), StatusCode::OK);
        response.json::<Value>().await.unwrap()["data"].clone()
    }

    fn advance(&self, seconds: i64) {
        self.clock.advance(SignedDuration::from_secs(seconds));
    }

    async fn post(&self, path: &str, body: &Value) -> Response {
        self.client.post(format!("{}{path}", self.running.url())).json(body).send().await.unwrap()
    }

    async fn try_ask(&self, body: &Value) -> reqwest::Result<Response> {
        let url = format!("{}/inbox/users", self.running.url());
        self.client.post(url).bearer_auth(TOKEN).header("authtype", "Key").json(body).send().await
    }

    async fn ask(&self, body: &Value) -> Response {
        self.try_ask(body).await.unwrap()
    }

    /// The records of one page.
    async fn page(&self, body: &Value) -> Vec<Value> {
        let response = self.ask(body).await;
        assert_eq!(response.status(), StatusCode::OK);
        let envelope: Value = response.json().await.unwrap();
        assert_eq!(envelope["success"], json!(true));
        assert_eq!(envelope["message"], json!(""));
        assert_eq!(envelope["code"], json!(200));
        envelope["data"].as_array().unwrap().clone()
    }

    /// The ids on one page.
    async fn ids(&self, body: &Value) -> Vec<String> {
        self.page(body).await.iter().map(|contact| contact["_id"].as_str().unwrap().to_owned()).collect()
    }
}

/// A body with every filter empty.
fn everyone() -> Value {
    json!({
        "searchText": "", "tags": [], "status": [], "isOnline": false,
        "_botWebsite": [], "_botWhatsapp": [], "_botTelegram": [], "_botFacebook": [],
        "_agentAssigned": [], "segments": [], "applicableFilters": [],
        "lastSeenAt": { "startAt": "", "endsAt": "" }, "createdAt": { "startAt": "", "endsAt": "" },
        "userInteracted": false, "lastMessageBy": [], "isLiveChatActive": false,
        "hasOrdered": { "status": false, "lastAt": "" },
        "page": 1, "isExport": "none", "isContact": false,
    })
}

/// The same with other values at dotted paths.
fn body(changes: &[(&str, Value)]) -> Value {
    let mut body = everyone();
    for (path, value) in changes {
        *body.pointer_mut(&format!("/{}", path.replace('.', "/"))).unwrap() = value.clone();
    }
    body
}

fn on_page(page: usize) -> Value {
    body(&[("page", json!(page))])
}

/// The documented structure of an error, and its message.
async fn refused(response: Response, status: u16, code: &str) -> String {
    assert_eq!(response.status().as_u16(), status);
    let error: Value = response.json().await.unwrap();
    assert_eq!(error["success"], json!(false));
    assert_eq!(error["error"]["code"], json!(code));
    assert_eq!(error["error"]["statusCode"], json!(status));
    error["error"]["message"].as_str().unwrap().to_owned()
}
