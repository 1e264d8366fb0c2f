//! A proxy in the environment: for other hosts, and never for this machine.

use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::Arc,
    thread,
};

use parking_lot::Mutex;

use crate::harness::Home;

/// A proxy that records the first line of each request, and gives every request this answer.
fn proxy(answer: &'static str) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&asked);
    thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let mut bytes = [0; 4_096];
            let read = stream.read(&mut bytes).unwrap_or(0);
            let text = String::from_utf8_lossy(&bytes[..read]).into_owned();
            heard.lock().push(text.lines().next().unwrap_or_default().to_owned());
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (port, asked)
}

/// Every variable that names a proxy.
fn behind(home: Home, port: u16) -> Home {
    let address = format!("http://user:hunter2@127.0.0.1:{port}");
    ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
        .into_iter()
        .fold(home, |home, variable| home.env(variable, &address))
}

#[test]
fn this_machine_is_never_asked_through_a_proxy() {
    let (port, asked) = proxy("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n");
    let home = behind(Home::watching(), port);
    home.waits("c1", "Asha", "Hello?");
    let ran = home.run(&["run", "--once"]);
    ran.ends(0);
    assert!(!ran.all().contains("proxy"), "{}", ran.all());
    assert_eq!((home.inbox().slack().len(), home.inbox().webhooks().len(), home.mail().mails().len()), (1, 1, 1));
    assert_eq!(*asked.lock(), Vec::<String>::new());
}

#[test]
fn another_host_is_and_the_proxy_is_named_without_its_login() {
    let (port, asked) = proxy("HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n");
    for (url, scheme, reason) in [
        (
            "http://api.example.invalid",
            "HTTP",
            "something between us and the API answered (HTTP 407, a proxy that wants a login)",
        ),
        ("https://api.example.invalid", "HTTPS", "the API cannot be reached: "),
    ] {
        let home = behind(Home::watching(), port);
        let inbox = home.url().to_owned();
        home.edit("pengwatch.toml", &format!("url = \"{inbox}\""), &format!("url = \"{url}\""));
        let named = format!("http://127.0.0.1:{port} ({scheme}_PROXY)");
        let check = home.run(&["check"]).stdout;
        assert!(check.contains(&format!("the inbox main goes through the proxy {named}\n")), "{check}");
        let ran = home.run(&["run", "--once"]);
        ran.ends(1);
        assert!(ran.stderr.contains(&format!("the inbox main goes through the proxy {named}\n")), "{}", ran.stderr);
        assert!(ran.stderr.contains(reason), "{}", ran.stderr);
        assert!(ran.stderr.contains(&format!("; requests go through the proxy {named}")), "{}", ran.stderr);
        assert!(!ran.all().contains("hunter2"), "{}", ran.all());
        let status = home.run(&["status", "--json"]).stdout;
        assert!(status.contains(&named) && !status.contains("hunter2"), "{status}");
    }
    let asked = asked.lock();
    assert!(asked.iter().any(|line| line == "POST http://api.example.invalid/inbox/users HTTP/1.1"), "{asked:?}");
    assert!(asked.iter().any(|line| line == "CONNECT api.example.invalid:443 HTTP/1.1"), "{asked:?}");
}
