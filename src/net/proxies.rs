//! The proxies of the environment: which address uses which proxy, and which address never uses one.

use hyper_util::client::proxy::matcher::Matcher;
use url::{Host, Url};

/// The proxies that the environment names, read as curl does: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`, in
/// upper or lower case. This machine's own addresses never go through a proxy, whatever the environment says.
#[derive(Clone, Default)]
pub struct Proxies {
    http: Option<Proxy>,
    https: Option<Proxy>,
    /// The value of `NO_PROXY`.
    except: String,
    /// Variables whose proxy cannot be used, each with the reason; their values may hold a login and are not kept.
    unusable: Vec<(String, &'static str)>,
}

#[derive(Clone)]
struct Proxy {
    variable: String,
    address: Url,
}

impl Proxies {
    /// Reads the environment of this process.
    pub fn of_environment() -> Self {
        Self::of(&|name| std::env::var(name).ok())
    }

    /// Reads the variables of `environment`.
    pub fn of(environment: &dyn Fn(&str) -> Option<String>) -> Self {
        let first = |names: [&str; 2]| {
            names.into_iter().find_map(|name| {
                let value = environment(name).filter(|value| !value.trim().is_empty())?;
                Some((name.to_owned(), value.trim().to_owned()))
            })
        };
        let mut unusable = Vec::new();
        let mut proxy = |names: [&str; 2]| {
            let (variable, value) = first(names)?;
            match address(&value) {
                Ok(address) => Some(Proxy { variable, address }),
                Err(why) => {
                    unusable.push((variable, why));
                    None
                }
            }
        };
        let all = proxy(["ALL_PROXY", "all_proxy"]);
        let https = proxy(["HTTPS_PROXY", "https_proxy"]).or_else(|| all.clone());
        // Under CGI, a web server sets this variable from a header of the request.
        let is_cgi = environment("REQUEST_METHOD").is_some();
        let http = if is_cgi { None } else { proxy(["HTTP_PROXY", "http_proxy"]) }.or(all);
        let except = first(["NO_PROXY", "no_proxy"]).map(|(_, value)| value).unwrap_or_default();
        Self { http, https, except, unusable }
    }

    fn proxy(&self, url: &Url) -> Option<&Proxy> {
        if is_here(url) {
            return None;
        }
        let proxy = if url.scheme() == "https" { self.https.as_ref() } else { self.http.as_ref() }?;
        // The matcher only decides whether `NO_PROXY` excepts the address.
        let matcher = Matcher::builder().all("http://proxy.invalid".to_owned()).no(self.except.clone()).build();
        matcher.intercept(&url.as_str().parse().ok()?).map(|_| proxy)
    }

    /// The proxy for an address, with its login.
    pub fn address(&self, url: &Url) -> Option<Url> {
        self.proxy(url).map(|proxy| proxy.address.clone())
    }

    /// The proxy for an address in a form to be shown: without its login, with the variable that names it.
    pub fn name(&self, url: &Url) -> Option<String> {
        let Proxy { variable, address } = self.proxy(url)?;
        let host = address.host_str().unwrap_or_default();
        let port = address.port_or_known_default().map(|port| format!(":{port}")).unwrap_or_default();
        Some(format!("{}://{host}{port} ({variable})", address.scheme()))
    }

    /// Variables whose proxy cannot be used, each with the reason.
    pub fn unusable(&self) -> &[(String, &'static str)] {
        &self.unusable
    }
}

/// Shows no proxy, since their addresses may hold logins.
impl std::fmt::Debug for Proxies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Proxies(..)")
    }
}

/// Parses a variable's value, which often has no scheme.
fn address(value: &str) -> Result<Url, &'static str> {
    let with_scheme = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
    let url = Url::parse(&with_scheme).map_err(|_| "it is not an address")?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        "http" | "https" => Err("it is not an address"),
        _ => Err("only proxies with http:// or https:// can be used"),
    }
}

