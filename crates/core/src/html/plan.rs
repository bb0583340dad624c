//! The page of `waves plan --root`.

use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

use super::Body;
use super::impact::cost_section;
use super::part::{DataColumn, DataTable, Names, Values, Words, bar, count, headline, packed, stepped, text, text_table};
use super::subject::{Evaluation, Root, found, root_names};
use super::time::{Block, Lane, Schedule, curve, timeline};
use super::ways::Ways;
use crate::analysis;
use crate::error::{Error, Result};
use crate::graph::{DerivationIx, Direction, Graph, PackageIx};
use crate::plan::{PlanOptions, plan};
use crate::report::{BillReport, ChainLink, CostReport, CountsReport, part_line};
use crate::text::{counted, duration, first_few, hours, number, percent};

#[derive(Debug, Deserialize)]
pub(super) struct Plan {
    pub(super) evaluation: Evaluation,
    roots: Vec<Root>,
    rebuilds: CountsReport,
    packages: usize,
    levels: usize,
    waves: Vec<Wave>,
    cycles: Vec<Cycle>,
    cycles_omitted: usize,
    cost: Option<CostReport>,
    schedule: Option<Schedule>,
    system: Option<String>,
    depth: Option<usize>,
}

#[derive(Debug, Deserialize)]
struct Wave {
    name: String,
    first_level: usize,
    levels: usize,
    attributes: usize,
    derivations: usize,
    packages: usize,
    heaviest: Vec<String>,
    members: Vec<String>,
    cost: Option<BillReport>,
}

#[derive(Debug, Deserialize)]
struct Cycle {
    size: usize,
    packages: Vec<String>,
    derivations: usize,
    first_wave: usize,
    last_wave: usize,
}

impl Plan {
    /// Makes the page. O(V + E).
    pub(super) fn body(&self, graph: Option<&Graph>, input: &str) -> Result<Body> {
        let (table, names, ways) = match graph {
            Some(graph) => self.packages(graph, input)?,
            None => self.named(),
        };
        let time = self.cost.as_ref().and_then(|cost| cost.total.time.as_ref());
        let mut figures = vec![
            ("attributes rebuilt", number(self.rebuilds.attributes)),
            ("derivations", number(self.rebuilds.derivations)),
            ("outputs", number(self.rebuilds.outputs)),
            ("packages", number(self.packages)),
            ("levels", number(self.levels)),
            ("waves", number(self.waves.len())),
        ];
        figures.extend(time.map(|time| ("build time", duration(time.seconds))));
        figures.extend(self.schedule.as_ref().map(|schedule| ("makespan", hours(schedule.makespan))));
        let part = part_line(self.system.as_deref(), self.depth, Direction::Dependents);
        let main = html! {
            @if let Some(part) = part { p.note { (text(&part)) } }
            (headline(&figures))
            (self.wave_section())
            @if let Some(cost) = &self.cost { (cost_section(cost, "Cost of the rebuild")) }
            @if let Some(chain) = self.cost.as_ref().and_then(|cost| cost.longest_chain.as_deref()) { (chain_section(chain)) }
            @if let Some(schedule) = &self.schedule { (schedule.markup("", 150)) }
            (table.markup(&names))
            (self.cycle_section())
        };
        let data = json!({ "names": names.json(), "graph": ways, "tables": [table.json()] });
        Ok(Body { title: format!("Rebuild of {}", root_names(&self.roots)), main, data })
    }

