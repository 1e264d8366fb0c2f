//! Reads and judges `pengwatch.toml`, and reports every mistake, not the first only. It is long because it judges the
//! keys of every table except those of receivers.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    net::SocketAddr,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::{SignedDuration, tz::TimeZone};
use secrecy::{ExposeSecret, SecretString};
use toml::{
    Spanned, Value,
    de::{DeTable, DeValue},
};
use url::{Host, Url};

use super::{
    ConfigOf, DEFAULT_URL, Inbox, Server, Watchdog,
    keys::{Key, KeyedKind},
    mask, mistakes, pasted,
    secret::{Environment, Secret},
    shape::{ConfigFile, InboxTable, NamesTable, ServerTable, WatchdogTable},
    together::{Together, together},
};
use crate::{
    diagnose::{
        Diagnostic, Source, Wording,
        decode::unseen,
        nearest::{did_you_mean, suggest},
        read_text,
        toml::{read_secretly, tables},
        zones::{doubt, time_zone},
    },
    model::{
        ALERT, Names, StateLocation, link,
        names::Agent,
        text,
        text::{form, is_harmful},
        time,
    },
};

/// Decides whether a secret that cannot be read, or anything else that only a run needs, is an error or a warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// `run`: an error, since nothing works without them.
    Needed,
    /// `check`: a warning, since rules are often edited where there are no secrets.
    Wanted,
    /// A reload by a running daemon. A part with mistakes is left out, and its former settings stay in use.
    Again,
}

/// Reads the configuration at `path`; `None`: it has too many mistakes to be judged.
pub(crate) fn load<W>(
    path: &Path,
    secrets: Secrets,
    env: Environment<'_>,
    kinds: &[&dyn KeyedKind<W>],
    found: &mut Vec<Diagnostic>,
) -> Option<ConfigOf<W>> {
    let text = match read_text(path) {
        Ok(text) => text,
        Err(reason) => {
            let missing = !path.exists();
            let reason = if missing { "it does not exist".to_owned() } else { reason };
            found.push(
                Diagnostic::bare(format!("the configuration `{}` cannot be read: {reason}", path.display()))
                    .help("name it with --config FILE or $PENGWATCH_CONFIG; else ./pengwatch.toml is read"),
            );
            return None;
        }
    };
    judge(path, text, secrets, env, kinds, found)
}

/// Judges the text of the configuration at `path`; relative paths begin at its folder. `None`: it has too many
/// mistakes to be judged.
pub(crate) fn judge<W>(
    path: &Path,
    text: String,
    secrets: Secrets,
    env: Environment<'_>,
    kinds: &[&dyn KeyedKind<W>],
    found: &mut Vec<Diagnostic>,
) -> Option<ConfigOf<W>> {
    let keys: Vec<Key> = kinds.iter().flat_map(|kind| kind.keys()).copied().collect();
    let shown = Source::new(path, mask::mask(&text, &keys));
    let kept = SecretString::from(text.as_str());
    let source = Source::new(path, text);
    let before = found.len();
    let file = read_secretly::<ConfigFile>(&source, found);
    for diagnostic in &mut found[before..] {
        diagnostic.source = Some(Arc::clone(&shown));
    }
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let config = file.map(|file| {
        let templates = Vec::new();
        let mut loader = Loader { source: &shown, folder, secrets, env, found, files: Vec::new(), templates };
        let config = loader.config(path, file, &source, kinds);
        ConfigOf { text: kept, secret_files: loader.files, ..config }
    });
    found[before..].sort_by_key(|diagnostic| diagnostic.span.start);
    config
}

/// Judges one file.
pub(super) struct Loader<'a, 'f> {
    pub(super) source: &'a Arc<Source>,
    pub(super) folder: PathBuf,
    secrets: Secrets,
    env: Environment<'a>,
    pub(super) found: &'f mut Vec<Diagnostic>,
    /// The files from which secrets were read.
    files: Vec<PathBuf>,
    /// Names of the folders of templates.
    templates: Vec<String>,
}

impl Loader<'_, '_> {
    pub(super) fn error(&mut self, span: Range<usize>, wording: Wording) {
        self.found.push(Diagnostic::error(self.source, span, wording));
    }

    pub(super) fn warning(&mut self, span: Range<usize>, wording: Wording) {
        self.found.push(Diagnostic::warning(self.source, span, wording));
    }

    pub(super) fn no_effect(&mut self, span: Range<usize>, key: &str) {
        self.warning(span, mistakes::no_effect_yet(key));
    }

