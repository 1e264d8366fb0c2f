//! Any sequence of events by customers, agents and faults: no alert ends while its customer waits, and once the inbox
//! is quiet again, exactly the waiting customers have one.

use super::{Bench, Mode, WAITING, waiting};
use crate::{
    model::time::iso,
    sandbox::{BadRecord, By, CustomerAction, Fault, FaultKind, random::Random},
};

/// Customers; most of them are there at the beginning.
const CUSTOMERS: usize = 24;

/// The customers who wait, according to the inbox.
fn truth(bench: &Bench) -> Vec<String> {
    let waits = |contact: &serde_json::Value| {
        contact["lastMessage"]["by"] == "user"
            && ["OPEN", "INPROGRESS"].iter().any(|status| contact["status"] == *status)
            && contact["unreadMessages"].as_i64().is_some_and(|count| count > 0)
    };
    let mut waiting: Vec<String> = bench
        .inbox
        .sandbox
        .contacts()
        .iter()
        .filter(|contact| waits(contact))
        .map(|contact| contact["_id"].as_str().unwrap().to_owned())
        .collect();
    waiting.sort();
    waiting
}

fn happen(bench: &Bench, random: &mut Random) {
    let sandbox = &bench.inbox.sandbox;
    let index = usize::try_from(random.between(0, i64::try_from(CUSTOMERS).unwrap() - 1)).unwrap();
    let id = format!("c{index:03}");
    let action = match random.between(0, 9) {
        0..=2 => CustomerAction::Answer(By::Agent, "Here I am.".to_owned()),
        3 => CustomerAction::Answer(By::Bot, "One moment.".to_owned()),
        4 => CustomerAction::Close,
        5 => {
            sandbox.remove(&id);
            return;
        }
        _ => CustomerAction::Write(Some("Hello?".to_owned())),
    };
    if sandbox.act(&id, &action, bench.now()).is_err() {
        let mut contact = waiting(index);
        contact["lastMessage"]["at"] = iso(bench.now()).into();
        contact["lastSeenAt"] = iso(bench.now()).into();
        contact["updatedAt"] = iso(bench.now()).into();
        sandbox.put(contact).unwrap();
    }
}

fn go_wrong(bench: &Bench, random: &mut Random) {
    let kind = match random.between(0, 8) {
        0 => FaultKind::status(500),
        1 => FaultKind::HalfJson,
        2 => FaultKind::Close,
        3 => FaultKind::BadRecord { what: BadRecord::WithoutId },
        4 => FaultKind::BadRecord { what: BadRecord::Null },
        5 => FaultKind::status(400),
        6 => FaultKind::Empty,
        7 => FaultKind::MoveToFront,
        _ => FaultKind::Vanish,
    };
    let page = usize::try_from(random.between(1, 5)).unwrap();
    let times = u32::try_from(random.between(1, 4)).unwrap();
    bench.inbox.sandbox.fault(Fault::inbox(kind).on_page(page).repeated(times));
}

async fn story(seed: u64, share: usize) {
    let mut random = Random::new(seed);
    let mut bench = Bench::new(&[("waiting", WAITING)], CUSTOMERS - 4).await;
    bench.poller.requests_per_poll = share;
    let mut before: Vec<String> = Vec::new();
    for step in 0..25 {
        bench.advance(15);
        for _ in 0..random.between(0, 3) {
            happen(&bench, &mut random);
        }
        if random.chance(60) {
            go_wrong(&bench, &mut random);
        }
        let waited = truth(&bench);
        bench.run(if random.chance(25) { Mode::Once } else { Mode::Daemon }).await;
        let (waits, firing) = (truth(&bench), bench.firing().await);
        for id in before.iter().filter(|id| waited.contains(id) && waits.contains(id)) {
            assert!(firing.contains(id), "seed {seed}, step {step}: {id} waits, and the alert is over");
        }
        before = firing;
    }
    bench.inbox.sandbox.clear_faults();
    for _ in 0..4 {
        bench.advance(300);
        let polled = bench.run(Mode::Daemon).await;
        assert_eq!(polled.failure, None, "seed {seed}");
    }
    assert_eq!(bench.firing().await, truth(&bench), "seed {seed}: quiet again");
    let (told, ended) = bench.told().await;
    assert_eq!(told - ended, truth(&bench).len(), "seed {seed}: each was told of once, and of the end once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_story_comes_out_right() {
    for seed in 0..8 {
        story(seed, 1_000).await;
        story(seed, 1).await;
    }
}
