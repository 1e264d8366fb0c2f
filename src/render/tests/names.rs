//! The names that templates may use, and the functions behind the helpers.

use serde_json::{Value, json};

use super::fixtures::{Case, EMAIL, FORMATS, LINK, SLACK, WEBHOOK, alert, built_in, mail, nobody, now, ravi, shown};
use crate::{
    model::{Contact, Privacy},
    receivers::formats,
    render::{Renderer, context, display, entry, link, shape},
};

#[test]
fn phone_numbers() {
    for (prefix, number, wanted) in [
        ("+91", "9812345678", "+91 98123 45678"),
        ("91", "919812345678", "+91 98123 45678"),
        ("", "919812345678", "+91 98123 45678"),
        ("", "+91 98123-45678", "+91 98123 45678"),
        ("1", "4155552671", "+1 415 555 2671"),
        ("+1", "+1 (415) 555-2671", "+1 415 555 2671"),
        ("", "14155552671", "+1 415 555 2671"),
        ("91", "9198123456", "+91 91981 23456"),
        ("44", "7911123456", "+44 7911 123456"),
        ("", "+447911123456", "+44 7911 123456"),
        ("", "00447911123456", "+44 7911 123456"),
        // A text that is not certainly a number is shown as it came.
        ("+91", "9812345678.0", "+91 9812345678.0"),
        ("+91", "9.81235E+09", "+91 9.81235E+09"),
        ("+91", " 98123 45678 ext. 12", "+91 98123 45678 ext. 12"),
        ("+91", "98123", "+91 98123"),
        ("+91", "9812345678, 9812345679", "+91 9812345678, 9812345679"),
        ("", "9812345678", "9812345678"),
        ("+91", "09812345678", "+91 98123 45678"),
        ("", "5550100", "5550100"),
        ("+91", "", ""),
        ("", "none", ""),
    ] {
        assert_eq!(display::phone(prefix, number), wanted, "{prefix} {number}");
    }
}

#[test]
fn initials_and_masks() {
    for (name, wanted) in [
        ("Ravi Kumar", "R. K."),
        ("ravi.kumar@example.com", "R. K."),
        ("श्रेया शर्मा", "श्रे. श."),
        ("+91 98123 45678", ""),
        ("a b c d", "A. B. C."),
        ("", ""),
    ] {
        assert_eq!(display::initials(name), wanted, "{name}");
    }
    for (text, wanted) in [("9812345678", "••••78"), ("short", "••••"), ("", "")] {
        assert_eq!(display::mask(text), wanted);
    }
}

/// The output of a one-line template for Ravi.
fn line(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("own")).unwrap();
    let whole = format!("{{{{#with alerts.0}}}}{text}{{{{/with}}}}");
    std::fs::write(folder.path().join("own/email.txt.hbs"), whole).unwrap();
    let mut found = Vec::new();
    let renderer = Renderer::load(folder.path(), &formats(), &mut found);
    assert!(found.is_empty(), "{text}: {found:#?}");
    let sent = Case::fired(vec![alert(ravi(), "PT7M")]).render(&renderer, "own", EMAIL);
    assert_eq!(sent.fault, None, "{text}");
    mail(&sent.body)[1].to_owned()
}

