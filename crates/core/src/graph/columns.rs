//! The rows and sections that a graph is made of, the same in memory and in a snapshot file.

use bytemuck::{Pod, Zeroable};

use super::index::{AttributeIx, DerivationIx, PackageIx};
use super::reach::Csr;
use super::storage::Storage;
use crate::store_path::StoreHash;

/// Stands for "none" where a row has an index.
pub(super) const NONE: u32 = u32::MAX;

/// The sections of a snapshot, in the order of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(super) enum Section {
    /// JSON: sources, findings, store directory.
    Provenance,
    StringOffsets,
    StringBytes,
    Derivations,
    Outputs,
    OutputOffsets,
    Inputs,
    InputOutputs,
    InputOffsets,
    Users,
    UserOffsets,
    Attributes,
    /// Attributes of each derivation.
    AttributesOf,
    AttributesOfOffsets,
    /// Outputs of the attributes that do not have just those of their derivation.
    AttributeOutputs,
    AttributeOutputOffsets,
    Packages,
    PackageMembers,
    PackageOffsets,
}

/// The number of sections.
pub(super) const SECTIONS: usize = Section::PackageOffsets as usize + 1;

/// Position of a string in the string table; lists are strings too, joined by the separator.
pub(super) type StringIx = u32;

#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(super) struct DerivationRow {
    pub(super) hash: StoreHash,
    pub(super) name: StringIx,
    pub(super) pname: StringIx,
    pub(super) version: StringIx,
    pub(super) system: StringIx,
    pub(super) fixed_hash: StringIx,
    pub(super) features: StringIx,
    pub(super) sources: StringIx,
    /// The derivation that its `src` is an output of, or [`NONE`].
    pub(super) src: u32,
    pub(super) package: PackageIx,
    pub(super) flags: u32,
    pub(super) rebuild_derivations: u32,
    pub(super) rebuild_attributes: u32,
    /// Zero if unknown.
    pub(super) recipe: [u32; 4],
    /// Zero if unknown.
    pub(super) loose_recipe: [u32; 4],
}

/// Bits of [`DerivationRow::flags`].
pub(super) mod derivation_flag {
    pub(in super::super) const FIXED_OUTPUT: u32 = 1;
    pub(in super::super) const PREFER_LOCAL: u32 = 1 << 1;
    pub(in super::super) const FLOATING: u32 = 1 << 2;
    /// No dump says what it needs.
    pub(in super::super) const UNDEFINED: u32 = 1 << 3;
    /// Known by its outputs only.
    pub(in super::super) const NO_PATH: u32 = 1 << 4;
}

#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(super) struct OutputRow {
    pub(super) hash: StoreHash,
    pub(super) name: StringIx,
    /// Name part of its path, or [`NONE`] if the path is unknown.
    pub(super) path_name: u32,
    /// The first output with this path: several derivations may build one path. [`NONE`] in an attribute's row.
    pub(super) first: u32,
}

#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(super) struct AttributeRow {
    pub(super) path: StringIx,
    pub(super) system: StringIx,
    /// Its derivation, or [`NONE`].
    pub(super) derivation: u32,
    /// Evaluation error, or [`NONE`].
    pub(super) error: u32,
    pub(super) position: StringIx,
    pub(super) description: StringIx,
    pub(super) maintainers: StringIx,
    pub(super) teams: StringIx,
    pub(super) licences: StringIx,
    /// List of platforms, or [`NONE`] if `meta` does not restrict them.
    pub(super) hydra_platforms: u32,
    pub(super) flags: u32,
}

/// Bits of [`AttributeRow::flags`].
pub(super) mod attribute_flag {
    pub(in super::super) const BROKEN: u32 = 1;
    pub(in super::super) const UNFREE: u32 = 1 << 1;
    pub(in super::super) const INSECURE: u32 = 1 << 2;
}

#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(super) struct PackageRow {
    pub(super) rebuild_derivations: u32,
    pub(super) rebuild_attributes: u32,
}

/// Typed access to the sections of a storage.
impl Storage {
    pub(super) fn derivations(&self) -> &[DerivationRow] {
        self.column(Section::Derivations)
    }

    pub(super) fn outputs(&self) -> Csr<'_, OutputRow> {
        Csr { offsets: self.column(Section::OutputOffsets), targets: self.column(Section::Outputs) }
    }

    pub(super) fn inputs(&self) -> Csr<'_, DerivationIx> {
        Csr { offsets: self.column(Section::InputOffsets), targets: self.column(Section::Inputs) }
    }

    /// Beside each input, the list of its outputs that are used.
    pub(super) fn input_outputs(&self) -> Csr<'_, StringIx> {
        Csr { offsets: self.column(Section::InputOffsets), targets: self.column(Section::InputOutputs) }
    }

    pub(super) fn users(&self) -> Csr<'_, DerivationIx> {
        Csr { offsets: self.column(Section::UserOffsets), targets: self.column(Section::Users) }
    }

    pub(super) fn attributes(&self) -> &[AttributeRow] {
        self.column(Section::Attributes)
    }

    pub(super) fn attributes_of(&self) -> Csr<'_, AttributeIx> {
        Csr { offsets: self.column(Section::AttributesOfOffsets), targets: self.column(Section::AttributesOf) }
    }

    pub(super) fn attribute_outputs(&self) -> Csr<'_, OutputRow> {
        Csr { offsets: self.column(Section::AttributeOutputOffsets), targets: self.column(Section::AttributeOutputs) }
    }

    pub(super) fn packages(&self) -> &[PackageRow] {
        self.column(Section::Packages)
    }

    pub(super) fn members(&self) -> Csr<'_, DerivationIx> {
        Csr { offsets: self.column(Section::PackageOffsets), targets: self.column(Section::PackageMembers) }
    }

    pub(super) fn strings(&self) -> Csr<'_, u8> {
        Csr { offsets: self.column(Section::StringOffsets), targets: self.column(Section::StringBytes) }
    }

    /// The text at `string`. Checked to be UTF-8 when the snapshot was opened.
    pub(super) fn text(&self, string: StringIx) -> &str {
        std::str::from_utf8(self.strings().row(string as usize)).unwrap_or_default()
    }
}
