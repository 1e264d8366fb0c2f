//! `demo`: runs to its end, and leaves nothing behind.

use std::fs;

use crate::harness::Home;

#[test]
fn tells_a_story_and_leaves_nothing() {
    let home = Home::empty().folder("tmp");
    let home = {
        let tmp = home.path("tmp").display().to_string();
        home.env("TMPDIR", &tmp)
    };
    let ran = home.run(&["demo", "--fast", "--for", "20s"]);
    ran.ends(0);
    assert!(ran.took.as_secs() < 40, "{:?}", ran.took);
    for word in ["pengwatch demo: ", "  customer ", "  -> Slack ", " answers ", "  ✅ ", "told: "] {
        assert!(ran.stdout.contains(word), "no `{word}` in {}", ran.stdout);
    }
    assert_eq!(ran.stderr, "");
    assert_eq!(fs::read_dir(home.path("tmp")).expect("a folder").count(), 0);
    assert_eq!(fs::read_dir(home.path("")).expect("a folder").count(), 1, "only the folder itself");
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
    assert!(ran.stdout.contains("told: "), "{}", ran.stdout);
    assert_eq!(fs::read_dir(home.path("tmp")).expect("a folder").count(), 0);
}
