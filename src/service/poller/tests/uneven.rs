//! Half-empty pages: contacts that are not on them are not gone.

use serde_json::json;

use super::{Bench, Mode, WAITING, all, waiting};
use crate::{
    engine::reach::Incomplete,
    sandbox::{Fault, FaultKind},
};

/// A bench whose customers cannot be looked up.
async fn nameless(customers: usize) -> Bench {
    let bench = Bench::new(&[("waiting", WAITING)], 0).await;
    for index in 0..customers {
        let mut customer = waiting(index);
        customer["profile"] = json!({});
        bench.inbox.sandbox.put(customer).unwrap();
    }
    assert_eq!(bench.good().await.fired, customers);
    bench
}

/// Removes three of the five contacts from the second page.
fn half(bench: &Bench) {
    let data: Vec<_> = [5, 6].map(|index| bench.inbox.sandbox.contact(&format!("c{index:03}")).unwrap()).into();
    let body = json!({ "success": true, "message": "", "code": 200, "data": data }).to_string();
    let kind = FaultKind::Status { code: 200, body: Some(body), retry_after: None };
    bench.inbox.sandbox.fault(Fault::inbox(kind).on_page(2).repeated(10_000));
}

#[tokio::test]
async fn half_empty_pages_are_no_evidence_until_it_has_lasted() {
    let bench = nameless(12).await;
    half(&bench);
    // Two walks in the first poll and the third in the second: then it counts as how this API pages.
    let polled = bench.good().await;
    assert_eq!((polled.gap, polled.complete, polled.contacts), (Some(Incomplete::Uneven), false, 9));
    for _ in 0..20 {
        let polled = bench.good().await;
        assert_eq!((polled.gap, polled.complete), (None, true));
        assert_eq!((bench.ended(), bench.firing().await), (vec![], all(12)));
    }
    bench.good().await;
    assert_eq!(bench.ended_by("gone"), ["c007", "c008", "c009"]);
    // It pages evenly again.
    bench.inbox.sandbox.clear_faults();
    for index in 20..27 {
        bench.inbox.sandbox.put(waiting(index)).unwrap();
    }
    bench.good().await;
    bench.inbox.sandbox.remove("c000").unwrap();
    bench.good().await;
    bench.good().await;
    assert_eq!(bench.ended_by("gone"), ["c000", "c007", "c008", "c009"]);
}

#[tokio::test]
async fn a_moment_of_half_empty_pages_hides_nobody() {
    for mode in [Mode::Daemon, Mode::Once] {
        let bench = nameless(12).await;
        for _ in 0..3 {
            half(&bench);
            for _ in 0..5 {
                bench.advance(15);
                bench.run(mode).await;
            }
            bench.inbox.sandbox.clear_faults();
            bench.advance(60);
            assert!(bench.run(mode).await.complete);
        }
        assert_eq!((bench.ended(), bench.told().await), (vec![], (12, 0)));
    }
}
