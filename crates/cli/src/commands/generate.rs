//! `waves completions` and `waves man`: from the same tree of arguments as the parser.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::args::Args;
use crate::commands::Failure;
use crate::exit_code::Verdict;
use crate::output;

pub(crate) fn completions(shell: Shell) -> Result<Verdict, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "waves", &mut script);
    output::print_bytes(&script)?;
    Ok(Verdict::Fine)
}

pub(crate) fn man(command: Option<&str>) -> Result<Verdict, Failure> {
    let mut tree = Args::command();
    tree.build();
    let page = match command {
        None => tree,
        Some(name) => tree.find_subcommand(name).cloned().ok_or_else(|| {
            let names: Vec<_> = Args::command().get_subcommands().map(|command| command.get_name().to_owned()).collect();
            Failure::Usage(format!("no command `{name}` (hint: one of {})", names.join(", ")))
        })?,
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page).render(&mut text).map_err(Failure::Write)?;
    output::print_bytes(&text)?;
    Ok(Verdict::Fine)
}
