//! `sandbox`: the made-up inbox on its own, and a first look at it.

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
    let sandbox =
        home.start(&["sandbox", "--listen", &listen, "--token", "made-up", "--contacts", "30", "--page-size", "7"]);
    eventually("a sandbox", || TcpStream::connect(address).is_ok());
    let ran = home.run(&["run", "--dry-run"]);
    ran.ends(0);
    assert!(ran.stdout.starts_with("--- would be sent to screen\n"), "{}", ran.stdout);
    sandbox.signal("TERM");
    let ran = sandbox.end();
    ran.says(0, &format!("inbox API at http://{address} with token made-up; Ctrl-C ends it\n"), "");
}
