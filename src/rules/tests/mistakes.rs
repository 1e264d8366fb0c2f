//! Tests of every mistake of a rule file: its place, its title and its help. It is long because there are many
//! mistakes.

use crate::rules::{
    AckOn,
    hours::{Count, Outside},
};
use crate::{
    diagnose::{Level, Source},
    model::filter::FilterKey,
    rules::{
        Known,
        compile::{Compiled, compile},
    },
};

/// Compiles a rule file; returns each mistake as `line:column marked text: title (help)`.
fn check(text: &str) -> (Compiled, Vec<String>) {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let (inboxes, receivers) = (names(&["main", "second"]), names(&["support", "leads"]));
    let templates = names(&["alert", "short"]);
    let known = Known { timezone: None, inboxes: &inboxes, receivers: &receivers, templates: &templates };
    let mut found = Vec::new();
    let source = Source::new("r.toml", text);
    let compiled = compile("r", &source, &known, &mut found);
    let shown = found.into_iter().map(|mistake| {
        let (line, column) = source.position(mistake.span.start);
        let marked = source.text.get(mistake.span).expect("the place is in the file");
        let level = if mistake.level == Level::Warning { "warning " } else { "" };
        let help = mistake.help.map(|help| format!(" ({help})")).unwrap_or_default();
        format!("{level}{line}:{column} {marked}: {}{help}", mistake.title)
    });
    (compiled, shown.collect())
}

const TELLS: &str = "[[notify]]\nto = ['support']";

fn first(text: &str, expected: &str) {
    let (compiled, found) = check(&format!("{text}\n{TELLS}"));
    assert!(matches!(compiled, Compiled::Rejected), "{text}");
    assert_eq!(found, [expected], "{text}");
}

#[test]
fn keys_and_values_by_table() {
    for (text, mistake) in [
        ("descripton = 'x'", "1:1 descripton: unknown key `descripton` (did you mean `description`?)"),
        ("severity = 'warn'", "1:12 'warn': `warn` is not a value of `severity` (did you mean `warning`?)"),
        ("severity = 5", "1:12 5: this is a number, expected a text in quotes (write it in quotes: \"5\")"),
        ("since = 'mesage'", "1:9 'mesage': `mesage` is not a value of `since` (did you mean `message`?)"),
        ("since = 'x'", "1:9 'x': `x` is not a value of `since` (known here: message, match)"),
        ("inboxes = ['man']", "1:12 'man': there is no inbox `man` in the configuration (did you mean `main`?)"),
        (
            "inboxes = 'main'",
            "1:11 'main': this is a text, expected a list in [ ] (a list stands in brackets: write [\"main\"])",
        ),
        ("enabled = 'no'", "1:11 'no': this is a text, expected true or false (write true or false, without quotes)"),
        ("when = 5", "1:8 5: this is a number, expected a text in quotes (write it in quotes: \"5\")"),
        (
            "[filter]\nlastMessageby = ['user']",
            "2:1 lastMessageby: unknown key `lastMessageby` (did you mean `lastMessageBy`?)",
        ),
        (
            "[filter]\nstatus = 'OPEN'",
            "2:10 'OPEN': `status` is a list of texts, like [\"…\"] (write status = [\"OPEN\"])",
        ),
        ("[filter]\nstatus = [1]", "2:10 [1]: `status` is a list of texts, like [\"…\"]"),
        ("[filter]\nstatus = { rav = 'X' }", "2:10 { rav = 'X' }: `status` is a list of texts, like [\"…\"]"),
        ("[filter]\nstatus = [{ raw = 1 }]", "2:10 [{ raw = 1 }]: `status` is a list of texts, like [\"…\"]"),
        (
            "[filter]\nstatus = ['OPEN', 'OPN']",
            "2:19 'OPN': `OPN` is not a documented value of `status` (did you mean `OPEN`? (a value that the page does not list is written { raw = \"OPN\" }))",
        ),
        (
            "[filter]\nlastMessageBy = ['customer']",
            "2:18 'customer': `customer` is not a documented value of `lastMessageBy` (did you mean `user`? (a value that the page does not list is written { raw = \"customer\" }))",
        ),
        (
            "[filter]\napplicableFilters = ['statuses']",
            "2:22 'statuses': `statuses` is not a documented value of `applicableFilters` (did you mean `status`? (a value that the page does not list is written { raw = \"statuses\" }))",
        ),
        (
            "[filter]\nhasOrdered = true",
            "2:14 true: this is true or false, expected a table (its keys stand in braces, { key = value }, or under a header of their own)",
        ),
        ("[filter]\nisContact = 1", "2:13 1: this is a number, expected true or false (write true or false)"),
        (
            "[filter]\nlastSeenAt = '-1h'",
            "2:14 '-1h': this is a text, expected a table (its keys stand in braces, { key = value }, or under a header of their own)",
        ),
        ("[filter]\nlastSeenAt = { start = '-1h' }", "2:16 start: unknown key `start` (did you mean `startAt`?)"),
    ] {
        first(text, mistake);
    }
}

