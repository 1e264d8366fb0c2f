//! `demo`: runs to its end, and leaves nothing behind.

use std::fs;

use crate::harness::Home;

#[test]
fn tells_a_story_whose_books_balance_and_leaves_nothing() {
    let home = Home::empty().folder("tmp");
    let home = {
        let tmp = home.path("tmp").display().to_string();
        home.env("TMPDIR", &tmp)
    };
    let ran = home.run(&["demo", "--fast", "--for", "40s"]);
    ran.ends(0);
    assert!(ran.took.as_secs() < 60, "{:?}", ran.took);
    for word in ["pengwatch demo: ", "  customer ", "  bot ", "  -> Slack ", "  -> mail ", " answers ", "User ID: "]
        .into_iter()
        .chain(["  pengwatch   pending: ", "  pengwatch   escalation: ", "  pengwatch   acknowledged: "])
        .chain([" customers are waiting, ", " takes the conversation with "])
    {
        assert!(ran.stdout.contains(word), "no `{word}` in {}", ran.stdout);
    }
    assert_eq!(ran.stderr, "");
    assert_eq!(fs::read_dir(home.path("tmp")).expect("a folder").count(), 0);
    assert_eq!(fs::read_dir(home.path("")).expect("a folder").count(), 1, "only the folder itself");

    // A message is sent within seconds.
    let lines: Vec<&str> = ran.stdout.lines().collect();
    let second = |line: &&str| line.get(..8).and_then(|time| time.parse::<jiff::civil::Time>().ok());
    let first = |what: &str| lines.iter().filter(|line| line.contains(what)).find_map(second);
    let (wrote, told) = (first("  customer  ").expect("a customer"), first("  -> Slack").expect("a message"));
    assert!(wrote.duration_until(told).as_secs().rem_euclid(86_400) <= 8, "{wrote} {told}");

    // Every planned fault occurred, without harm.
    let times = |what: &str| lines.iter().filter(|line| line.contains("  trouble ") && line.contains(what)).count();
    for what in ["answers with the error 500", "answers with the error 502", "Slack refuses", "the mail server refuses"]
    {
        assert!(times(what) > 0, "no `{what}` in {}", ran.stdout);
    }
    let books = lines.iter().find(|line| line.starts_with("books: ")).expect("books");
    assert!(books.contains("each was told of once; of the "), "{}", ran.stdout);

    // The same from the lines alone: every reported customer has an end, or still waits at the end.
    let named = |line: &&&str, sign: char| line.contains("  -> Slack") && line.contains(sign);
    for line in lines.iter().filter(|line| named(line, '✅')) {
        let name = line.split('✅').nth(1).and_then(|rest| rest.split(':').next()).map(str::trim).expect("a name");
        let before: Vec<&&str> = lines.iter().take_while(|other| *other != line).collect();
        let named = before
            .iter()
            .filter(|other| other.contains("  -> Slack") || other.starts_with("          "))
            .any(|other| other.contains(name));
        // A list shows the first few names only; all who were pending before it are in it.
        let list =
            before.iter().rposition(|other| other.contains("  -> Slack") && other.contains(" customers are waiting"));
        let listed =
            list.is_some_and(|at| before[..at].iter().any(|other| other.contains(&format!(" pending: {name};"))));
        assert!(named || listed || line.contains("customers"), "an end without a beginning: {line}");
    }
}

#[test]
fn ctrl_c_ends_it_and_leaves_nothing() {
    let home = Home::empty().folder("tmp");
    let home = {
        let tmp = home.path("tmp").display().to_string();
        home.env("TMPDIR", &tmp)
    };
    let demo = home.start(&["demo"]);
    crate::harness::eventually("its folder", || fs::read_dir(home.path("tmp")).expect("a folder").count() == 1);
    std::thread::sleep(std::time::Duration::from_secs(1));
    demo.signal("INT");
    let ran = demo.end();
    ran.ends(0);
    assert!(ran.took.as_secs() < 10, "{:?}", ran.took);
    assert!(ran.stdout.contains("\nbooks: "), "{}", ran.stdout);
    assert_eq!(fs::read_dir(home.path("tmp")).expect("a folder").count(), 0);
}
