//! The errors of a request, worded for operators, without secrets or customers' text.

use jiff::SignedDuration;

/// One failed request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum InboxError {
    /// Something on the way answered in the API's place, so the token was not checked.
    #[error("something between us and the API answered (HTTP {status}, {what}): look there, not at the token")]
    Between {
        status: u16,
        /// What it looks like.
        what: &'static str,
    },
    /// Something on the way failed, and requests use a proxy.
    #[error("{error}; requests go through the proxy {proxy}")]
    Through {
        /// The proxy, without its login.
        proxy: String,
        /// The failure.
        error: Box<InboxError>,
    },
    /// HTTP 401, or 403 with the API's own words, or one of these in the body.
    #[error("the API refused the token (HTTP {status}); check the inbox's `token`, or ask the provider for a new one")]
    TokenRefused {
        /// The HTTP status, or the one in the body.
        status: u16,
    },
    /// 400: a filter that the API does not accept.
    #[error("the API refused the request (HTTP 400{}); check the rules' filters", code.as_ref().map(|code| format!(", {code}")).unwrap_or_default())]
    BadRequest { code: Option<String> },
    /// 429.
    #[error("the API's request limit is used up{}", retry_after.map(|after| format!("; it asks to wait {} s", after.as_secs())).unwrap_or_default())]
    RateLimited {
        /// The pause of `Retry-After`.
        retry_after: Option<SignedDuration>,
    },
    /// 5xx.
    #[error("the API failed (HTTP {status})")]
    Server {
        status: u16,
        /// The pause of `Retry-After`.
        retry_after: Option<SignedDuration>,
    },
    /// 3xx. It is not followed, because the token would be sent along.
    #[error("the API answered with a redirect (HTTP {status}), which is not followed; check the inbox's `url`")]
    Redirected { status: u16 },
    /// Another status.
    #[error("the API answered with HTTP {status}; check the inbox's `url`")]
    Status { status: u16 },
    /// No connection.
    #[error("the API cannot be reached: {reason}")]
    Unreachable {
        /// The step that failed.
        reason: String,
    },
    /// No answer in time.
    #[error("the API did not answer within {} s", timeout.as_secs_f64())]
    Timeout {
        /// The inbox's `timeout`, or the shorter time until the deadline.
        timeout: SignedDuration,
    },
    /// The connection broke, or fewer bytes came than announced.
    #[error("the API's answer ended early")]
    Broken,
    /// More bytes than any page can need.
    #[error("the API's answer is larger than {limit} MiB and was not read")]
    TooLarge {
        /// In MiB.
        limit: usize,
    },
    /// More than may be kept in memory, whatever its size on the wire.
    #[error("the API's answer takes more than {limit} MiB of memory and was not read")]
    TooMuch {
        /// In MiB.
        limit: usize,
    },
    /// An empty body.
    #[error("the API's answer is empty (HTTP {status})")]
    Empty { status: u16 },
    /// A web page, mostly of a proxy in between.
    #[error("something between us and the API answered (HTTP {status}, a web page): look there, not at the token")]
    Html { status: u16 },
    /// Not JSON, or incomplete JSON.
    #[error("the API's answer is not valid JSON")]
    NotJson,
    /// JSON of another shape.
    #[error("the API's answer has an unexpected shape: {what}")]
    WrongShape {
        /// What is missing.
        what: &'static str,
    },
    /// `"success": false` with HTTP 200.
    #[error("the API reported a failure{}", code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default())]
    Unsuccessful { code: Option<String> },
    /// `"success": true`, while something else in the answer reports an error.
    #[error("the API's answer contradicts itself: `success` is true, and `{key}` says otherwise")]
    Contradiction {
        /// The field's name.
        key: String,
    },
    /// The budget or the deadline does not allow a request any more.
    #[error("no request is left within the deadline")]
    OutOfTime,
}

impl InboxError {
    /// Whether the same request may succeed a moment later.
    pub fn is_passing(&self) -> bool {
        if let Self::Through { error, .. } = self {
            return error.is_passing();
        }
        !matches!(
            self,
            Self::TokenRefused { .. }
                | Self::BadRequest { .. }
                | Self::Redirected { .. }
                | Self::Status { .. }
                | Self::OutOfTime
        )
    }

    /// The pause that the API asked for.
    pub fn retry_after(&self) -> Option<SignedDuration> {
        match self {
            Self::RateLimited { retry_after } | Self::Server { retry_after, .. } => *retry_after,
            Self::Through { error, .. } => error.retry_after(),
            _ => None,
        }
    }

    /// The same, with the proxy that was used, if the proxy may be the cause.
    #[must_use]
    pub fn through(self, proxy: Option<&str>) -> Self {
        let on_the_way = matches!(
            self,
            Self::Between { .. } | Self::Html { .. } | Self::Unreachable { .. } | Self::Timeout { .. } | Self::Broken
        );
        match proxy.filter(|_| on_the_way) {
            Some(proxy) => Self::Through { proxy: proxy.to_owned(), error: Box::new(self) },
            None => self,
        }
    }

    /// The name for logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Through { error, .. } => error.name(),
            other => other.into(),
        }
    }
}
