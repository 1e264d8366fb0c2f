//! pengwatch watches the inbox of a customer-chat account and tells the right people who is waiting,
//! where and how long.
//!
//! The flow, in ten lines:
//! 1. [`cli`] reads the command line, [`config`] the configuration, [`rules`] the rule files.
//! 2. [`service::app`] wires everything in one straight function.
//! 3. [`service::poller`] takes the time, and the state of the time before from [`store`].
//! 4. [`engine::plan`] makes the fewest queries that serve all rules.
//! 5. [`inbox`] walks them within the request budget, and says whether a walk was complete.
//! 6. [`engine::missing`] names the firing contacts that are worth a look-up.
//! 7. [`engine::tick()`] says what begins, what ends and what is owed.
//! 8. [`store`] commits all of that in one transaction.
//! 9. [`engine::delivery`] says what to do with what is owed, [`render`] says it, [`receivers`] sends it.
//! 10. What was accepted is marked so; everything else stays owed.
//!
//! What always holds: state and what is owed commit together; a message is stored before its first
//! attempt and is sent only when the receiver accepted it; no alert ends without evidence; `now` is an
//! argument; a customer's text reaches no log.
//!
//! Who may know whom: `model`, `diagnose` and `clock` know nobody, and `net` knows the nouns; `rules` and
//! `engine` are pure; `inbox`, `render` and `store` never know each other; `receivers` know the forms of `render`, and neither `render`
//! nor `config` knows a kind of receiver; `service` knows all of these; `cli`, `web` and `sandbox` are outside.

pub mod cli;
pub mod clock;
mod config;
mod diagnose;
mod engine;
mod inbox;
mod model;
pub mod net;
mod receivers;
mod render;
mod rules;
pub mod sandbox;
mod service;
mod store;
mod views;
mod web;

/// What the tests outside of this crate look into. It is a promise to nobody else.
#[doc(hidden)]
pub mod inside {
    pub use crate::{
        config::load::Secrets,
        diagnose::{Diagnostic, Source, draw::draw, nearest::suggest},
        engine::{
            reach::Mode,
            retry::{Decision, decide},
        },
        inbox::{
            client::Patience,
            error::InboxError,
            request::body as request_body,
            response::{Head, page, segments},
        },
        model::{
            alert::{Alert, Reason, Resolution, StepProgress},
            contact::Contact,
            history::{Happened, HistoryQuery},
            link::{check as check_link, fill as fill_link},
            message::{Blame, Body, Event, Message, MessageId, Outcome, OutgoingMessage},
            names::{Agent, Names},
            pause::spelled,
            privacy::Privacy,
            silence::Matchers,
            state_location::StateLocation,
            text::{fits_header, is_harmful},
            time::{compact, human, iso, parse_duration, parse_timestamp},
            trouble::WATCHDOG,
        },
        receivers::{
            Config,
            email::{Email, address::SmtpAddress, format::body as mail_body},
            formats, judge_config, load_config,
            response::Answer,
            slack::outcome as slack_outcome,
            webhook::{
                header::{check_header, key as signing_key},
                outcome as webhook_outcome,
            },
        },
        render::{
            format::Format,
            renderer::Renderer,
            telling::{AlertView, MessageView, RuleWords},
        },
        rules::{
            compile::{Compiled, compile},
            condition::{Condition, Scope, Verdict},
            hours::{Count, Hours, Outside, Range},
            known::Known,
            rule::Rule,
        },
        service::{
            app::{App, Dependencies},
            deliverer::limits::Limits,
            reload::Sources,
        },
        store::Store,
    };
}
