//! What a rebuild costs: what is built already, and how large it is.

pub mod narinfo;