    /// The tables by name, with the names in one Unicode form.
    fn by_name<T>(&mut self, what: &str, tables: BTreeMap<Spanned<String>, T>) -> BTreeMap<Spanned<String>, T> {
        let mut named: BTreeMap<Spanned<String>, T> = BTreeMap::new();
        for (name, table) in tables {
            let name = composed_name(&name);
            if name.get_ref().chars().all(|c| c.is_whitespace() || is_harmful(c) || unseen(c).is_some()) {
                self.error(name.span(), mistakes::no_visible_name(what));
            }
            if named.contains_key(&name) {
                self.error(name.span(), mistakes::second_of_name(what));
            }
            named.insert(name, table);
        }
        named
    }

    fn config<W>(
        &mut self,
        path: &Path,
        mut file: ConfigFile,
        source: &Arc<Source>,
        kinds: &[&dyn KeyedKind<W>],
    ) -> ConfigOf<W> {
        file.inbox = self.by_name("inbox", file.inbox);
        let mut tables = tables_of(source, "receiver");
        let receivers = file.receiver.into_iter();
        let receivers = receivers.filter_map(|(name, span)| {
            let table = tables.remove(name.get_ref())?;
            Some((name, Spanned::new(span.span(), table)))
        });
        let receivers = self.by_name("receiver", receivers.collect());
        if let Some(watchdog) = &mut file.watchdog {
            let notify = watchdog.get_ref().notify.iter().map(composed_name).collect();
            watchdog.get_mut().notify = notify;
        }
        let receiver_names: Vec<String> = receivers.keys().map(|name| name.get_ref().clone()).collect();
        if file.inbox.is_empty() {
            self.error(0..0, mistakes::no_inbox());
        }
        if receivers.is_empty() {
            self.error(0..0, mistakes::no_receiver());
        }
        let tokens: Vec<_> =
            file.inbox.iter().map(|(name, table)| (name.get_ref().clone(), table.get_ref().token.clone())).collect();
        let inboxes: Vec<Inbox> = file
            .inbox
            .into_iter()
            .filter_map(|(name, table)| self.good(|loader| Some(loader.inbox(&name, table))))
            .collect();
        self.count_together(&inboxes, &tokens);
        let templates = file.templates.as_ref().map_or("templates", |folder| folder.get_ref().as_str());
        self.templates = folders(&self.folder.join(templates));
        let receivers = receivers
            .into_iter()
            .filter_map(|(name, table)| self.good(|loader| loader.receiver(&name, table, &receiver_names, kinds)))
            .collect();
        let mut watchdog = Watchdog { notify: Vec::new(), after: SignedDuration::from_mins(5), heartbeat_url: None };
        if let Some(table) = file.watchdog {
            watchdog = self.watchdog(table, &receiver_names);
        }
        let server = file.server.and_then(|table| self.server(table));
        // Without the key no folder is needed: the built-in templates are used.
        if let Some(templates) = &file.templates
            && !self.folder.join(templates.get_ref()).is_dir()
        {
            self.error(templates.span(), mistakes::no_templates(templates.get_ref()));
        }
        let path_of =
            |key: Option<Spanned<String>>, default: &str| key.map_or_else(|| default.to_owned(), Spanned::into_inner);
        ConfigOf {
            path: path.to_owned(),
            text: SecretString::default(),
            secret_files: Vec::new(),
            state: self.state(file.state.as_ref()),
            rules: self.folder.join(path_of(file.rules, "rules")),
            templates: self.folder.join(path_of(file.templates, "templates")),
            timezone: self.timezone(file.timezone),
            retention: self.duration(file.retention, "90d", "1h"),
            deadline: self.duration(file.deadline, "50s", "1s"),
            inboxes,
            receivers,
            receiver_names,
            watchdog,
            server,
            names: names(file.names),
        }
    }

    /// Judges the name of a folder of templates. In a reload it is not checked: folders may change while the program
    /// runs, and the built-in texts are used instead.
    pub(super) fn template(&mut self, name: Option<Spanned<String>>) -> Option<String> {
        let name = name?;
        if self.secrets != Secrets::Again && name.get_ref() != ALERT && !self.templates.contains(name.get_ref()) {
            let known = self.templates.iter().map(String::as_str).chain([ALERT]).collect::<Vec<_>>();
            self.error(name.span(), mistakes::no_template(name.get_ref(), did_you_mean(name.get_ref(), known)));
        }
        Some(name.into_inner()).filter(|name| name != ALERT)
    }

