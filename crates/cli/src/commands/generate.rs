//! `waves completions` and `waves man`: from the same tree of arguments as the parser.

use std::path::Path;

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;

use waves_core::files::{Mode, NewFile};

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

pub(crate) fn man(names: &[String]) -> Result<Verdict, Failure> {
    let tree = tree();
    let mut command = &tree;
    for name in names {
        command = command.find_subcommand(name).ok_or_else(|| {
            let known: Vec<_> = command.get_subcommands().map(Command::get_name).collect();
            let hint = if known.is_empty() { "it has none".to_owned() } else { format!("one of {}", known.join(", ")) };
            Failure::Usage(format!("no command `{name}` (hint: {hint})"))
        })?;
    }
    output::print_bytes(&page(command)?)?;
    Ok(Verdict::Fine)
}

/// Writes a page for each command: `waves.1`, `waves-plan.1`, `waves-plan-diff.1`, ….
pub(crate) fn manual(directory: &Path) -> Result<Verdict, Failure> {
    let tree = tree();
    let (mut commands, mut pages) = (vec![&tree], Vec::new());
    while let Some(command) = commands.pop() {
        commands.extend(command.get_subcommands());
        pages.push((directory.join(format!("{}.1", page_name(command))), page(command)?));
    }
    NewFile::write_all(pages.iter().map(|(path, text)| (path.clone(), Mode::Data, &text[..])))?;
    Ok(Verdict::Fine)
}

/// All commands; `help` has no page of its own, as each page is that.
fn tree() -> Command {
    let mut tree = Args::command().disable_help_subcommand(true);
    tree.build();
    tree
}

fn page_name(command: &Command) -> &str {
    command.get_display_name().unwrap_or(command.get_name())
}

fn page(command: &Command) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    // A command has no version of its own.
    let source = concat!("waves ", env!("CARGO_PKG_VERSION"));
    clap_mangen::Man::new(command.clone()).source(source).render(&mut text).map_err(Failure::Write)?;
    Ok(text)
}
