//! Admins' mistakes: each is found when templates are loaded, with its place and what would be right.

use std::{fs, path::Path};

use super::fixtures::{CONSOLE, Case, FORMATS, SLACK, WEBHOOK, alert, ravi, shown, slack};
use crate::{
    diagnose::Diagnostic,
    receivers::{console, formats},
    render::Renderer,
};

/// Loads one template folder `own` with the given files.
fn load(files: &[(&str, &str)]) -> (Renderer, Vec<Diagnostic>) {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("own")).unwrap();
    for (name, text) in files {
        fs::write(folder.path().join("own").join(name), text).unwrap();
    }
    let mut found = Vec::new();
    let renderer = Renderer::load(folder.path(), &formats(), &mut found);
    (renderer, found)
}

/// `LINE:COLUMN TITLE (HELP)` of every mistake.
fn mistakes(file: &str, text: &str) -> Vec<String> {
    let (_, found) = load(&[(file, text)]);
    found.iter().map(line).collect()
}

fn line(mistake: &Diagnostic) -> String {
    let place = mistake.source.as_ref().map(|source| source.position(mistake.span.start));
    let place = place.map(|(line, column)| format!("{line}:{column} ")).unwrap_or_default();
    let help = mistake.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
    format!("{place}{}{help}", mistake.title)
}

#[test]
fn names_and_helpers() {
    let table = [
        ("{{cuont}}", "1:3 unknown name `cuont` (did you mean `count`?)"),
        ("{{#if cuont}}x{{/if}}", "1:7 unknown name `cuont` (did you mean `count`?)"),
        ("a\nb {{#each alrets}}x{{else}}y{{/each}}", "2:11 unknown name `alrets` (did you mean `alerts`?)"),
        ("{{#each alerts}}\n  {{#if txt}}{{/if}}{{/each}}", "2:9 unknown name `txt` (did you mean `text`?)"),
        (
            "{{name}}",
            "1:3 unknown name `name` (it belongs to an alert: write it inside {{#each alerts}}, or `alerts.0.name`)",
        ),
        (
            "{{#each alerts}}{{count}}{{/each}}",
            "1:19 unknown name `count` (outside of this block it is known: write `@root.count`)",
        ),
        (
            "{{#each alerts}}{{lastMessage.text}}{{/each}}",
            "1:19 unknown name `lastMessage` (did you mean `contact.lastMessage.text`?)",
        ),
        (
            "{{#each alerts}}{{contact.lastMesage.text}}{{/each}}",
            "1:19 unknown name `lastMesage` (did you mean `lastMessage`?)",
        ),
        ("{{#each alerts}}{{text.size}}{{/each}}", "1:19 unknown name `size` (this is a single value, without fields)"),
        ("{{alerts.name}}", "1:3 unknown name `name` (this is a list: write {{#each …}} around it)"),
        ("{{#each alerts as |a|}}{{a.nme}}{{/each}}", "1:26 unknown name `nme` (did you mean `name`?)"),
        ("{{#with rule}}{{nam}}{{/with}}", "1:17 unknown name `nam` (did you mean `name`?)"),
        ("{{@index}}", "1:3 unknown name `@index` (it is known inside {{#each …}} only)"),
        ("{{#each alerts}}{{@key}}{{/each}}", "1:19 unknown name `@key` (it is known inside {{#each …}} only)"),
        ("{{../count}}", "1:3 unknown name `../count` (there is nothing above this place: write one `../` less)"),
        ("{{uper inbox}}", "1:3 unknown helper `uper` (did you mean `upper`?)"),
        ("{{upper (lowr inbox)}}", "1:10 unknown helper `lowr` (did you mean `lower`?)"),
        ("{{#if (eq event typ)}}{{/if}}", "1:17 unknown name `typ`"),
        ("{{#alerts}}{{/alerts}}", "1:4 unknown helper `alerts` (write {{#each alerts}} or {{#if alerts}})"),
        ("{{truncate inbox}}", "1:3 `truncate` takes 2 values, not 1"),
        ("{{#upper inbox}}{{/upper}}", "1:4 `upper` is not a block (write {{upper …}} without `#`)"),
        ("{{if count}}", "1:3 `if` is a block (write {{#if …}}…{{/if}})"),
        ("{{log inbox}}", "1:3 unknown helper `log` (customers' texts do not belong into the log)"),
        ("{{#each inbox}}{{/each}}", "1:9 `inbox` is not a list (write {{#if …}} for a single value)"),
        ("{{rule}}", "1:3 `rule` is not a single value (name one of its fields, like `rule.name`)"),
        ("{{#if count}}{{else if cuont}}{{/if}}", "1:24 unknown name `cuont` (did you mean `count`?)"),
        ("{{> other}}", "1:1 partials ({{> …}}, {{#*inline …}}) are not supported (write the text where it is needed)"),
        (
            "{{#*inline \"a\"}}{{/inline}}",
            "1:1 partials ({{> …}}, {{#*inline …}}) are not supported (write the text where it is needed)",
        ),
        ("{{upper inbox wide=true}}", "1:15 there is no option `wide`"),
    ];
    for (text, wanted) in table {
        let found = mistakes("console.txt.hbs", text);
        assert_eq!(found.len(), 1, "{text}: {found:#?}");
        assert!(found[0].starts_with(wanted), "{text}:\n   is {}\nwant {wanted}", found[0]);
    }
}

