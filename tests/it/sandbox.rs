//! `sandbox`: the made-up inbox alone, and a first poll of it.

use std::net::{TcpListener, TcpStream};

use crate::harness::{Home, eventually};

#[test]
fn is_an_inbox_that_a_run_can_read() {
    // The port is free again for the sandbox.
    let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let home = Home::empty()
        .file("rules/all.toml", "[filter]\nlastMessageBy = [\"user\"]\n[[notify]]\nto = [\"screen\"]\n")
        .file(
            "pengwatch.toml",
            &format!("[inbox.main]\nurl = \"http://{address}\"\ntoken = {{ env = \"TOKEN\" }}\n[receiver.screen]\ntype = \"console\"\n"),
        )
        .env("TOKEN", "made-up");
    let listen = address.to_string();
    let arguments = ["--token", "made-up", "--contacts", "30", "--page-size", "7", "--speed", "0"];
    let sandbox = home.start(&[&["sandbox", "--listen", &listen, "--smtp", "127.0.0.1:0"][..], &arguments].concat());
    eventually("a sandbox", || TcpStream::connect(address).is_ok());
    let ran = home.run(&["run", "--dry-run"]);
    ran.ends(0);
    assert!(ran.stdout.starts_with("--- would be sent to screen\n"), "{}", ran.stdout);
    sandbox.signal("TERM");
    let ran = sandbox.end();
    ran.ends(0);
    let mail = ran.stdout.split("smtp://").nth(1).and_then(|rest| rest.lines().next()).expect("a mail sink");
    let lines = [
        format!("inbox API     http://{address}   token: made-up"),
        format!("Slack sink    http://{address}/services/T000/B000/sandbox"),
        format!("webhook sink  http://{address}/webhook/sandbox"),
        format!("mail sink     smtp://{mail}"),
        format!("what the sinks got: http://{address}/sandbox/sinks   Ctrl-C ends it\n"),
    ];
    ran.says(0, &lines.join("\n"), "");
}

#[test]
fn customers_come_and_go_at_the_speed_that_is_asked_for() {
    let home = Home::empty();
    let arguments = ["--listen", "127.0.0.1:0", "--smtp", "127.0.0.1:0", "--contacts", "0", "--speed", "400"];
    let sandbox = home.start(&[&["sandbox"][..], &arguments].concat());
    std::thread::sleep(std::time::Duration::from_secs(5));
    sandbox.signal("INT");
    let ran = sandbox.end();
    ran.ends(0);
    for what in ["  customer ", "  bot ", " answers ", "closes the conversation with "] {
        assert!(ran.stdout.contains(what), "no `{what}` in {}", ran.stdout);
    }
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    for place in ["--listen", "--smtp"] {
        let other = if place == "--smtp" { "--listen" } else { "--smtp" };
        let ran = Home::empty().run(&["sandbox", place, &address, other, "127.0.0.1:0"]);
        ran.ends(1);
        assert!(ran.stderr.starts_with(&format!("error: {address} cannot be listened on: ")), "{}", ran.stderr);
    }
}
