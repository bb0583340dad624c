//! Which binary caches are asked, how, and where their answers are kept: the arguments and the environment.

use std::collections::BTreeMap;
use std::env;
use std::path::PathBuf;

use waves_core::store_path::StoreHash;
use waves_substituter::{Answers, CacheUrl, Options, Proxy};

use crate::args::{Args, CacheArgs};
use crate::commands::Failure;
use crate::{output, progress};

/// Asks the caches for outputs, which are full store paths by their hash. What went wrong is said on standard error.
pub(crate) fn ask(args: &Args, cache: &CacheArgs, store_dir: &str, outputs: &BTreeMap<StoreHash, String>) -> Result<Answers, Failure> {
    let caches = cache.cache.iter().map(|url| CacheUrl::parse(url)).collect::<Result<Vec<_>, _>>()?;
    let progress = progress::new(args.quiet);
    let answers = waves_substituter::ask(&caches, store_dir, outputs, &options(cache)?, &progress)?;
    drop(progress);
    if !args.quiet {
        answers.caches.iter().flat_map(|asked| asked.notes()).for_each(|note| output::note(&format!("note: {note}")));
    }
    Ok(answers)
}

fn options(cache: &CacheArgs) -> Result<Options, Failure> {
    Ok(Options {
        offline: cache.offline,
        jobs: usize::from(cache.cache_jobs),
        tries: cache.cache_tries,
        request_timeout: cache.cache_timeout,
        time_limit: cache.cache_time_limit,
        proxy: Proxy::try_from_env(),
        certificates: variable("NIX_SSL_CERT_FILE").or_else(|| variable("SSL_CERT_FILE")),
        ..Options::new(cache.cache_dir.clone().or_else(directory).ok_or_else(|| {
            Failure::Usage("neither XDG_CACHE_HOME nor HOME says where answers of caches are kept (hint: --cache-dir DIR)".to_owned())
        })?)
    })
}

/// Where programs keep what they can ask for again, by the XDG base directory specification.
fn directory() -> Option<PathBuf> {
    let caches = variable("XDG_CACHE_HOME").filter(|path| path.is_absolute());
    Some(caches.or_else(|| Some(variable("HOME")?.join(".cache")))?.join("waves"))
}

/// A path in the environment.
fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}
