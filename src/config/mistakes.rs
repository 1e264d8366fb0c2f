//! The texts about mistakes in the configuration, for admins. They stand together so that their wording can be read in
//! one go; those about secrets that were pasted wrongly are in `pasted.rs`.

use super::DEFAULT_URL;
use crate::diagnose::Wording;

/// What a name is near to, or what is known.
type Help = Option<String>;

// Values of any key.

pub(super) fn no_effect_yet(key: &str) -> Wording {
    Wording::new(format!("`{key}` has no effect yet in this version")).instead("it is read and checked, nothing more")
}

pub(super) fn not_a_value(value: &str, key: &str, help: Help) -> Wording {
    Wording::new(format!("`{value}` is not a value of `{key}`")).help(help)
}

pub(super) fn too_short(least: &str) -> Wording {
    Wording::new("this duration is too short").help(format!("write at least \"{least}\""))
}

pub(super) fn not_a_duration(right: String) -> Wording {
    Wording::new("this is not a duration").help(right)
}

pub(super) fn no_time_zone(name: &str, help: String) -> Wording {
    Wording::new(format!("there is no time zone `{name}`")).help(help)
}

// Names.

/// `what`: `inbox` or `receiver`.
pub(super) fn no_visible_name(what: &str) -> Wording {
    Wording::new(format!("this {what} has no visible name")).instead("give it a name of letters")
}

pub(super) fn second_of_name(what: &str) -> Wording {
    Wording::new(format!("there is a second {what} of this name, in another spelling of its letters"))
        .instead("rename one of them")
}

pub(super) fn no_receiver_named(name: &str, help: Help) -> Wording {
    Wording::new(format!("there is no receiver `{name}`"))
        .help(help.unwrap_or_else(|| "add it as [receiver.NAME]".to_owned()))
}

// Folders and the state.

pub(super) fn no_templates(folder: &str) -> Wording {
    Wording::new(format!("there is no folder `{folder}`"))
        .instead("correct it, or take the key out to use the built-in templates")
}

pub(super) fn no_template(name: &str, help: Help) -> Wording {
    Wording::new(format!("there is no folder `{name}` in the templates")).help(help)
}

pub(super) fn no_folder_of_state(folder: &str) -> Wording {
    Wording::new(format!("there is no folder `{folder}`"))
        .instead("make it where pengwatch runs; the file itself is made by the first run")
}

pub(super) fn postgres() -> Wording {
    Wording::new("state in PostgreSQL is not supported yet by this version")
        .instead("use state = \"sqlite:pengwatch.db\" until a later version")
}

pub(super) fn not_a_place_for_state() -> Wording {
    Wording::new("this is not a place for state").instead("write state = \"sqlite:pengwatch.db\"")
}

// Secrets.

pub(super) fn left_out(key: &str, what: &str) -> Wording {
    Wording::new(format!("left out of `{key}`: {what}")).instead("correct it where it is set")
}

/// `what`, `help`: one of the texts of `pasted.rs`, or of a kind of receiver.
pub(super) fn unusable(key: &str, what: &str, help: &str) -> Wording {
    Wording::new(format!("`{key}` cannot be used: {what}")).instead(help)
}

pub(super) fn not_a_secret(key: &str, right: &str) -> Wording {
    Wording::new(format!("`{key}` is not written as a secret")).instead(right)
}

pub(super) fn secret_as_a_path() -> (&'static str, String) {
    (
        "`file` takes the path of a file; this looks like the secret itself",
        "write the path of the file that holds it, and give the secret a new value: it stood in a file".to_owned(),
    )
}

pub(super) fn plain_text(key: &str) -> Wording {
    Wording::new(format!("`{key}` stands in the file as plain text"))
        .help(format!("better keep it out of the file: {key} = {{ env = \"NAME\" }} or {{ file = \"path\" }}"))
}

pub(super) fn read_only_once(path: &str) -> String {
    format!("`{path}` is not a regular file: it is read only once")
}

pub(super) fn empty_secret(key: &str, right: String) -> Wording {
    Wording::new(format!("`{key}` is empty")).help(right)
}

/// `why`: the reason, with the name of the variable or file.
pub(super) fn secret_not_set(why: String) -> Wording {
    Wording::new(why).instead("set it where pengwatch runs")
}

