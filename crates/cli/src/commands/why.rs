//! `waves why`: the chain of rebuilds from one package to another.

use std::slice;

use waves_core::analysis::{Scope, Why, select};
use waves_core::report::{WhyDetail, WhyReport};
use waves_core::text::counted;

use crate::args::{Args, WhyArgs};
use crate::commands::Failure;
use crate::exit_code::Verdict;
use crate::{load, output};

pub(crate) fn run(args: &Args, why: &WhyArgs) -> Result<Verdict, Failure> {
    let graph = load::graph(args)?;
    let scope = if why.exact { Scope::Exact } else { Scope::Package };
    let from = select(&graph, slice::from_ref(&why.from), scope, None)?;
    // The question is about the attribute that was typed, not about its variants for other systems.
    let to = select(&graph, slice::from_ref(&why.to), Scope::Exact, None)?;
    if to.len() > 1 {
        let reason = format!("`{}` names {}, and a chain leads to one", why.to, counted(to.len(), "package", "packages"));
        return Err(Failure::Usage(format!("{reason} (hint: name one, such as `{}`)", graph.derivation(to[0].face).label())));
    }
    let detail = if why.all { WhyDetail::All } else { WhyDetail::Shortest };
    let found = Why::new(&graph, &from, &to)?;
    output::print(&WhyReport::new(&found, &from, &to, detail, why.format.limit()), &why.format)?;
    Ok(Verdict::Fine)
}
