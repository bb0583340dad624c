//! The report of `waves notify`.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde::Serialize;

use super::check::Basis;
use super::diff::{DoubtReport, LeftOutReport, comparison_lines};
use super::document::{Column, Document, Table};
use super::evaluation::{CountsReport, EvaluationReport, RootReport};
use super::{FORMAT_VERSION, Report};
use crate::analysis::{AttributeName, Change, Diff, Root};
use crate::graph::{Attribute, Graph};
use crate::notify::{AttributeCounts, Build, Causes, Notice, Notices, NotifyOptions, PackageNotice, Recipient, RecipientKind, Role};
use crate::plan::Plan;
use crate::text::{clean, counted, number};

/// Characters of a file of one recipient: a comment on GitHub may have no more.
const COMMENT_CHARS: usize = 65_536;
/// Causes that are named in the first lines.
const SHOWN_CAUSES: usize = 8;
/// Steps of a way that are shown at each end.
const SHOWN_STEPS: usize = 2;

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotifyDetail {
    /// How the change is known.
    pub basis: Basis,
    /// Whether the digests themselves are in the text, or only who gets one.
    pub digests: bool,
    /// Whether Markdown mentions recipients that are told one by one, so that GitHub notifies them.
    pub mention: bool,
    /// Items of each list.
    pub limit: usize,
}

/// Who is told of a change, and what.
#[derive(Clone, Debug, Serialize)]
pub struct NotifyReport {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The evaluation.
    pub evaluation: EvaluationReport,
    /// How the change is known.
    pub basis: Basis,
    /// Why two evaluations may not be neighbours.
    pub doubts: Vec<DoubtReport>,
    /// Attributes of package sets that only one of two evaluations covers, and which were not compared.
    pub left_out: LeftOutReport,
    /// What causes the change, as `diff` and `check` call it.
    pub causes: Vec<RootReport>,
    /// Everything that is rebuilt.
    pub rebuilds: CountsReport,
    /// The rebuilt attributes by whether anybody is told of them.
    pub attributes: AttributeCountsReport,
    /// Attributes that are removed.
    pub removed: usize,
    /// Who was named for them, in the evaluation before the change; with `only`, those of that recipient.
    pub removed_attributes: Vec<RemovedReport>,
    /// Removed attributes that were left out.
    pub removed_attributes_omitted: usize,
    /// Removed attributes that are still there after the change, but do not evaluate.
    pub no_longer_evaluated: Vec<String>,
    /// Recipients that are told one by one, at most.
    pub cap: usize,
    /// The only recipient that was asked for.
    pub only: Option<String>,
    /// The owners file.
    pub owners: Option<OwnersReport>,
    /// Who is told one by one.
    pub people: Vec<DigestReport>,
    /// Everybody else who is named.
    pub overflow: Vec<RecipientReport>,
    /// Recipients that were left out of `overflow`.
    pub overflow_omitted: usize,
    /// Packages that nobody is named for.
    pub unmaintained: Vec<UnmaintainedReport>,
    /// Packages that were left out of `unmaintained`.
    pub unmaintained_omitted: usize,
    #[serde(skip)]
    detail: NotifyDetail,
}

/// Rebuilt attributes, each counted once.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct AttributeCountsReport {
    /// Somebody is named for their derivation.
    pub named: usize,
    /// Nobody is.
    pub unnamed: usize,
    /// They were broken before.
    pub broken: usize,
    /// They did not evaluate before.
    pub failed: usize,
}

/// An owners file.
#[derive(Clone, Debug, Serialize)]
pub struct OwnersReport {
    /// The file.
    pub file: String,
    /// Its rules.
    pub rules: usize,
    /// Rules that decided over a rebuilt attribute.
    pub used: usize,
}

/// Who is named, and for how much.
#[derive(Clone, Debug, Serialize)]
pub struct RecipientReport {
    /// As `meta` or the owners file names them.
    pub name: String,
    /// `person` or `team`.
    pub kind: &'static str,
    /// What GitHub would mention them by, without the `@`; `None` if the name is no handle.
    pub handle: Option<String>,
    /// `changed`, `direct` or `transitive`: the closest of their packages; `None` if none is rebuilt.
    pub role: Option<&'static str>,
    /// Packages of theirs that change themselves.
    pub changed: usize,
    /// Packages of theirs that need a cause directly.
    pub direct: usize,
    /// Packages of theirs that are rebuilt through others.
    pub transitive: usize,
    /// Their attributes that are rebuilt.
    pub attributes: usize,
    /// The derivations of these.
    pub derivations: usize,
    /// Attributes of theirs that were broken before, and are left out.
    pub broken: usize,
    /// The most attributes that one of their foremost packages rebuilds.
    pub rebuilds_attributes: u32,
}