#[test]
fn every_mistake_is_told_at_once() {
    let found = mistakes("email.txt.hbs", "{{a1}}\n{{#if b2}}{{c3}}{{else}}{{d4}}{{/if}}");
    assert_eq!(found.len(), 4, "{found:#?}");
}

#[test]
fn what_is_right_is_not_refused() {
    let text = r#"{{#each alerts as |a i|}}{{i}}{{a.name}}{{@index}}{{@first}}{{#unless @last}},{{/unless}}
        {{#with contact.profile.userDetails}}{{name}}{{city}}{{../text}}{{../../count}}{{@index}}{{phone contact.phone}}{{/with}}
        {{#each contact.profile.notes}}{{title}}{{/each}}{{#each tags}}{{this}}{{/each}}
        {{contact.extra.anything}}{{contact.extra.deep.er}}{{default contact.extra.[with space] "-"}}
        {{#each contact.extra}}{{@key}}={{this}}{{/each}}{{lookup tags 0}}
        {{this.text}}{{./text}}{{@root.rule.name}}{{rule.severity}}{{ack_link}}{{reply_window}}
        {{#if (or (gt waiting 60) (and agent (not bot)))}}{{len tags}}{{/if}}{{/each}}
        {{problem}}{{state}}{{detail}}{{since}}{{plural count "customer"}}{{#eq event "watchdog"}}w{{/eq}}"#;
    // `lookup` of a tag that does not exist fails in the trial; the rest is right.
    assert_eq!(mistakes("email.txt.hbs", &text.replace("{{lookup tags 0}}", "")), Vec::<String>::new());
}

#[test]
fn raw_texts_of_customers() {
    let refused = [
        "{{{name}}}",
        "{{&text}}",
        "{{{upper name}}}",
        "{{{contact.profile.userDetails.city}}}",
        "{{{json tags}}}",
        "{{{contact.extra.x}}}",
        "{{{default agent text}}}",
    ];
    for text in refused {
        let found = mistakes("email.html.hbs", &format!("{{{{#each alerts}}}}{text}{{{{/each}}}}"));
        assert!(found.len() == 1 && found[0].starts_with("1:17 a customer's text"), "{text}: {found:#?}");
    }
    for text in
        ["{{{id}}}", "{{{duration waiting}}}", "{{{rule.description}}}", "{{{emoji platform}}}", "{{{len name}}}"]
    {
        let found = mistakes("email.html.hbs", &format!("{{{{#each alerts}}}}{text}{{{{/each}}}}"));
        assert_eq!(found, Vec::<String>::new(), "{text}");
    }
}

#[test]
fn syntax() {
    for (text, wanted) in [
        ("ok\n{{#if count}}", "not valid Handlebars"),
        ("{{count", "not valid Handlebars"),
        ("{{#if count}}\n{{/each}}", "2:1 {{/each}} does not close an open block (the open block is {{#if …}})"),
    ] {
        let found = mistakes("console.txt.hbs", text);
        assert!(found.len() == 1 && found[0].contains(wanted), "{text}: {found:#?}");
    }
}

#[test]
fn files() {
    let (renderer, found) = load(&[("slak.json.hbs", "{}"), ("console.txt.hbs", &"x".repeat(70_000))]);
    let found: Vec<String> = found.iter().map(line).collect();
    assert!(found[0].contains("is larger than 64 KiB"), "{found:?}");
    assert!(found[1].contains("there is no such template file (did you mean `slack.json.hbs`?)"), "{found:?}");
    assert!(renderer.has("own") && renderer.has("alert") && !renderer.has("other"));
    assert_eq!(renderer.names(), ["alert", "own"]);
}

#[test]
fn nesting_is_refused_before_it_is_parsed() {
    for text in [
        format!("{{{{upper {}inbox{}}}}}", "(upper ".repeat(5_000), ")".repeat(5_000)),
        "(".repeat(60_000),
        format!("{{{{upper {}}}}}", "[".repeat(60_000)),
        format!("{{{{upper {}}}}}", "{\"a\":".repeat(10_000)),
        "{{#if count}}".repeat(4_000),
        "{{~ #if count}}".repeat(4_000),
        format!("{{{{#if count}}}}{}{{{{/if}}}}", "{{else if count}}".repeat(3_000)),
    ] {
        let found = mistakes("console.txt.hbs", &text);
        assert!(found.len() == 1 && found[0].contains("nested too deeply"), "{found:#?}");
    }
}

#[test]
fn the_deepest_that_is_taken_can_be_rendered() {
    let deep = format!("{{{{upper {}inbox{}}}}}", "(upper ".repeat(59), ")".repeat(59));
    let blocks = format!("{}x{}", "{{#if count}}".repeat(30), "{{/if}}".repeat(30));
    let elses = format!("{{{{#if more}}}}{}{{{{/if}}}}", "{{else if more}}".repeat(99));
    for text in [deep, blocks, elses] {
        assert_eq!(mistakes("console.txt.hbs", &text), Vec::<String>::new());
    }
}

#[test]
fn json_that_is_none() {
    let comma = "{\"list\": [{{#each alerts}}{{json name}},{{/each}}]}";
    let found = mistakes("webhook.json.hbs", comma);
    assert!(found[0].contains("the output is not valid JSON: trailing comma at line 1"), "{found:?}");
    let list = mistakes("slack.json.hbs", "[]");
    assert!(list[0].contains("the payload is not a JSON object"), "{list:?}");
    let quotes = mistakes("webhook.json.hbs", "{\"name\": \"{{json alerts.0.name}}\"}");
    assert!(quotes[0].contains("not valid JSON"), "{quotes:?}");
}

#[test]
fn a_fault_holds_no_text_of_a_customer() {
    let text = "{{#if (gt count 5)}}{{#each alerts}}{{time since name}}{{/each}}{{/if}}";
    let (renderer, found) = load(&[("console.txt.hbs", text)]);
    assert!(found.is_empty());
    let odd = super::fixtures::customer("a", "%~secret", "%~secret");
    let case = Case::fired(vec![alert(odd, "PT7M"); 6]);
    let fault = case.render(&renderer, "own", CONSOLE).fault.unwrap();
    assert!(fault.contains("time: the format is not understood") && !fault.contains("ecret"), "{fault}");
}

#[test]
fn what_may_be_empty_needs_an_else() {
    let found = mistakes("console.txt.hbs", "{{#each alerts}}\n{{#with agent}}{{this}}{{/with}}{{/each}}");
    assert_eq!(found, ["2:1 `agent` is empty or does not exist, and there is no {{else}} for that"]);
}

#[test]
fn a_broken_file_falls_back_to_the_built_in_one() {
    let case = Case::fired(vec![alert(ravi(), "PT7M")]);
    let (renderer, found) = load(&[("slack.json.hbs", "{{oops}}"), ("console.txt.hbs", "{{count}} waiting")]);
    assert_eq!(found.len(), 1);
    let sent = case.render(&renderer, "own", SLACK);
    assert_eq!((sent.fault, sent.body), (None, case.built_in(SLACK)));
    assert_eq!(shown(&case.render(&renderer, "own", CONSOLE).body), "1 waiting");
    assert_eq!(case.render(&renderer, "own", WEBHOOK).body, case.built_in(WEBHOOK));
}

#[test]
fn a_template_that_fails_at_run_time() {
    // No sample has six customers.
    let text = "{{#if (gt count 5)}}{{lookup alerts.0.tags 7}}{{/if}}";
    let (renderer, found) =
        load(&[("console.txt.hbs", text), ("webhook.json.hbs", "{{#if (gt count 5)}}{{else}}{}{{/if}}")]);
    assert_eq!(found.iter().map(line).collect::<Vec<_>>(), Vec::<String>::new());
    let case = Case::fired(super::fixtures::twelve());
    let sent = case.render(&renderer, "own", CONSOLE);
    let fault = sent.fault.unwrap();
    assert!(fault.starts_with("own/console.txt.hbs:1:"), "{fault}");
    assert_eq!(sent.body, case.tell(|telling| renderer.plain(CONSOLE, telling)));
    let sent = case.render(&renderer, "own", WEBHOOK);
    let fault = sent.fault.unwrap();
    assert!(fault.starts_with("own/webhook.json.hbs: the output is not valid JSON: EOF"), "{fault}");
    let sent = case.render(&renderer, "nowhere", CONSOLE);
    assert_eq!(sent.fault.unwrap(), "there is no template `nowhere`");
    assert_eq!(sent.body, case.built_in(CONSOLE));
}

#[test]
fn an_undocumented_field_may_be_absent() {
    let text = "{{#each alerts}}[{{contact.extra.secretExtra}}{{contact.extra.not.there}}]{{/each}}";
    let (renderer, found) = load(&[("console.txt.hbs", text)]);
    assert!(found.is_empty());
    let case = Case::fired(vec![alert(ravi(), "PT7M"), alert(super::fixtures::nobody(), "PT6M")]);
    let sent = case.render(&renderer, "own", CONSOLE);
    assert_eq!((sent.fault, sent.body), (None, console::format::body("[secret-extra][]")));
}

#[test]
fn slack_text_makes_a_payload() {
    let (renderer, found) = load(&[("slack.txt.hbs", "*{{alerts.0.name}}* waits\n")]);
    assert!(found.is_empty());
    let payload = slack(&Case::fired(vec![alert(ravi(), "PT7M")]).render(&renderer, "own", SLACK).body);
    assert_eq!(payload["text"], "*Ravi Kumar* waits");
    assert_eq!(payload["blocks"][0]["text"]["text"], "*Ravi Kumar* waits");
    assert_eq!(payload["blocks"][0]["text"]["verbatim"], true);
}

#[test]
fn the_shipped_templates_are_right() {
    let mut found = Vec::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let renderer = Renderer::load(&folder, &formats(), &mut found);
    assert_eq!(found.iter().map(line).collect::<Vec<_>>(), Vec::<String>::new());
    let case = Case::fired(vec![alert(ravi(), "PT7M")]);
    for (_, format) in FORMATS {
        assert_eq!(case.render(&renderer, "alert", format).body, case.built_in(format));
    }
}

#[test]
fn a_missing_folder_is_only_the_built_in_one() {
    let mut found = Vec::new();
    let renderer = Renderer::load(Path::new("/does/not/exist"), &formats(), &mut found);
    assert!(found.is_empty());
    assert_eq!(renderer.names(), ["alert"]);
}

#[test]
fn lists_in_lists_have_an_end() {
    let loops =
        |depth: usize| format!("{}{{{{name}}}}{}", "{{#each @root.alerts}}".repeat(depth), "{{/each}}".repeat(depth));
    assert_eq!(mistakes("console.txt.hbs", &loops(3)), Vec::<String>::new());
    for depth in [4, 20] {
        let found = mistakes("console.txt.hbs", &loops(depth));
        assert!(found.len() == 1 && found[0].starts_with("1:67 more than 3 lists in each other"), "{found:?}");
    }
    let much = format!("{{{{#each @root.alerts}}}}{}{{{{/each}}}}", loops(2).replace("{{name}}", &"x".repeat(60_000)));
    assert_eq!(mistakes("console.txt.hbs", &much), Vec::<String>::new());
    let (renderer, _) = load(&[("console.txt.hbs", much.as_str())]);
    let many = vec![alert(ravi(), "PT7M"); 10];
    let sent = Case::fired(many).render(&renderer, "own", CONSOLE);
    assert_eq!(sent.fault.as_deref(), Some("own/console.txt.hbs:1:67: its output is more than 16 MiB"));
}
