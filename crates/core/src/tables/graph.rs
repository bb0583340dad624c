//! The tables of an evaluation.

use std::rc::Rc;

use super::{Spread, Table};
use crate::graph::{AttributeIx, DerivationIx, Graph, PackageIx};

/// The tables of an evaluation: derivations, inputs, outputs, attributes, maintainers and packages. Derivations and packages are
/// known by their positions in the graph.
pub fn graph_tables(graph: &Graph) -> Vec<Table<'_>> {
    vec![derivations(graph), inputs(graph), outputs(graph), attributes(graph), maintainers(graph), packages(graph)]
}

fn derivations(graph: &Graph) -> Table<'_> {
    let derivation = |row| graph.derivation(DerivationIx::new(row));
    Table::new("derivations", graph.derivation_count())
        .number("derivation", |row| row)
        .text("path", move |row| Some(derivation(row).base_name()))
        .text("name", move |row| Some(derivation(row).name()))
        .text("pname", move |row| Some(derivation(row).pname()))
        .text("version", move |row| Some(derivation(row).version()))
        .text("system", move |row| Some(derivation(row).system()).filter(|system| !system.is_empty()))
        .flag("fixed_output", move |row| derivation(row).is_fixed_output())
        .flag("floating", move |row| derivation(row).is_floating())
        .number("package", move |row| derivation(row).package().ix().get())
}

fn inputs(graph: &Graph) -> Table<'_> {
    let edges: Vec<(DerivationIx, DerivationIx)> = graph
        .derivations()
        .flat_map(|derivation| derivation.inputs().map(move |(input, _)| (derivation.ix(), input)).collect::<Vec<_>>())
        .collect();
    let edges = Rc::new(edges);
    let [users, needed, rebuilt] = [(); 3].map(|()| Rc::clone(&edges));
    Table::new("inputs", edges.len())
        .number("derivation", move |row| users[row].0.get())
        .number("input", move |row| needed[row].1.get())
        .flag("rebuilds", move |row| !graph.derivation(rebuilt[row].0).is_fixed_output())
}

fn outputs(graph: &Graph) -> Table<'_> {
    let spread = Rc::new(Spread::new(graph.derivations().map(|derivation| derivation.outputs().len())));
    let [of, named, found] = [(); 3].map(|()| Rc::clone(&spread));
    let output = move |spread: &Spread, row| {
        let (derivation, at) = spread.find(row);
        graph.derivation(DerivationIx::new(derivation)).outputs().nth(at)
    };
    Table::new("outputs", spread.rows())
        .number("derivation", move |row| of.find(row).0)
        .text("output", move |row| output(&named, row).map(|output| output.name()))
        .text("path", move |row| output(&found, row)?.base_name())
}

fn attributes(graph: &Graph) -> Table<'_> {
    let attribute = |row| graph.attribute(AttributeIx::new(row));
    Table::new("attributes", graph.attribute_count())
        .text("attribute", move |row| Some(attribute(row).path()))
        .text("system", move |row| attribute(row).system())
        .optional("derivation", move |row| attribute(row).derivation().map(|derivation| derivation.ix().get()))
        .text("position", move |row| attribute(row).position())
        .text("description", move |row| attribute(row).description())
        .flag("broken", move |row| attribute(row).is_broken())
        .flag("unfree", move |row| attribute(row).is_unfree())
        .flag("insecure", move |row| attribute(row).is_insecure())
        .flag("off_hydra", move |row| attribute(row).is_off_hydra())
        .text("error", move |row| attribute(row).error())
}

fn maintainers(graph: &Graph) -> Table<'_> {
    let rows: Vec<(AttributeIx, &str, bool)> = graph
        .attributes()
        .flat_map(|attribute| {
            let people = attribute.maintainers().map(move |name| (attribute.ix(), name, false));
            people.chain(attribute.teams().map(move |name| (attribute.ix(), name, true)))
        })
        .collect();
    let rows = Rc::new(rows);
    let [of, system, name, team] = [(); 4].map(|()| Rc::clone(&rows));
    Table::new("maintainers", rows.len())
        .text("attribute", move |row| Some(graph.attribute(of[row].0).path()))
        .text("system", move |row| graph.attribute(system[row].0).system())
        .text("maintainer", move |row| Some(name[row].1))
        .flag("team", move |row| team[row].2)
}

fn packages(graph: &Graph) -> Table<'_> {
    let package = |row| graph.package(PackageIx::new(row));
    let is_counted = graph.tells_inputs();
    Table::new("packages", graph.package_count())
        .number("package", |row| row)
        .text("label", move |row| Some(package(row).face().label()))
        .text("version", move |row| Some(package(row).face().version()))
        .optional("rebuilt_derivations", move |row| is_counted.then(|| package(row).rebuilt_derivations() as usize))
        .optional("rebuilt_attributes", move |row| is_counted.then(|| package(row).rebuilt_attributes() as usize))
}
