//! `waves explore`: walks through an evaluation on a full screen.

use std::io::{self, IsTerminal as _};

use crate::args::{Args, ExploreArgs};
use crate::commands::Failure;
use crate::exit_code::Verdict;
use crate::explore::{self, App, Evaluations};
use crate::{config, load};

pub(crate) fn run(args: &Args, options: &ExploreArgs) -> Result<Verdict, Failure> {
    for (name, is_terminal) in [("output", io::stdout().is_terminal()), ("input", io::stdin().is_terminal())] {
        if !is_terminal {
            let hint = "`waves rank`, `impact`, `why`, `plan` and `diff` print what it shows";
            return Err(Failure::Usage(format!("explore needs a terminal, and standard {name} is none (hint: {hint})")));
        }
    }
    let policy = config::read(None)?.policy;
    let first = options.evaluation.as_deref().map_or_else(|| load::graph(args), |path| load::evaluation(args, path))?;
    let second = options.other.as_deref().map(|path| load::evaluation(args, path)).transpose()?;
    let mut app = App::new(Evaluations { first: &first, second: second.as_ref(), policy: &policy });
    explore::run(&mut app).map_err(Failure::Terminal)?;
    Ok(Verdict::Fine)
}
