use std::{path::PathBuf, time::Instant};
use waves_core::{graph::*, ingest::*};
fn main() {
    let args: Vec<PathBuf> = std::env::args().skip(1).map(PathBuf::from).collect();
    let t = Instant::now();
    if args.len()==1 && Graph::is_snapshot(&args[0]).unwrap() {
        let g = Graph::open(&args[0]).unwrap(); println!("open {:?}", t.elapsed());
        let t=Instant::now(); let a=g.find_attribute("glibc").next().unwrap(); let c=g.closure(a.derivation().unwrap().package().derivations().map(|d|d.ix()), Direction::Dependents); println!("{} {:?}",c.len(),t.elapsed());
        return;
    }
    let inputs: Vec<_> = args.into_iter().map(Input::Path).collect();
    let i = ingest(&inputs, &()).unwrap();
    println!("ingest {:?} {:?}", t.elapsed(), i.sources);
    let t = Instant::now();
    let g = Graph::build(i, &()).unwrap();
    println!("build {:?}", t.elapsed());
    println!("drv {} attrs {} outputs {} edges {} rebuild edges {} packages {} bytes {} digest {}", g.derivation_count(), g.attribute_count(), g.output_count(), g.edge_count(), g.rebuild_edge_count(), g.package_count(), g.snapshot_bytes(), g.digest());
    for (k, l) in g.findings().iter() { println!("{k:?} {} {:?}", l.count, l.listed.first()); }
    let a=g.find_attribute("glibc").next().unwrap();
    println!("{:?} {} {}", a.derivation(), a.derivation().unwrap().rebuilt_derivations(), a.derivation().unwrap().rebuilt_attributes());
    let p=a.derivation().unwrap().package(); println!("{} {} {:?}", p.rebuilt_derivations(), p.rebuilt_attributes(), p.derivations().collect::<Vec<_>>());
    let t=Instant::now(); g.write("/tmp/x/g.waves".as_ref()).unwrap(); println!("write {:?}", t.elapsed());
}