/// Whether an address is this machine's own.
pub fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(address)) => address.is_loopback() || address.is_unspecified(),
        Some(Host::Ipv6(address)) => {
            let mapped = address.to_ipv4_mapped();
            address.is_loopback()
                || address.is_unspecified()
                || mapped.is_some_and(|address| address.is_loopback() || address.is_unspecified())
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Proxies {
        Proxies::of(&|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    fn name(proxies: &Proxies, url: &str) -> Option<String> {
        proxies.name(&url.parse().unwrap())
    }

    #[test]
    fn this_machine_is_never_behind_a_proxy() {
        for variable in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
            for except in ["", "example.com", "*"] {
                let proxies = proxies(&[(variable, "http://proxy:3128"), ("NO_PROXY", except)]);
                for host in [
                    "127.0.0.1",
                    "127.0.0.1:8808",
                    "127.8.9.10",
                    "127.1",
                    "2130706433",
                    "0.0.0.0",
                    "[::1]",
                    "[::1]:80",
                    "[::ffff:127.0.0.1]",
                    "[::]",
                    "localhost",
                    "localhost:25",
                    "LocalHost",
                    "localhost.",
                    "sink.localhost",
                ] {
                    for scheme in ["http", "https"] {
                        assert_eq!(name(&proxies, &format!("{scheme}://{host}/x")), None, "{variable} {except} {host}");
                    }
                }
            }
        }
    }

    #[test]
    fn other_hosts_go_through_the_proxy_of_their_scheme() {
        let secure = "https://api.example.com/inbox";
        let plain = "http://relay.internal/hook";
        let proxy = |port: u16, variable: &str| Some(format!("http://proxy:{port} ({variable})"));
        for (variables, of_secure, of_plain) in [
            (vec![], None, None),
            (vec![("HTTPS_PROXY", "http://proxy:1")], proxy(1, "HTTPS_PROXY"), None),
            (vec![("https_proxy", "proxy:1")], proxy(1, "https_proxy"), None),
            (vec![("HTTP_PROXY", "http://proxy:2/")], None, proxy(2, "HTTP_PROXY")),
            (vec![("HTTP_PROXY", "http://proxy:2"), ("REQUEST_METHOD", "GET")], None, None),
            (vec![("ALL_PROXY", "http://proxy:3")], proxy(3, "ALL_PROXY"), proxy(3, "ALL_PROXY")),
            (
                vec![("all_proxy", "http://proxy:3"), ("https_proxy", " http://proxy:1 ")],
                proxy(1, "https_proxy"),
                proxy(3, "all_proxy"),
            ),
            (
                vec![("ALL_PROXY", "http://proxy:3"), ("NO_PROXY", "example.com, 10.0.0.0/8")],
                None,
                proxy(3, "ALL_PROXY"),
            ),
            (vec![("ALL_PROXY", "http://proxy:3"), ("no_proxy", ".internal")], proxy(3, "ALL_PROXY"), None),
            (vec![("ALL_PROXY", "http://proxy:3"), ("NO_PROXY", "*")], None, None),
            (vec![("HTTPS_PROXY", ""), ("https_proxy", "http://proxy:1")], proxy(1, "https_proxy"), None),
        ] {
            let proxies = proxies(&variables);
            assert_eq!((name(&proxies, secure), name(&proxies, plain)), (of_secure, of_plain), "{variables:?}");
        }
    }

    #[test]
    fn a_login_is_used_and_never_shown() {
        let proxies = proxies(&[("HTTPS_PROXY", "http://user:hunter2@proxy.example.com")]);
        let url: Url = "https://api.example.com".parse().unwrap();
        assert_eq!(proxies.name(&url).as_deref(), Some("http://proxy.example.com:80 (HTTPS_PROXY)"));
        assert_eq!(proxies.address(&url).unwrap().password(), Some("hunter2"));
        assert!(!format!("{proxies:?}").contains("hunter2"));
    }

    #[test]
    fn what_is_no_proxy_is_said() {
        let proxies = proxies(&[("ALL_PROXY", "socks5://hunter2@proxy:1080"), ("HTTPS_PROXY", "http://")]);
        assert_eq!(name(&proxies, "https://api.example.com"), None);
        let unusable = [
            ("ALL_PROXY".to_owned(), "only proxies with http:// or https:// can be used"),
            ("HTTPS_PROXY".to_owned(), "it is not an address"),
        ];
        assert_eq!(proxies.unusable(), unusable);
    }
}