/// What one recipient is told.
#[derive(Clone, Debug, Serialize)]
pub struct DigestReport {
    /// Who.
    #[serde(flatten)]
    pub recipient: RecipientReport,
    /// Causes that reach any of the packages: the nearest, and some.
    pub causes: Vec<String>,
    /// How many more there are.
    pub causes_omitted: usize,
    /// Their packages, the foremost first.
    pub packages: Vec<PackageReport>,
    /// Packages that were left out.
    pub packages_omitted: usize,
    #[serde(skip)]
    who: Recipient,
}

/// What is told of one package.
#[derive(Clone, Debug, Serialize)]
pub struct PackageReport {
    /// The shortest attribute path.
    pub package: String,
    /// Its version; empty if it has none.
    pub version: String,
    /// `changed`, `direct` or `transitive`.
    pub role: &'static str,
    /// Whether its `meta` names the recipient.
    pub maintainer: bool,
    /// Whether the owners file does.
    pub owner: bool,
    /// What to do.
    pub to_do: &'static str,
    /// Commands for it.
    pub commands: Vec<String>,
    /// Causes that reach it: the nearest, and some.
    pub causes: Vec<String>,
    /// How many more there are.
    pub causes_omitted: usize,
    /// A shortest way from a cause, both included.
    pub path: Vec<String>,
    /// The wave in which the last of its derivations is rebuilt, counted from 1.
    pub wave: Option<usize>,
    /// What that wave is about.
    pub wave_name: Option<String>,
    /// Its level, counted from 1.
    pub level: Option<usize>,
    /// Hours from the start of the rebuild until it is done, if durations are known.
    pub hours: Option<f64>,
    /// The most attributes that one of its derivations rebuilds, itself included.
    pub rebuilds_attributes: u32,
    /// Its derivations that the recipient is named for.
    pub derivations: Vec<BuildReport>,
    /// Attributes that the commands are about.
    #[serde(skip)]
    typed: Vec<String>,
}

/// A derivation that is rebuilt.
#[derive(Clone, Debug, Serialize)]
pub struct BuildReport {
    /// The shortest of its attribute paths.
    pub attribute: String,
    /// The others.
    pub aliases: Vec<String>,
    /// Its system.
    pub system: String,
    /// Its path.
    pub derivation: String,
    /// `changed`, `direct` or `transitive`.
    pub role: &'static str,
    /// The wave in which it is rebuilt, counted from 1.
    pub wave: Option<usize>,
    /// The level in which it is rebuilt, counted from 1.
    pub level: Option<usize>,
    /// `broken`, `unfree`, `insecure`, `off-hydra`.
    pub flags: Vec<&'static str>,
}

/// A package that nobody is named for.
#[derive(Clone, Debug, Serialize)]
pub struct UnmaintainedReport {
    /// The shortest attribute path.
    pub package: String,
    /// `changed`, `direct` or `transitive`.
    pub role: &'static str,
    /// Its attributes that are rebuilt.
    pub attributes: usize,
    /// The derivations of these.
    pub derivations: usize,
    /// The most attributes that one of them rebuilds, itself included.
    pub rebuilds_attributes: u32,
}

/// An attribute that is removed, and who was named for it.
#[derive(Clone, Debug, Serialize)]
pub struct RemovedReport {
    /// Its attribute path.
    pub attribute: String,
    /// The system that it was evaluated for; empty if unknown.
    pub system: String,
    /// Its maintainers before the change.
    pub maintainers: Vec<String>,
    /// Its teams before the change.
    pub teams: Vec<String>,
}

impl RemovedReport {
    /// Some attributes, which are sorted, as the evaluation before has them.
    fn all(before: &Graph, names: &[AttributeName]) -> Vec<Self> {
        let removed = |attribute: Attribute<'_>| names.binary_search(&AttributeName::new(attribute)).ok();
        let found: BTreeMap<usize, Attribute<'_>> = before.attributes().filter_map(|known| Some((removed(known)?, known))).collect();
        let report = |(at, name): (usize, &AttributeName)| Self {
            attribute: name.path.clone(),
            system: name.system.clone(),
            maintainers: found.get(&at).into_iter().flat_map(|known| known.maintainers()).map(str::to_owned).collect(),
            teams: found.get(&at).into_iter().flat_map(|known| known.teams()).map(str::to_owned).collect(),
        };
        names.iter().enumerate().map(report).collect()
    }

