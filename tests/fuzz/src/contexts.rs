//! Records of customers, rendered by the built-in templates in every format.

use std::sync::LazyLock;

use pengwatch::inside::{Body, Contact, Event, Matchers, Privacy, Reason, Renderer, formats};
use serde_json::Value;

use super::{bodies, customers};

static RENDERER: LazyLock<Renderer> = LazyLock::new(|| Renderer::built_in(&formats()));

/// The tags of our own templates.
const OURS: [&str; 3] = ["<https://app.example.com/inbox/", "|Open the conversation>", "<@U012AB3CD>"];

/// Stands in seeds where only those who may see everything are to see it.
const PRIVATE: &str = "zqsecret";

pub fn read(data: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(data) else { return };
    let records = match value {
        Value::Array(records) => records,
        record => vec![record],
    };
    let contacts: Vec<Contact> = customers::read(records.into_iter().take(12).collect());
    if contacts.is_empty() {
        return;
    }
    for (event, end, privacy) in [
        (Event::Fired, None, Privacy::Full),
        (Event::Fired, None, Privacy::Masked),
        (Event::Repeated, None, Privacy::Id),
        (Event::Resolved, Some(Reason::Taken), Privacy::Full),
    ] {
        let alerts = customers::alerts(&contacts, end);
        let private = privacy != Privacy::Full && contacts.iter().all(keeps_it_to_itself);
        customers::tell(event, &alerts, privacy, |telling| {
            for format in formats() {
                let sent = RENDERER.render("alert", format, telling);
                assert!(sent.fault.is_none(), "{:?}", sent.fault);
                for body in [&sent.body, &RENDERER.plain(format, telling)] {
                    bodies::check_ours(body, &OURS);
                    assert!(!private || !words(body).contains(PRIVATE), "{privacy:?} shows {}", words(body));
                }
            }
        });
        let matchers = Matchers { platform: Some("WHATSAPP".to_owned()), ..Matchers::default() };
        let _ = matchers.fit(&alerts[0], "warning", &customers::names());
    }
}

/// Whether all that is private stands where only those who may see everything look.
fn keeps_it_to_itself(contact: &Contact) -> bool {
    let who = &contact.profile.user_details;
    let hidden = [&contact.last_message.text, &who.contact.email, &who.contact.phone.number, &who.whats_app_number];
    let hidden: usize = hidden.iter().map(|text| text.matches(PRIVATE).count()).sum();
    contact.json().to_string().matches(PRIVATE).count() == hidden
}

fn words(body: &Body) -> String {
    body.parts().map(|(_, text)| text).collect::<Vec<_>>().join("\n")
}
