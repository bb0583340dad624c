//! Generated package sets: sound everywhere, and shaped like nixpkgs where its evaluation is there to compare with
//! (`WAVES_NIXPKGS_DATA`, else beside the repository).

mod sound;
mod statistics;
