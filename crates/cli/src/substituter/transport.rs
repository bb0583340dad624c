//! One try to get one file of a cache: over HTTP, or from a directory.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ureq::http::{Response, header};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body};
use waves_core::cost::narinfo::MAX_BYTES;

use crate::url::Place;
use crate::{CacheUrl, Error, Options};

/// Redirects that are followed.
const MAX_REDIRECTS: u32 = 4;

/// How files are got.
#[derive(Debug)]
pub(crate) enum Transport {
    Http { agent: Agent, base: String },
    Directory(PathBuf),
}

/// Why a try failed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// In words that are few, so that they can be counted, and that have no part of the URL.
    pub(crate) reason: String,
    /// Whether another try may have more luck.
    pub(crate) again: bool,
    /// When the cache wants to be asked again.
    pub(crate) after: Option<Duration>,
}

impl Trouble {
    /// That may pass.
    pub(crate) fn passing(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), again: true, after: None }
    }

    /// That will stay.
    pub(crate) fn lasting(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), again: false, after: None }
    }
}

impl Transport {
    pub(crate) fn new(cache: &CacheUrl, options: &Options) -> Result<Self, Error> {
        Ok(match &cache.place {
            Place::Http(base) => Self::Http { agent: agent(base, options)?, base: base.clone() },
            Place::Directory(directory) => Self::Directory(directory.clone()),
        })
    }

    /// A file of the cache; `None` if it says that there is none.
    pub(crate) fn get(&self, name: &str) -> Result<Option<Vec<u8>>, Trouble> {
        match self {
            Self::Http { agent, base } => http(agent, &format!("{base}/{name}")),
            Self::Directory(directory) => file(&directory.join(name)),
        }
    }
}

fn agent(base: &str, options: &Options) -> Result<Agent, Error> {
    let is_https = base.starts_with("https:");
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        .https_only(is_https)
        .max_redirects(MAX_REDIRECTS)
        .max_idle_connections(options.jobs)
        .max_idle_connections_per_host(options.jobs)
        .timeout_connect(Some(options.connect_timeout))
        .timeout_global(Some(options.request_timeout))
        .user_agent(concat!("waves/", env!("CARGO_PKG_VERSION")))
        .proxy(options.proxy.clone());
    if let Some(path) = options.certificates.as_ref().filter(|_| is_https) {
        config = config.tls_config(TlsConfig::builder().root_certs(certificates(path)?).build());
    }
    Ok(config.build().into())
}

fn certificates(path: &Path) -> Result<RootCerts, Error> {
    let failed = |source| Error::Io { action: "read certificates from", path: path.to_owned(), source, hint: CERTIFICATES_HINT };
    let text = fs::read(path).map_err(failed)?;
    let items = parse_pem(&text).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(Ok(certificate)),
        Ok(_) => None,
        Err(error) => Some(Err(failed(io::Error::new(io::ErrorKind::InvalidData, error)))),
    });
    Ok(RootCerts::new_with_certs(&items.collect::<Result<Vec<_>, _>>()?))
}

const CERTIFICATES_HINT: &str = " (hint: NIX_SSL_CERT_FILE or SSL_CERT_FILE names it)";

fn http(agent: &Agent, url: &str) -> Result<Option<Vec<u8>>, Trouble> {
    let mut response = agent.get(url).call().map_err(|error| trouble(&error))?;
    let status = response.status().as_u16();
    // A body that is read to its end leaves a connection that can be used again.
    let body = read_body(&mut response);
    match status {
        200 => body.map(Some),
        // S3 answers 403 for what is not there, to those who may not list.
        403 | 404 | 410 => Ok(None),
        408 | 425 | 429 | 500..=599 => Err(Trouble { after: retry_after(&response), ..Trouble::passing(format!("HTTP status {status}")) }),
        _ => Err(Trouble::lasting(format!("HTTP status {status}"))),
    }
}

fn read_body(response: &mut Response<Body>) -> Result<Vec<u8>, Trouble> {
    let mut body = Vec::new();
    let read = response.body_mut().as_reader().take(MAX_BYTES as u64 + 1).read_to_end(&mut body);
    read.map_err(|error| trouble(&error.into()))?;
    limited(body)
}

fn limited(body: Vec<u8>) -> Result<Vec<u8>, Trouble> {
    if body.len() > MAX_BYTES { Err(Trouble::lasting("a file that is too long")) } else { Ok(body) }
}

/// Seconds that the cache wants to be left alone. A date is not understood, and counts as if nothing was said.
fn retry_after(response: &Response<Body>) -> Option<Duration> {
    response.headers().get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// What went wrong, without the URL: it may have credentials.
fn trouble(error: &ureq::Error) -> Trouble {
    use ureq::Error as E;
    match error {
        E::Timeout(_) => Trouble::passing("no answer in time"),
        E::HostNotFound => Trouble::passing("host not found"),
        E::ConnectProxyFailed(_) => Trouble::passing("the proxy refused"),
        E::Protocol(_) => Trouble::passing("an answer that is not HTTP"),
        E::Decompress(..) => Trouble::passing("broken compression"),
        E::Io(error) if error.kind() == io::ErrorKind::InvalidData => Trouble::lasting(error.to_string()),
        E::Io(error) => Trouble::passing(error.kind().to_string()),
        E::Rustls(error) => Trouble::lasting(format!("TLS: {error}")),
        E::Tls(error) => Trouble::lasting(format!("TLS: {error}")),
        E::TooManyRedirects => Trouble::lasting("too many redirects"),
        E::RequireHttpsOnly(_) => Trouble::lasting("a redirect from https to http"),
        E::LargeResponseHeader(..) => Trouble::lasting("a header that is too long"),
        E::BadUri(_) | E::Http(_) => Trouble::lasting("a redirect to what is no URL"),
        _ => Trouble::passing("the connection failed"),
    }
}

fn file(path: &Path) -> Result<Option<Vec<u8>>, Trouble> {
    let failed = |error: &io::Error| Trouble::lasting(error.kind().to_string());
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(&error)),
        // A pipe would be waited for.
        Ok(metadata) if !metadata.is_file() => return Err(Trouble::lasting("not a file")),
        Ok(_) => {}
    }
    let mut body = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_BYTES as u64 + 1).read_to_end(&mut body));
    read.map_err(|error| failed(&error))?;
    limited(body).map(Some)
}
