//! Templates. The first line is the name of the file, the rest its text.

use std::sync::LazyLock;

use pengwatch::inside::{Diagnostic, Event, Format, Privacy, Reason, Renderer, formats};

use super::{bodies, customers, first_line, mistakes};

/// Two of each, so that lists have several entries.
static CONTACTS: LazyLock<Vec<pengwatch::inside::Contact>> =
    LazyLock::new(|| [customers::some(), customers::some()].concat());

pub fn read(data: &[u8]) {
    let (file, rest) = first_line(data);
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let takes = |format: &&dyn Format| format.files().iter().any(|known| known.name == file);
    let Some(format) = formats().into_iter().find(takes).or(formats().pop()) else { return };
    let mut renderer = Renderer::built_in(&formats());
    let mut found = Vec::new();
    renderer.take_in("own", file, text, &mut found);
    mistakes::check(&found);
    if found.iter().any(Diagnostic::is_error) {
        return;
    }
    for (event, end, count) in [
        (Event::Fired, None, 6),
        (Event::Fired, None, 1),
        (Event::Repeated, None, 2),
        (Event::Resolved, Some(Reason::AnsweredByAgent), 3),
    ] {
        let alerts = customers::alerts(&CONTACTS[..count], end);
        customers::tell(event, &alerts, Privacy::Full, |telling| {
            let sent = renderer.render("own", format, telling);
            bodies::check(&sent.body, text);
            if let Some(fault) = &sent.fault {
                assert!(text.contains("zq") || !fault.contains("zq"), "a customer's text in a fault: {fault}");
            }
        });
    }
}