    /// Whether somebody who was named for it can be meant by what was typed.
    fn is_of(&self, typed: &str, organisation: Option<&str>) -> bool {
        let people = self.maintainers.iter().map(|name| Recipient::person(name));
        let teams = self.teams.iter().map(|name| Recipient::team(name, organisation));
        people.chain(teams).any(|recipient| recipient.is_named(typed))
    }

    fn cells(&self) -> Vec<String> {
        vec![self.attribute.clone(), self.system.clone(), self.maintainers.join(", "), self.teams.join(", ")]
    }
}

/// A file for somebody: its name, without directory, and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotifyFile {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub content: Vec<u8>,
}

/// The file that says which file is whose.
#[derive(Debug, Serialize)]
struct IndexReport<'r> {
    format_version: u32,
    evaluation: &'r EvaluationReport,
    causes: Vec<&'r str>,
    cap: usize,
    people: Vec<IndexEntry<'r>>,
    overflow_file: &'r str,
    overflow: &'r [RecipientReport],
    overflow_omitted: usize,
}

#[derive(Debug, Serialize)]
struct IndexEntry<'r> {
    file: &'r str,
    #[serde(flatten)]
    recipient: &'r RecipientReport,
}

/// The heading of what is removed.
const REMOVED: &str = "Removed, and who maintained it";
/// Names of files that are nobody's.
const OVERFLOW: &str = "overflow";
const INDEX: &str = "index";

impl NotifyReport {
    /// Of what [`notify`](crate::notify::notify) found in a change, with the same plan and options; `diff` is what two evaluations
    /// differ in, if the change was read from them.
    pub fn new(
        change: &Change<'_>,
        diff: Option<&Diff<'_>>,
        plan: Option<&Plan<'_>>,
        options: &NotifyOptions<'_>,
        found: &Notices<'_>,
        detail: NotifyDetail,
    ) -> Self {
        let graph = found.graph();
        let causes: Vec<RootReport> = change.causes.iter().map(|cause| cause_report(graph, cause, detail.basis)).collect();
        let namer = Namer { found, plan, causes: &causes };
        let (told, others) = found.notices.split_at(found.told);
        let people = told.iter().map(|notice| DigestReport::new(&namer, notice, detail.limit)).collect();
        let (before, after) = diff.map_or((0, 0), |diff| diff.left_out);
        let rebuilds = diff.map_or_else(|| change.impact.rebuild_counts(), Diff::rebuild_counts);
        let mut removed = RemovedReport::all(options.before.unwrap_or(graph), &change.attributes.removed);
        removed.retain(|removed| options.only.is_none_or(|name| removed.is_of(name, options.organisation)));
        let removed_omitted = removed.len().saturating_sub(detail.limit);
        removed.truncate(detail.limit);
        Self {
            format_version: FORMAT_VERSION,
            evaluation: EvaluationReport::new(graph),
            basis: detail.basis,
            doubts: diff.into_iter().flat_map(|diff| &diff.doubts).map(DoubtReport::new).collect(),
            left_out: LeftOutReport { before, after },
            rebuilds: CountsReport { attributes: found.attributes.total(), ..rebuilds.into() },
            attributes: found.attributes.into(),
            removed: change.attributes.removed.len(),
            removed_attributes: removed,
            removed_attributes_omitted: removed_omitted,
            no_longer_evaluated: diff.into_iter().flat_map(|diff| &diff.no_longer_evaluated).map(ToString::to_string).collect(),
            cap: options.cap,
            only: options.only.map(str::to_owned),
            owners: options.owners.map(|owners| OwnersReport {
                file: owners.file().to_owned(),
                rules: owners.rules().len(),
                used: found.owner_rules.len(),
            }),
            people,
            overflow: others.iter().take(detail.limit).map(RecipientReport::new).collect(),
            overflow_omitted: others.len().saturating_sub(detail.limit),
            unmaintained: found.unnamed.iter().take(detail.limit).map(|package| UnmaintainedReport::new(graph, package)).collect(),
            unmaintained_omitted: found.unnamed.len().saturating_sub(detail.limit),
            causes,
            detail,
        }
    }

