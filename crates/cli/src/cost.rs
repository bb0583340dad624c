//! What is known of costs: the files of build times, sizes, and what is built already.

use waves_core::cost::{Availability, Costs, Durations, Sizes, Sources};
use waves_core::graph::Graph;

use crate::args::CostArgs;
use crate::commands::Failure;

/// Reads the files that the arguments name; `None` if they name none.
pub(crate) fn load<'g>(args: &CostArgs, graph: &'g Graph) -> Result<Option<Costs<'g>>, Failure> {
    let CostArgs { durations, cached, sizes } = args;
    if durations.is_empty() && cached.is_empty() && sizes.is_empty() {
        return Ok(None);
    }
    let sources = Sources {
        durations: (!durations.is_empty()).then(|| Durations::read(durations)).transpose()?,
        availability: (!cached.is_empty()).then(|| Availability::read(cached)).transpose()?,
        sizes: (!sizes.is_empty()).then(|| Sizes::read(sizes)).transpose()?,
    };
    Ok(Some(Costs::new(graph, sources)?))
}
