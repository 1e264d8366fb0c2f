//! Made-up customers: plausible records of five platforms, each with its own conditional fields.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::actions::{By, CustomerAction};
use super::random::Random;
use super::sample_texts;
use crate::{
    model::{contact::by, time::iso},
    sandbox::received::SandboxError,
};

/// The account of all customers.
pub const CUSTOMER: &str = "5fed38e56fb193dcc6c933f5";
/// The agency of that account.
pub const AGENCY: &str = "5fed22a15383a9a5135e925d";

/// The agents: id and name.
pub const AGENTS: [(&str, &str); 3] = [
    ("66a0f1c2d3e4b5a697880001", "Meera"),
    ("66a0f1c2d3e4b5a697880002", "Tomás"),
    ("66a0f1c2d3e4b5a697880003", "Aïcha"),
];

/// The bots, the AI agent last: id and name.
pub const BOTS: [(&str, &str); 6] = [
    ("66b1000000000000000000a1", "Shop website"),
    ("66b1000000000000000000a2", "WhatsApp orders"),
    ("66b1000000000000000000a3", "Telegram help"),
    ("66b1000000000000000000a4", "Facebook page"),
    ("66b1000000000000000000a5", "Instagram replies"),
    ("66b1000000000000000000a6", "Penny (AI agent)"),
];

/// The segments: id and name.
pub const SEGMENTS: [(&str, &str); 3] = [
    ("66c2000000000000000000b1", "Newsletter"),
    ("66c2000000000000000000b2", "Big spenders"),
    ("66c2000000000000000000b3", "Trial"),
];

/// A platform: its name, the fields of its bot and of its user record.
struct Platform {
    name: &'static str,
    bot: (&'static str, &'static str),
    user: &'static str,
}

const PLATFORMS: [Platform; 5] = [
    Platform { name: "WEBSITE", bot: ("_botWebsite", BOTS[0].0), user: "_userWebsite" },
    Platform { name: "WHATSAPP", bot: ("_botWhatsapp", BOTS[1].0), user: "_userWhatsapp" },
    Platform { name: "TELEGRAM", bot: ("_botTelegram", BOTS[2].0), user: "_userTelegram" },
    Platform { name: "FACEBOOK", bot: ("_botFacebook", BOTS[3].0), user: "_userFacebook" },
    Platform { name: "INSTAGRAM", bot: ("_botAutomation", BOTS[4].0), user: "_userAutomation" },
];

/// `data` of `GET /inbox/segments`.
pub(super) fn segments() -> Value {
    SEGMENTS.iter().map(|(id, name)| json!({ "_id": id, "_customer": CUSTOMER, "segmentName": name })).collect()
}

/// A source of customers: the same seed and times make the same customers.
#[derive(Clone)]
pub struct Population {
    random: Random,
}

impl Population {
    /// A population that depends on nothing but `seed`.
    pub fn new(seed: u64) -> Self {
        Self { random: Random::new(seed) }
    }

    /// Somebody who has just opened the chat and written nothing yet; one in six is a VIP.
    pub fn newcomer(&mut self, now: Timestamp) -> Value {
        let platform = self.any_platform();
        let mut contact = self.person(platform, now, now);
        if self.random.chance(16) {
            overlay(&mut contact, json!({ "profile": { "userDetails": { "tags": [sample_texts::VIP] } } }));
        }
        Value::Object(contact)
    }

    /// Somebody who wrote within the last minutes and has no answer.
    pub fn waiting(&mut self, now: Timestamp) -> Value {
        let platform = self.any_platform();
        let wrote = self.before(now, 5, 1_200);
        let mut contact = self.regular(platform, wrote);
        let more = self.random.between(0, 2);
        for _ in 0..more {
            CustomerAction::Write(Some(self.random.pick(&sample_texts::FOLLOW_UPS).to_owned()))
                .change(&mut contact, wrote);
        }
        CustomerAction::Write(Some(self.random.pick(&sample_texts::OPENINGS).to_owned())).change(&mut contact, wrote);
        if self.random.chance(33) {
            CustomerAction::LiveChat(true).change(&mut contact, wrote);
        }
        Value::Object(contact)
    }

    /// Somebody who does not wait: answered, closed or imported.
    pub fn settled(&mut self, now: Timestamp) -> Value {
        if self.random.chance(12) {
            return self.imported(now);
        }
        let platform = self.any_platform();
        let over = self.before(now, 300, 30 * 86_400);
        let mut contact = self.regular(platform, over);
        CustomerAction::Write(Some(self.random.pick(&sample_texts::OPENINGS).to_owned())).change(&mut contact, over);
        if self.random.chance(60) {
            self.answer_by_agent(&mut contact, over);
        } else {
            CustomerAction::Answer(By::Bot, self.random.pick(&sample_texts::BOT_ANSWERS).to_owned())
                .change(&mut contact, over);
            contact.insert("unreadMessages".to_owned(), json!(0));
        }
        if self.random.chance(50) {
            CustomerAction::Close.change(&mut contact, over);
        } else if self.random.chance(30) {
            let status = self.random.pick(&["REVIEW", "ONHOLD", "DEPENDANCY"]);
            contact.insert("status".to_owned(), json!(status));
        }
        CustomerAction::Leave.change(&mut contact, over);
        Value::Object(contact)
    }

