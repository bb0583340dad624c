//! Pictures: what is left of a graph in them, and whether those who draw them read what was meant.
//!
//! Mermaid's own parser is asked where `.ci/run` put it (`target/mermaid`), Graphviz where it is installed, and Python's parser of
//! XML. Where one is not there it is not asked, and said so.

mod chains;
mod condensed;
mod readers;
