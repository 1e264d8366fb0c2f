//! Tags that are not closed, and signs of other languages: one mistake each, with its place.

use std::fs;

use super::fixtures::{CONSOLE, Case, alert, ravi, shown};
use crate::{receivers::formats, render::Renderer};

/// `LINE:COLUMN TITLE (HELP)` of every mistake of a console template.
fn mistakes(text: &[u8]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("own")).unwrap();
    fs::write(folder.path().join("own/console.txt.hbs"), text).unwrap();
    let mut found = Vec::new();
    Renderer::load(folder.path(), &formats(), &mut found);
    let line = |mistake: &crate::diagnose::Diagnostic| {
        let place = mistake.source.as_ref().map(|source| source.position(mistake.span.start));
        let place = place.map(|(line, column)| format!("{line}:{column} ")).unwrap_or_default();
        format!("{place}{} ({})", mistake.title, mistake.help.as_deref().unwrap_or_default())
    };
    found.iter().map(line).collect()
}

#[test]
fn blocks_that_are_not_closed_or_not_open() {
    for (text, wanted) in [
        (
            "ok\n{{#if count}}\nx\n",
            "2:1 not valid Handlebars: {{#if …}} is not closed (write {{/if}} where its part ends)",
        ),
        (
            "{{#each alerts}}\n{{#if agent}}x\n{{/each}}",
            "2:1 not valid Handlebars: {{#if …}} is not closed (write {{/if}} before {{/each}} in line 3)",
        ),
        (
            "a\n{{/if}}",
            "2:1 not valid Handlebars: {{/if}} does not close an open block (write {{#if …}} before it, or take it out)",
        ),
        ("{{if count}}x{{/if}}", "1:1 `if` is a block (write {{#if …}}…{{/if}})"),
        ("{{#if count}}x{{end}}", "1:15 {{end}} does not close a block in Handlebars (write {{/if}})"),
        ("{{#each alerts}}x{{endeach}}", "1:18 {{endeach}} does not close a block in Handlebars (write {{/each}})"),
        ("{{#if count}}x{{elseif more}}y{{/if}}", "1:15 `elseif` is written in two words (write {{else if …}})"),
        (
            "{{#if count}}x{{else if}}y{{/if}}",
            "1:15 {{else if}} has no condition (write {{else if NAME}}, or {{else}})",
        ),
        ("x {{count\ny", "1:3 not valid Handlebars: this {{ is not closed (write }} where the tag ends)"),
        ("x {{count} y {{inbox}}", "1:3 not valid Handlebars: this {{ is not closed (write }} where the tag ends)"),
    ] {
        assert_eq!(mistakes(text.as_bytes()), [wanted], "{text}");
    }
}

#[test]
fn other_languages() {
    let handlebars = "Handlebars writes {{name}}, {{#if name}}…{{/if}}, {{#each list}}…{{/each}}";
    for (text, wanted) in [
        ("{% if count %}x", format!("1:1 `{{% … %}}` is of Jinja and Liquid, and is sent as it stands ({handlebars})")),
        ("<%= count %>", format!("1:1 `<% … %>` is of ERB and EJS, and is sent as it stands ({handlebars})")),
        ("a ${count}", "1:3 `${count}` is not replaced, and is sent as it stands (write two braces: {{count}})".to_owned()),
        ("a ${customer}", "1:3 `${customer}` is not replaced, and is sent as it stands (write two braces: {{customer}})".to_owned()),
        ("a {count}", "1:3 `{count}` is not replaced, and is sent as it stands (write two braces: {{count}})".to_owned()),
        ("{ rule.name }", "1:1 `{rule.name}` is not replaced, and is sent as it stands (write two braces: {{rule.name}})".to_owned()),
        ("{{#if count == 1}}x{{/if}}", "1:1 `==` does not compare in Handlebars (write (eq a b), like {{#if (eq a b)}})".to_owned()),
        ("{{#if count > 1}}x{{/if}}", "1:1 `>` does not compare in Handlebars (write (gt a b), like {{#if (gt a b)}})".to_owned()),
        ("{{inbox | upper}}", "1:1 `|` does not pass a value on in Handlebars (write the helper first: {{upper name}})".to_owned()),
        ("{{#for alerts}}x{{/for}}", "1:1 `for` is not a loop in Handlebars (write {{#each alerts}}…{{/each}})".to_owned()),
        ("{{default inbox “x”}}", "1:17 `“` is a typographic quotation mark (write the straight one: \")".to_owned()),
        (
            "{{upper\u{a0}inbox}}",
            "1:8 a character that cannot be seen stands in this tag: no-break space (U+00A0) (delete it, and type what belongs \
             there)"
                .to_owned(),
        ),
    ] {
        assert_eq!(mistakes(text.as_bytes()), [wanted], "{text}");
    }
}

#[test]
fn what_only_looks_like_it_is_text() {
    for text in [
        "100 % {done} {} { } {a b} $5 ${ {x}",
        "{{!-- {{#if}} ${count} --}}{{! {count} }}{{default inbox \"a == b | c\"}}",
        "{{#each alerts as |a|}}{{a.name}}{{/each}}{{#if (eq count 1)}}x{{^}}y{{/if}}{{#unless more}}z{{/unless}}",
        "{{~#if count~}} x {{~else if more~}} y {{~/if~}}",
        "\\{{not a tag}}",
    ] {
        assert_eq!(mistakes(text.as_bytes()), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn templates_as_notepad_saves_them_work_and_send_no_mark() {
    let told = |bytes: &[u8]| {
        let case = Case::fired(vec![alert(ravi(), "PT7M")]);
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("own")).unwrap();
        fs::write(folder.path().join("own/console.txt.hbs"), bytes).unwrap();
        let mut found = Vec::new();
        let renderer = Renderer::load(folder.path(), &formats(), &mut found);
        assert!(found.is_empty(), "{found:?}");
        shown(&case.render(&renderer, "own", CONSOLE).body)
    };
    assert_eq!(told("\u{feff}{{count}}\r\nwaits\r\n".as_bytes()), told(b"{{count}}\nwaits\n"));
    let wide: Vec<u8> = "\u{feff}{{count}}\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let said = mistakes(&wide);
    assert!(said.len() == 1 && said[0].contains("it is not UTF-8 text but UTF-16: save it as UTF-8"), "{said:?}");
    let said = mistakes(b"caf\xe9 {{count}}");
    assert!(
        said.len() == 1 && said[0].contains("the byte 0xE9 at line 1, column 4, `é` in the encoding of Windows"),
        "{said:?}"
    );
}