    /// Every package, and what it waits for.
    fn packages(&self, graph: &Graph, input: &str) -> Result<(DataTable, Names, serde_json::Value)> {
        let roots: Vec<DerivationIx> =
            found(graph, self.roots.iter().flat_map(|root| &root.derivations), input)?.iter().map(|root| root.ix()).collect();
        let options = PlanOptions { max_waves: self.waves.len(), depth: self.depth, system: self.system.as_deref() };
        let face = *roots.first().ok_or_else(|| wrong(input, "it has no root"))?;
        let planned = plan(graph, vec![analysis::Root { selector: String::new(), face, derivations: roots.clone() }], &options)?;
        if planned.levels.len() != self.levels || planned.impact.rebuilds().len() != self.rebuilds.derivations {
            return Err(wrong(input, "its levels are not those of the evaluation: was it changed?"));
        }
        // A package is complete with its last derivation.
        let mut last = vec![None; graph.package_count()];
        let mut derivations = vec![0_usize; graph.package_count()];
        for (level, members) in planned.levels.iter().enumerate() {
            for &ix in members {
                let package = graph.derivation(ix).package().ix().get();
                last[package] = Some(level);
                derivations[package] += 1;
            }
        }
        let wave_of = |level: usize| self.waves.iter().take_while(|wave| wave.first_level <= level + 1).count();
        let mut packages: Vec<(usize, usize, PackageIx)> =
            graph.packages().filter_map(|package| last[package.ix().get()].map(|level| (wave_of(level), level, package.ix()))).collect();
        packages.sort_by_cached_key(|&(wave, _, ix)| {
            let package = graph.package(ix);
            (wave, std::cmp::Reverse(package.rebuilt_derivations()), package.face().label(), ix)
        });
        let mut row_of = vec![0; graph.package_count()];
        for (row, (.., ix)) in packages.iter().enumerate() {
            row_of[ix.get()] = row;
        }
        let ways = Ways::new(graph, planned.impact.rebuilds(), |derivation| row_of[derivation.package().ix().get()]);
        let faces = || packages.iter().map(|&(.., ix)| graph.package(ix).face().label());
        let names = Names::new(faces().chain(ways.members().map(|member| member.label())));
        let waves = Words::of(packages.iter().map(|(wave, ..)| wave.to_string()));
        let numbers = |of: &dyn Fn(&(usize, usize, PackageIx)) -> usize| Values::Numbers(packages.iter().map(of).collect());
        let columns = vec![
            DataColumn::new("package", Values::Names(faces().map(|face| names.number(face)).collect())),
            DataColumn::filter("wave", Values::Words(waves)),
            DataColumn::new("level", numbers(&|&(_, level, _)| level + 1)),
            DataColumn::new("derivations", numbers(&|&(.., ix)| derivations[ix.get()])),
            DataColumn::new("rebuilds derivations", numbers(&|&(.., ix)| graph.package(ix).rebuilt_derivations() as usize)),
        ];
        let mut data = ways.json(&names, None);
        data["packages"] = json!(stepped(ways.members().map(|member| row_of[member.package().ix().get()])));
        data["roots"] = json!(packed(roots.iter().filter_map(|&root| ways.number(root))));
        Ok((package_table(columns, packages.len(), Some("package")), names, data))
    }

    /// The packages that the report names: those that rebuild most, if it does not name all.
    fn named(&self) -> (DataTable, Names, serde_json::Value) {
        let of = |wave: &Wave| if wave.members.is_empty() { wave.heaviest.clone() } else { wave.members.clone() };
        let listed: Vec<(usize, String)> =
            self.waves.iter().enumerate().flat_map(|(at, wave)| of(wave).into_iter().map(move |name| (at + 1, name))).collect();
        let names = Names::new(listed.iter().map(|(_, name)| name.as_str()));
        let waves = Words::of(listed.iter().map(|(wave, _)| wave.to_string()));
        let columns = vec![
            DataColumn::new("package", Values::Names(listed.iter().map(|(_, name)| names.number(name)).collect())),
            DataColumn::filter("wave", Values::Words(waves)),
        ];
        (package_table(columns, listed.len(), None), names, serde_json::Value::Null)
    }