#[test]
fn times_by_table() {
    for time in ["'-1x'", "'2026-13-40'", "5", "'soon'", "true", "'-9999999999999999h'", "'-1 month'", "'--1h'", "[]"] {
        let text = format!("[filter]\nlastSeenAt = {{ startAt = {time} }}");
        let help = "write \"2026-06-12T08:00:00Z\", or before now: \"-1h\"";
        first(&text, &format!("2:26 {time}: this is not a time ({help})"));
    }
    for time in [
        "'-1h'",
        "'+1h'",
        "'- 1h 30m'",
        "'now'",
        "''",
        "'2026-06-12'",
        "2026-06-12",
        "2026-06-12T08:00:00Z",
        "'2026-06-12T08:00:00.123Z'",
        "'-200000000h'",
    ] {
        let text = format!("[filter]\ncreatedAt = {{ startAt = {time} }}\nhasOrdered = {{ lastAt = {time} }}\n{TELLS}");
        let (compiled, found) = check(&text);
        assert!(matches!(compiled, Compiled::Rule(_)), "{time} {found:?}");
    }
}

#[test]
fn who_is_told_by_table() {
    let nobody = "add [[notify]] with to = [\"…\"], a receiver of the configuration";
    let name_one = "name at least one receiver of the configuration";
    for (text, mistake) in [
        ("", format!("1:1 : this rule notifies nobody ({nobody})")),
        ("notify = []", format!("1:1 : this rule notifies nobody ({nobody})")),
        ("[[notify]]\nto = []", format!("2:6 []: this [[notify]] has nobody in `to` ({name_one})")),
        ("[[notify]]\ntemplate = 'alert'", format!("1:1 [[notify]]: this [[notify]] has nobody in `to` ({name_one})")),
        (
            "[[notify]]\nto = ['suport']",
            "2:7 'suport': there is no receiver `suport` in the configuration (did you mean `support`?)".to_owned(),
        ),
        (
            "[[notify]]\nto = ['support']\ntemplate = 'alrt'",
            "3:12 'alrt': there is no folder `alrt` in the templates (did you mean `alert`?)".to_owned(),
        ),
        (
            "[[notify]]\nto = ['support']\nwhen = 'x'",
            "3:1 when: unknown key `when` (known here: to, template, after, repeat, repeat_factor, repeat_limit)"
                .to_owned(),
        ),
    ] {
        assert_eq!(check(text).1, [mistake], "{text}");
    }
    // The mistake of a wrong type comes first.
    assert_eq!(
        check("[[notify]]\nto = 'support'").1[0],
        "2:6 'support': this is a text, expected a list in [ ] (a list stands in brackets: write [\"support\"])"
    );
}

#[test]
fn keys_of_later_versions_are_refused_with_a_word() {
    let found = check(&format!("{TELLS}\n[[test]]\nname = 'x'")).1;
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("`test` is not supported yet by this version (take it out"), "{found:?}");
}

