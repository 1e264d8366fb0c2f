//! The texts of `--help`.

use crate::harness::Home;

/// The help of `arguments`, on standard output with status 0, as a snapshot.
#[track_caller]
fn help(name: &str, arguments: &[&str]) {
    let ran = Home::empty().run(arguments);
    ran.ends(0);
    assert_eq!(ran.stderr, "");
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, ran.stdout);
    });
}

#[test]
fn of_the_program() {
    help("help", &["--help"]);
}

#[test]
fn of_run() {
    help("help_run", &["run", "--help"]);
}

#[test]
fn of_check() {
    help("help_check", &["check", "--help"]);
}

#[test]
fn of_init() {
    help("help_init", &["init", "--help"]);
}

#[test]
fn of_what_is_asked_of_the_state() {
    for command in ["status", "alerts", "history", "ack", "silence", "outbox", "rules"] {
        help(&format!("help_{command}"), &[command, "--help"]);
    }
    for command in ["add", "list", "expire"] {
        help(&format!("help_silence_{command}"), &["silence", command, "--help"]);
    }
    for command in ["list", "replay", "drop"] {
        help(&format!("help_outbox_{command}"), &["outbox", command, "--help"]);
    }
}

#[test]
fn of_demo() {
    help("help_demo", &["demo", "--help"]);
}

#[test]
fn of_sandbox() {
    help("help_sandbox", &["sandbox", "--help"]);
}

#[test]
fn every_command_is_tested_above() {
    let help = Home::empty().run(&["--help"]).stdout;
    let commands = help.split("Commands:").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("commands");
    let names: Vec<&str> = commands
        .lines()
        .filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' '))?.split(' ').next())
        .collect();
    assert_eq!(
        names,
        [
            "run", "check", "status", "alerts", "history", "ack", "silence", "outbox", "rules", "init", "demo",
            "sandbox", "help"
        ]
    );
}

#[test]
fn the_version() {
    let version = concat!("pengwatch ", env!("CARGO_PKG_VERSION"), "\n");
    Home::empty().run(&["--version"]).says(0, version, "");
    Home::empty().run(&["-V"]).says(0, version, "");
}

#[test]
fn wrong_usage_is_status_2() {
    for arguments in [&["chekc"][..], &["run", "--onec"], &["check", "--color", "red"], &["demo", "--for", "soon"], &[]]
    {
        let ran = Home::empty().run(arguments);
        assert_eq!((ran.status, ran.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(!ran.stderr.is_empty(), "{arguments:?}");
    }
    let ran = Home::empty().run(&["chekc"]);
    assert!(ran.stderr.contains("a similar subcommand exists: 'check'"), "{}", ran.stderr);
}