    /// The result of `judge`; in a reload, only if it reported no error.
    fn good<T>(&mut self, judge: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let mistakes = |found: &[Diagnostic]| found.iter().filter(|one| one.is_error()).count();
        let before = mistakes(self.found);
        let judged = judge(self);
        judged.filter(|_| self.secrets != Secrets::Again || mistakes(self.found) == before)
    }

    fn count_together(&mut self, inboxes: &[Inbox], tokens: &[(String, Option<Spanned<Value>>)]) {
        let token = |place: usize| {
            tokens.iter().find(|(name, _)| *name == inboxes[place].name).and_then(|(_, token)| token.as_ref())
        };
        let source = |place: usize| token(place).map(Spanned::get_ref);
        for Together { place, title, help } in together(inboxes, &|a, b| source(a).is_some() && source(a) == source(b))
        {
            self.warning(token(place).map_or(0..0, Spanned::span), Wording::new(title).help(help));
        }
    }

    fn state(&mut self, state: Option<&Spanned<String>>) -> StateLocation {
        let text = state.map_or("sqlite:pengwatch.db", |state| state.get_ref().as_str());
        let span = state.map_or(0..0, Spanned::span);
        if let Some(path) = text.strip_prefix("sqlite:").filter(|path| !path.is_empty()) {
            let path = self.folder.join(path);
            if let Some(folder) = path.parent()
                && !folder.as_os_str().is_empty()
                && !folder.is_dir()
            {
                let wording = mistakes::no_folder_of_state(&folder.display().to_string());
                match self.secrets {
                    Secrets::Needed => self.error(span, wording),
                    Secrets::Wanted | Secrets::Again => self.warning(span, wording),
                }
            }
            return StateLocation::Sqlite(path);
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            self.error(span, mistakes::postgres());
        } else {
            self.error(span, mistakes::not_a_place_for_state());
        }
        StateLocation::Sqlite(self.folder.join("pengwatch.db"))
    }

    fn timezone(&mut self, name: Option<Spanned<String>>) -> TimeZone {
        let Some(name) = name else { return TimeZone::UTC };
        if let Some((what, help)) = doubt(name.get_ref()) {
            self.warning(name.span(), Wording::new(what).help(help));
        }
        time_zone(name.get_ref()).unwrap_or_else(|help| {
            self.error(name.span(), mistakes::no_time_zone(name.get_ref(), help));
            TimeZone::UTC
        })
    }

    /// Reads a duration of at least `least`.
    pub(super) fn duration(&mut self, value: Option<Spanned<String>>, default: &str, least: &str) -> SignedDuration {
        let known = |text: &str| time::parse_duration(text).unwrap_or(SignedDuration::ZERO);
        let Some(value) = value else { return known(default) };
        match time::parse_duration(value.get_ref()) {
            Ok(duration) if duration >= known(least) => duration,
            Ok(_) => {
                self.error(value.span(), mistakes::too_short(least));
                known(default)
            }
            Err(right) => {
                self.error(value.span(), mistakes::not_a_duration(right));
                known(default)
            }
        }
    }

    /// Reads a secret, without what was pasted around it. A value that cannot be a secret is a mistake, and the result
    /// is empty.
    pub(super) fn secret(&mut self, key: &str, value: &Spanned<Value>) -> SecretString {
        let secret = self.secret_as_it_is(key, value);
        let text = secret.expose_secret();
        // A plain text with a line break or another control character was written so in the file, and is kept.
        if text.is_empty() || text.contains(char::is_control) && matches!(value.get_ref(), Value::String(_)) {
            return secret;
        }
        let (span, is_token) = (value.span(), key.ends_with("token"));
        match pasted::clean(text, is_token) {
            Ok(clean) => {
                if let Some(what) = clean.left_out {
                    self.warning(span, mistakes::left_out(key, what));
                }
                SecretString::from(clean.text)
            }
            Err((what, help)) => {
                self.error(span, mistakes::unusable(key, what, help));
                SecretString::default()
            }
        }
    }

