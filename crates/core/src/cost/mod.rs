//! What a rebuild costs: how long it takes, what is built already, and how large it is.
//!
//! | question | asked of | told by |
//! |---|---|---|
//! | how long does a derivation take to build? | [`Model`] | [`Durations`] |
//! | does it have to be built? | [`Availability`] | lists of store paths, and [caches](narinfo) |
//! | what is uploaded, and downloaded again? | [`Sizes`] | `nix path-info --json`, and [`narinfo`] |
//!
//! [`Costs`] puts together what is known, and [`Costs::bill`] adds it up for a set of derivations.

mod availability;
mod bill;
mod durations;
mod file;
mod model;
pub mod narinfo;
mod sizes;

pub use availability::{AskedCache, Availability, PathList, Presence};
pub use bill::{Bill, Bytes, Chain, ClosureCost, Estimates, PackageTime, Part, Split, Time};
pub use durations::{DurationFile, Durations};
pub(crate) use file::line_number;
pub use model::{ASSUMED_SECONDS, Class, Evidence, MIN_MEASURED, Model};
pub use sizes::{ClosureSize, PathSize, SizeFile, Sizes};

use crate::error::Result;
use crate::graph::{AttributeIx, Counts, Derivation, DerivationIx, DerivationSet, Graph};

/// What is known of costs, not yet matched with an evaluation; what is `None` is not asked.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Build times.
    pub durations: Option<Durations>,
    /// What is built already.
    pub availability: Option<Availability>,
    /// How large store paths are.
    pub sizes: Option<Sizes>,
}

/// What is known of the costs of an evaluation's derivations.
#[derive(Clone, Debug)]
pub struct Costs<'g> {
    graph: &'g Graph,
    durations: Vec<DurationFile>,
    model: Option<Model>,
    lists: Vec<PathList>,
    caches: Vec<AskedCache>,
    /// Of each derivation.
    presence: Option<Vec<Presence>>,
    sizes: Option<Sizes>,
    /// Whether each attribute is counted; all are, if nothing is said.
    counted: Option<Vec<bool>>,
}

impl<'g> Costs<'g> {
    /// Matches what is known with an evaluation. O(V log V + A + outputs + rows).
    ///
    /// # Errors
    ///
    /// [`Error::NothingMeasured`](crate::error::Error::NothingMeasured) if no build time is of something in the graph.
    pub fn new(graph: &'g Graph, sources: Sources) -> Result<Self> {
        let Sources { durations, availability, sizes } = sources;
        let model = durations.as_ref().map(|durations| Model::new(graph, durations)).transpose()?;
        let durations = durations.map_or_else(Vec::new, |durations| durations.files().to_vec());
        let presence =
            availability.as_ref().map(|availability| graph.derivations().map(|derivation| availability.derivation(derivation)).collect());
        let (lists, caches) =
            availability.map_or_else(Default::default, |availability| (availability.files().to_vec(), availability.caches().to_vec()));
        Ok(Self { graph, durations, model, lists, caches, presence, sizes, counted: None })
    }

    /// The same, but bills count no attributes other than these: derivations may have more than the question was about. O(A).
    #[must_use]
    pub fn counting_only(mut self, attributes: impl IntoIterator<Item = AttributeIx>) -> Self {
        let mut counted = vec![false; self.graph.attribute_count()];
        for attribute in attributes {
            counted[attribute.get()] = true;
        }
        self.counted = Some(counted);
        self
    }

    /// Counts a set of derivations. O(attributes and outputs of the set).
    fn counts(&self, set: &DerivationSet) -> Counts {
        let counts = self.graph.counts(set);
        let Some(counted) = &self.counted else { return counts };
        let attributes = set.iter().flat_map(|ix| self.graph.derivation(ix).attributes());
        Counts { attributes: attributes.filter(|attribute| counted[attribute.ix().get()]).count(), ..counts }
    }

    /// The graph that the costs are of.
    pub fn graph(&self) -> &'g Graph {
        self.graph
    }

    /// The files of build times.
    pub fn durations(&self) -> &[DurationFile] {
        &self.durations
    }

    /// The build times, if any were given.
    pub fn model(&self) -> Option<&Model> {
        self.model.as_ref()
    }

    /// The lists of what is built already.
    pub fn lists(&self) -> &[PathList] {
        &self.lists
    }

    /// The binary caches that were asked.
    pub fn caches(&self) -> &[AskedCache] {
        &self.caches
    }

    /// Whether a derivation has to be built, if anybody was asked.
    pub fn presence(&self, derivation: DerivationIx) -> Option<Presence> {
        Some(*self.presence.as_ref()?.get(derivation.get())?)
    }

    /// Whether anybody was asked what is built already.
    pub fn is_split(&self) -> bool {
        self.presence.is_some()
    }

    /// The sizes, if any were given.
    pub fn sizes(&self) -> Option<&Sizes> {
        self.sizes.as_ref()
    }

    /// The size of what all outputs of a derivation need when they run, themselves included; `None` without sizes.
    pub fn closure_size(&self, derivation: Derivation<'_>) -> Option<ClosureSize> {
        Some(self.sizes.as_ref()?.closure(derivation.outputs().filter_map(|output| output.hash())))
    }
}
