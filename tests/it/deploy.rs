//! The Dockerfile and `deploy/` say the same as the program and as each other.

use std::{fs, path::Path};

use crate::harness::Home;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The Dockerfile's instructions without comments, continued lines joined.
fn dockerfile() -> Vec<String> {
    let text = read("Dockerfile").replace("\\\n", "");
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}

/// The last stage of the Dockerfile.
fn image() -> Vec<String> {
    let lines = dockerfile();
    let last = lines.iter().rposition(|line| line.starts_with("FROM ")).expect("a stage");
    lines[last..].to_vec()
}

#[test]
fn the_image_is_the_program_and_nothing_else() {
    let image = image();
    assert_eq!(image[0], "FROM scratch");
    assert!(!image.iter().any(|line| line.starts_with("RUN ")), "there is nothing that could run it: {image:?}");
    for line in [
        "USER 65532:65532",
        "ENTRYPOINT [\"/pengwatch\"]",
        "CMD [\"run\"]",
        "VOLUME /state",
        "ENV PENGWATCH_CONFIG=/etc/pengwatch/pengwatch.toml",
        "COPY --from=build --chown=65532:65532 /image/state /state",
    ] {
        assert!(image.iter().any(|own| own == line), "no `{line}` in {image:?}");
    }
}

#[test]
fn everything_that_the_program_embeds_is_copied_and_in_the_context() {
    let copied: Vec<String> = dockerfile()
        .iter()
        .filter_map(|line| line.strip_prefix("COPY "))
        .filter(|rest| !rest.starts_with("--"))
        .flat_map(|rest| rest.split_whitespace().rev().skip(1).map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let ignored = read(".dockerignore");
    for name in &copied {
        assert!(ignored.lines().any(|line| line == format!("!{name}")), "{name} is not in the context");
    }
    let mut sources = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut embedded = 0;
    while let Some(path) = sources.pop() {
        if path.is_dir() {
            sources.extend(fs::read_dir(path).expect("a folder").map(|entry| entry.expect("an entry").path()));
            continue;
        }
        // Files that only tests embed need not be there.
        let code = fs::read_to_string(&path).expect("a source");
        let code = code.split("#[cfg(test)]").next().unwrap_or_default();
        if path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs") {
            continue;
        }
        for file in code.split("include_str!(\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            let Some(outside) = file.rsplit_once("../").map(|(_, outside)| outside) else { continue };
            let folder = outside.split('/').next().unwrap_or_default();
            assert!(copied.iter().any(|name| name == folder), "{}: {file} is not copied", path.display());
            embedded += 1;
        }
    }
    assert!(embedded >= 11, "{embedded}");
}

/// The paths that the container's configuration names.
fn paths() -> Vec<String> {
    let config = read("deploy/pengwatch.toml");
    config.split('"').filter(|text| text.starts_with("/run/") || text.contains(":/")).map(str::to_owned).collect()
}

#[test]
fn every_manifest_mounts_what_the_configuration_names() {
    let paths = paths();
    assert_eq!(
        paths,
        ["sqlite:/state/pengwatch.db", "/run/secrets/botpenguin_token", "/run/secrets/slack_webhook_url"]
    );
    let compose = read("deploy/compose.yaml");
    for path in &paths[1..] {
        let name = path.rsplit('/').next().expect("a name");
        assert!(compose.contains(&format!("  {name}:\n    file: ")), "{name}");
        assert!(compose.lines().any(|line| line.contains("secrets: [") && line.contains(name)), "{name}");
        assert!(read("deploy/README.md").contains(&format!("--from-literal={name}=")), "{name}");
    }
    for mount in ["state:/state", ":/etc/pengwatch/pengwatch.toml:ro", ":/etc/pengwatch/rules:ro"] {
        assert!(compose.contains(mount), "{mount}");
    }
    for manifest in ["deploy/kubernetes/deployment.yaml", "deploy/kubernetes/cronjob.yaml"] {
        let text = read(manifest);
        for mount in [
            "mountPath: /state }",
            "mountPath: /etc/pengwatch/pengwatch.toml, subPath: pengwatch.toml, readOnly: true }",
            "mountPath: /etc/pengwatch/rules, readOnly: true }",
            "mountPath: /run/secrets, readOnly: true }",
            "runAsNonRoot: true",
            "readOnlyRootFilesystem: true",
            "runAsUser: 65532",
            "fsGroup: 65532",
            "claimName: pengwatch-state",
        ] {
            assert!(text.contains(mount), "{manifest}: {mount}");
        }
    }
}

#[test]
fn a_schedule_runs_once_and_gives_a_run_the_time_that_it_may_take() {
    let seconds = |text: &str, before: &str| -> u64 {
        let rest = text.split(before).nth(1).unwrap_or_else(|| panic!("no {before}"));
        rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().expect("seconds")
    };
    // The default of `deadline`.
    let deadline = 50;
    let job = read("deploy/kubernetes/cronjob.yaml");
    assert!(job.contains("args: [\"run\", \"--once\"]") && job.contains("concurrencyPolicy: Forbid"));
    assert!(seconds(&job, "activeDeadlineSeconds: ") > deadline);
    let unit = read("deploy/systemd/pengwatch-once.service");
    assert!(unit.contains("\nExecStart=/usr/local/bin/pengwatch run --once\n"));
    assert!(seconds(&unit, "TimeoutStartSec=") > deadline);
    let daemon = read("deploy/kubernetes/deployment.yaml");
    assert!(daemon.contains("args: [\"run\"]") && daemon.contains("type: Recreate"));
    assert!(read("deploy/systemd/pengwatch.service").contains("\nExecStart=/usr/local/bin/pengwatch run\n"));
}

/// The container's files in a folder, with secrets and state below it.
fn container() -> Home {
    let home = Home::empty().folder("state").file("secrets/botpenguin_token", "made-up\n");
    let home = home.file("secrets/slack_webhook_url", "https://hooks.example.com/services/a\n");
    let below = home.path("");
    let config = read("deploy/pengwatch.toml")
        .replace("/run/secrets", &below.join("secrets").display().to_string())
        .replace("sqlite:/state", &format!("sqlite:{}", below.join("state").display()));
    home.file("pengwatch.toml", &config)
}

#[test]
fn the_configuration_of_the_container_has_no_mistake() {
    let mut home = container();
    for rule in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("rules")).expect("rules") {
        let path = rule.expect("a rule").path();
        let name = format!("rules/{}", path.file_name().and_then(|name| name.to_str()).expect("a name"));
        home = home.file(&name, &fs::read_to_string(&path).expect("a rule"));
    }
    let ran = home.run(&["check"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{}", ran.stdout);
    assert!(ran.stdout.contains("7 rules in use"), "{}", ran.stdout);
}

#[cfg(unix)]
#[test]
fn rules_are_read_from_a_config_map_as_it_is_mounted() {
    use std::os::unix::fs::symlink;
    let rule = read("rules/customer-waiting.toml");
    let home = container().file("rules/..2026_11_24/customer-waiting.toml", &rule);
    symlink("..2026_11_24", home.path("rules/..data")).expect("a link");
    symlink("..data/customer-waiting.toml", home.path("rules/customer-waiting.toml")).expect("a link");
    let ran = home.run(&["check"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{}", ran.stdout);
    assert!(ran.stdout.contains("1 rule in use"), "{}", ran.stdout);
}