    /// A file for each recipient that is told, one for all others and for what is removed, and an index.
    ///
    /// Names are made from checked handles, or from letters and digits, and are different. A recipient's file has at most
    /// 65,536 characters, as a comment on GitHub: of the packages, those behind are left out and counted.
    ///
    /// # Errors
    ///
    /// [`io::Error`] if the index cannot be serialised.
    pub fn files(&self) -> io::Result<Vec<NotifyFile>> {
        let names = self.file_names();
        let mut files = Vec::with_capacity(self.people.len() + 2);
        for (digest, name) in self.people.iter().zip(&names) {
            files.push(NotifyFile { name: name.clone(), content: digest.comment(self.detail.mention)? });
        }
        let overflow_file = format!("{OVERFLOW}.md");
        files.push(NotifyFile { name: overflow_file.clone(), content: markdown(&self.overflow_document())? });
        let index = IndexReport {
            format_version: self.format_version,
            evaluation: &self.evaluation,
            causes: self.causes.iter().map(|cause| cause.label.as_str()).collect(),
            cap: self.cap,
            people: self.people.iter().zip(&names).map(|(digest, file)| IndexEntry { file, recipient: &digest.recipient }).collect(),
            overflow_file: &overflow_file,
            overflow: &self.overflow,
            overflow_omitted: self.overflow_omitted,
        };
        let mut content = serde_json::to_vec_pretty(&index)?;
        content.push(b'\n');
        files.push(NotifyFile { name: format!("{INDEX}.json"), content });
        Ok(files)
    }

    /// A name for each recipient that is told. A `_` and a number tell apart what would be the same: no handle has a `_`.
    fn file_names(&self) -> Vec<String> {
        let mut taken: BTreeSet<String> = [OVERFLOW, INDEX].map(str::to_owned).into();
        let mut free = |stem: String| {
            let numbered = (2..).map(|number| format!("{stem}_{number}"));
            let name = std::iter::once(stem.clone()).chain(numbered).find(|name| !taken.contains(name)).unwrap_or(stem);
            taken.insert(name.clone());
            format!("{name}.md")
        };
        self.people.iter().map(|digest| free(digest.who.file_stem())).collect()
    }

    /// Recipients that are told one by one, those of what changed or the others.
    fn people_table(&self, is_changed: bool) -> Table {
        let mut table = Table::new(&RECIPIENT_COLUMNS);
        let people = self.people.iter().filter(|digest| (digest.recipient.changed > 0) == is_changed);
        table.rows = people.map(|digest| [digest.recipient.cells(), vec![digest.foremost()]].concat()).collect();
        table
    }

    fn overflow_table(&self) -> Table {
        let mut table = Table::new(&RECIPIENT_COLUMNS[..RECIPIENT_COLUMNS.len() - 1]);
        table.rows = self.overflow.iter().map(RecipientReport::cells).collect();
        table.omitted = self.overflow_omitted;
        table
    }

    fn overflow_document(&self) -> Document {
        let count = self.overflow.len() + self.overflow_omitted;
        let mut document = Document::default();
        if count > 0 || self.removed_attributes.is_empty() {
            document.heading(format!("{} not told one by one", counted(count, "recipient", "recipients")));
            document.line(format!("Only the first {} are, so that a large rebuild does not disturb everybody.", number(self.cap as u64)));
            document.table(self.overflow_table());
        }
        document.section(REMOVED, self.removed_table());
        document
    }

    fn unmaintained_table(&self) -> Table {
        let mut table = Table::new(&[
            Column::Text("package"),
            Column::Word("role"),
            Column::Number("attributes"),
            Column::Detail("derivations"),
            Column::Number("rebuilds"),
        ]);
        let row = |package: &UnmaintainedReport| {
            let counts = [package.attributes, package.derivations].map(|count| number(count as u64));
            [vec![package.package.clone(), package.role.to_owned()], counts.to_vec(), vec![number(package.rebuilds_attributes)]].concat()
        };
        table.rows = self.unmaintained.iter().map(row).collect();
        table.omitted = self.unmaintained_omitted;
        table
    }

    fn removed_table(&self) -> Table {
        let columns = [Column::Text("attribute"), Column::Word("system"), Column::Text("maintainers"), Column::Text("teams")];
        let mut table = Table::new(&columns);
        table.rows = self.removed_attributes.iter().map(RemovedReport::cells).collect();
        table.omitted = self.removed_attributes_omitted;
        table
    }

