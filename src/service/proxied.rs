//! Describes what goes through which proxy.

use secrecy::ExposeSecret;
use url::Url;

use crate::{net::Proxies, receivers::Config};

/// What goes through a proxy, and which proxy variables cannot be used, in an operator's words.
pub(crate) fn proxied(config: &Config, proxies: &Proxies) -> Vec<String> {
    let inboxes = config.inboxes.iter().map(|inbox| (format!("the inbox {}", inbox.name), Some(inbox.url.clone())));
    let receivers =
        config.receivers.iter().map(|receiver| (format!("the receiver {}", receiver.name), receiver.way.url()));
    let heartbeat = config.watchdog.heartbeat_url.as_ref().and_then(|url| Url::parse(url.expose_secret()).ok());
    let all = inboxes.chain(receivers).chain([("the heartbeat".to_owned(), heartbeat)]);
    let through = all.filter_map(|(what, url)| Some(format!("{what} goes through the proxy {}", proxies.name(&url?)?)));
    let unusable =
        proxies.unusable().iter().map(|(variable, why)| format!("the proxy of {variable} is not used: {why}"));
    through.chain(unusable).collect()
}
