//! What is known of costs: the files of build times, sizes, and what is built already; and what binary caches say.

use std::collections::BTreeMap;

use waves_core::cost::narinfo::Answer;
use waves_core::cost::{AskedCache, Availability, Costs, Durations, Presence, Sizes, Sources};
use waves_core::graph::{DerivationSet, Graph};
use waves_substituter::Asked;

use crate::args::{Args, CacheArgs, CostArgs};
use crate::cache;
use crate::commands::Failure;

/// Reads the files that the arguments name; `None` if they name none.
pub(crate) fn load<'g>(args: &CostArgs, graph: &'g Graph) -> Result<Option<Costs<'g>>, Failure> {
    costs(read(args)?, graph)
}

/// Reads the files, and asks the caches that the arguments name for the outputs of `set`; `None` if they name nothing.
pub(crate) fn load_and_ask<'g>(
    args: &Args,
    cost: &CostArgs,
    caches: &CacheArgs,
    graph: &'g Graph,
    set: &DerivationSet,
) -> Result<Option<Costs<'g>>, Failure> {
    let mut sources = read(cost)?;
    if !caches.cache.is_empty() {
        ask(args, caches, graph, set, &mut sources)?;
    }
    costs(sources, graph)
}

fn read(CostArgs { durations, cached, sizes }: &CostArgs) -> Result<Sources, Failure> {
    Ok(Sources {
        durations: (!durations.is_empty()).then(|| Durations::read(durations)).transpose()?,
        availability: (!cached.is_empty()).then(|| Availability::read(cached)).transpose()?,
        sizes: (!sizes.is_empty()).then(|| Sizes::read(sizes)).transpose()?,
    })
}

fn costs(sources: Sources, graph: &Graph) -> Result<Option<Costs<'_>>, Failure> {
    let is_known = sources.durations.is_some() || sources.availability.is_some() || sources.sizes.is_some();
    Ok(is_known.then(|| Costs::new(graph, sources)).transpose()?)
}

/// Asks for all outputs of `set` that no list says are built. Sizes that a file has come before those of a cache.
fn ask(args: &Args, caches: &CacheArgs, graph: &Graph, set: &DerivationSet, sources: &mut Sources) -> Result<(), Failure> {
    let availability = sources.availability.get_or_insert_default();
    let outputs = set.iter().flat_map(|ix| graph.derivation(ix).outputs());
    let outputs: BTreeMap<_, _> = outputs.filter_map(|output| Some((output.hash()?, output.path()?))).collect();
    let outputs = outputs.into_iter().filter(|&(hash, _)| availability.path(hash) != Presence::Cached).collect();
    let answers = cache::ask(args, caches, graph.store_dir(), &outputs)?;
    for asked in answers.caches {
        let Asked { url, present, absent, unknown, .. } = asked;
        availability.add_cache(AskedCache { url, present, absent, unknown });
    }
    for (hash, answer) in answers.answers {
        let presence = match answer {
            Answer::Present(info) => {
                sources.sizes.get_or_insert_default().insert_narinfo(&info);
                Presence::Cached
            }
            Answer::Absent => Presence::Absent,
            Answer::Unknown(_) => Presence::Unknown,
        };
        availability.insert(hash, presence);
    }
    Ok(())
}