    fn recipients_line(&self) -> String {
        let (told, others) = (self.people.len(), self.overflow.len() + self.overflow_omitted);
        match (told, others) {
            (0, 0) => "There is nobody to tell.".to_owned(),
            (_, 0) => format!("{}, told one by one.", counted(told, "recipient", "recipients")),
            _ => format!(
                "{}: {} told one by one (--cap), {} in one list.",
                counted(told + others, "recipient", "recipients"),
                number(told as u64),
                number(others as u64)
            ),
        }
    }

    /// What is rebuilt, and how much of it somebody is named for.
    fn count_lines(&self) -> Vec<String> {
        let AttributeCountsReport { named, unnamed, broken, failed } = self.attributes;
        let mut lines = vec![format!(
            "Rebuilt: {} of {}. Somebody is named for {}, nobody for {}.",
            counted(self.rebuilds.attributes, "attribute", "attributes"),
            counted(self.rebuilds.derivations, "derivation", "derivations"),
            number(named as u64),
            number(unnamed as u64)
        )];
        let left_out = [(broken, "broken before"), (failed, "not evaluating before")];
        let left_out = left_out.into_iter().filter(|(count, _)| *count > 0);
        lines.extend(left_out.map(|(count, why)| format!("Left out, since {why}: {}.", counted(count, "attribute", "attributes"))));
        if self.removed > 0 {
            lines.push(format!("{} removed.", counted(self.removed, "attribute is", "attributes are")));
        }
        let rules = |owners: &OwnersReport| {
            let rules = counted(owners.rules, "rule", "rules");
            format!("owners {}: {} of {rules} decide over something rebuilt.", owners.file, number(owners.used as u64))
        };
        lines.extend(self.owners.as_ref().map(rules));
        lines
    }
}

impl From<AttributeCounts> for AttributeCountsReport {
    fn from(AttributeCounts { named, unnamed, broken, failed }: AttributeCounts) -> Self {
        Self { named, unnamed, broken, failed }
    }
}

/// The columns of a table of recipients.
const RECIPIENT_COLUMNS: [Column; 7] = [
    Column::Text("who"),
    Column::Number("changed"),
    Column::Number("direct"),
    Column::Number("further"),
    Column::Detail("attributes"),
    Column::Detail("rebuilds"),
    Column::Text("foremost"),
];

impl RecipientReport {
    fn new(notice: &Notice) -> Self {
        let count = |role| notice.packages_of(role).count();
        Self {
            name: notice.recipient.name().to_owned(),
            kind: match notice.recipient.kind() {
                RecipientKind::Person => "person",
                RecipientKind::Team => "team",
            },
            handle: notice.recipient.handle().map(str::to_owned),
            role: notice.role().map(role_name),
            changed: count(Role::Changed),
            direct: count(Role::Direct),
            transitive: count(Role::Transitive),
            attributes: notice.attributes(),
            derivations: notice.derivations(),
            broken: notice.broken,
            rebuilds_attributes: notice.rebuilds(),
        }
    }

    fn label(&self) -> String {
        if self.kind == "team" { format!("{} (team)", self.name) } else { self.name.clone() }
    }

    fn cells(&self) -> Vec<String> {
        let counts = [self.changed, self.direct, self.transitive, self.attributes].map(|count| number(count as u64));
        [vec![self.label()], counts.to_vec(), vec![number(self.rebuilds_attributes)]].concat()
    }
}

/// What names positions: the graph, the plan's waves, and the causes.
struct Namer<'n, 'g> {
    found: &'n Notices<'g>,
    plan: Option<&'n Plan<'n>>,
    causes: &'n [RootReport],
}

impl Namer<'_, '_> {
    /// Labels of some causes, and how many more there are.
    fn causes(&self, causes: &Causes) -> (Vec<String>, usize) {
        let listed: Vec<String> = causes.listed.iter().map(|&cause| self.causes[cause].label.clone()).collect();
        let omitted = causes.total.saturating_sub(listed.len());
        (listed, omitted)
    }
}

/// The columns of a table of packages, before and behind that of the causes.
const PACKAGE_COLUMNS: ([Column; 5], [Column; 2]) = (
    [Column::Text("package"), Column::Detail("rebuilds"), Column::Number("wave"), Column::Detail("level"), Column::Text("through")],
    [Column::Word("notes"), Column::Text("wave is about")],
);

impl DigestReport {
    fn new(namer: &Namer<'_, '_>, notice: &Notice, limit: usize) -> Self {
        let (causes, causes_omitted) = namer.causes(&notice.causes);
        Self {
            recipient: RecipientReport::new(notice),
            causes,
            causes_omitted,
            packages: notice.packages.iter().take(limit).map(|package| PackageReport::new(namer, package)).collect(),
            packages_omitted: notice.packages.len().saturating_sub(limit),
            who: notice.recipient.clone(),
        }
    }

