//! `type = "console"`, standard output: its keys, and what it can do.

use std::{
    io::{self, Write},
    sync::Arc,
};

use url::Url;

use super::Console;
use crate::{
    config::keys::{Key, KeyedKind, Keys},
    model::Address,
    receivers::{
        Sender,
        kind::{Delivery, Kind, Output, SenderTools, Way},
    },
};

pub(super) const NAME: &str = "console";

pub(crate) struct ConsoleKind;

impl KeyedKind<Arc<dyn Way>> for ConsoleKind {
    fn name(&self) -> &'static str {
        NAME
    }

    fn keys(&self) -> &'static [Key] {
        &[]
    }

    fn read(&self, _: &mut Keys<'_>) -> Option<Arc<dyn Way>> {
        Some(Arc::new(ConsoleWay))
    }
}

impl Kind for ConsoleKind {
    fn delivery(&self) -> Delivery {
        Delivery { pace: None, in_flight: 1, knows_ids: false, by_person: false }
    }

    fn example(&self) -> Option<&'static str> {
        None
    }
}

#[derive(Debug)]
struct ConsoleWay;

impl Way for ConsoleWay {
    fn kind(&self) -> &'static dyn Kind {
        &ConsoleKind
    }

    fn sender(&self, tools: &SenderTools<'_>) -> Result<Box<dyn Sender>, String> {
        Ok(Box::new(Console::new(Box::new(Lines(Arc::clone(tools.output))))))
    }

    fn address(&self) -> Address {
        vec!["console".to_owned()]
    }

    fn secrets(&self) -> Vec<&str> {
        Vec::new()
    }

    fn url(&self) -> Option<Url> {
        None
    }
}

/// A writer to the shared output.
struct Lines(Output);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.lock().flush()
    }
}
