//! Faults of the inbox: no alert ends by them, and what was understood counts.

use super::{Bench, Mode, WAITING, all, seconds, waiting};
use crate::{
    inbox::InboxError,
    sandbox::{By, CustomerAction, Fault, FaultKind},
};

const KINDS: usize = 16;

fn kinds() -> [(FaultKind, &'static str); KINDS] {
    [
        (FaultKind::status(400), "bad-request"),
        (FaultKind::status(401), "token-refused"),
        (FaultKind::status(403), "token-refused"),
        (FaultKind::status(404), "status"),
        (FaultKind::status(429), "rate-limited"),
        (FaultKind::status(500), "server"),
        (FaultKind::Html, "server"),
        (FaultKind::Empty, "empty"),
        (FaultKind::HalfJson, "not-json"),
        (FaultKind::Cut, "broken"),
        (FaultKind::Reset, "broken"),
        (FaultKind::NoSuccess, "unsuccessful"),
        (FaultKind::DataNoArray, "wrong-shape"),
        (friendly(r#"{"success":true,"error":"index rebuild","data":[]}"#), "contradiction"),
        (friendly(r#"{"success":true,"message":"","code":200,"data":[],"hasMore":true}"#), "wrong-shape"),
        (FaultKind::Redirect { to: "http://127.0.0.1:1/".to_owned() }, "redirected"),
    ]
}

/// A failure that comes with HTTP 200.
pub(super) fn friendly(body: &str) -> FaultKind {
    FaultKind::Status { code: 200, body: Some(body.to_owned()), retry_after: None }
}

#[tokio::test]
async fn a_failed_poll_ends_nothing_and_begins_what_it_saw() {
    // 5, 5, 2 and an empty one.
    for page in 1..=4 {
        for (kind, name) in kinds() {
            let bench = Bench::new(&[("waiting", WAITING)], 12).await;
            bench.poller.store.snapshot("main").await.unwrap();
            bench.good().await;
            let answer = CustomerAction::Answer(By::Agent, "Here I am.".to_owned());
            bench.inbox.sandbox.act("c003", &answer, bench.now() + seconds(1)).unwrap();
            bench.inbox.sandbox.remove("c008").unwrap();
            // A new customer on the first page, and one on the last page.
            let mut newest = waiting(20);
            newest["lastMessage"]["at"] = "2026-06-12T12:00:01Z".into();
            bench.inbox.sandbox.put(newest).unwrap();
            bench.inbox.sandbox.put(waiting(30)).unwrap();
            bench.advance(300);
            for polls in 1..=3 {
                bench.inbox.sandbox.clear_faults();
                bench.inbox.sandbox.fault(Fault::inbox(kind.clone()).on_page(page).repeated(3));
                let polled = bench.run(if polls == 2 { Mode::Once } else { Mode::Daemon }).await;
                let what = format!("{kind:?} on page {page}, poll {polls}");
                assert_eq!(polled.failure.map(|error| error.name()), Some(name), "{what}");
                assert_eq!(bench.ended(), [], "{what}");
                let mut firing = all(12);
                firing.extend((page > 1).then(|| "c020".to_owned()));
                firing.extend((page > 3).then(|| "c030".to_owned()));
                assert_eq!(bench.firing().await, firing, "{what}");
            }
            bench.inbox.sandbox.clear_faults();
            bench.good().await;
            bench.good().await;
            assert_eq!(bench.ended_by("answered-by-agent"), ["c003"]);
            assert_eq!(bench.ended_by("gone"), ["c008"]);
            assert_eq!(bench.told().await, (14, 2));
        }
    }
}

#[tokio::test]
async fn a_fault_that_passes_is_none() {
    for (kind, _) in kinds().into_iter().skip(4).take(KINDS - 5) {
        let bench = Bench::new(&[("waiting", WAITING)], 12).await;
        bench.inbox.sandbox.fault(Fault::inbox(kind).on_page(2).repeated(2));
        bench.good().await;
        assert_eq!(bench.firing().await, all(12));
    }
}

#[tokio::test]
async fn a_look_up_that_fails_ends_nothing() {
    let bench = Bench::new(&[("waiting", WAITING)], 3).await;
    bench.good().await;
    bench.inbox.sandbox.act("c001", &CustomerAction::Close, bench.now() + seconds(1)).unwrap();
    bench.inbox.sandbox.fault(Fault::inbox(FaultKind::Delay { ms: 0 }).on_page(1));
    bench.inbox.sandbox.fault(Fault::inbox(FaultKind::status(500)).on_page(1).repeated(3));
    let polled = bench.poll().await;
    assert_eq!(polled.failure, Some(InboxError::Server { status: 500, retry_after: None }));
    assert_eq!(bench.ended(), []);
    bench.good().await;
    assert_eq!(bench.ended_by("closed"), ["c001"]);
}
