//! Decisions: what may be tried again, and whether a wave can be closed.

use super::baseline::Class;
use super::event::Retry;
use super::file::Ledger;
use super::matching::names;
use super::name::WaveName;
use super::status::{State, WaveStatus};
use crate::graph::{Derivation, DerivationIx};
use crate::text::{counted, first_few};

/// How often a derivation is tried again, unless it is insisted on.
pub const MAX_RETRIES: usize = 2;
/// Names that a reason lists.
const NAMED: usize = 5;

/// Which derivations of a package are tried again; or why none is.
///
/// Only what failed itself is: what is blocked waits for its roots. Something that failed before too is not, for then the
/// wave is not at fault; nor what was tried [`MAX_RETRIES`] times. `force` is for those who know better.
///
/// # Errors
///
/// Why not, a line for each reason.
pub fn retry(status: &WaveStatus<'_>, package: &str, derivations: &[DerivationIx], force: bool) -> Result<Retry, Vec<String>> {
    let members = || derivations.iter().copied().filter(|&ix| status.wave.rebuilds.contains(ix));
    let red: Vec<DerivationIx> = members().filter(|&ix| status.state(ix) == State::Red).collect();
    if red.is_empty() {
        return Err(vec![nothing_failed(status, package, &members().collect::<Vec<_>>())]);
    }
    let mut reasons = Vec::new();
    for root in status.roots.iter().filter(|root| red.contains(&root.derivation.ix()) && !force) {
        let label = root.derivation.label();
        if root.retries >= MAX_RETRIES {
            reasons.push(format!("{label} was tried again {} already (hint: --force)", counted(root.retries, "time", "times")));
        } else if let Some(before) = before(status, root.derivation) {
            reasons.push(format!("{label} {before} (hint: --force)"));
        }
    }
    if !reasons.is_empty() {
        return Err(reasons);
    }
    let derivations = red.into_iter().map(|ix| status.graph.derivation(ix).base_name()).collect();
    Ok(Retry { wave: status.name, package: package.to_owned(), derivations })
}

/// What a derivation was before the wave, if that was no better; whatever it blocks.
fn before(status: &WaveStatus<'_>, derivation: Derivation<'_>) -> Option<&'static str> {
    let (names, system) = names(derivation);
    match names.iter().map(|name| status.baseline.failing(name, system)).max() {
        Some(Class::StillBroken) => Some("did not build before the wave either"),
        Some(Class::New) => Some("was not there before the wave"),
        _ => None,
    }
}

fn nothing_failed(status: &WaveStatus<'_>, package: &str, members: &[DerivationIx]) -> String {
    let Some(&first) = members.first() else { return format!("{} does not rebuild {package}", status.name) };
    let roots: Vec<&str> = members
        .iter()
        .flat_map(|&ix| status.roots_of(ix))
        .filter_map(|&root| status.roots.get(root as usize))
        .map(|root| root.derivation.label())
        .collect();
    match (status.state(first), roots.first()) {
        (_, Some(_)) => format!("{package} did not fail itself: it is blocked by {} (hint: try that again)", listed(roots)),
        (State::Green, None) => format!("{package} is built"),
        _ => format!("no result says that {package} failed in {}", status.name),
    }
}

/// A few names.
fn listed(mut names: Vec<&str>) -> String {
    names.sort_unstable();
    names.dedup();
    first_few(names, NAMED)
}

/// Why a wave cannot be closed, a line for each reason; none if it can.
///
/// Every attribute that is expected to build must be built, waived, or have failed before; and the waves before it must be
/// closed.
pub fn open_reasons(status: &WaveStatus<'_>, ledger: &Ledger, waves: &[WaveName]) -> Vec<String> {
    let mut reasons = Vec::new();
    let before: Vec<String> =
        waves.iter().filter(|&&wave| wave < status.name && ledger.closed(wave).is_none()).map(ToString::to_string).collect();
    if !before.is_empty() {
        reasons.push(format!("not closed yet: {}", before.join(", ")));
    }
    for root in status.roots.iter().filter(|root| root.class == Class::Regressed) {
        let blocks = if root.blocked_attributes == 0 {
            String::new()
        } else {
            format!(", and blocks {}", counted(root.blocked_attributes, "attribute", "attributes"))
        };
        reasons.push(format!("{} regressed: {}{blocks}", root.derivation.label(), root.outcome.name()));
    }
    let evaluation = status.evaluation_failures.iter().filter(|failure| failure.class == Class::Regressed && !failure.is_waived);
    reasons.extend(evaluation.map(|failure| format!("{} regressed: it does not evaluate", failure.attribute.path())));
    reasons.extend(not_built_yet(status));
    reasons
}

/// What is still to be built, if something that has to be done is: as much as the states count, what is broken and needed all the same
/// included.
fn not_built_yet(status: &WaveStatus<'_>) -> Option<String> {
    let remaining = status.remaining();
    if !remaining.iter().any(|ix| status.is_required(ix)) {
        return None;
    }
    let open: Vec<Derivation<'_>> = remaining.iter().map(|ix| status.graph.derivation(ix)).collect();
    let has_attributes = |derivation: &&Derivation<'_>| derivation.attributes().len() > 0;
    let attributes: usize = open.iter().map(|derivation| derivation.attributes().len()).sum();
    let (what, named): (String, Vec<&Derivation<'_>>) = match attributes {
        0 => (counted(open.len(), "derivation", "derivations"), open.iter().collect()),
        _ => (counted(attributes, "attribute", "attributes"), open.iter().filter(has_attributes).collect()),
    };
    let some: Vec<&str> = named.iter().take(NAMED).map(|derivation| derivation.label()).collect();
    let rest = if named.len() > NAMED { ", …" } else { "" };
    Some(format!("{what} not built yet: {}{rest}", some.join(", ")))
}