#[test]
fn conditions_by_table() {
    let write = "write it like `unreadMessages > 0 && lastMessage.by == \"user\"`";
    let compare = "compare it with something, like `unreadMessages > 0`";
    let no_type = "`>` does not work between a number and a text (write `unreadMessages > 0`)";
    for (when, mistake) in [
        (
            "unreadMesages > 0",
            "1:9 unreadMesages: a contact has no field `unreadMesages` (did you mean `unreadMessages`?)",
        ),
        (
            "colour == 1",
            "1:9 colour: a contact has no field `colour` (an undocumented field is written `extra[\"colour\"]`)",
        ),
        ("lastMessage.bye == \"user\"", "1:21 bye: `lastMessage` has no field `bye` (did you mean `by`?)"),
        ("status.x == 1", "1:16 x: `status` has no fields"),
        (
            "tags.exists(t, tt == \"vip\")",
            "1:24 tt: a contact has no field `tt` (an undocumented field is written `extra[\"tt\"]`)",
        ),
        ("minuts(5) > 1", "1:9 minuts: there is no function `minuts` (did you mean `minutes`?)"),
        ("minutes(1, 2) > 0", "1:9 minutes: `minutes` takes one value, not 2"),
        ("minutes() > 0", "1:9 minutes: `minutes` takes one value, not 0"),
        ("unreadMessages > ", &format!("1:26 : not valid CEL: something is missing at the end ({write})")),
        ("", "1:8 : this condition is empty (leave `when` out, or write it like `unreadMessages > 0`)"),
        ("unreadMessages > \"0\"", &format!("1:24 >: {no_type}")),
        ("isOnline && unreadMessages > \"0\"", &format!("1:36 >: {no_type}")),
        ("false && (true || unreadMessages > \"0\")", &format!("1:42 >: {no_type}")),
        (
            "isOnline || unreadMessages + status > 1",
            "1:36 +: `+` does not work between a number and a text (`int(status)` turns the text into a number)",
        ),
        (
            "waiting > minutes(\"5\")",
            "1:27 \"5\": `minutes` takes a whole number, and `\"5\"` is a text (write `minutes(5)`)",
        ),
        (
            "since(unreadMessages) > 5",
            "1:15 unreadMessages: `since` takes one of the contact's times, and `unreadMessages` is a number (the times are lastMessage.at, lastSeenAt, createdAt, updatedAt and hasOrdered.lastAt)",
        ),
        (
            "since(status) > 5",
            "1:15 status: `since` takes one of the contact's times, and `status` is not a time (the times are lastMessage.at, lastSeenAt, createdAt, updatedAt and hasOrdered.lastAt)",
        ),
        ("name.matches(\"(\")", "1:22 \"(\": this is not a valid pattern: unclosed group"),
        ("tags.exists(t, t > 5)", "1:26 >: `>` does not work between a text and a number"),
        ("unreadMessages", &format!("1:9 unreadMessages: this is neither true nor false ({compare})")),
        (
            "lastMessage.text",
            "1:9 lastMessage.text: this is neither true nor false (compare it with something, like `lastMessage.text != \"\"`)",
        ),
        (
            "unreadMessages > 0 ? 1 : 2",
            "1:9 unreadMessages > 0 ? 1 : 2: this is neither true nor false (compare it with something, like `unreadMessages > 0`)",
        ),
    ] {
        first(&format!("when = '{when}'"), mistake);
    }
}

#[test]
fn places_in_longer_texts() {
    first(
        "when = '''\nisOnline &&\n  unreadMesages > 0\n'''",
        "3:3 unreadMesages: a contact has no field `unreadMesages` (did you mean `unreadMessages`?)",
    );
    // A condition with escapes is marked as a whole.
    first(
        "when = \"status == \\\"OPEN\\\" && baar\"",
        "1:8 \"status == \\\"OPEN\\\" && baar\": a contact has no field `baar` (an undocumented field is written `extra[\"baar\"]`)",
    );
    let long = format!("when = '{} isOnline'", "isOnline && ".repeat(100));
    assert!(
        check(&format!("{long}\n{TELLS}")).1[0]
            .ends_with("this condition is longer than 1024 bytes (split it into several rules)")
    );
    let deep = format!("when = '{}isOnline{}'", "(".repeat(60), ")".repeat(60));
    assert!(
        check(&format!("{deep}\n{TELLS}")).1[0]
            .ends_with("this condition is nested too deep (write it flatter, or split it into several rules)")
    );
}

#[test]
fn false_is_a_warning() {
    for (text, mistake) in [
        (
            "isOnline = false",
            "warning 2:12 false: `isOnline = false` does not filter: the API takes it for \"all\" (leave it out, or write when = '!isOnline')",
        ),
        (
            "hasOrdered = { status = false }",
            "warning 2:25 false: `hasOrdered.status = false` does not filter: the API takes it for \"all\" (leave it out, or write when = '!hasOrdered.status')",
        ),
    ] {
        let (compiled, found) = check(&format!("[filter]\n{text}\n{TELLS}"));
        assert!(matches!(compiled, Compiled::Rule(_)));
        assert_eq!(found, [mistake]);
    }
}

#[test]
fn raw_values_are_taken_as_they_are() {
    for status in ["[{ raw = 'NEW' }, 'OPEN']", "{ raw = ['NEW', 'OPEN'] }"] {
        let (compiled, found) = check(&format!("[filter]\nstatus = {status}\n{TELLS}"));
        let Compiled::Rule(rule) = compiled else { panic!("{found:?}") };
        assert_eq!(
            (rule.filter.get(FilterKey::Status).unwrap().list().concat(), found),
            ("NEWOPEN".to_owned(), vec![])
        );
    }
}

