//! What one evaluation adds to a history, as columns of small numbers, and as bytes.
//!
//! Columns compress better than rows, and differences better than positions: what is new mostly needs what is near it.

use serde::{Deserialize, Serialize};

use crate::ingest::MAX_RATIO;

/// What an evaluation adds. Positions go on from those of the evaluations before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Frame {
    pub(super) label: String,
    pub(super) time: u64,
    /// Distinct output paths of the evaluation.
    pub(super) outputs: u32,
    /// New strings, and the length of each in bytes.
    pub(super) text: String,
    pub(super) text_lengths: Vec<u32>,
    pub(super) descriptions: Vec<Description>,
    pub(super) derivations: Derivations,
    pub(super) paths: Paths,
    pub(super) ended: Vec<u32>,
    pub(super) begun: Begun,
    pub(super) namings_ended: Vec<u32>,
    pub(super) namings: Namings,
}

/// What derivations say of themselves apart from hashes; the same for nearly all generations of one. Strings by position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Description {
    pub(super) name: u32,
    pub(super) pname: u32,
    pub(super) version: u32,
    pub(super) system: u32,
    /// Names of its outputs, joined by [`OUTPUT_SEPARATOR`].
    pub(super) outputs: u32,
    pub(super) flags: u8,
}

/// Stands between names of outputs; none has it.
pub(super) const OUTPUT_SEPARATOR: char = '\u{1f}';

/// Bits of [`Description::flags`].
pub(super) mod flag {
    pub(in super::super) const FIXED_OUTPUT: u8 = 1;
    pub(in super::super) const FLOATING: u8 = 1 << 1;
    /// Known by its outputs only.
    pub(in super::super) const NO_PATH: u8 = 1 << 2;
}

/// New derivations, each behind its inputs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Derivations {
    /// 20 bytes each.
    pub(super) hashes: Vec<u8>,
    pub(super) descriptions: Vec<u32>,
    /// How far before it the first derivation of its package is.
    pub(super) packages: Vec<u32>,
    pub(super) input_counts: Vec<u32>,
    /// For each derivation how far before it its nearest input is, then from each input to the next before it.
    pub(super) input_gaps: Vec<u32>,
    /// For each output: 0 for a new path, else how far the path is before the next new one.
    pub(super) outputs: Vec<u32>,
}

/// New output paths.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Paths {
    /// 20 bytes each; zero if only the build tells.
    pub(super) hashes: Vec<u8>,
    /// Names that are not the derivation's, with `-` and the output's name unless that is `out`: 0, or a string's position + 1.
    pub(super) names: Vec<u32>,
}

/// Derivations that were known and are there again, or belong to another package now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Begun {
    pub(super) derivations: Vec<u32>,
    pub(super) packages: Vec<u32>,
}

/// Attributes that are new, or name another derivation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Namings {
    pub(super) paths: Vec<u32>,
    pub(super) systems: Vec<u32>,
    /// 0 if it does not evaluate, else how far its derivation is before the next new one.
    pub(super) derivations: Vec<u32>,
}

/// The fastest level at which differences cost less than the hashes beside them, which no level makes smaller.
const LEVEL: i32 = 9;

impl Frame {
    /// Compressed, and the length before.
    pub(super) fn encode(&self) -> std::io::Result<(Vec<u8>, usize)> {
        let bytes = postcard::to_stdvec(self).map_err(std::io::Error::other)?;
        Ok((zstd::bulk::compress(&bytes, LEVEL)?, bytes.len()))
    }

    /// Of compressed bytes, and the length before. O(bytes), of which there are no more than a dump may unpack to.
    pub(super) fn decode(compressed: &[u8], length: usize) -> Result<Self, String> {
        let most = (compressed.len() as u64).saturating_mul(MAX_RATIO);
        if length as u64 > most {
            return Err(format!("it unpacks to more than {MAX_RATIO} times its size"));
        }
        let bytes = zstd::bulk::decompress(compressed, length).map_err(|error| error.to_string())?;
        match postcard::take_from_bytes(&bytes).map_err(|error| error.to_string())? {
            (frame, []) => Ok(frame),
            (_, rest) => Err(format!("{} bytes follow what it describes", rest.len())),
        }
    }
}
