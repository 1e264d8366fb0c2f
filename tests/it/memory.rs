//! Hostile answers do not exceed the memory limit of the manifests.

use pengwatch::sandbox::fault::{Fault, FaultKind};

use crate::harness::Home;

/// The memory limit of the manifests in `deploy`.
const LIMIT: u64 = 128 << 10;

/// The most memory that a run took, in KiB, and its output.
fn measured(home: &Home, status: i32) -> (u64, String) {
    let mut run = home.start(&["run", "--once"]);
    let mut peak = 0;
    while !run.has_ended() {
        peak = run.peak().unwrap_or(0).max(peak);
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let ran = run.end();
    ran.ends(status);
    (peak, ran.stderr)
}

#[test]
#[cfg(target_os = "linux")]
fn a_hostile_page_stays_within_the_memory_of_the_manifests() {
    let page = |records: String| format!(r#"{{"success":true,"message":"","code":200,"data":[{records}]}}"#);
    let record = |inside: String| format!(r#"{{"_id":"c1","status":"OPEN",{inside}}}"#);
    let many = |entry: &str| vec![entry; (15 << 20) / (entry.len() + 1)].join(",");
    let tiny: Vec<String> = (0..850_000).map(|index| format!(r#"{{"_id":"{index:06}"}}"#)).collect();
    let memory = "the API's answer takes more than 8 MiB of memory and was not read";
    let lost = "1 record was not understood";
    for (what, body, words) in [
        ("tiny records", page(tiny.join(",")), memory),
        ("tags", page(record(format!(r#""profile":{{"userDetails":{{"tags":[{}]}}}}"#, many("1")))), lost),
        ("unknown values", page(record(format!(r#""x":[{}]"#, many("0")))), lost),
        ("depth", page(record(format!(r#""x":{}{}"#, "[".repeat(7 << 20), "]".repeat(7 << 20)))), ""),
        ("a text", page(record(format!(r#""lastMessage":{{"text":"{}"}}"#, "x".repeat(15 << 20)))), ""),
    ] {
        let home = Home::watching();
        assert!(body.len() > 13 << 20 && body.len() < 16 << 20, "{what}: {}", body.len());
        let kind = FaultKind::Status { code: 200, body: Some(body), retry_after: None };
        home.inbox().fault(Fault::inbox(kind).on_page(1).repeated(10_000));
        let (peak, said) = measured(&home, i32::from(!words.is_empty()));
        assert!(said.contains(words), "{what}: {said}");
        assert!(peak > 0 && peak < LIMIT, "{what}: {} MiB", peak >> 10);
    }
}
