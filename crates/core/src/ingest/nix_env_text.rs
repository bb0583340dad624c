//! The text of `nix-env -qaP`, with `--out-path` or `--drv-path`.
//!
//! Columns depend on the flags, so cells are told apart by what they hold: the first is the attribute, one that is a
//! path ending in `.drv` is the derivation, one that begins with a path or `output=/path` lists the outputs.

use super::attribute::{Attribute, push_outputs, push_partial_derivation, split_job};
use super::record::{AttributeRecord, MetaRecord, Names, Records};
use crate::store_path::StorePath;

/// Whether `line` looks like a row of this table.
pub(super) fn looks_like(line: &str) -> bool {
    let mut cells = cells(line);
    cells.next().is_some_and(|attr| !attr.contains('/')) && cells.any(|cell| is_derivation(cell) || is_outputs(cell))
}

/// Reads a row.
pub(super) fn row(records: &mut Records, names: &mut Names<'_>, line: &str) -> Result<(), String> {
    let mut cells = cells(line);
    let attr = cells.next().ok_or("an empty row")?;
    let (mut derivation, mut outputs) = (None, None);
    for cell in cells {
        if derivation.is_none() && is_derivation(cell) {
            derivation = StorePath::parse_derivation(cell);
        } else if outputs.is_none() && is_outputs(cell) {
            outputs = Some(cell);
        }
    }
    if derivation.is_none() && outputs.is_none() {
        return Err(format!("`{attr}` has neither a derivation nor output paths (hint: nix-env needs --out-path or --drv-path)"));
    }
    let outputs = outputs.unwrap_or_default().split(';').filter(|output| !output.is_empty());
    let outputs = outputs.map(|output| match output.split_once('=') {
        Some((name, path)) if !name.contains('/') => (name, Some(path)),
        _ => ("out", Some(output)),
    });
    let outputs = push_outputs(records, names, outputs);
    let derivation = derivation.map(|path| push_partial_derivation(records, names, path, &Attribute::default(), outputs.clone()));
    let (attr, system) = split_job(attr);
    records.attributes.push(AttributeRecord {
        attr: names.intern(attr),
        system: system.map(|system| names.intern(system)),
        derivation_system: None,
        derivation,
        outputs,
        meta: MetaRecord::default(),
        error: None,
    });
    Ok(())
}

/// The cells of a row, from its attribute on.
fn cells(line: &str) -> impl Iterator<Item = &str> {
    let mut cells = line.split_ascii_whitespace().peekable();
    // `--status` puts a column before it. Of an attribute that is named like one, the next cell is a path.
    let status = cells.next_if(|cell| is_status(cell));
    let attr = status.filter(|_| cells.peek().is_none_or(|cell| cell.contains('/')));
    attr.into_iter().chain(cells)
}

/// Whether a cell is `IPS` or a part of it: installed, present, substitutable.
fn is_status(cell: &str) -> bool {
    cell.len() == 3 && cell.bytes().zip(*b"IPS").all(|(byte, letter)| byte == letter || byte == b'-')
}

fn is_derivation(cell: &str) -> bool {
    cell.starts_with('/') && StorePath::parse_derivation(cell).is_some()
}

fn is_outputs(cell: &str) -> bool {
    let first = cell.split(';').next().unwrap_or(cell);
    let path = first.split_once('=').filter(|(name, _)| !name.contains('/')).map_or(first, |(_, path)| path);
    path.starts_with('/') && StorePath::parse(path).is_some()
}

#[cfg(test)]
mod tests {
    use super::super::record::Interner;
    use super::*;

    const HASH: &str = "0ni6gvd2q0z58h77lrfc2b2xff98jsv5";

    #[test]
    fn all_columns() {
        let line = format!(
            "glibc  glibc-2.40  x86_64-linux  /nix/store/{HASH}-glibc-2.40.drv  bin=/nix/store/{HASH}-glibc-2.40-bin;/nix/store/{HASH}-glibc-2.40  GNU C Library"
        );
        let (mut records, interner) = (Records::default(), Interner::new());
        assert!(looks_like(&line));
        row(&mut records, &mut Names::new(&interner), &line).expect("a row");
        let attribute = &records.attributes[0];
        assert_eq!(interner.resolve(attribute.attr), "glibc");
        assert_eq!(interner.resolve(attribute.derivation.expect("derivation").name), "glibc-2.40");
        let names: Vec<_> = records.outputs.iter().map(|output| interner.resolve(output.name)).collect();
        assert_eq!(names, ["bin", "out"]);
    }

    #[test]
    fn hydra_job() {
        let (mut records, interner) = (Records::default(), Interner::new());
        row(&mut records, &mut Names::new(&interner), &format!("a.b.x86_64-linux /nix/store/{HASH}-a")).expect("a row");
        let attribute = &records.attributes[0];
        assert_eq!(
            (interner.resolve(attribute.attr), attribute.system.map(|system| interner.resolve(system))),
            ("a.b".to_owned(), Some("x86_64-linux".to_owned()))
        );
    }

    #[test]
    fn a_status_is_no_attribute() {
        for (line, attr) in [("---  a  /nix/store/", "a"), ("-PS  a  a-1  /nix/store/", "a"), ("IPS  /nix/store/", "IPS")] {
            let (mut records, interner) = (Records::default(), Interner::new());
            row(&mut records, &mut Names::new(&interner), &format!("{line}{HASH}-a")).expect("a row");
            assert_eq!(interner.resolve(records.attributes[0].attr), attr, "{line}");
        }
    }

    #[test]
    fn prose_is_not_a_row() {
        assert!(!looks_like("warning: the Git tree is dirty"));
        assert!(!looks_like(&format!("/nix/store/{HASH}-a.drv")));
    }
}
