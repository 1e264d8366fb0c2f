//! Customers made to wait, be answered and leave.

use serde_json::{Value, json};

use super::{Bench, everyone, refused, settings};

#[tokio::test]
async fn a_conversation_from_the_first_word_to_the_end() {
    let bench = Bench::with(&[json!({ "_id": "c", "unreadMessages": 0, "userInteracted": false })]).await;
    let act = async |path: &str, body: Value| {
        bench.advance(1);
        let response = bench.post(&format!("/sandbox/{path}"), &body).await;
        assert_eq!(response.status(), 200);
        response.json::<Value>().await.unwrap()["data"].clone()
    };
    let now = act("write", json!({ "id": "c", "text": "hello?" })).await;
    assert_eq!(now["lastMessage"], json!({ "at": "2026-06-12T12:00:01.000Z", "by": "user", "text": "hello?" }));
    assert_eq!((&now["unreadMessages"], &now["userInteracted"]), (&json!(1), &json!(true)));
    let now = act("write", json!({ "id": "c" })).await;
    assert_eq!((now["lastMessage"].get("text"), &now["unreadMessages"]), (None, &json!(2)));
    let now = act("answer", json!({ "id": "c", "by": "bot", "text": "one moment" })).await;
    assert_eq!((&now["lastMessage"]["by"], &now["unreadMessages"]), (&json!("bot"), &json!(2)));
    let now = act("live-chat", json!({ "id": "c", "active": true })).await;
    assert_eq!(now["isLiveChatActive"], json!(true));
    let now = act("assign", json!({ "id": "c", "agent": "a1" })).await;
    assert_eq!((&now["_agentAssigned"], &now["status"]), (&json!("a1"), &json!("INPROGRESS")));
    let now = act("answer", json!({ "id": "c", "by": "agent", "text": "hi" })).await;
    assert_eq!((&now["lastMessage"]["by"], &now["unreadMessages"]), (&json!("agent"), &json!(0)));
    let now = act("close", json!({ "id": "c" })).await;
    assert_eq!((&now["status"], &now["isLiveChatActive"]), (&json!("CLOSED"), &json!(false)));
    let now = act("assign", json!({ "id": "c", "agent": null })).await;
    assert!(now.get("_agentAssigned").is_none());
    let now = act("write", json!({ "id": "c", "text": "again" })).await;
    assert_eq!((&now["status"], &now["updatedAt"]), (&json!("OPEN"), &json!("2026-06-12T12:00:09.000Z")));
    assert_eq!(bench.sandbox.contact("c").unwrap(), now);
    act("remove", json!({ "id": "c" })).await;
    assert!(bench.page(&everyone()).await.is_empty());
}

#[tokio::test]
async fn bad_input_is_told() {
    let bench = Bench::with(&[json!({ "_id": "c" })]).await;
    for (path, body) in [
        ("customers", json!([])),
        ("customers", json!({ "_id": 1 })),
        ("customers", json!({ "_id": "" })),
        ("write", json!({ "text": "who?" })),
        ("write", json!({ "id": "c", "txt": "x" })),
        ("answer", json!({ "id": "c", "by": "boss", "text": "x" })),
        ("live-chat", json!({ "id": "c" })),
        ("close", json!("c")),
    ] {
        let message = refused(bench.post(&format!("/sandbox/{path}"), &body).await, 400, "BAD_REQUEST").await;
        assert!(!message.is_empty());
    }
    for path in ["write", "close", "remove", "assign"] {
        let message = refused(bench.post(&format!("/sandbox/{path}"), &json!({ "id": "x" })).await, 404, "NOT_FOUND");
        assert_eq!(message.await, "there is no contact with that `id`");
    }
}

#[tokio::test]
async fn what_is_given_of_a_contact_is_kept() {
    let bench = Bench::new(settings()).await;
    let given = json!({
        "_id": "c", "platform": ["WHATSAPP"], "status": 7, "updatedAt": null, "new": { "field": 1 },
        "lastMessage": { "by": "agent" }, "profile": { "userDetails": { "name": "Zoë" } },
    });
    let made = bench.add(&given).await;
    assert_eq!(made["profile"]["userDetails"]["name"], json!("Zoë"));
    assert!(made["profile"]["userDetails"]["whatsAppNumber"].is_string());
    assert_eq!((&made["status"], &made["updatedAt"], &made["new"]["field"]), (&json!(7), &Value::Null, &json!(1)));
    assert_eq!((&made["unreadMessages"], &made["_botWebsite"]), (&json!(0), &Value::Null));
    assert!(made["_agentAssigned"].is_string() && made["lastMessage"]["at"].is_string());

    let imported = bench.add(&json!({ "_id": "c", "isImported": true })).await;
    assert_eq!(bench.sandbox.contacts(), std::slice::from_ref(&imported));
    assert_eq!((imported["lastMessage"].get("text"), &imported["userInteracted"]), (None, &json!(false)));
}
