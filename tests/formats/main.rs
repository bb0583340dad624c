//! Every format that is read, whole and broken: all routes to one evaluation lead to the same graph.

mod attributes;
mod broken;
mod content_addressed;
mod costs;
mod limits;
mod odd;
mod places;
mod recipes;
mod routes;
mod snapshot;
mod support;
mod systems;