    /// The package that brings them to the front.
    fn foremost(&self) -> String {
        self.packages.first().map(|package| package.package.clone()).unwrap_or_default()
    }

    /// As Markdown that fits into a comment.
    fn comment(&self, mention: bool) -> io::Result<Vec<u8>> {
        let mut rows = self.packages.len();
        loop {
            let content = markdown(&self.document(mention, rows))?;
            if content.len() <= COMMENT_CHARS || rows <= 1 {
                return Ok(content);
            }
            rows /= 2;
        }
    }

    /// What the recipient is told, of at most so many packages.
    fn document(&self, mention: bool, rows: usize) -> Document {
        let mut document = Document::default();
        document.heading(format!("{}: {}", self.recipient.label(), self.summary()));
        if mention {
            document.mention(&self.who);
        }
        if !self.causes.is_empty() {
            let noun = if self.causes.len() + self.causes_omitted == 1 { "Cause" } else { "Causes" };
            document.line(format!("{noun}: {}", and_more(&self.causes, self.causes_omitted)));
        }
        if self.recipient.broken > 0 {
            document.line(format!("Left out, since broken before: {}.", counted(self.recipient.broken, "attribute", "attributes")));
        }
        let shown = &self.packages[..rows.min(self.packages.len())];
        for role in [Role::Changed, Role::Direct, Role::Transitive] {
            let packages: Vec<&PackageReport> = shown.iter().filter(|package| package.role == role_name(role)).collect();
            if !packages.is_empty() {
                document.line(advice(role));
                document.table(self.package_table(&packages));
                document.code(commands_of(&packages));
            }
        }
        let omitted = self.packages_omitted + self.packages.len() - shown.len();
        if omitted > 0 {
            document.line(format!("… and {} (--only with --limit 0 shows all)", counted(omitted, "more package", "more packages")));
        }
        document
    }

    fn package_table(&self, packages: &[&PackageReport]) -> Table {
        let (start, end) = PACKAGE_COLUMNS;
        // One cause is the same in every row.
        let causes = (self.causes.len() > 1).then_some(Column::Text("causes"));
        let columns: Vec<Column> = start.into_iter().chain(causes).chain(end).collect();
        let mut table = Table::new(&columns);
        table.rows = packages.iter().map(|package| package.cells(causes.is_some())).collect();
        table
    }

    fn summary(&self) -> String {
        let RecipientReport { changed, direct, transitive, .. } = self.recipient;
        let parts = [
            (changed, counted(changed, "package changes", "packages change")),
            (direct, counted(direct, "direct dependent", "direct dependents")),
            (transitive, counted(transitive, "further dependent", "further dependents")),
        ];
        let parts: Vec<String> = parts.into_iter().filter(|(count, _)| *count > 0).map(|(_, part)| part).collect();
        if parts.is_empty() { "nothing of theirs is rebuilt".to_owned() } else { parts.join(", ") }
    }
}

/// A cause, as `diff` and `check` call it. That may be no name of what stands for it, whose version would be wrong then: a swapped input,
/// and a file, are none of what they change.
fn cause_report(graph: &Graph, cause: &Root, basis: Basis) -> RootReport {
    let (face, name) = (graph.derivation(cause.face), basis.name_of(graph, cause));
    let is_face = name == face.name() || face.attributes().any(|attribute| attribute.path() == name);
    let version = if is_face { face.version() } else { "" };
    RootReport { label: name.to_owned(), version: version.to_owned(), ..RootReport::new(graph, cause) }
}

/// A line for all causes: two evaluations may have hundreds.
fn cause_line(causes: &[RootReport]) -> String {
    let named = |cause: &RootReport| format!("{} {}", cause.label, cause.version).trim_end().to_owned();
    let shown: Vec<String> = causes.iter().take(SHOWN_CAUSES).map(named).collect();
    if shown.is_empty() {
        return "causes: none".to_owned();
    }
    format!("{}: {}", if causes.len() == 1 { "cause" } else { "causes" }, and_more(&shown, causes.len() - shown.len()))
}