// Addresses.

const ENCRYPTED: &str = "use https:// (http:// is for this machine only)";

pub(super) fn not_encrypted(key: &str) -> Wording {
    Wording::new(format!("`{key}` is not encrypted on its way")).instead(ENCRYPTED)
}

pub(super) fn not_http(key: &str) -> Wording {
    Wording::new(format!("`{key}` is not an http(s) address")).instead("it begins with https://")
}

// `[inbox.NAME]`.

pub(super) fn no_inbox() -> Wording {
    Wording::new("no inbox is configured").instead("add [inbox.main] with a token")
}

fn like_the_default() -> String {
    format!("write it like \"{DEFAULT_URL}\"")
}

pub(super) fn token_unencrypted() -> Wording {
    Wording::new("the token would travel unencrypted").instead(ENCRYPTED)
}

pub(super) fn path_left_out() -> Wording {
    Wording::new("the path of the endpoint is left out of `url`")
        .help(format!("{}: the rest of the path is added", like_the_default()))
}

/// `what`: what it is instead.
pub(super) fn not_the_api(what: &str) -> Wording {
    Wording::new(what).help(like_the_default())
}

pub(super) fn not_a_base_address() -> Wording {
    Wording::new("this is not a base address").help(like_the_default())
}

pub(super) fn not_an_api_address() -> Wording {
    Wording::new("this is not an http(s) address").help(like_the_default())
}

pub(super) fn token_not_sendable() -> Wording {
    Wording::new("this `token` has characters that no request can carry")
        .instead("a token is letters, digits and signs of ASCII on one line")
}

pub(super) fn token_with_blank() -> Wording {
    Wording::new("this `token` has a blank in it").instead("a token is one word")
}

pub(super) fn no_token(inbox: &str) -> Wording {
    Wording::new(format!("the inbox `{inbox}` has no token")).instead("add token = { env = \"BOTPENGUIN_TOKEN\" }")
}

pub(super) fn no_requests() -> Wording {
    Wording::new("without requests nothing can be read").instead("the provider allows 100 a minute")
}

pub(super) fn too_many_requests() -> Wording {
    Wording::new("the provider allows 100 requests a minute")
        .instead("more is answered with 429; leave a part to whatever else uses the token")
}

pub(super) fn contact_link(why: String) -> Wording {
    Wording::new(why).instead("write it like \"https://app.example.com/inbox/{{contact._id}}\"")
}

// `[receiver.NAME]`.

pub(super) fn no_receiver() -> Wording {
    Wording::new("no receiver is configured").instead("add [receiver.NAME] with type = \"slack\", for example")
}

/// `kinds`: the names of all kinds, joined.
pub(super) fn no_type(receiver: &str, kinds: &str) -> Wording {
    Wording::new(format!("the receiver `{receiver}` has no type")).help(format!("add type = {kinds}"))
}

pub(super) fn unknown_type(name: &str, help: Help) -> Wording {
    Wording::new(format!("there is no receiver type `{name}`")).help(help)
}

pub(super) fn own_fallback() -> Wording {
    Wording::new("a receiver cannot be its own fallback").instead("name another one")
}

pub(super) fn max_listed() -> Wording {
    Wording::new("`max_listed` is from 1 to 100").instead("10 is a good number")
}

pub(super) fn of_another_type(key: &str, owner: &str, kind: &str) -> Wording {
    Wording::new(format!("`{key}` belongs to type = \"{owner}\", not \"{kind}\""))
        .instead("take it out, or change the type")
}

// `[server]`.

pub(super) fn no_listen() -> Wording {
    Wording::new("this server has no address").instead("add listen = \"127.0.0.1:9464\"")
}

pub(super) fn not_listen() -> Wording {
    Wording::new("this is not an address with a port").instead("write it like \"127.0.0.1:9464\"")
}

pub(super) fn reachable_without_token() -> Wording {
    Wording::new("this address is reachable from other machines, so `token` is required")
        .instead("add token = { env = \"PENGWATCH_WEB_TOKEN\" }, or listen on 127.0.0.1")
}

pub(super) fn not_an_address() -> Wording {
    Wording::new("this is not an address").instead("write it like \"https://pengwatch.example.com\"")
}
