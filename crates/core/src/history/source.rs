//! What a history takes in: an evaluation as derivations and attributes, in whatever it is held.

use crate::graph::{Attribute, Derivation, Graph, Output};
use crate::store_path::StoreHash;

/// An evaluation that can be added to a history.
pub trait Evaluated {
    /// Its derivations, in an order in which each comes behind its inputs.
    fn derivations(&self) -> impl Iterator<Item = DerivationRecord<'_>>;

    /// Its attributes.
    fn attributes(&self) -> impl Iterator<Item = AttributeRecord<'_>>;
}

/// A derivation of an evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DerivationRecord<'a> {
    /// Hash part of its store path; of its first output, if its own path is unknown.
    pub hash: StoreHash,
    /// Whether that is its own path.
    pub has_path: bool,
    /// Its name, without hash and `.drv`.
    pub name: &'a str,
    /// Its pname.
    pub pname: &'a str,
    /// Its version; empty if it has none.
    pub version: &'a str,
    /// The system that builds it; empty if unknown.
    pub system: &'a str,
    /// Whether its output is fixed by a hash.
    pub is_fixed_output: bool,
    /// Whether only its build tells its output path.
    pub is_floating: bool,
    /// Equal for derivations of one package of this evaluation.
    pub package: usize,
    /// What it needs: positions among the derivations that came before it.
    pub inputs: Vec<usize>,
    /// Its outputs, by name.
    pub outputs: Vec<OutputRecord<'a>>,
}

/// An output of a derivation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputRecord<'a> {
    /// Its name: `out`, `dev`, ….
    pub name: &'a str,
    /// Hash and name of its path; `None` if only its build tells it.
    pub path: Option<(StoreHash, &'a str)>,
}

/// An attribute of an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttributeRecord<'a> {
    /// Its dotted path.
    pub path: &'a str,
    /// The system that it was evaluated for; empty if unknown.
    pub system: &'a str,
    /// Position of its derivation; `None` if it does not evaluate.
    pub derivation: Option<usize>,
}

impl<'g> From<Derivation<'g>> for DerivationRecord<'g> {
    fn from(derivation: Derivation<'g>) -> Self {
        let output = |output: Output<'g>| OutputRecord { name: output.name(), path: output.hash().zip(output.path_name()) };
        Self {
            hash: derivation.hash(),
            has_path: derivation.has_path(),
            name: derivation.name(),
            pname: derivation.pname(),
            version: derivation.version(),
            system: derivation.system(),
            is_fixed_output: derivation.is_fixed_output(),
            is_floating: derivation.is_floating(),
            package: derivation.package().ix().get(),
            inputs: derivation.inputs().map(|(input, _)| input.get()).collect(),
            outputs: derivation.outputs().map(output).collect(),
        }
    }
}

impl<'g> From<Attribute<'g>> for AttributeRecord<'g> {
    fn from(attribute: Attribute<'g>) -> Self {
        Self {
            path: attribute.path(),
            system: attribute.system().unwrap_or_default(),
            derivation: attribute.derivation().map(|derivation| derivation.ix().get()),
        }
    }
}

impl Evaluated for Graph {
    fn derivations(&self) -> impl Iterator<Item = DerivationRecord<'_>> {
        Graph::derivations(self).map(DerivationRecord::from)
    }

    fn attributes(&self) -> impl Iterator<Item = AttributeRecord<'_>> {
        Graph::attributes(self).map(AttributeRecord::from)
    }
}