/// Some names, and how many more there are.
fn and_more(names: &[String], omitted: usize) -> String {
    let more = (omitted > 0).then(|| format!("+ {} more", number(omitted as u64)));
    names.iter().cloned().chain(more).collect::<Vec<_>>().join(", ")
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Changed => "changed",
        Role::Direct => "direct",
        Role::Transitive => "transitive",
    }
}

/// What to do about all packages of a role.
fn advice(role: Role) -> &'static str {
    match role {
        Role::Changed => "What changes: review it.",
        Role::Direct => "Direct dependents: build them, and run the tests of those that have any.",
        Role::Transitive => "Further dependents: nothing to do, unless one breaks.",
    }
}

fn to_do(role: Role) -> &'static str {
    match role {
        Role::Changed => "review the change",
        Role::Direct => "build it, and run its tests if it has any",
        Role::Transitive => "nothing, unless it breaks",
    }
}

/// Commands that build packages at once, and the tests of each: one without tests would stop the others.
fn commands_of(packages: &[&PackageReport]) -> Vec<String> {
    let typed = distinct(packages.iter().flat_map(|package| &package.typed).map(String::as_str));
    let all: Vec<String> = typed.iter().map(|attribute| shell_word(attribute)).collect();
    let build = (!all.is_empty()).then(|| format!("nix-build --keep-going -A {}", all.join(" -A ")));
    build.into_iter().chain(typed.into_iter().map(test_command)).collect()
}

/// Attribute paths, each once: it is the same for each system.
fn distinct<'p>(paths: impl Iterator<Item = &'p str>) -> Vec<&'p str> {
    let mut seen = BTreeSet::new();
    paths.filter(|&path| seen.insert(path)).collect()
}

impl PackageReport {
    fn new(namer: &Namer<'_, '_>, package: &PackageNotice) -> Self {
        let graph = namer.found.graph();
        let (causes, causes_omitted) = namer.causes(&package.causes);
        let last = package.builds.iter().filter_map(|build| build.when).max_by_key(|when| when.level);
        let direct = package.builds.iter().filter(|build| package.role == Role::Direct && build.role == Role::Direct);
        let typed = distinct(direct.map(|build| attribute_paths(graph, build)[0]).filter(|path| clean(path) == *path));
        let typed: Vec<String> = typed.into_iter().map(str::to_owned).collect();
        Self {
            package: package_label(graph, package),
            version: graph.derivation(package.builds[0].derivation).version().to_owned(),
            role: role_name(package.role),
            maintainer: package.is_maintained,
            owner: package.is_owned,
            to_do: to_do(package.role),
            commands: typed.iter().flat_map(|attribute| [build_command(attribute), test_command(attribute)]).collect(),
            causes,
            causes_omitted,
            path: namer.found.path_to(package).into_iter().map(|step| step.label().to_owned()).collect(),
            wave: last.map(|when| when.wave + 1),
            wave_name: last.zip(namer.plan).map(|(when, plan)| plan.waves[when.wave].name.clone()),
            level: last.map(|when| when.level + 1),
            hours: last.and_then(|when| when.hours),
            rebuilds_attributes: package.rebuilds,
            derivations: package.builds.iter().map(|build| BuildReport::new(graph, build)).collect(),
            typed,
        }
    }

    fn cells(&self, with_causes: bool) -> Vec<String> {
        let shown = |count: Option<usize>| count.map(|count| number(count as u64)).unwrap_or_default();
        // Where the way ends is in the first cell.
        let through = self.path.split_last().map(|(_, steps)| shortened(steps)).unwrap_or_default();
        let mut notes: BTreeSet<&str> = self.derivations.iter().flat_map(|build| build.flags.iter().copied()).collect();
        notes.extend(self.owner.then_some("owner"));
        let mut cells = vec![self.label(), number(self.rebuilds_attributes), shown(self.wave), shown(self.level), through];
        cells.extend(with_causes.then(|| and_more(&self.causes, self.causes_omitted)));
        cells.extend([notes.into_iter().collect::<Vec<_>>().join(", "), self.wave_name.clone().unwrap_or_default()]);
        cells
    }

    /// Its attribute, aliases, and how many more derivations it has.
    fn label(&self) -> String {
        let builds = self.derivations.iter().filter(|build| build.attribute == self.package);
        let aliases = distinct(builds.flat_map(|build| build.aliases.iter().map(String::as_str)));
        let aliases = if aliases.is_empty() { String::new() } else { format!(" ({})", aliases.join(", ")) };
        let others = self.derivations.len() - 1;
        let others = if others == 0 { String::new() } else { format!(" and {}", counted(others, "variant", "variants")) };
        format!("{}{aliases}{others}", self.package)
    }
}