#[test]
fn a_disabled_rule_counts_as_removed_but_its_mistakes_count() {
    assert!(matches!(check(&format!("enabled = false\n{TELLS}")).0, Compiled::Disabled));
    assert!(matches!(check(&format!("enabled = false\nsince = 'x'\n{TELLS}")).0, Compiled::Rejected));
}

#[test]
fn every_mistake_of_a_file_at_once() {
    let (_, found) = check(
        "sevrity = 'x'\nsince = 'x'\nwhen = 'foo > 1 && unreadMesages > 0'\n[filter]\nstatus = ['OPN']\nisOnlin = true\n\
         lastSeenAt = { startAt = 'x' }\n[[notify]]\nto = ['suport']\ntemplate = 'alrt'\nfoo = 1\n[[notify]]\nafter = '5m'",
    );
    let mut places: Vec<&str> = found.iter().filter_map(|mistake| mistake.split(' ').next()).collect();
    places.sort_by_key(|place| place.split(':').map(|number| number.parse::<u32>().unwrap()).collect::<Vec<_>>());
    assert_eq!(places, ["1:1", "2:9", "3:9", "3:20", "5:11", "6:1", "7:26", "9:7", "10:12", "11:1", "12:1"]);
}

#[test]
fn what_is_no_toml_is_said_with_its_place() {
    for (text, place) in
        [("for = 5 minutes", "1:7 5 minutes: not valid TOML"), ("[[notify]\nto = ['x']", "1:10 : not valid TOML")]
    {
        assert!(check(text).1[0].starts_with(place), "{:?}", check(text).1);
    }
}

#[test]
fn quotes_that_are_none_and_quotes_in_quotes_are_named() {
    let typographic =
        |quote: &str| format!("not valid TOML: `{quote}` is a typographic quotation mark (write the straight one: \")");
    for (text, mistake) in [
        ("[filter]\nstatus = [“OPEN”]", format!("2:11 “: {}", typographic("“"))),
        ("[filter]\nlastMessageBy = [‘user’, 'bot']", format!("2:18 ‘: {}", typographic("‘"))),
        ("description = «x»", format!("1:15 «: {}", typographic("«"))),
    ] {
        assert_eq!(check(&format!("{text}\n{TELLS}")).1, [mistake], "{text}");
    }
    let between = "(quotes inside of quotes end the text: put the condition between ''' and ''')";
    for text in ["when = 'status == 'OPEN''", "when = \"status == \"OPEN\"\""] {
        let found = check(&format!("{text}\n{TELLS}")).1;
        assert!(found.len() == 1 && found[0].starts_with("1:") && found[0].ends_with(between), "{found:?}");
    }
    // Typographic quotes inside a text are allowed.
    assert!(check(&format!("description = 'the “best” customers'\n{TELLS}")).1.is_empty());
}

