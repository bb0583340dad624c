//! `waves check`: the files that nixpkgs' CI writes, against its rules in another language; verdicts; and what reaches
//! GitHub, where names come from anybody.

mod action;
mod ci_files;
mod hostile;
mod markup;
mod random_changes;
mod support;
mod verdicts;
mod workflow;
