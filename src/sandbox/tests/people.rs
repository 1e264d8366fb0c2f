//! The made-up customers and the story.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Bench, noon, settings};
use crate::model::contact::Contact;
use crate::model::field::FieldKind;
use crate::sandbox::customers::Population;
use crate::sandbox::story::Pace;
use crate::sandbox::{Happening, Sandbox, Story};

/// Fields that the page calls conditional, or that its example leaves out.
const SOMETIMES: [&str; 27] = [
    "_botWebsite",
    "_botWhatsapp",
    "_botTelegram",
    "_botFacebook",
    "_botAutomation",
    "_aiAgent",
    "_userWebsite",
    "_userWhatsapp",
    "_userTelegram",
    "_userFacebook",
    "_userAutomation",
    "_agentAssigned",
    "emailNotificationSent",
    "lastMessage.text",
    "hasOrdered.lastAt",
    "conversationSummary",
    "profile.device",
    "profile.userDetails.whatsAppNumber",
    "profile.userDetails.telegramUserName",
    "profile.userDetails.telegramChatId",
    "profile.userDetails.facebookProfileId",
    "profile.userDetails.instagramUserName",
    "profile.userDetails.instagramProfileId",
    "profile.userDetails.userProvidedName",
    "conversationSummary.summary",
    "conversationSummary.errorStatus",
    "profile.device.device",
];

fn crowd(seed: u64) -> Vec<Value> {
    let mut population = Population::new(seed);
    (0..400)
        .map(|index| match index % 4 {
            0 => population.newcomer(noon()),
            1 => population.waiting(noon()),
            _ => population.settled(noon()),
        })
        .collect()
}

fn has_type(value: &Value, kind: &FieldKind) -> bool {
    match kind {
        FieldKind::Text => value.is_string(),
        FieldKind::Number => value.is_i64(),
        FieldKind::Flag => value.is_boolean(),
        FieldKind::Time => value.as_str().is_some_and(|text| text.len() == 24 && text.parse::<Timestamp>().is_ok()),
        FieldKind::List(_) => value.is_array(),
        FieldKind::Object(_) => value.is_object(),
    }
}

#[test]
fn every_record_has_the_documented_fields() {
    let kind = Contact::kind();
    let mut seen = HashSet::new();
    for contact in crowd(1) {
        for path in kind.paths() {
            let names: Vec<_> = path.split('.').collect();
            let value = names.iter().try_fold(&contact, |value, name| value.get(name));
            match value {
                Some(value) => {
                    assert!(has_type(value, kind.at(&names).unwrap()), "{path}");
                    seen.insert(path);
                }
                None => assert!(SOMETIMES.iter().any(|known| path.starts_with(known)), "{path} is missing"),
            }
        }
        let read = Contact::read(contact).unwrap();
        assert!(
            read.unreadable_fields.is_empty() && read.extra.is_empty(),
            "{:?} {:?}",
            read.unreadable_fields,
            read.extra
        );
    }
    let never: Vec<_> = kind.paths().into_iter().filter(|path| !seen.contains(path)).collect();
    assert!(never.is_empty(), "{never:?}");
}

#[test]
fn conditional_fields_belong_to_the_platform() {
    let mut platforms = HashSet::new();
    for contact in crowd(2) {
        let platform = contact["platform"][0].as_str().unwrap().to_owned();
        let agentic = contact["chatBotType"] == "AGENTIC";
        for (name, of) in [
            ("_botWebsite", "WEBSITE"),
            ("_botWhatsapp", "WHATSAPP"),
            ("_botTelegram", "TELEGRAM"),
            ("_botFacebook", "FACEBOOK"),
            ("_botAutomation", "INSTAGRAM"),
        ] {
            assert_eq!(contact.get(name).is_some(), platform == of && !agentic);
        }
        let who = &contact["profile"]["userDetails"];
        assert_eq!(who.get("whatsAppNumber").is_some(), platform == "WHATSAPP");
        assert_eq!(who.get("telegramChatId").is_some(), platform == "TELEGRAM");
        assert_eq!(contact["profile"].get("device").is_some(), platform == "WEBSITE");
        assert_eq!(contact.get("_aiAgent").is_some(), agentic);
        assert_eq!(contact.get("conversationSummary").is_some(), !agentic);
        assert_eq!(contact["hasOrdered"].get("lastAt").is_some(), contact["hasOrdered"]["status"] == true);
        platforms.insert(platform);
    }
    assert_eq!(platforms.len(), 5);
}

#[test]
fn imported_ones_look_like_the_real_ones() {
    let mut population = Population::new(3);
    for _ in 0..20 {
        let contact = population.imported(noon());
        assert_eq!((&contact["isImported"], &contact["userInteracted"]), (&json!(true), &json!(false)));
        assert_eq!((&contact["lastMessage"]["by"], &contact["unreadMessages"]), (&json!("user"), &json!(0)));
        assert!(contact["lastMessage"].get("text").is_none());
    }
}

