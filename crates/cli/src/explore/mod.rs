//! The explorer of `waves explore`: a terminal full of one evaluation, or of what two differ in.
//!
//! [`app`] is what keys do to a stack of pages, [`pages`] what they show, [`draw`] how that looks; none of them knows a terminal, which
//! only [`terminal`] has. Nothing is computed before a page is opened, and a long list's rows not before they are seen.

mod app;
mod draw;
mod pages;
mod terminal;

pub(crate) use app::{App, Evaluations};
pub(crate) use terminal::run;