/// A way, without its middle if it is long.
fn shortened(steps: &[String]) -> String {
    if steps.len() <= 2 * SHOWN_STEPS + 1 {
        return steps.join(" → ");
    }
    let (first, last) = (&steps[..SHOWN_STEPS], &steps[steps.len() - SHOWN_STEPS..]);
    format!("{} → … {} more … → {}", first.join(" → "), steps.len() - 2 * SHOWN_STEPS, last.join(" → "))
}

impl BuildReport {
    fn new(graph: &Graph, build: &Build) -> Self {
        let derivation = graph.derivation(build.derivation);
        let paths = attribute_paths(graph, build);
        let attributes = || build.attributes.iter().map(|&ix| graph.attribute(ix));
        let has = |flag: fn(Attribute<'_>) -> bool| attributes().any(flag);
        let flags = [
            ("broken", has(|attribute| attribute.is_broken())),
            ("unfree", has(|attribute| attribute.is_unfree())),
            ("insecure", has(|attribute| attribute.is_insecure())),
            ("off-hydra", has(|attribute| attribute.is_off_hydra())),
        ];
        Self {
            attribute: paths[0].to_owned(),
            aliases: paths[1..].iter().map(|&path| path.to_owned()).collect(),
            system: attributes().find_map(Attribute::system).unwrap_or(derivation.system()).to_owned(),
            derivation: derivation.path(),
            role: role_name(build.role),
            wave: build.when.map(|when| when.wave + 1),
            level: build.when.map(|when| when.level + 1),
            flags: flags.into_iter().filter(|(_, is_set)| *is_set).map(|(flag, _)| flag).collect(),
        }
    }
}

/// Attribute paths of a derivation, the shortest first: the one that stands for it.
fn attribute_paths<'g>(graph: &'g Graph, build: &Build) -> Vec<&'g str> {
    let mut paths: Vec<&str> = build.attributes.iter().map(|&ix| graph.attribute(ix).path()).collect();
    paths.sort_by_key(|path| (path.split('.').count(), path.len(), *path));
    paths.dedup();
    paths
}

/// The shortest attribute path of a package.
fn package_label(graph: &Graph, package: &PackageNotice) -> String {
    let paths = package.builds.iter().map(|build| attribute_paths(graph, build)[0]);
    paths.min_by_key(|path| (path.split('.').count(), path.len(), *path)).unwrap_or_default().to_owned()
}

impl UnmaintainedReport {
    fn new(graph: &Graph, package: &PackageNotice) -> Self {
        Self {
            package: package_label(graph, package),
            role: role_name(package.role),
            attributes: package.attributes(),
            derivations: package.builds.len(),
            rebuilds_attributes: package.rebuilds,
        }
    }
}

fn build_command(attribute: &str) -> String {
    format!("nix-build -A {}", shell_word(attribute))
}

fn test_command(attribute: &str) -> String {
    build_command(&format!("{attribute}.tests"))
}

/// A word that a shell takes as it stands.
fn shell_word(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'+');
    if word.bytes().all(is_plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

fn markdown(document: &Document) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    document.write_markdown(&mut content)?;
    Ok(content)
}

impl Report for NotifyReport {
    fn document(&self) -> Document {
        let mut document = Document::default();
        document.line(self.evaluation.line());
        document.lines(comparison_lines(&self.doubts, &self.no_longer_evaluated, self.left_out));
        document.line(cause_line(&self.causes));
        if self.basis == Basis::Estimated {
            document.line("This is estimated from a Git repository: only two evaluations tell what is rebuilt.");
        }
        document.lines(self.count_lines());
        if self.only.is_none() {
            document.line(self.recipients_line());
            document.section("Maintainers of what changes", self.people_table(true));
            document.section("Maintainers and owners of dependents", self.people_table(false));
            document.section("Not told one by one", self.overflow_table());
            document.section("Nobody is named for", self.unmaintained_table());
            document.section(REMOVED, self.removed_table());
        }
        if self.detail.digests || self.only.is_some() {
            for digest in &self.people {
                document.blocks.extend(digest.document(self.detail.mention, self.detail.limit).blocks);
            }
        }
        if self.only.is_some() {
            document.section(REMOVED, self.removed_table());
        }
        document
    }

    fn item_keys() -> &'static [&'static str] {
        &["people", "overflow", "unmaintained", "removed_attributes", "no_longer_evaluated", "doubts"]
    }
}
