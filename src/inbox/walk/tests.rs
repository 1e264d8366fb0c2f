//! Walks over a made-up inbox, complete and incomplete ones.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde_json::json;

use super::{Extent, Last, Walk, WalkEnd, walk};
use crate::{
    inbox::{
        InboxError,
        testing::{Inbox, Open, client, http, inbox, noon},
    },
    model::{Filter, snapshot::PageSize},
    sandbox::{BadRecord, Fault, FaultKind},
};

const CAP: u32 = 2_000;

fn extent(page_size: Option<usize>) -> Extent {
    Extent { page_size, last: Last::Short, first: 1, cap: CAP, filled: 0, room: 16 << 20, now: noon() }
}

async fn walked(inbox: &Inbox, extent: Extent) -> Walk {
    let gate = Open::default();
    let walk = walk(&inbox.client(), &gate, &Filter::default(), extent, &|_| {}).await;
    assert!(gate.requests() >= walk.pages);
    walk
}

fn ids(walk: &Walk) -> BTreeSet<String> {
    walk.contacts.values().map(|contact| contact.id.clone()).collect()
}

fn all(total: usize) -> BTreeSet<String> {
    (0..total).map(|index| format!("c{index:03}")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_page_size_gives_every_contact_and_is_learned() {
    let mut tasks = tokio::task::JoinSet::new();
    let http = http();
    for size in 1..=137_usize {
        let http = http.clone();
        tasks.spawn(async move {
            let totals = match size {
                1 | 2 | 20 | 137 => {
                    vec![0, 1, size - 1, size, size + 1, 2 * size, 3 * size - 1, 3 * size, 3 * size + 1]
                }
                odd if odd % 2 == 1 => vec![size + 1, 3 * size],
                _ => vec![size, 2 * size + 1],
            };
            for total in totals {
                let inbox = Inbox::start(size, http.clone()).await;
                inbox.fill(total);
                let first = walked(&inbox, extent(None)).await;
                assert!(first.is_complete(), "{size} {total}");
                assert_eq!(ids(&first), all(total), "{size} {total}");
                let (pages, requests) = (total.div_ceil(size), inbox.sandbox.requests().len());
                assert_eq!(requests, pages + 1, "{size} {total}: down to an empty page");
                let learned = if pages >= 3 { PageSize::Confirmed(size) } else { PageSize::Unchanged };
                assert_eq!(first.page_size, learned, "{size} {total}");

                inbox.sandbox.clear_logs();
                let second = walked(&inbox, extent(Some(size))).await;
                assert_eq!((second.is_complete(), ids(&second)), (true, all(total)), "{size} {total}");
                let saved = usize::from(pages >= 2 && total % size != 0);
                assert_eq!(inbox.sandbox.requests().len(), pages + 1 - saved, "{size} {total}: a short page ends it");
                assert_ne!(second.page_size, PageSize::Wrong, "{size} {total}");
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
}

#[tokio::test]
async fn a_wrong_page_size_loses_nobody_and_is_noticed() {
    for (real, total, believed) in [(20, 70, 50), (20, 70, 21), (20, 70, 10), (20, 70, 30), (50, 70, 20), (20, 40, 50)]
    {
        let inbox = inbox(real).await;
        inbox.fill(total);
        let walk = walked(&inbox, extent(Some(believed))).await;
        // A page that is shorter than before may be half of it.
        let end = if (total, believed) == (40, 50) { WalkEnd::Uneven } else { WalkEnd::Complete };
        assert_eq!((walk.end.clone(), ids(&walk)), (end, all(total)), "{real} {total} {believed}");
        let learned = if total > 2 * real { PageSize::Confirmed(real) } else { PageSize::Wrong };
        assert_eq!(walk.page_size, learned, "{real} {total} {believed}");
    }
}

#[tokio::test]
async fn an_empty_or_a_small_query_unlearns_nothing() {
    for total in [0, 1, 19, 20, 39] {
        let inbox = inbox(20).await;
        inbox.fill(total);
        for last in [Last::Empty, Last::Short, Last::AnyShort] {
            let walk = walked(&inbox, Extent { last, ..extent(Some(20)) }).await;
            assert_eq!((walk.is_complete(), walk.page_size), (true, PageSize::Unchanged), "{total}");
        }
    }
}

#[tokio::test]
async fn to_verify_means_down_to_an_empty_page() {
    let inbox = inbox(20).await;
    inbox.fill(45);
    let walk = walked(&inbox, Extent { last: Last::Empty, ..extent(Some(20)) }).await;
    assert_eq!((walk.pages, walk.page_size), (4, PageSize::Confirmed(20)));
}

#[tokio::test]
async fn what_need_not_be_evidence_ends_on_any_short_page() {
    let inbox = inbox(20).await;
    inbox.fill(3);
    for (last, pages) in [(Last::AnyShort, 1), (Last::Short, 2), (Last::Empty, 2)] {
        let walk = walked(&inbox, Extent { last, ..extent(Some(20)) }).await;
        assert_eq!((walk.is_complete(), walk.pages), (true, pages));
    }
}

#[tokio::test]
async fn a_cap_is_no_end() {
    let inbox = inbox(10).await;
    inbox.fill(35);
    for (cap, end) in [(1, WalkEnd::Capped), (3, WalkEnd::Capped), (4, WalkEnd::Capped), (5, WalkEnd::Complete)] {
        let walk = walked(&inbox, Extent { cap, ..extent(None) }).await;
        assert_eq!((walk.end, walk.pages), (end, cap));
    }
}

/// Answers page after page with these ids, the last ones for ever.
async fn pages(pages: &[&[&str]]) -> mockito::ServerGuard {
    let mut server = mockito::Server::new_async().await;
    let bodies: Vec<String> = pages
        .iter()
        .map(|ids| ids.iter().map(|id| json!({ "_id": id })).collect::<Vec<_>>())
        .map(|data| json!({ "success": true, "data": data }).to_string())
        .collect();
    server
        .mock("POST", "/inbox/users")
        .with_body_from_request(move |request| {
            let body: serde_json::Value = serde_json::from_slice(request.body().unwrap()).unwrap();
            let page = usize::try_from(body["page"].as_u64().unwrap()).unwrap();
            bodies[(page - 1).min(bodies.len() - 1)].clone().into_bytes()
        })
        .create_async()
        .await;
    server
}

#[tokio::test]
async fn pages_that_go_round() {
    for (given, end, read) in [
        // The same page again: an API that returns its last page for every larger number.
        (vec![&["a", "b"][..], &["c"], &["c"]], WalkEnd::Torn, 3),
        (vec![&["a", "b"], &["a", "b"]], WalkEnd::Torn, 2),
        // Three pages without a new contact.
        (vec![&["a", "b"], &["b", "a"], &["a"], &["b"], &["c"]], WalkEnd::Torn, 4),
        // Moving records can cause two of them.
        (vec![&["a", "b"], &["b", "a"], &["a"], &["c"], &[]], WalkEnd::Uneven, 5),
        // A contact that is twice on a page is new once.
        (vec![&["a", "a"], &["b", "b"], &[]], WalkEnd::Complete, 3),
    ] {
        let server = pages(&given).await;
        let walk = walk(&client(&server.url()), &Open::default(), &Filter::default(), extent(None), &|_| {}).await;
        assert_eq!((walk.end, walk.pages), (end, read), "{given:?}");
        let seen: BTreeSet<String> = given[..3.min(given.len())].concat().iter().map(|id| (*id).to_owned()).collect();
        assert!(walk.contacts.len() >= seen.len(), "what was seen is kept: {given:?}");
    }
}

#[tokio::test]
async fn uneven_pages_teach_nothing_and_lose_nobody() {
    let server = pages(&[&["a", "b"], &["c"], &["d", "e"], &["f"], &[]]).await;
    for page_size in [None, Some(3)] {
        let walk = walk(&client(&server.url()), &Open::default(), &Filter::default(), extent(page_size), &|_| {}).await;
        assert_eq!((walk.end, walk.contacts.len()), (WalkEnd::Uneven, 6));
        assert_eq!(walk.page_size, PageSize::Wrong);
    }
}

#[tokio::test]
async fn pages_that_may_hide_somebody_by_table() {
    for (given, end, read) in [
        (vec![&["a", "b"][..], &["c"], &[]], WalkEnd::Complete, 3),
        (vec![&["a"], &["b", "c"], &[]], WalkEnd::Uneven, 3),
        (vec![&["a", "b"], &["c"], &["d", "e"], &[]], WalkEnd::Uneven, 4),
        (vec![&["a", "b"], &["c", "d"], &["e"], &["f"], &[]], WalkEnd::Uneven, 5),
        // A short page is not the last one if there were more pages the last time.
        (vec![&["a", "b", "c"], &["d"], &["e"], &[]], WalkEnd::Uneven, 4),
        // Nor is an empty one: the page after it has records.
        (vec![&["a", "b", "c"], &[], &["d"], &[]], WalkEnd::Torn, 2),
        (vec![&["a", "b", "c"], &[]], WalkEnd::Complete, 2),
        (vec![&[][..]], WalkEnd::Complete, 1),
    ] {
        let server = pages(&given).await;
        let extent = Extent { filled: 3, ..extent(None) };
        let walk = walk(&client(&server.url()), &Open::default(), &Filter::default(), extent, &|_| {}).await;
        assert_eq!((walk.end, walk.pages), (end, read), "{given:?}");
    }
}

#[tokio::test]
async fn an_answer_that_says_that_there_are_more_is_no_whole_one() {
    for (total, pages, end) in [
        (3, vec![2, 1, 0], WalkEnd::Complete),
        (4, vec![2, 1, 0], WalkEnd::Uneven),
        (
            45,
            vec![0],
            WalkEnd::Failed(InboxError::WrongShape { what: "it states that there are records, but `data` is empty" }),
        ),
    ] {
        let mut server = mockito::Server::new_async().await;
        let mock = server.mock("POST", "/inbox/users").with_body_from_request(move |request| {
            let body: serde_json::Value = serde_json::from_slice(request.body().unwrap()).unwrap();
            let page = usize::try_from(body["page"].as_u64().unwrap()).unwrap();
            let data: Vec<_> = (0..pages[page - 1]).map(|index| json!({ "_id": format!("{page}-{index}") })).collect();
            json!({ "success": true, "data": data, "total": total }).to_string().into_bytes()
        });
        mock.create_async().await;
        // A page size that would end the walk on its second page.
        let walk = walk(&client(&server.url()), &Open::default(), &Filter::default(), extent(Some(2)), &|_| {}).await;
        assert_eq!(walk.end, end, "{total}");
    }
}

#[tokio::test]
async fn a_record_that_moves_while_one_pages_comes_once_in_its_newest_version() {
    for page in 1..=3 {
        let inbox = inbox(10).await;
        inbox.fill(35);
        inbox.sandbox.fault(Fault::inbox(FaultKind::MoveToFront).on_page(page));
        let walk = walked(&inbox, extent(None)).await;
        let moved = format!("c{:03}", page * 10);
        let mut expected = all(35);
        expected.remove(&moved);
        assert_eq!((walk.is_complete(), ids(&walk)), (true, expected), "the moved one is missed");
        assert_eq!(ids(&walked(&inbox, extent(None)).await), all(35), "and there again the next time");
    }
}

#[tokio::test]
async fn a_record_that_vanishes_while_one_pages_hides_one_once() {
    let inbox = inbox(10).await;
    inbox.fill(35);
    inbox.sandbox.fault(Fault::inbox(FaultKind::Vanish).on_page(2));
    let walk = walked(&inbox, extent(None)).await;
    assert!(ids(&walk).contains("c010") && !ids(&walk).contains("c020"));
    let again = walked(&inbox, extent(None)).await;
    assert!(!ids(&again).contains("c010") && ids(&again).contains("c020"));
}

#[tokio::test]
async fn a_bad_record_tears_the_walk_and_costs_nobody_else() {
    for what in [BadRecord::Text, BadRecord::Null, BadRecord::WithoutId] {
        for page in 1..=4 {
            let inbox = inbox(10).await;
            inbox.fill(35);
            inbox.sandbox.fault(Fault::inbox(FaultKind::BadRecord { what }).on_page(page));
            let walk = walked(&inbox, extent(None)).await;
            assert_eq!((walk.end.clone(), walk.unreadable), (WalkEnd::Torn, 1), "{what:?} {page}");
            assert_eq!(ids(&walk), all(35), "{what:?} {page}");
        }
    }
}

#[tokio::test]
async fn a_failure_keeps_what_was_seen() {
    for page in 1..=4 {
        let inbox = inbox(10).await;
        inbox.fill(35);
        inbox.sandbox.fault(Fault::inbox(FaultKind::status(500)).on_page(page).repeated(3));
        let walk = walked(&inbox, extent(Some(10))).await;
        assert_eq!(walk.end, WalkEnd::Failed(InboxError::Server { status: 500, retry_after: None }));
        assert_eq!(ids(&walk), all((page - 1) * 10), "{page}");
        assert_eq!(usize::try_from(walk.pages).unwrap(), page - 1);
    }
}

#[tokio::test]
async fn a_fault_that_passes_is_no_failure() {
    let inbox = inbox(10).await;
    inbox.fill(25);
    inbox.sandbox.fault(Fault::inbox(FaultKind::HalfJson).on_page(2));
    inbox.sandbox.fault(Fault::inbox(FaultKind::Close).on_page(2));
    let heard = parking_lot::Mutex::new(Vec::new());
    let filter = Filter::default();
    let progress = |page| heard.lock().push(page);
    let walk = walk(&inbox.client(), &Open::default(), &filter, extent(None), &progress).await;
    assert_eq!((walk.is_complete(), ids(&walk)), (true, all(25)));
    assert_eq!(*heard.lock(), [1, 2, 3, 4]);
}

#[tokio::test]
async fn relative_times_stay_the_same_through_a_walk() {
    let inbox = inbox(1).await;
    inbox.sandbox.put(json!({ "_id": "a", "createdAt": "2026-06-12T11:30:00Z" })).unwrap();
    let since = Some(crate::model::filter::When::Ago(SignedDuration::from_hours(1)));
    let created_at = crate::model::filter::TimeRange { start: since, end: None };
    let filter = Filter::default().with(crate::model::filter::FilterKey::CreatedAt, created_at);
    let walk = walk(&inbox.client(), &Open::default(), &filter, extent(None), &|_| {}).await;
    assert_eq!(ids(&walk).len(), 1);
    for body in inbox.sandbox.requests() {
        assert_eq!(body["createdAt"]["startAt"], "2026-06-12T11:00:00.000Z");
    }
}
