//! The tables of a history.

use std::rc::Rc;

use super::{Spread, Table};
use crate::history::{History, Life, Naming};

/// The tables of a history: evaluations, derivations, lives, inputs, outputs and attributes. Evaluations are numbered from 1; what is
/// there in some has the first and the last of each run of them. Derivations are known by their positions in the history, packages by
/// the first position of a derivation of theirs.
pub fn history_tables(history: &History) -> Vec<Table<'_>> {
    vec![evaluations(history), derivations(history), lives(history), inputs(history), outputs(history), attributes(history)]
}

fn evaluations(history: &History) -> Table<'_> {
    let all = history.evaluations();
    Table::new("evaluations", all.len())
        .number("evaluation", |row| row + 1)
        .text("label", move |row| Some(all[row].label.as_str()))
        .number("time", move |row| all[row].time as usize)
        .number("attributes", move |row| all[row].attributes)
        .number("derivations", move |row| all[row].derivations)
        .number("outputs", move |row| all[row].outputs)
}

fn derivations(history: &History) -> Table<'_> {
    Table::new("derivations", history.derivation_count())
        .number("derivation", |row| row)
        .text("path", move |row| Some(history.base_name(row)))
        .text("name", move |row| Some(history.derivation(row).name))
        .text("pname", move |row| Some(history.derivation(row).pname))
        .text("version", move |row| Some(history.derivation(row).version))
        .text("system", move |row| Some(history.derivation(row).system).filter(|system| !system.is_empty()))
        .flag("fixed_output", move |row| history.derivation(row).is_fixed_output)
        .flag("floating", move |row| history.derivation(row).is_floating)
}

fn lives(history: &History) -> Table<'_> {
    let lives: Rc<Vec<Life>> = Rc::new(history.lives().collect());
    let [derivation, package, first, last] = [(); 4].map(|()| Rc::clone(&lives));
    Table::new("lives", lives.len())
        .number("derivation", move |row| derivation[row].derivation)
        .number("package", move |row| package[row].package)
        .number("first_evaluation", move |row| first[row].evaluations.start + 1)
        .number("last_evaluation", move |row| last[row].evaluations.end)
}

fn inputs(history: &History) -> Table<'_> {
    let spread = Rc::new(Spread::new((0..history.derivation_count()).map(|at| history.inputs(at).len())));
    let [user, input, rebuilds] = [(); 3].map(|()| Rc::clone(&spread));
    Table::new("inputs", spread.rows())
        .number("derivation", move |row| user.find(row).0)
        .optional("input", move |row| {
            let (derivation, at) = input.find(row);
            history.inputs(derivation).nth(at)
        })
        .flag("rebuilds", move |row| !history.derivation(rebuilds.find(row).0).is_fixed_output)
}

fn outputs(history: &History) -> Table<'_> {
    let spread = Rc::new(Spread::new((0..history.derivation_count()).map(|at| history.outputs(at).count())));
    let [of, name, path] = [(); 3].map(|()| Rc::clone(&spread));
    let output = move |spread: &Spread, row| {
        let (derivation, at) = spread.find(row);
        history.outputs(derivation).nth(at)
    };
    Table::new("outputs", spread.rows())
        .number("derivation", move |row| of.find(row).0)
        .text("output", move |row| output(&name, row).map(|(name, _)| name))
        .text("path", move |row| output(&path, row)?.1)
}

fn attributes(history: &History) -> Table<'_> {
    let namings: Rc<Vec<Naming<'_>>> = Rc::new(history.namings().collect());
    let [path, system, derivation, first, last] = [(); 5].map(|()| Rc::clone(&namings));
    Table::new("attributes", namings.len())
        .text("attribute", move |row| Some(path[row].attribute))
        .text("system", move |row| Some(system[row].system).filter(|system| !system.is_empty()))
        .optional("derivation", move |row| derivation[row].derivation)
        .number("first_evaluation", move |row| first[row].evaluations.start + 1)
        .number("last_evaluation", move |row| last[row].evaluations.end)
}
