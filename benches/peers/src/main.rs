//! What `benches/peers/run.py` asks of Rust: the graph as plain lists, and each question of `waves` itself, of petgraph and of a
//! naive search.

mod extract;
mod inputs;
mod json;
mod measure;
mod naive;
mod petgraph;
mod waves;

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;

use inputs::{Inputs, Question};
use measure::Row;

/// What any of the steps may fail with.
type Failure = Box<dyn Error + Send + Sync>;

const USAGE: &str = "usage: waves-peers extract SNAPSHOT ATTRIBUTE DURATIONS DIR
       waves-peers ask waves|petgraph|tred|naive DIR QUESTION...
       waves-peers load DUMP";

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["extract", snapshot, attribute, durations, directory] => {
            extract::extract(Path::new(snapshot), attribute, Path::new(durations), Path::new(directory))
        }
        ["load", dump] => {
            let counts = json::load(Path::new(dump))?.counts();
            Ok(writeln!(io::stdout(), "{counts:?}")?)
        }
        ["ask", tool, directory, ref questions @ ..] => ask(tool, &Inputs::new(Path::new(directory))?, questions),
        _ => Err(USAGE.into()),
    }
}

/// Prints a line of JSON for each way in which a tool answers each of the questions; none if it does not.
fn ask(tool: &str, inputs: &Inputs, questions: &[&str]) -> Result<(), Failure> {
    for question in questions {
        let question: Question = serde_json::from_value((*question).into())?;
        let rows: Vec<Row> = match tool {
            "waves" => waves::ask(question, inputs)?,
            "petgraph" => petgraph::ask(question, inputs)?,
            "tred" => petgraph::ask_transitive_closure(question, inputs)?,
            "naive" => naive::ask(question, inputs)?,
            _ => return Err(USAGE.into()),
        };
        for row in rows {
            writeln!(io::stdout(), "{}", serde_json::to_string(&row)?)?;
        }
    }
    Ok(())
}