#[test]
fn the_same_seed_makes_the_same_people() {
    assert!(crowd(4) == crowd(4));
    assert!(crowd(4) != crowd(5));
    let ids: HashSet<_> = crowd(4).iter().map(|contact| contact["_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), 400);
}

/// What happened in each second of a story, and how many waited then.
fn told(sandbox: &Sandbox, story: &mut Story, seconds: i64) -> Vec<(Vec<Happening>, usize)> {
    let step = |second| {
        let happened = story.step(sandbox, noon() + SignedDuration::from_secs(second));
        let waits = |contact: &&Value| contact["lastMessage"]["by"] == "user" && contact["status"] != "CLOSED";
        let waiting = sandbox.contacts().iter().filter(waits).count();
        (happened, waiting)
    };
    (0..seconds).map(step).collect()
}

#[tokio::test]
async fn a_story_is_the_same_for_the_same_seed() {
    let mut stories = Vec::new();
    for seed in [1, 1, 2] {
        let bench = Bench::new(settings()).await;
        let happened = told(&bench.sandbox, &mut Story::new(seed, Pace::default()), 300);
        stories.push((happened, bench.sandbox.contacts()));
    }
    assert!(stories[0] == stories[1]);
    assert!(stories[0] != stories[2]);
}

#[tokio::test]
async fn somebody_always_waits_but_never_too_many() {
    for seed in 0..6 {
        let bench = Bench::new(settings()).await;
        let seconds = told(&bench.sandbox, &mut Story::new(seed, Pace::default()), 600);
        let begun = seconds[..=2].iter().flat_map(|(happened, _)| happened);
        assert!(begun.filter(|one| matches!(one, Happening::Wrote { .. })).count() > 0, "seed {seed}");
        let mut after = Vec::new();
        for (happened, _) in &seconds {
            for one in happened {
                if let Happening::Answered { after: waited, .. } = one {
                    after.push(waited.as_secs());
                }
            }
        }
        assert!(after.len() > 30, "seed {seed}: {}", after.len());
        assert!(after.iter().all(|waited| (10..=30).contains(waited)), "seed {seed}");
        // On top come the bot's customers for two seconds, and expired live chats until they are closed.
        let most = seconds.iter().map(|(_, waiting)| *waiting).max().unwrap();
        assert!(most <= 5, "seed {seed}: {most}");
        let usual = seconds.iter().filter(|(_, waiting)| (1..=3).contains(waiting)).count();
        assert!(usual > 540, "seed {seed}: {usual} of 600 seconds");
        let idle = seconds[3..].iter().filter(|(_, waiting)| *waiting == 0).count();
        assert!(idle < 30, "seed {seed}: nobody waited in {idle} of 600 seconds");
    }
}

#[tokio::test]
async fn a_fast_story_goes_on_with_the_same_customers() {
    let bench = Bench::new(settings()).await;
    let pace = Pace { speed: 200, customers: 8, ..Pace::default() };
    let seconds = told(&bench.sandbox, &mut Story::new(9, pace), 600);
    let count =
        |fits: fn(&Happening) -> bool| seconds.iter().flat_map(|(told, _)| told).filter(|one| fits(one)).count();
    assert_eq!(bench.sandbox.contacts().len(), 8);
    assert!(count(|one| matches!(one, Happening::Answered { .. })) > 300);
    assert!(count(|one| matches!(one, Happening::LiveChatExpired { .. })) > 0);
    assert!(count(|one| matches!(one, Happening::BotAnswered { .. })) > 0);
    assert!(count(|one| matches!(one, Happening::AskedForPerson { .. })) > 0);
    assert!(count(|one| matches!(one, Happening::HandedOver { .. })) > 0);
    assert!(count(|one| matches!(one, Happening::Closed { .. })) > 0);
}

#[tokio::test]
async fn a_story_outlives_a_pause_and_customers_who_are_removed() {
    let bench = Bench::new(settings()).await;
    let mut story = Story::new(5, Pace::default());
    told(&bench.sandbox, &mut story, 30);
    for contact in bench.sandbox.contacts() {
        bench.sandbox.remove(contact["_id"].as_str().unwrap()).unwrap();
    }
    let tomorrow = noon() + SignedDuration::from_hours(24);
    assert!(story.step(&bench.sandbox, tomorrow).len() < 10);
    let mut happened = 0;
    for second in 1..60 {
        happened += story.step(&bench.sandbox, tomorrow + SignedDuration::from_secs(second)).len();
    }
    assert!(happened > 3);
}
