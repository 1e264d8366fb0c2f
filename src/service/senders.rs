//! The way to a receiver, by its kind and its secrets.

use std::{
    io::Write,
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::{
    config::{Receiver, ReceiverKind},
    net::proxies::Proxies,
    receivers::{Console, Email, Sender, Slack, Webhook},
    service::proxied::address_of,
};

/// For one message to one receiver.
const SEND_TIMEOUT: Duration = Duration::from_secs(20);

/// Standard output, shared by the console receivers.
pub(crate) type Output = Arc<Mutex<dyn Write + Send>>;

/// What messages to a receiver go through.
///
/// # Errors
/// What of its address, headers or secrets cannot be used.
pub(crate) fn sender(
    receiver: &Receiver,
    client: &reqwest::Client,
    output: &Output,
) -> Result<Box<dyn Sender>, String> {
    let proxy = address_of(receiver).and_then(|url| Proxies::of_environment().name(&url));
    Ok(match &receiver.kind {
        ReceiverKind::Slack { webhook_url } => {
            Box::new(Slack::new(client.clone(), webhook_url.clone(), SEND_TIMEOUT)?.through(proxy))
        }
        ReceiverKind::Email { smtp, from, to, ehlo } => {
            let found = rustls_native_certs::load_native_certs();
            for error in &found.errors {
                tracing::warn!(receiver = receiver.name, %error, "tls.certificates: some of this machine's cannot be read");
            }
            let roots: Vec<Vec<u8>> = found.certs.into_iter().map(|der| der.to_vec()).collect();
            let email = Email::new(smtp.clone(), from.clone(), to.clone(), SEND_TIMEOUT, &roots)?;
            Box::new(email.called(ehlo.clone()))
        }
        ReceiverKind::Webhook { url, secret, headers } => {
            let mut webhook = Webhook::new(client.clone(), url.clone(), SEND_TIMEOUT)?.through(proxy);
            if let Some(secret) = secret {
                webhook = webhook.signed(secret)?;
            }
            for (name, value) in headers {
                webhook = webhook.header(name, value)?;
            }
            Box::new(webhook)
        }
        ReceiverKind::Console => Box::new(Console::new(Box::new(Lines(Arc::clone(output))))),
    })
}

/// A writer to the shared output.
struct Lines(Output);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).flush()
    }
}