    /// Somebody from an imported list, who seems to wait but never wrote.
    pub fn imported(&mut self, now: Timestamp) -> Value {
        let made = self.before(now, 86_400, 60 * 86_400);
        let mut contact = self.person(&PLATFORMS[1], made, made);
        let changes = json!({
            "isImported": true, "isOnline": false, "userInteracted": false, "unreadMessages": 0,
        });
        overlay(&mut contact, changes);
        contact.insert("lastMessage".to_owned(), json!({ "at": iso(made), "by": by::USER }));
        Value::Object(contact)
    }

    /// A plausible contact with the given fields; without any, somebody who has just written.
    ///
    /// Odd values are kept as well, because the real inbox has them.
    ///
    /// # Errors
    /// The fields are not an object, or `_id` is not an id.
    pub fn complete(&mut self, given: Value, now: Timestamp) -> Result<Value, SandboxError> {
        let Value::Object(given) = given else { return Err(SandboxError::NoObject) };
        if given.get("_id").is_some_and(|id| id.as_str().is_none_or(str::is_empty)) {
            return Err(SandboxError::NoId);
        }
        let said = |pointer: [&str; 2]| given.get(pointer[0]).and_then(|value| value.get(pointer[1]));
        let wanted = given.get("platform").and_then(|list| list.get(0));
        let platform = PLATFORMS.iter().find(|platform| wanted.is_some_and(|name| name == platform.name));
        let mut contact = if given.get("isImported") == Some(&json!(true)) {
            match self.imported(now) {
                Value::Object(contact) => contact,
                _ => Map::new(),
            }
        } else {
            let mut contact = self.person(platform.unwrap_or(&PLATFORMS[0]), now, now);
            CustomerAction::Write(Some(self.random.pick(&sample_texts::OPENINGS).to_owned())).change(&mut contact, now);
            match said(["lastMessage", "by"]).and_then(Value::as_str) {
                Some(by::AGENT) => self.answer_by_agent(&mut contact, now),
                Some(by::BOT) => {
                    CustomerAction::Answer(By::Bot, self.random.pick(&sample_texts::BOT_ANSWERS).to_owned())
                        .change(&mut contact, now);
                }
                _ => {}
            }
            contact
        };
        if said(["hasOrdered", "status"]) == Some(&json!(true)) {
            contact.insert("hasOrdered".to_owned(), json!({ "status": true, "lastAt": iso(now) }));
        }
        overlay(&mut contact, Value::Object(given));
        Ok(Value::Object(contact))
    }

    fn answer_by_agent(&mut self, contact: &mut Map<String, Value>, at: Timestamp) {
        CustomerAction::Assign(self.random.pick(&AGENTS).0.to_owned()).change(contact, at);
        CustomerAction::Answer(By::Agent, self.random.pick(&sample_texts::AGENT_ANSWERS).to_owned())
            .change(contact, at);
    }

