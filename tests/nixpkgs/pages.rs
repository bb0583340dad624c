//! Pages of a whole evaluation.

use waves_core::analysis::{Impact, Scope};
use waves_core::graph::{Direction, Graph};
use waves_core::html::{Subject, page};
use waves_core::plan::{PlanOptions, plan};
use waves_core::report::{Format, ImpactReport, PlanDetail, PlanReport, Report, write};

use crate::support::nixpkgs;

#[test]
fn the_largest_pages_can_be_sent_around() {
    let Some(nixpkgs) = nixpkgs() else { return };
    let (graph, roots) = (&nixpkgs.graph, nixpkgs.root("glibc", Scope::Package).0);
    let planned = plan(graph, roots.clone(), &PlanOptions::default()).expect("a plan");
    let planned = PlanReport::new(graph, &planned, None, PlanDetail::Waves, usize::MAX);
    let impact = Impact::new(graph, &roots, Direction::Dependents, None, None).expect("an impact");
    let impact = ImpactReport::new(&impact, &roots, None, usize::MAX);
    for bytes in [page_of(&planned, graph).len(), page_of(&impact, graph).len()] {
        println!("{bytes} bytes");
        assert!(bytes < 5_000_000, "{bytes} bytes");
    }
}

fn page_of(report: &impl Report, graph: &Graph) -> String {
    let mut json = Vec::new();
    write(report, Format::Json, None, &mut json).expect("JSON");
    page(&Subject::parse(&json, "the report").expect("a report"), Some(graph), None).expect("a page")
}
