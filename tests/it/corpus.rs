//! Bad input, written by hand or found by a fuzzer: the invariants hold for all of it.

use std::{fs, path::Path, sync::mpsc, thread, time::Duration};

// A crate of its own elsewhere.
#[allow(unreachable_pub)]
#[path = "../fuzz/src/lib.rs"]
mod fuzz;

/// The time limit: a busy machine is slow, but an input that hangs takes longer.
const LONGEST: Duration = Duration::from_secs(30);

/// Smaller than the main thread's, so that deep recursion is found.
const STACK: usize = 2 << 20;

#[test]
fn every_file_of_the_corpus_holds() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
    let (mut size, mut wrong) = (0, Vec::new());
    for (name, read) in fuzz::TARGETS {
        let mut files: Vec<_> =
            fs::read_dir(corpus.join(name)).expect(name).map(|entry| entry.expect("an entry").path()).collect();
        files.sort();
        assert!(!files.is_empty(), "{name} has no seeds");
        for file in files {
            let data = fs::read(&file).expect("a file");
            size += data.len();
            let (done, wait) = mpsc::channel();
            let reading = thread::Builder::new().stack_size(STACK).spawn(move || {
                read(&data);
                let _ = done.send(());
            });
            reading.expect("a thread");
            match wait.recv_timeout(LONGEST) {
                Ok(()) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => wrong.push(format!("{}: see above", file.display())),
                Err(mpsc::RecvTimeoutError::Timeout) => wrong.push(format!("{}: takes too long", file.display())),
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(size < 300 * 1024, "the corpus has {size} bytes: keep it small");
}

#[test]
fn every_folder_of_the_corpus_has_a_target() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
    let mut folders: Vec<_> =
        fs::read_dir(corpus).expect("the corpus").map(|entry| entry.expect("an entry").file_name()).collect();
    folders.sort();
    assert_eq!(folders, fuzz::TARGETS.map(|(name, _)| name));
}