#[test]
fn helpers() {
    for (text, wanted) in [
        ("{{duration waiting}}", "7 min"),
        ("{{duration 3725}}", "1 h 2 min"),
        ("{{duration \"45\"}}", "45 s"),
        ("{{duration resolved_at}}x", "x"),
        ("{{ago since}}", "7 min ago"),
        ("{{time since}}", "13:43 IST"),
        ("{{time \"2026-06-01T08:00:00Z\"}}", "Mon 1 Jun 13:30 IST"),
        ("{{time since \"%Y-%m-%d\"}}", "2026-06-12"),
        ("{{time resolved_at}}x", "x"),
        ("{{truncate \"abcdef\" 4}}", "abc…"),
        ("{{default resolved_at \"never\"}}", "never"),
        ("{{default name \"nobody\"}}", "Ravi Kumar"),
        ("{{@root.count}} {{plural @root.count \"customer\" \"customers\"}}", "1 customer"),
        ("{{plural 2 \"customer\"}} {{plural tags \"tag\" \"tags\"}}", "customers tags"),
        ("{{upper name}} {{lower name}}", "RAVI KUMAR ravi kumar"),
        ("{{mask contact.profile.userDetails.whatsAppNumber}}", "••••78"),
        ("{{phone contact.profile.userDetails.contact.phone}}", "+91 98123 45678"),
        ("{{phone contact.profile.userDetails.whatsAppNumber}}", "+91 98123 45678"),
        ("{{emoji rule.severity}}{{emoji platform}}{{emoji \"critical\"}}{{emoji \"other\"}}", "🟠💬🔴"),
        ("{{json tags}} {{json waiting}}", "[\"vip\",\"new\"] 420"),
        ("{{quote text}}", "> Hello?\n> Where is my order?"),
        ("{{upper (truncate name 5)}}", "RAVI…"),
        ("{{#if (and (gt waiting 60) (eq platform \"WhatsApp\") (not link))}}no{{else}}yes{{/if}}", "yes"),
        (
            "{{len tags}}{{#if (or resolved_at agent)}}{{agent}} {{agent_slack}} {{bot}}{{/if}}",
            "2Asha U012AB3CD Sales bot",
        ),
        ("{{#each segments}}{{this}}{{/each}} {{reply_window}} {{ack_link}}{{reason}}", "Returning 85980"),
        (
            "{{contact.lastMessage.at}} {{since}} {{id}}",
            "2026-06-12T08:13:52.369Z 2026-06-12T08:13:52.000Z 0a6d2b2f9c22",
        ),
    ] {
        let given = line(text);
        if text.contains("{{id}}") {
            assert_eq!(given.len(), wanted.len(), "{given}");
        } else {
            assert_eq!(given, wanted, "{text}");
        }
    }
}

#[test]
fn links() {
    let contact = Contact::read(ravi()).unwrap().json();
    for (template, wanted) in [
        (LINK, Ok("https://app.example.com/inbox/6a2bbf60b1e0d1b5a9f0c001")),
        (
            "https://x.example/?n={{ contact.profile.userDetails.name }}&b=1",
            Ok("https://x.example/?n=Ravi%20Kumar&b=1"),
        ),
        ("https://x.example/inbox", Ok("https://x.example/inbox")),
        ("https://x.example/{{contact.uuid}}{{contact.extra.x}}", Err("there is no field `contact.extra.x`")),
        ("https://x.example/{{contact._di}}", Err("there is no field `contact._di`: did you mean `contact._id`?")),
        ("https://x.example/{{contact.profile}}", Err("`contact.profile` is not a single value")),
        ("https://x.example/{{name}}", Err("`{{name}}` is not known here: only fields like {{contact._id}}")),
        ("https://x.example/{{{contact._id}}}", Err("`{{{contact._id}}` is not known here")),
        ("https://x.example/{{contact._id", Err("a `{{` is not closed")),
        ("https://{{contact._id}}.example/", Err("a contact's value may stand behind the host's name only")),
        ("https://x.example{{contact._id}}", Err("a contact's value may stand behind the host's name only")),
        ("javascript:alert(1)//{{contact._id}}", Err("write an address that begins with https://")),
        ("x.example/{{contact._id}}", Err("not an address")),
        ("https://x.example/a b|c", Err("an address holds no spaces")),
    ] {
        match (link::check(template, &crate::diagnose::nearest::suggest), wanted) {
            (Ok(()), Ok(wanted)) => assert_eq!(link::fill(template, &contact), wanted),
            (Err(is), Err(wanted)) => assert!(is.starts_with(wanted), "{template}: {is}"),
            (is, _) => panic!("{template}: {is:?}"),
        }
    }
    let fill = |value: Value| link::fill("https://x.example/{{contact.uuid}}", &value);
    assert_eq!(fill(json!({ "uuid": "a/../?&#<>\"é" })), "https://x.example/a%2F..%2F%3F%26%23%3C%3E%22%C3%A9");
    assert_eq!((fill(json!({ "uuid": ".." })), fill(json!({}))), (String::new(), String::new()));
}

#[test]
fn the_reply_window() {
    let window = |platform: &str, by: &str, at: &str| {
        let contact = json!({ "_id": "a", "platform": [platform], "lastMessage": { "by": by, "at": at } });
        let case = Case::fired(vec![alert(contact, "PT7M")]);
        case.tell(|telling| context::context(telling, &entry::entries(telling))["alerts"][0]["reply_window"].clone())
    };
    assert_eq!(window("WHATSAPP", "user", "2026-06-11T09:20:52Z"), json!(3_600));
    assert_eq!(window("WHATSAPP", "user", "2026-06-11T08:00:00Z"), json!(""));
    assert_eq!(window("WHATSAPP", "agent", "2026-06-12T08:00:00Z"), json!(""));
    assert_eq!(window("WEBSITE", "user", "2026-06-12T08:00:00Z"), json!(""));
    assert!(now() > jiff::Timestamp::UNIX_EPOCH);
}