    /// Reads a secret as it is. One that cannot be read is an error or a warning, and the result is empty.
    pub(super) fn secret_as_it_is(&mut self, key: &str, value: &Spanned<Value>) -> SecretString {
        let secret = match Secret::parse(value.get_ref()) {
            Ok(secret) => secret,
            Err(right) => {
                self.error(value.span(), mistakes::not_a_secret(key, right));
                return SecretString::default();
            }
        };
        let misplaced = match &secret {
            Secret::Env(name) => pasted::variable(name),
            Secret::File(path) if pasted::may_be_a_secret(path) => Some(mistakes::secret_as_a_path()),
            _ => None,
        };
        if let Some((what, help)) = misplaced {
            self.error(value.span(), Wording::new(what).help(help));
            return SecretString::default();
        }
        if matches!(&secret, Secret::Plain(text) if !text.expose_secret().trim().is_empty()) {
            self.warning(value.span(), mistakes::plain_text(key));
        }
        let read = match &secret {
            Secret::File(path) if self.is_gone_by(path) => Err(mistakes::read_only_once(path)),
            _ => secret.read(&self.folder, self.env),
        };
        match read {
            Ok(secret) => secret,
            Err(reason) => {
                match (self.secrets, secret) {
                    (_, Secret::Plain(_)) => self.error(value.span(), mistakes::empty_secret(key, reason)),
                    (Secrets::Needed | Secrets::Again, _) => {
                        self.error(value.span(), mistakes::secret_not_set(reason));
                    }
                    (Secrets::Wanted, _) => self.warning(value.span(), mistakes::secret_not_set(reason)),
                }
                SecretString::default()
            }
        }
    }

    /// Remembers the file of a secret. Returns whether it must not be read again: a second read of a pipe would wait
    /// without end.
    fn is_gone_by(&mut self, path: &str) -> bool {
        let path = self.folder.join(path);
        let is_gone_by = self.secrets == Secrets::Again && path.exists() && !path.is_file();
        self.files.push(path);
        is_gone_by
    }

    /// Reads a secret http(s) address, and checks it if it could be read.
    pub(super) fn http_secret(
        &mut self,
        key: &str,
        value: &Spanned<Value>,
        misplaced: fn(&str) -> Option<(&'static str, &'static str)>,
    ) -> SecretString {
        let secret = self.secret(key, value);
        let text = secret.expose_secret();
        if let Some((what, help)) = misplaced(text) {
            self.error(value.span(), mistakes::unusable(key, what, help));
        } else if !text.is_empty() {
            match Url::parse(text) {
                Ok(url) if matches!(url.scheme(), "http" | "https") => {
                    if url.scheme() == "http" && !is_loopback(&url) {
                        self.warning(value.span(), mistakes::not_encrypted(key));
                    }
                }
                _ => self.error(value.span(), mistakes::not_http(key)),
            }
        }
        secret
    }

    fn inbox(&mut self, name: &Spanned<String>, table: Spanned<InboxTable>) -> Inbox {
        let span = table.span();
        let table = table.into_inner();
        let url = match &table.url {
            None => default_url(),
            Some(url) => match Url::parse(url.get_ref()) {
                Ok(parsed) if matches!(parsed.scheme(), "http" | "https") && parsed.host().is_some() => {
                    if parsed.scheme() == "http" && !is_loopback(&parsed) {
                        self.warning(url.span(), mistakes::token_unencrypted());
                    }
                    let parsed = match pasted::base_of(&parsed) {
                        Some(base) => {
                            self.warning(url.span(), mistakes::path_left_out());
                            base
                        }
                        None => parsed,
                    };
                    if let Some(what) = pasted::not_an_api(&parsed) {
                        self.error(url.span(), mistakes::not_the_api(what));
                    }
                    if !parsed.username().is_empty() || parsed.password().is_some() || parsed.query().is_some() {
                        self.error(url.span(), mistakes::not_a_base_address());
                    }
                    parsed
                }
                _ => {
                    self.error(url.span(), mistakes::not_an_api_address());
                    default_url()
                }
            },
        };
        let token = if let Some(value) = &table.token {
            let token = self.secret("token", value);
            if !text::fits_header(token.expose_secret()) {
                self.error(value.span(), mistakes::token_not_sendable());
            } else if token.expose_secret().contains(' ') {
                self.error(value.span(), mistakes::token_with_blank());
            }
            token
        } else {
            self.error(span, mistakes::no_token(name.get_ref()));
            SecretString::default()
        };
        let rate = table.requests_per_minute.as_ref().map_or(80, |rate| *rate.get_ref());
        if let Some(given) = &table.requests_per_minute {
            if rate == 0 {
                self.error(given.span(), mistakes::no_requests());
            } else if rate > 100 {
                self.warning(given.span(), mistakes::too_many_requests());
            }
        }
        if let Some(link) = &table.contact_link
            && let Err(reason) = link::check(link.get_ref(), &suggest)
        {
            self.error(link.span(), mistakes::contact_link(reason));
        }
        Inbox {
            name: name.get_ref().clone(),
            url,
            token,
            poll_every: self.duration(table.poll_every, "15s", "1s"),
            sweep_every: self.duration(table.sweep_every, "5m", "1s"),
            requests_per_minute: rate.max(1),
            timeout: self.duration(table.timeout, "20s", "100ms"),
            contact_link: table.contact_link.map(Spanned::into_inner),
        }
    }