    fn any_platform(&mut self) -> &'static Platform {
        // Most customers use the website and `WhatsApp`.
        let index: usize = self.random.pick(&[0, 0, 0, 1, 1, 1, 2, 3, 4]);
        &PLATFORMS[index]
    }

    fn before(&mut self, now: Timestamp, least: i64, most: i64) -> Timestamp {
        let seconds = self.random.between(least, most);
        now.checked_sub(SignedDuration::from_secs(seconds)).unwrap_or(now)
    }

    /// Somebody who has been known for a while, with tags, segments and orders.
    fn regular(&mut self, platform: &Platform, seen: Timestamp) -> Map<String, Value> {
        let made = self.before(seen, 60, 90 * 86_400);
        let mut contact = self.person(platform, made, seen);
        let mut changes =
            json!({ "isSubscriber": self.random.chance(50), "websiteVisits": self.random.between(0, 30) });
        if self.random.chance(30) {
            let ordered = self.before(seen, 3_600, 30 * 86_400);
            changes["hasOrdered"] = json!({ "status": true, "lastAt": iso(ordered) });
        }
        if self.random.chance(30) {
            changes["segments"] = json!([self.random.pick(&SEGMENTS).0]);
        }
        let mut details = json!({});
        if self.random.chance(35) {
            details["tags"] = json!([self.random.pick(&sample_texts::TAGS)]);
        }
        if self.random.chance(20) {
            details["attributes"] = json!([{ "key": "plan", "value": self.random.pick(&["free", "pro", "team"]) }]);
        }
        changes["profile"] = json!({ "userDetails": details });
        if self.random.chance(10) {
            let id = self.random.hex(24);
            changes["profile"]["notes"] = json!([{ "title": "Call", "description": "Prefers mornings.", "_id": id }]);
        }
        overlay(&mut contact, changes);
        contact
    }

    /// A record with every field that the page does not document as conditional.
    fn person(&mut self, platform: &Platform, made: Timestamp, seen: Timestamp) -> Map<String, Value> {
        let random = &mut self.random;
        let agentic = platform.name == "WEBSITE" && random.chance(25);
        let uuid = [8, 4, 4, 4, 12].map(|length| random.hex(length)).join("-");
        // A real id begins with the time. These look alike, and are in random order within an hour.
        let id = format!("{:08x}{}", made.as_second().rem_euclid(1 << 32), random.hex(16));
        let user = random.hex(24);
        let mut contact = json!({
            "_id": id, "_agency": AGENCY, "_customer": CUSTOMER, "uuid": uuid,
            "platform": [platform.name], "secondaryPlatform": [platform.name.to_lowercase()],
            "_user": user,
            "isSubscriber": false, "websiteVisits": i64::from(platform.name == "WEBSITE"), "isOnline": true,
            "userInteracted": false, "status": "OPEN", "isContact": true, "isImported": false, "isMigrated": false,
            "isUserBlocked": false, "isLiveChatActive": false, "isPaid": random.chance(70),
            "chatBotType": if agentic { "AGENTIC" } else { "FLOW_BASED" },
            "segments": [], "lastSeenAt": iso(seen),
            "lastMessage": { "at": iso(made), "text": sample_texts::GREETING, "by": by::BOT },
            "unreadMessages": 0, "unreadMessage": [{ "userId": CUSTOMER, "count": 0 }],
            "hasOrdered": { "status": false },
            "integrations": { "zoho": { "isTemplateSent": false } },
            "profile": { "userDetails": {}, "notes": [], "marketing": { "urlsVisited": [] } },
            "createdAt": iso(made), "updatedAt": iso(seen), "__v": 0,
        });
        contact[platform.user] = json!(user);
        if agentic {
            contact["_aiAgent"] = json!(BOTS[5].0);
            contact["emailNotificationSent"] = json!(false);
        } else {
            contact[platform.bot.0] = json!(platform.bot.1);
            let error = json!({ "isError": false, "code": "", "messageKey": "", "fallbackMessage": "" });
            contact["conversationSummary"] = json!({ "summary": "", "errorStatus": error });
        }
        let profile = self.profile(platform);
        let mut contact = match contact {
            Value::Object(contact) => contact,
            _ => Map::new(),
        };
        overlay(&mut contact, json!({ "profile": profile }));
        contact
    }

    fn profile(&mut self, platform: &Platform) -> Value {
        let random = &mut self.random;
        let (name, country, city, prefix, gender) = random.pick(&sample_texts::PEOPLE);
        let number = format!("5550{}", random.digits(6));
        let latin: String = name.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_lowercase();
        let handle = format!("{}{}", if latin.is_empty() { "guest" } else { &latin }, random.digits(3));
        let email = if random.chance(60) { format!("{handle}@example.com") } else { String::new() };
        let with_phone = platform.name == "WHATSAPP" || random.chance(40);
        let phone = if with_phone && !prefix.is_empty() {
            json!({ "number": number, "prefix": prefix })
        } else {
            json!({ "number": "", "prefix": "" })
        };
        let mut who = json!({
            "name": name, "picture": "", "contact": { "email": email, "phone": phone },
            "city": city, "country": country, "gender": gender, "tags": [], "attributes": [],
        });
        let mut profile = json!({});
        match platform.name {
            "WEBSITE" => {
                let (device, browser, system) = random.pick(&sample_texts::DEVICES);
                // Addresses that are reserved for documentation.
                let ip = format!("203.0.113.{}", random.between(1, 254));
                profile["device"] =
                    json!({ "device": device, "browser": browser, "ip": ip, "operatingSystem": system });
                profile["marketing"] = json!({ "urlsVisited": [random.pick(&sample_texts::PAGES)] });
                if name.is_empty() && random.chance(50) {
                    who["userProvidedName"] = json!("Sam");
                }
            }
            "WHATSAPP" => who["whatsAppNumber"] = json!(format!("{}{number}", prefix.trim_start_matches('+'))),
            "TELEGRAM" => {
                who["telegramUserName"] = json!(handle);
                who["telegramChatId"] = json!(random.digits(10));
            }
            "FACEBOOK" => {
                who["facebookProfileId"] = json!(random.digits(16));
                who["picture"] = json!(format!("https://pictures.example.com/{handle}.jpg"));
            }
            _ => {
                who["instagramUserName"] = json!(handle);
                who["instagramProfileId"] = json!(random.digits(17));
            }
        }
        profile["userDetails"] = who;
        profile
    }
}

/// Lays `over` on `under`: objects are merged, everything else is replaced.
fn overlay(under: &mut Map<String, Value>, over: Value) {
    let Value::Object(over) = over else { return };
    for (name, value) in over {
        match (under.get_mut(&name), value) {
            (Some(Value::Object(below)), Value::Object(above)) => overlay(below, Value::Object(above)),
            (_, value) => {
                under.insert(name, value);
            }
        }
    }
}
