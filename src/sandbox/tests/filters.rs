//! Every filter of the page, alone: which records pass it and which do not.

use serde_json::{Value, json};

use super::{Bench, body, settings};
use crate::sandbox::Settings;

/// Two contacts, "yes" and "no"; only "yes" passes the filter.
async fn parts(filter: &[(&str, Value)], yes: Value, no: Value) {
    let (mut yes, mut no) = (yes, no);
    yes["_id"] = json!("yes");
    no["_id"] = json!("no");
    let bench = Bench::with(&[yes.clone(), no.clone()]).await;
    assert_eq!(bench.ids(&body(&[])).await.len(), 2, "{filter:?}");
    assert_eq!(bench.ids(&body(filter)).await, ["yes"], "{filter:?}");

    // The same if only listed filters are applied: unlisted it does nothing, listed it does the same.
    let bench = Bench::new(Settings { listed_filters_only: true, ..settings() }).await;
    bench.sandbox.put(bench.add(&yes).await).unwrap();
    bench.sandbox.put(bench.add(&no).await).unwrap();
    assert_eq!(bench.ids(&body(filter)).await.len(), 2, "{filter:?}");
    let names: Vec<_> = filter.iter().map(|(path, _)| path.split('.').next().unwrap()).collect();
    let mut listed = filter.to_vec();
    listed.push(("applicableFilters", json!(names)));
    assert_eq!(bench.ids(&body(&listed)).await, ["yes"], "{filter:?}");
}

fn who(details: &Value) -> Value {
    json!({ "profile": { "userDetails": details } })
}

#[tokio::test]
async fn search_text() {
    let nobody = json!({ "name": "Nobody", "contact": { "email": "", "phone": { "prefix": "", "number": "" } } });
    for (searched, details) in [
        ("VERMA", json!({ "name": "Asha Verma" })),
        ("шевч", json!({ "name": "Оксана ШЕВЧЕНКО" })),
        ("asha@", json!({ "contact": { "email": "Asha@example.com" } })),
        ("98765", json!({ "contact": { "phone": { "number": "9876543210" } } })),
        ("+919876", json!({ "contact": { "phone": { "prefix": "+91", "number": "9876543210" } } })),
        ("4915", json!({ "whatsAppNumber": "491511234567" })),
    ] {
        let mut yes = who(&nobody);
        let details = details.as_object().unwrap();
        for (name, value) in details {
            yes["profile"]["userDetails"][name] = value.clone();
        }
        parts(&[("searchText", json!(searched))], yes, who(&nobody)).await;
    }
}

#[tokio::test]
async fn lists_mean_any_of() {
    parts(&[("tags", json!(["vip", "x"]))], who(&json!({ "tags": ["a", "vip"] })), who(&json!({ "tags": ["a"] })))
        .await;
    parts(&[("status", json!(["OPEN", "ONHOLD"]))], json!({ "status": "ONHOLD" }), json!({ "status": "CLOSED" })).await;
    parts(&[("_agentAssigned", json!(["a", "b"]))], json!({ "_agentAssigned": "b" }), json!({})).await;
    parts(&[("segments", json!(["s", "t"]))], json!({ "segments": ["t"] }), json!({ "segments": ["u"] })).await;
    let by = |by: &str| json!({ "lastMessage": { "by": by } });
    parts(&[("lastMessageBy", json!(["user"]))], by("user"), by("bot")).await;
    parts(&[("lastMessageBy", json!(["agent", "bot"]))], by("agent"), by("user")).await;
}

#[tokio::test]
async fn flags() {
    for name in ["isOnline", "userInteracted", "isLiveChatActive", "isContact"] {
        parts(&[(name, json!(true))], json!({ name: true }), json!({ name: false })).await;
    }
    let ordered = |status: bool| json!({ "hasOrdered": { "status": status } });
    parts(&[("hasOrdered.status", json!(true))], ordered(true), ordered(false)).await;
}

#[tokio::test]
async fn bots_of_any_platform() {
    for name in ["_botWebsite", "_botWhatsapp", "_botTelegram", "_botFacebook"] {
        parts(&[(name, json!(["other", "mine"]))], json!({ name: "mine" }), json!({ name: "theirs" })).await;
    }
    let bench = Bench::with(&[
        json!({ "_id": "w", "_botWebsite": "web" }),
        json!({ "_id": "t", "platform": ["TELEGRAM"], "_botTelegram": "tele" }),
        json!({ "_id": "f", "platform": ["FACEBOOK"], "_botFacebook": "face" }),
    ])
    .await;
    let either = body(&[("_botWebsite", json!(["web"])), ("_botTelegram", json!(["tele"]))]);
    assert_eq!(bench.ids(&either).await, ["t", "w"]);
}

#[tokio::test]
async fn ranges_include_their_ends() {
    for name in ["lastSeenAt", "createdAt"] {
        let at = |time: &str| json!({ name: time });
        let (start, end) = (format!("{name}.startAt"), format!("{name}.endsAt"));
        let (noon, later) = ("2026-06-12T12:00:00.000Z", "2026-06-12T12:00:00.001Z");
        parts(&[(&start, json!(later))], at(later), at(noon)).await;
        parts(&[(&end, json!(noon))], at(noon), at(later)).await;
        parts(&[(&start, json!(noon)), (&end, json!(noon))], at(noon), at(later)).await;
        // The same moment in another zone; and an unknown time, which is in no range.
        parts(&[(&start, json!("2026-06-12T17:30:00+05:30"))], at(noon), at("")).await;
    }
}

#[tokio::test]
async fn orders_at_or_after() {
    let ordered = |at: &str| json!({ "hasOrdered": { "status": true, "lastAt": at } });
    let since = ("hasOrdered.lastAt", json!("2026-06-01T00:00:00Z"));
    let (yes, no) = (ordered("2026-06-01T00:00:00.000Z"), ordered("2026-05-31T23:59:59.999Z"));
    parts(std::slice::from_ref(&since), yes.clone(), no.clone()).await;
    parts(&[("hasOrdered.status", json!(true)), since.clone()], yes.clone(), no).await;
    parts(&[since], yes, json!({ "hasOrdered": { "status": false } })).await;
}

#[tokio::test]
async fn filters_hold_together() {
    let bench = Bench::with(&[
        json!({ "_id": "a", "status": "OPEN", "isLiveChatActive": true }),
        json!({ "_id": "b", "status": "OPEN", "isLiveChatActive": false }),
        json!({ "_id": "c", "status": "CLOSED", "isLiveChatActive": true }),
    ])
    .await;
    let both = body(&[("status", json!(["OPEN"])), ("isLiveChatActive", json!(true))]);
    assert_eq!(bench.ids(&both).await, ["a"]);
}

#[tokio::test]
async fn false_can_be_made_to_mean_false() {
    let bench = Bench::new(Settings { false_means_all: false, ..settings() }).await;
    bench.add(&json!({ "_id": "a", "isOnline": true })).await;
    bench.add(&json!({ "_id": "b", "isLiveChatActive": true })).await;
    let wanted = body(&[("userInteracted", json!(true)), ("isContact", json!(true))]);
    // `isOnline: false` is documented as "all".
    assert_eq!(bench.ids(&wanted).await, ["a"]);
}
