//! Fetching over HTTP: with retries, time limits and a limit to the size.
//!
//! `ureq` blocks, needs no runtime and shares rustls and ring with the rest of the tree.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Proxy, http};

use super::Error;
use super::proxy::proxy_for;
use super::wait::wait;
use crate::model::Secret;

/// Pauses between tries.
const PAUSES: [Duration; 3] = [Duration::from_millis(400), Duration::from_millis(1_200), Duration::from_secs(3)];
/// Until a connection stands and its first answer is there.
const CONNECT: Duration = Duration::from_secs(15);
/// For a whole download.
const WHOLE: Duration = Duration::from_secs(300);
/// Without a byte.
const SILENCE: Duration = Duration::from_secs(60);
/// Bytes of a page, an archive or a manifest; they are text and far smaller.
const LARGEST: u64 = 512 * 1024 * 1024;

/// A URL that may hold secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// For the web only.
    pub value: String,
    /// For messages.
    pub shown: String,
}

/// A client. `stop` says whether the run was stopped.
pub struct Http<'a> {
    agent: Agent,
    env: &'a HashMap<String, String>,
    stop: &'a dyn Fn() -> bool,
}

/// One thing to fetch.
struct Call {
    agent: Agent,
    proxy: Option<Proxy>,
    url: String,
    headers: Vec<(&'static str, Secret<String>)>,
}

/// Why a try failed, and whether another one may help.
struct Failed {
    reason: String,
    again: bool,
    hint: &'static str,
}

impl<'a> Http<'a> {
    /// A client that finds its proxies in `env`.
    pub fn new(env: &'a HashMap<String, String>, stop: &'a dyn Fn() -> bool) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(CONNECT * 2))
            .timeout_per_read(Some(SILENCE))
            .timeout_global(Some(WHOLE))
            .user_agent(concat!("slimdiff/", env!("CARGO_PKG_VERSION")))
            .tls_config(TlsConfig::builder().root_certs(roots()).build())
            .build();
        Self { agent: config.into(), env, stop }
    }

    /// A page's text; none when there is no such page.
    ///
    /// # Errors
    /// It cannot be fetched, or the run was stopped.
    pub fn text(&self, url: &Address) -> Result<Option<String>, Error> {
        self.retry(url, Vec::new(), |call| {
            let Some(mut reader) = get(call, true)? else { return Ok(None) };
            let mut text = String::new();
            reader.read_to_string(&mut text).map_err(|error| Failed::of_io(&error))?;
            Ok(Some(text))
        })
    }

    /// What is at `url`, asked for with `headers`, which are not sent on when the server names another place.
    ///
    /// # Errors
    /// It cannot be fetched, or the run was stopped.
    pub fn bytes(&self, url: &Address, headers: Vec<(&'static str, Secret<String>)>) -> Result<Vec<u8>, Error> {
        self.retry(url, headers, |call| {
            let mut bytes = Vec::new();
            if let Some(mut reader) = get(call, false)? {
                reader.read_to_end(&mut bytes).map_err(|error| Failed::of_io(&error))?;
            }
            Ok(bytes)
        })
    }

    /// Writes what is at `url` to the file `to`.
    ///
    /// # Errors
    /// It cannot be fetched or written, or the run was stopped.
    pub fn download(&self, url: &Address, to: &Path) -> Result<(), Error> {
        let to = to.to_owned();
        self.retry(url, Vec::new(), move |call| {
            let reader = get(call, false)?;
            let for_good = |error: io::Error| Failed { reason: error.to_string(), again: false, hint: "" };
            let mut file = File::create(&to).map_err(for_good)?;
            let mut buffer = vec![0; 64 * 1024];
            let Some(mut reader) = reader else { return Ok(()) };
            loop {
                let read = reader.read(&mut buffer).map_err(|error| Failed::of_io(&error))?;
                if read == 0 {
                    return Ok(());
                }
                file.write_all(&buffer[..read]).map_err(for_good)?;
            }
        })
    }

    fn retry<T: Send + 'static>(
        &self,
        url: &Address,
        headers: Vec<(&'static str, Secret<String>)>,
        once: impl Fn(&Call) -> Result<T, Failed> + Send + Sync + 'static,
    ) -> Result<T, Error> {
        let once = Arc::new(once);
        let call =
            Arc::new(Call { agent: self.agent.clone(), proxy: self.proxy(url)?, url: url.value.clone(), headers });
        let mut pauses = PAUSES.iter();
        loop {
            let (sender, answer) = mpsc::channel();
            let call = Arc::clone(&call);
            let once = Arc::clone(&once);
            // In a thread of its own, which a stopped run leaves behind: a read that blocks cannot be called off.
            thread::spawn(move || sender.send(once(&call)));
            let failed = match wait(&answer, None, self.stop)? {
                Some(Ok(found)) => return Ok(found),
                Some(Err(failed)) => failed,
                None => Failed { reason: "the download broke down".to_owned(), again: false, hint: "" },
            };
            let Some(pause) = pauses.next().filter(|_| failed.again) else {
                // What is as written may be printed; what it rendered to may hold a secret.
                let reason = failed.reason.replace(&url.value, &url.shown);
                return Err(Error::Failed { url: url.shown.clone(), reason, hint: failed.hint });
            };
            let (_never, silence) = mpsc::channel::<()>();
            wait(&silence, Some(*pause), self.stop)?;
        }
    }

    fn proxy(&self, url: &Address) -> Result<Option<Proxy>, Error> {
        let Some((name, value)) = proxy_for(&url.value, self.env) else { return Ok(None) };
        // Not the value: proxies are often written with a password.
        Proxy::new(value).map(Some).map_err(|_| Error::Failed {
            url: url.shown.clone(),
            reason: format!("the proxy that {name} names cannot be used"),
            hint: "write http://HOST:PORT; SOCKS proxies are not supported",
        })
    }
}

