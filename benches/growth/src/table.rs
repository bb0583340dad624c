//! What was measured, as Markdown.

use std::fmt::Write as _;

use crate::Measured;
use crate::stage::Stage;

/// A cell of a size and a stage.
struct Cell {
    size: usize,
    stage: Stage,
    measured: Result<Measured, String>,
}

#[derive(Default)]
pub(crate) struct Table(Vec<Cell>);

impl Table {
    pub(crate) fn measured(&mut self, size: usize, stage: Stage, measured: Measured) {
        self.0.push(Cell { size, stage, measured: Ok(measured) });
    }

    pub(crate) fn failed(&mut self, size: usize, stage: Stage, reason: String) {
        self.0.push(Cell { size, stage, measured: Err(reason) });
    }

    /// Three tables: the sets, times, memory. The exponents are those of V + E, fitted by least squares.
    pub(crate) fn markdown(&self) -> String {
        let mut sizes: Vec<usize> = self.0.iter().map(|cell| cell.size).collect();
        sizes.dedup();
        let mut text = String::new();
        self.sets(&sizes, &mut text);
        self.times(&sizes, &mut text);
        self.memory(&sizes, &mut text);
        for cell in &self.0 {
            if let Err(reason) = &cell.measured {
                let _ = writeln!(text, "\n{} of {} derivations failed: {reason}", cell.stage.name(), grouped(cell.size as u64));
            }
        }
        text
    }

    fn cells(&self, size: usize) -> impl Iterator<Item = &Measured> {
        self.0.iter().filter(move |cell| cell.size == size).filter_map(|cell| cell.measured.as_ref().ok())
    }

    fn known(&self, size: usize, name: &str) -> Option<u64> {
        self.cells(size).flat_map(|measured| &measured.sizes).find(|(known, _)| known == name).map(|(_, value)| *value)
    }

    /// V + E; by the wanted size, if nothing was imported.
    fn graph(&self, size: usize) -> f64 {
        let known = self.known(size, "derivations").zip(self.known(size, "edges"));
        known.map_or(size as f64 * 9.0, |(derivations, edges)| (derivations + edges) as f64)
    }

    fn sets(&self, sizes: &[usize], text: &mut String) {
        heading(text, "set", sizes, false);
        for (name, label) in
            [("edges", "input edges"), ("rebuild edges", "rebuild edges"), ("snapshot", "snapshot"), ("updates", "updates")]
        {
            let _ = write!(text, "| {label}");
            for &size in sizes {
                let cell = self.known(size, name).map(|value| if name == "snapshot" { bytes(value) } else { grouped(value) });
                let _ = write!(text, " | {}", cell.unwrap_or_default());
            }
            text.push_str(" |\n");
        }
        text.push('\n');
    }

    fn times(&self, sizes: &[usize], text: &mut String) {
        heading(text, "time", sizes, true);
        let mut parts: Vec<&str> = Vec::new();
        for (part, _) in sizes.iter().flat_map(|&size| self.cells(size)).flat_map(|measured| &measured.parts) {
            if !parts.contains(&part.as_str()) {
                parts.push(part);
            }
        }
        for part in parts {
            let of =
                |size: usize| self.cells(size).flat_map(|measured| &measured.parts).find(|(known, _)| known == part).map(|(_, time)| *time);
            self.row(text, part, sizes, of, |_, value| seconds(value));
        }
        text.push('\n');
    }

    fn memory(&self, sizes: &[usize], text: &mut String) {
        heading(text, "peak memory (times the snapshot)", sizes, true);
        for stage in Stage::all(&[]) {
            let cell = |size: usize| self.0.iter().find(|cell| cell.size == size && cell.stage == stage);
            let of = |size: usize| cell(size)?.measured.as_ref().ok().map(|measured| measured.peak as f64);
            if stage == Stage::Revise || sizes.iter().all(|&size| cell(size).is_none()) {
                continue;
            }
            let say = |size: usize, value: f64| {
                let ratio = self.known(size, "snapshot").map(|snapshot| format!(" ({:.1})", value / snapshot as f64));
                format!("{}{}", rounded(value), ratio.unwrap_or_default())
            };
            self.row(text, &stage.name(), sizes, of, say);
        }
    }

    /// A row, and the exponent of what is in it.
    fn row(&self, text: &mut String, label: &str, sizes: &[usize], of: impl Fn(usize) -> Option<f64>, say: impl Fn(usize, f64) -> String) {
        let _ = write!(text, "| {label}");
        for &size in sizes {
            let _ = write!(text, " | {}", of(size).map_or_else(|| "–".to_owned(), |value| say(size, value)));
        }
        let points: Vec<(f64, f64)> = sizes.iter().filter_map(|&size| Some((self.graph(size).ln(), of(size)?.ln()))).collect();
        let _ = writeln!(text, " | {} |", slope(&points).map_or_else(|| "–".to_owned(), |slope| format!("{slope:.2}")));
    }
}

fn heading(text: &mut String, label: &str, sizes: &[usize], has_exponent: bool) {
    let _ = write!(text, "| {label}");
    for &size in sizes {
        let _ = write!(text, " | {}", grouped(size as u64));
    }
    text.push_str(if has_exponent { " | exponent |\n|---" } else { " |\n|---" });
    text.push_str(&"|--:".repeat(sizes.len() + usize::from(has_exponent)));
    text.push_str("|\n");
}

/// Slope of the line with the least squared distances; of two points at least.
fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let mean = |of: &dyn Fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / points.len() as f64;
    let (x, y) = (mean(&|point| point.0), mean(&|point| point.1));
    let spread: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    let common: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    (points.len() > 1 && spread > 0.0).then(|| common / spread)
}

fn seconds(value: f64) -> String {
    if value >= 10.0 {
        format!("{value:.0} s")
    } else if value >= 0.1 {
        format!("{value:.2} s")
    } else {
        format!("{:.2} ms", value * 1000.0)
    }
}

fn bytes(value: u64) -> String {
    rounded(value as f64)
}

fn rounded(bytes: f64) -> String {
    let mib = bytes / f64::from(1 << 20);
    if mib >= 10_000.0 { format!("{:.1} GiB", mib / 1024.0) } else { format!("{mib:.0} MiB") }
}

fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponent_of_a_power_is_its_exponent() {
        let points: Vec<(f64, f64)> = [10.0_f64, 300.0, 7000.0].iter().map(|x| (x.ln(), (3.0 * x.powf(1.5)).ln())).collect();
        assert!((slope(&points).expect("three points") - 1.5).abs() < 1e-12);
        assert_eq!(slope(&points[..1]), None);
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(["7", "1234", "10000000"].map(|digits| grouped(digits.parse().expect("a number"))), ["7", "1,234", "10,000,000"]);
    }
}