#[test]
fn keys_about_time_by_table() {
    let step = |line: &str| format!("{TELLS}\n{line}");
    let top = |line: &str| format!("{line}\n{TELLS}");
    let hours = |lines: &str| format!("[hours]\n{lines}\n{TELLS}");
    let open = "open = ['mon-fri 09:00-18:00']";
    for (text, mistake) in [
        (top("for = 5"), "1:7 5: `for` is not a duration (write a duration with its unit, like \"5s\")"),
        (
            top("for = '5 apples'"),
            "1:7 '5 apples': `for` is not a duration (write a duration like `500ms`, `15s`, `2m`, `1h 30m` or `7d`)",
        ),
        (top("keep_firing_for = '-1m'"), "1:19 '-1m': `keep_firing_for` cannot be negative"),
        (
            top("ack_on = ['asigned']"),
            "1:11 'asigned': `asigned` is not a value of `ack_on` (did you mean `assigned`?)",
        ),
        (
            top("ack_on = ['INPROGRES']"),
            "1:11 'INPROGRES': `INPROGRES` is not a value of `ack_on` (did you mean `INPROGRESS`?)",
        ),
        (
            top("resolved = 'no'"),
            "1:12 'no': this is a text, expected true or false (write true or false, without quotes)",
        ),
        (step("after = true"), "3:9 true: `after` is not a duration (write a duration like \"2m\")"),
        (
            step("repeat = '0s'"),
            "3:10 '0s': `repeat` is shorter than a second (for a single message, leave it out; else write a pause like \"30m\")",
        ),
        (
            step("repeat = '5m'\nrepeat_factor = 0.5"),
            "4:17 0.5: `repeat_factor` is a number from 1 to 100 (2.0 doubles the pause each time; 1.0 keeps it)",
        ),
        (
            step("repeat = '5m'\nrepeat_limit = -1"),
            "4:16 -1: `repeat_limit` is a whole number, 0 or more (it counts the messages after the first one)",
        ),
        (
            step("repeat_limit = 3"),
            "3:16 3: `repeat_limit` has no effect without `repeat` (add repeat = \"30m\" to this [[notify]], or take it out)",
        ),
        (
            format!("for = '10m'\n{TELLS}\nafter = '5m'"),
            "warning 4:9 '5m': nobody is notified before `for` has passed, which is 10m (`after` counts from when the customer began to wait, too: make it longer, or leave it out)",
        ),
        (hours("clock = 'wall'"), "1:1 [hours]: these hours are never open (write open = [\"mon-fri 09:00-18:00\"])"),
        (hours("open = []"), "2:8 []: these hours are never open (write open = [\"mon-fri 09:00-18:00\"])"),
        (
            hours("open = ['mon 9-18']"),
            "2:9 'mon 9-18': `9` is not a time of day (write \"mon-fri 09:00-18:00\", \"sat,sun 22:00-06:00\" or, for every day, \"09:00-24:00\")",
        ),
        (
            hours(&format!("{open}\ntimezone = 'Europe/Vienne'")),
            "3:12 'Europe/Vienne': there is no time zone `Europe/Vienne` (did you mean `Europe/Vienna`?)",
        ),
        (
            hours(&format!("{open}\nholidays = ['2026-13-01']")),
            "3:13 '2026-13-01': this is not a date (write \"2026-12-25\")",
        ),
        (
            hours(&format!("{open}\noutside = 'holt'")),
            "3:11 'holt': `holt` is neither `hold` nor `drop` nor a receiver (did you mean `hold`?)",
        ),
        (
            hours(&format!("{open}\nclock = 'busines'")),
            "3:9 'busines': `busines` is not a value of `clock` (did you mean `business`?)",
        ),
        (
            hours(&format!("{open}\nclosed = 'x'")),
            "3:1 closed: unknown key `closed` (known here: timezone, open, holidays, outside, clock)",
        ),
    ] {
        let (compiled, found) = check(&text);
        assert_eq!(found, [mistake], "{text}");
        assert_eq!(matches!(compiled, Compiled::Rule(_)), mistake.starts_with("warning"), "{text}");
    }
}

#[test]
fn keys_about_time_as_they_are_meant() {
    let text = "for = '2m'\nkeep_firing_for = '30s'\nresolved = false\nack_on = ['assigned', 'INPROGRESS']\n\
        [hours]\ntimezone = 'Asia/Kolkata'\nopen = ['mon-fri 09:00-18:00', 'sat 10:00-14:00']\n\
        holidays = ['2026-12-25', 2026-12-26]\noutside = 'leads'\nclock = 'business'\n\
        [[notify]]\nto = ['support']\n[[notify]]\nto = ['leads']\nafter = '15m'\nrepeat = '30m'\nrepeat_factor = 2\nrepeat_limit = 4";
    let (compiled, found) = check(text);
    let Compiled::Rule(rule) = compiled else { panic!("{found:?}") };
    let minutes = jiff::SignedDuration::from_mins;
    assert_eq!((rule.r#for, rule.keep_firing_for.as_secs(), rule.resolved), (minutes(2), 30, false));
    assert_eq!(rule.ack_on, [AckOn::Assigned, AckOn::Status("INPROGRESS".to_owned())]);
    let hours = rule.hours.as_ref().unwrap();
    assert_eq!((hours.open.len(), hours.holidays.len(), hours.count), (2, 2, Count::Business));
    assert_eq!(hours.outside, Outside::Receiver("leads".to_owned()));
    let step = &rule.notify[1];
    assert_eq!((step.after, step.repeat, step.repeat_limit), (minutes(15), Some(minutes(30)), Some(4)));
    // The repeats are due after 30 min, 60 more and 120 more.
    let within = [29, 30, 89, 90, 209, 210].map(|passed| step.repeats_within(minutes(passed)));
    assert_eq!(within, [0, 1, 1, 2, 2, 3]);
    assert_eq!([1, 2, 3].map(|number| step.repeat_at(number)), [30, 90, 210].map(minutes));
    assert_eq!(rule.notify[0].repeats_within(minutes(9_999)), 0);
}