/// The body of a good answer; none for 404, when that is an answer as well.
fn get(call: &Call, may_miss: bool) -> Result<Option<impl Read + use<>>, Failed> {
    let request = call
        .headers
        .iter()
        .fold(call.agent.get(&call.url), |request, (name, value)| request.header(*name, value.expose_secret()));
    let response =
        request.config().proxy(call.proxy.clone()).build().call().map_err(|error| Failed::of_ureq(&error))?;
    let status = response.status();
    match status.as_u16() {
        200..300 => Ok(Some(response.into_body().into_with_config().limit(LARGEST).reader())),
        404 if may_miss => Ok(None),
        _ => Err(Failed::of_status(status)),
    }
}

/// The roots that the machine trusts, so that a company's own are among them; Mozilla's where it has none.
fn roots() -> RootCerts {
    let native = rustls_native_certs::load_native_certs().certs;
    if native.is_empty() {
        return RootCerts::WebPki;
    }
    native.iter().map(|der| Certificate::from_der(der).to_owned()).into()
}

/// What to do when a server cannot be reached.
pub const NETWORK: &str = "check the network; behind a proxy, set HTTPS_PROXY";

impl Failed {
    fn of_io(error: &io::Error) -> Self {
        Self { reason: format!("the connection broke off: {error}"), again: true, hint: NETWORK }
    }

    fn of_status(status: http::StatusCode) -> Self {
        let hint = match status.as_u16() {
            401 | 403 => "check the token, and that it may read what is there",
            404 => "check the URL",
            _ => "try again later",
        };
        let again = status.is_server_error() || status.as_u16() == 429;
        Self { reason: format!("the server answered {status}"), again, hint }
    }

    fn of_ureq(error: &ureq::Error) -> Self {
        use ureq::Error as E;
        let untrusted = matches!(error, E::Io(error) if error.to_string().contains("certificate"));
        let again = !untrusted
            && matches!(error, E::Io(_) | E::Timeout(_) | E::ConnectionFailed | E::HostNotFound | E::Protocol(_));
        let hint = match error {
            E::BadUri(_) | E::Http(_) => "write a URL that begins with https://, and spaces in it as %20",
            _ if untrusted => "if the certificate is your company's, name the file with its authority in SSL_CERT_FILE",
            _ => NETWORK,
        };
        Self { reason: error.to_string(), again, hint }
    }
}