/// The names that the check knows are exactly those of the context.
#[test]
fn the_context_has_the_known_shape() {
    fn compare(value: &Value, shape: &shape::TemplateShape, path: &str) {
        match (value, shape) {
            (Value::Object(fields), shape::TemplateShape::Fields(known)) => {
                let is: Vec<&str> = fields.keys().map(String::as_str).collect();
                let wanted: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
                assert_eq!(is, wanted, "{path}");
                for (name, shape) in known {
                    compare(&fields[*name], shape, &format!("{path}.{name}"));
                }
            }
            (Value::Array(entries), shape::TemplateShape::List(entry)) => {
                for value in entries {
                    compare(value, entry, path);
                }
            }
            (Value::Object(_) | Value::Array(_), shape::TemplateShape::Free) => {}
            (Value::Object(_) | Value::Array(_), _)
            | (_, shape::TemplateShape::Fields(_) | shape::TemplateShape::List(_)) => {
                panic!("{path} is {value}")
            }
            _ => {}
        }
    }
    for privacy in [Privacy::Full, Privacy::Masked, Privacy::Id] {
        let case = Case { privacy, ..Case::fired(vec![alert(ravi(), "PT7M"), alert(nobody(), "PT6M")]) };
        case.tell(|telling| {
            let value = context::context(telling, &entry::entries(telling));
            compare(&value, &context::shape_of_message(), "");
            if privacy != Privacy::Full {
                assert!(!value.to_string().contains("secret"), "{value}");
            }
        });
    }
}

#[test]
fn a_masked_name_gives_nothing_away() {
    for (details, wanted) in [
        (json!({ "name": "Ravi Kumar" }), "R. K."),
        (json!({ "name": "", "userProvidedName": "ravi" }), "R."),
        (json!({ "name": "+91 98123 45678", "userProvidedName": "Ravi" }), "R."),
        (json!({ "whatsAppNumber": "919812345678" }), "the-id"),
        (json!({ "contact": { "email": "ravi@example.com" } }), "the-id"),
    ] {
        let contact = json!({ "_id": "the-id", "profile": { "userDetails": details } });
        let case = Case { privacy: Privacy::Masked, ..Case::fired(vec![alert(contact, "PT7M")]) };
        let name = case.tell(|telling| entry::entries(telling)[0].name.clone());
        assert_eq!(name, wanted);
    }
}

#[test]
fn a_link_shows_nothing_hidden() {
    let link = Some("https://x.example/{{contact.profile.userDetails.name}}");
    let case = Case { privacy: Privacy::Masked, link, ..Case::fired(vec![alert(ravi(), "PT7M")]) };
    assert!(!shown(&case.built_in(WEBHOOK)).contains("x.example"));
}

#[test]
fn a_renderer_can_be_shared() {
    fn shared<T: Send + Sync>(_: &T) {}
    shared(&built_in());
}

#[test]
fn a_debug_print_shows_no_customer() {
    let sent = Case::fired(vec![alert(ravi(), "PT7M")]).render(&built_in(), "alert", SLACK);
    assert!(shown(&sent.body).contains("Ravi"));
    assert!(!format!("{sent:?} {:?}", built_in()).contains("Ravi"));
}

#[test]
fn a_record_of_megabytes_is_a_message_of_some_kilobytes() {
    let mut record = ravi();
    record["profile"]["marketing"]["urlsVisited"] = vec!["https://example.com/a"; 300_000].into();
    record["profile"]["userDetails"]["tags"] = vec!["vip"; 100_000].into();
    record["more"] = (0..100_000).map(|at| (format!("field{at}"), Value::from("x".repeat(50)))).collect();
    let case = Case::fired(vec![alert(record, "PT7M")]);
    for (kind, format) in FORMATS {
        assert!(shown(&case.built_in(format)).len() < 500_000, "{kind}");
        assert!(shown(&case.tell(|telling| built_in().plain(format, telling))).len() < 500_000, "{kind}");
    }
    // The fields after the long ones are empty, but exist.
    let sent = shown(&case.built_in(WEBHOOK));
    assert!(sent.contains("\"updatedAt\"") && sent.contains("\"ip\"") && sent.contains("\"__v\""));
}