    fn watchdog(&mut self, table: Spanned<WatchdogTable>, receivers: &[String]) -> Watchdog {
        let table = table.into_inner();
        for receiver in &table.notify {
            self.known_receiver(receiver, receivers);
        }
        Watchdog {
            notify: table.notify.into_iter().map(Spanned::into_inner).collect(),
            after: self.duration(table.after, "5m", "1s"),
            heartbeat_url: table
                .heartbeat_url
                .as_ref()
                .and_then(|url| self.good(|loader| Some(loader.http_secret("heartbeat_url", url, |_| None)))),
        }
    }

    fn server(&mut self, table: Spanned<ServerTable>) -> Option<Server> {
        let span = table.span();
        let table = table.into_inner();
        let listen = match &table.listen {
            None => {
                self.error(first_line(&self.source.text, span.clone()), mistakes::no_listen());
                None
            }
            Some(listen) => {
                let address = listen.get_ref().parse::<SocketAddr>().ok();
                if address.is_none() {
                    self.error(listen.span(), mistakes::not_listen());
                }
                if address.is_some_and(|address| !address.ip().is_loopback()) && table.token.is_none() {
                    self.error(listen.span(), mistakes::reachable_without_token());
                }
                address
            }
        };
        if let Some(url) = &table.public_url
            && Url::parse(url.get_ref()).is_err()
        {
            self.error(url.span(), mistakes::not_an_address());
        }
        let token = table.token.as_ref().and_then(|token| self.good(|loader| Some(loader.secret("token", token))));
        if let Some(url) = &table.public_url {
            self.no_effect(url.span(), "public_url");
        }
        listen.map(|listen| Server { listen, token })
    }

    pub(super) fn known_receiver(&mut self, name: &Spanned<String>, receivers: &[String]) {
        if !receivers.contains(name.get_ref()) {
            let help = did_you_mean(name.get_ref(), receivers.iter().map(String::as_str).collect::<Vec<_>>());
            self.error(name.span(), mistakes::no_receiver_named(name.get_ref(), help));
        }
    }
}

fn names(table: NamesTable) -> Names {
    let agents = table
        .agents
        .into_iter()
        .map(|(id, agent)| (id, Agent { name: agent.name, slack: agent.slack.filter(|slack| !slack.is_empty()) }));
    Names { agents: agents.collect(), bots: table.bots, segments: std::collections::BTreeMap::new() }
}

/// The tables under a key of the file, by name.
fn tables_of<'s>(source: &'s Arc<Source>, key: &str) -> BTreeMap<String, DeTable<'s>> {
    let Some(DeValue::Table(tables)) = tables(source).into_inner().remove(key).map(Spanned::into_inner) else {
        return BTreeMap::new();
    };
    let table = |(name, value): (Spanned<Cow<'s, str>>, Spanned<DeValue<'s>>)| match value.into_inner() {
        DeValue::Table(table) => Some((name.into_inner().into_owned(), table)),
        _ => None,
    };
    tables.into_iter().filter_map(table).collect()
}

/// The names of the folders in a folder.
fn folders(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let folders = entries.filter(|entry| entry.path().is_dir());
    folders.map(|entry| form(&entry.file_name().to_string_lossy()).into_owned()).collect()
}

/// A name in the Unicode form in which names are compared.
pub(super) fn composed_name(name: &Spanned<String>) -> Spanned<String> {
    Spanned::new(name.span(), form(name.get_ref()).into_owned())
}

/// The first line of a table, which is its header.
fn first_line(text: &str, span: Range<usize>) -> Range<usize> {
    let end = text.get(span.start..).and_then(|rest| rest.find('\n')).map_or(span.end, |at| span.start + at);
    span.start..end
}

#[allow(clippy::expect_used)]
fn default_url() -> Url {
    Url::parse(DEFAULT_URL).expect("a constant of this program")
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