    fn wave_section(&self) -> Markup {
        let most = self.waves.iter().map(|wave| wave.derivations).max().unwrap_or_default();
        let seconds = |wave: &Wave| wave.cost.as_ref().and_then(|cost| cost.time.as_ref()).map(|time| time.seconds);
        let longest = self.waves.iter().filter_map(seconds).max();
        let all: u64 = self.waves.iter().filter_map(seconds).sum();
        let (mut packages, mut derivations, mut spent) = (0, 0, 0);
        let mut curves = [Vec::new(), Vec::new(), Vec::new()];
        let mut rows = Vec::new();
        for (at, wave) in self.waves.iter().enumerate() {
            packages += wave.packages;
            derivations += wave.derivations;
            spent += seconds(wave).unwrap_or_default();
            let parts = [(packages, self.packages), (derivations, self.rebuilds.derivations), (spent as usize, all as usize)];
            for (curve, (part, whole)) in curves.iter_mut().zip(parts) {
                curve.push(part as f64 / whole.max(1) as f64);
            }
            rows.push(html! {
                tr {
                    td.number { (at + 1) }
                    th scope="row" { span data-pick="packages" data-column="wave" data-value=(at + 1) { (text(&wave.name)) } }
                    td.span { (span(wave)) }
                    td.number { (count(wave.packages)) }
                    td.number { (count(wave.attributes)) }
                    td.chart { (bar(wave.derivations as f64, most as f64, &number(wave.derivations))) }
                    @if let Some(longest) = longest {
                        @let seconds = seconds(wave).unwrap_or_default();
                        td.chart { (bar(seconds as f64, longest as f64, &duration(seconds))) }
                    }
                    td.number { (percent(derivations, self.rebuilds.derivations)) }
                }
            });
        }
        let [by_package, by_derivation, by_time] = curves;
        let mut series = vec![("packages", by_package), ("derivations", by_derivation)];
        series.extend(longest.map(|_| ("build time", by_time)));
        html! {
            section #waves {
                h2 { "Waves, from the root to the leaves" }
                p.hint { "A wave is built when all waves above it are done. Pick one to see its packages." }
                div.scroll tabindex="0" role="region" aria-label="Waves" {
                    table.waves {
                        thead {
                            tr {
                                th.number scope="col" { "wave" } th scope="col" { "about" } th scope="col" { "levels" }
                                th.number scope="col" { "packages" } th.number scope="col" { "attributes" } th scope="col" { "derivations" }
                                @if longest.is_some() { th scope="col" { "build time" } }
                                th.number scope="col" { "done after it" }
                            }
                        }
                        tbody { @for row in &rows { (row) } }
                    }
                }
                (curve(&series))
            }
        }
    }

    fn cycle_section(&self) -> Markup {
        const NAMED: usize = 6;
        let row = |cycle: &Cycle| {
            let waves = if cycle.first_wave == cycle.last_wave {
                cycle.first_wave.to_string()
            } else {
                format!("{}–{}", cycle.first_wave, cycle.last_wave)
            };
            vec![number(cycle.size), number(cycle.derivations), waves, first_few(&cycle.packages, NAMED)]
        };
        let rows: Vec<Vec<String>> = self.cycles.iter().map(row).collect();
        html! {
            @if !rows.is_empty() {
                section #cycles {
                    h2 { "Packages that need each other: one unit each, built in steps" }
                    @if self.cycles_omitted > 0 { p.note { "The report leaves out " (count(self.cycles_omitted)) " more." } }
                    (text_table("Cycles", &[("packages", true), ("derivations", true), ("waves", false), ("among them", false)], &rows))
                }
            }
        }
    }
}

/// What no number of builders is faster than, on a line of time.
fn chain_section(chain: &[ChainLink]) -> Markup {
    let mut start = 0.0;
    let block = |link: &ChainLink| {
        let length = f64::from(link.seconds) / 3600.0;
        let block = Block { label: link.label.clone(), start, length };
        start += length;
        block
    };
    let lane = Lane { label: counted(chain.len(), "derivation", "derivations"), blocks: chain.iter().map(block).collect() };
    let measured = |is_measured: bool| if is_measured { "measured" } else { "estimated" }.to_owned();
    let row = |link: &ChainLink| vec![link.label.clone(), duration(u64::from(link.seconds)), measured(link.measured)];
    let rows: Vec<Vec<String>> = chain.iter().map(row).collect();
    html! {
        section #chain {
            h2 { "Longest chain" }
            (timeline("Longest chain", &[lane], start))
            details {
                summary { "The longest chain as a table" }
                (text_table("Longest chain", &[("package", false), ("build time", true), ("known", false)], &rows))
            }
        }
    }
}

fn wrong(input: &str, reason: &str) -> Error {
    Error::Report { input: input.to_owned(), reason: reason.to_owned() }
}

fn span(wave: &Wave) -> String {
    match wave.levels {
        1 => wave.first_level.to_string(),
        _ => format!("{}–{}", wave.first_level, wave.first_level + wave.levels - 1),
    }
}

fn package_table(columns: Vec<DataColumn>, rows: usize, detail: Option<&'static str>) -> DataTable {
    DataTable { id: "packages", heading: "Packages", noun: ("package", "packages"), detail, columns, rows, omitted: 0 }
}
