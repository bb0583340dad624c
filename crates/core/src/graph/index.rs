//! Positions in a [`Graph`](super::Graph), one type for each kind of thing.
//!
//! A position is of the graph that gave it: in another it is something else, or there is nothing, and whoever asks panics.

use bytemuck::{Pod, Zeroable};

macro_rules! index {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Pod, Zeroable)]
        #[repr(transparent)]
        pub struct $name(u32);

        impl $name {
            pub(crate) fn new(position: usize) -> Self {
                debug_assert!(position < u32::MAX as usize);
                Self(position as u32)
            }

            /// The position as an index into arrays with an item for each.
            pub fn get(self) -> usize {
                self.0 as usize
            }
        }
    };
}

index! {
    /// A derivation of one graph, and of no other. The order is topological: what a derivation needs has a smaller index.
    DerivationIx
}
index! {
    /// An attribute of one graph. The order is that of attribute path, then system.
    AttributeIx
}
index! {
    /// A package of one graph: derivations that one change would change together.
    PackageIx
}
