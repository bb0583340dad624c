//! What can be seen: pages of tabs, each a list of rows that lead on. Where a command says the same, the page is made of its report.

use std::collections::BTreeSet;

use waves_core::analysis::{AttributeName, Diff, Found, Impact, Root, Scope, Why, find, select};
use waves_core::config::Policy;
use waves_core::error::Error;
use waves_core::graph::{Attribute, Counts, Derivation, DerivationIx, Direction, Graph, PackageIx};
use waves_core::plan::{PlanOptions, plan};
use waves_core::policy::{Circumstances, Subject as Judged, judge};
use waves_core::report::{Block, Column, DiffReport, Document, PlanDetail, PlanReport, Report as _, Table, WhyDetail, WhyReport};
use waves_core::text::{counted, number};

/// A package of an evaluation, by the derivation that was chosen.
#[derive(Clone, Copy)]
pub(super) struct Subject<'g> {
    pub(super) graph: &'g Graph,
    pub(super) face: DerivationIx,
}

impl<'g> Subject<'g> {
    fn of(graph: &'g Graph, derivation: Derivation<'g>) -> Self {
        Self { graph, face: derivation.ix() }
    }

    fn derivation(self) -> Derivation<'g> {
        self.graph.derivation(self.face)
    }

    fn label(self) -> &'g str {
        self.derivation().label()
    }

    fn root(self) -> Root {
        Root::of_package(self.derivation().package())
    }
}

/// What a row leads to.
#[derive(Clone)]
pub(super) enum Target<'g> {
    /// A package.
    Subject(Subject<'g>),
    /// An attribute by name, which is looked for when it is asked for.
    Name(&'g Graph, AttributeName),
    /// An attribute without a derivation.
    Unevaluated(Attribute<'g>),
    /// A tab of the same page.
    Tab(usize),
    /// A tab of the neighbours of the page's package.
    Neighbours(usize),
    /// The waves of a change of the page's package.
    Waves,
    /// Packages under a title.
    Packages(&'g Graph, String, Vec<PackageIx>),
    /// Derivations under a title.
    Derivations(&'g Graph, String, Vec<DerivationIx>),
}

/// A row that is written when its page is made.
pub(super) struct Row<'g> {
    cells: Vec<String>,
    target: Option<Target<'g>>,
}

/// The rows of a tab.
pub(super) enum Rows<'g> {
    /// Written already.
    Written(Vec<Row<'g>>),
    /// Written when they are seen.
    Found(&'g Graph, Vec<Found>),
    /// Written when they are seen.
    Packages(&'g Graph, Vec<PackageIx>),
    /// Written when they are seen.
    Derivations(&'g Graph, Vec<DerivationIx>),
}

impl<'g> Rows<'g> {
    /// The number of rows.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Written(rows) => rows.len(),
            Self::Found(_, found) => found.len(),
            Self::Packages(_, packages) => packages.len(),
            Self::Derivations(_, derivations) => derivations.len(),
        }
    }

    /// The cells of a row, one for each column.
    pub(super) fn cells(&self, at: usize) -> Vec<String> {
        match self {
            Self::Written(rows) => rows[at].cells.clone(),
            Self::Found(graph, found) => match found[at] {
                Found::Attribute(ix) => attribute_cells(graph.attribute(ix)),
                Found::Package(ix) => package_cells(graph, ix),
            },
            Self::Packages(graph, packages) => package_cells(graph, packages[at]),
            Self::Derivations(graph, derivations) => {
                let derivation = graph.derivation(derivations[at]);
                ranked_cells(derivation.label(), derivation, [derivation.rebuilt_attributes(), derivation.rebuilt_derivations()])
            }
        }
    }

    /// What a row leads to.
    fn target(&self, at: usize) -> Option<Target<'g>> {
        let face_of = |graph: &'g Graph, ix: PackageIx| Subject::of(graph, graph.package(ix).face());
        match self {
            Self::Written(rows) => rows.get(at)?.target.clone(),
            Self::Found(graph, found) => Some(match *found.get(at)? {
                Found::Attribute(ix) => {
                    let attribute = graph.attribute(ix);
                    let derivation = attribute.derivation();
                    derivation.map_or(Target::Unevaluated(attribute), |derivation| Target::Subject(Subject::of(graph, derivation)))
                }
                Found::Package(ix) => Target::Subject(face_of(graph, ix)),
            }),
            Self::Packages(graph, packages) => Some(Target::Subject(face_of(graph, *packages.get(at)?))),
            Self::Derivations(graph, derivations) => Some(Target::Subject(Subject { graph, face: *derivations.get(at)? })),
        }
    }
}

/// A list of a page.
pub(super) struct Tab<'g> {
    pub(super) title: String,
    pub(super) columns: Vec<Column>,
    pub(super) rows: Rows<'g>,
    pub(super) selected: usize,
}

impl<'g> Tab<'g> {
    fn new(title: &str, columns: &[Column], rows: Rows<'g>) -> Self {
        Self { title: title.to_owned(), columns: columns.to_vec(), rows, selected: 0 }
    }

    /// Of a report's table, with what each of its rows leads to; `None` of one without rows.
    fn of_table(title: &str, table: Table, targets: impl IntoIterator<Item = Target<'g>>) -> Option<Self> {
        let mut targets = targets.into_iter();
        let rows: Vec<_> = table.rows.into_iter().map(|cells| Row { cells, target: targets.next() }).collect();
        (!rows.is_empty()).then(|| Self::new(title, &table.columns, Rows::Written(rows)))
    }

    /// Of lines that lead nowhere.
    fn of_lines(title: &str, lines: impl IntoIterator<Item = String>) -> Self {
        let rows = lines.into_iter().map(|line| Row { cells: vec![line], target: None }).collect();
        Self::new(title, &[Column::Text("")], Rows::Written(rows))
    }
}

/// What the packages of a search are for.
#[derive(Clone, Copy)]
pub(super) enum Purpose<'g> {
    /// To be opened.
    Open,
    /// To be connected with this one, which a change of them rebuilds.
    WhyIsRebuilt(Subject<'g>),
}

/// What is searched for.
pub(super) struct Search<'g> {
    pub(super) text: String,
    pub(super) is_typing: bool,
    pub(super) purpose: Purpose<'g>,
}

/// A screen of lists.
#[derive(Default)]
pub(super) struct Page<'g> {
    pub(super) title: String,
    pub(super) heading: Vec<String>,
    pub(super) tabs: Vec<Tab<'g>>,
    pub(super) tab: usize,
    /// The evaluation that it is about, if it is one.
    pub(super) graph: Option<&'g Graph>,
    /// The package that it is about.
    pub(super) about: Option<Subject<'g>>,
    pub(super) search: Option<Search<'g>>,
    pub(super) is_neighbours: bool,
    pub(super) is_help: bool,
}

impl<'g> Page<'g> {
    /// The list that is seen.
    pub(super) fn tab(&self) -> Option<&Tab<'g>> {
        self.tabs.get(self.tab)
    }

    pub(super) fn tab_mut(&mut self) -> Option<&mut Tab<'g>> {
        self.tabs.get_mut(self.tab)
    }

    pub(super) fn is_typing(&self) -> bool {
        self.search.as_ref().is_some_and(|search| search.is_typing)
    }

    /// What the selected row leads to.
    pub(super) fn target(&self) -> Option<Target<'g>> {
        let tab = self.tab()?;
        tab.rows.target(tab.selected)
    }

    /// Looks for what is typed.
    fn find(&mut self) {
        let (Some(search), Some(graph)) = (&self.search, self.graph) else { return };
        self.tabs = vec![Tab::new("found", &RANKED, Rows::Found(graph, find(graph, &search.text)))];
        self.say_what_is_searched();
    }

    fn say_what_is_searched(&mut self) {
        let (Some(search), Some(Tab { rows: Rows::Found(_, found), .. })) = (&self.search, self.tabs.first()) else { return };
        let inner = found.iter().filter(|found| matches!(found, Found::Package(_))).count();
        let named = counted(found.len() - inner, "attribute", "attributes");
        let others = match inner {
            0 => String::new(),
            inner => format!(" and {} without one", counted(inner, "package", "packages")),
        };
        let typed = match (&search.text[..], search.is_typing) {
            ("", false) => "everything but sources, by what it rebuilds".to_owned(),
            (text, true) => format!("search: {text}_"),
            (text, false) => format!("search: {text}"),
        };
        let question = match search.purpose {
            Purpose::Open => None,
            Purpose::WhyIsRebuilt(subject) => Some(format!("What changes? (then: why that rebuilds {})", subject.label())),
        };
        self.heading = question.into_iter().chain([typed, format!("{named}{others}")]).collect();
    }

    /// Changes what is searched for.
    pub(super) fn retype(&mut self, change: impl FnOnce(&mut String)) {
        if let Some(search) = &mut self.search {
            change(&mut search.text);
            self.find();
        }
    }

    /// Begins to type, or ends it; whether there is a search.
    pub(super) fn type_or_not(&mut self, is_typing: bool) -> bool {
        let Some(search) = &mut self.search else { return false };
        search.is_typing = is_typing;
        self.say_what_is_searched();
        true
    }
}

/// Columns of packages by what they rebuild.
const RANKED: [Column; 5] =
    [Column::Text("package"), Column::Number("attributes"), Column::Number("derivations"), Column::Word("version"), Column::Word("system")];

fn ranked_cells(label: &str, derivation: Derivation<'_>, [attributes, derivations]: [u32; 2]) -> Vec<String> {
    vec![label.to_owned(), number(attributes), number(derivations), derivation.version().to_owned(), derivation.system().to_owned()]
}

fn package_cells(graph: &Graph, ix: PackageIx) -> Vec<String> {
    let package = graph.package(ix);
    ranked_cells(package.face().label(), package.face(), [package.rebuilt_attributes(), package.rebuilt_derivations()])
}

fn attribute_cells(attribute: Attribute<'_>) -> Vec<String> {
    let Some(derivation) = attribute.derivation() else {
        let system = attribute.system().unwrap_or_default();
        return [attribute.path(), "-", "-", "does not evaluate", system].map(str::to_owned).to_vec();
    };
    let package = derivation.package();
    ranked_cells(attribute.path(), derivation, [package.rebuilt_attributes(), package.rebuilt_derivations()])
}

/// Packages by a part of their name.
pub(super) fn search<'g>(graph: &'g Graph, purpose: Purpose<'g>, is_typing: bool) -> Page<'g> {
    let title = match purpose {
        Purpose::Open => "packages",
        Purpose::WhyIsRebuilt(_) => "why",
    };
    let search = Search { text: String::new(), is_typing, purpose };
    let mut page = Page { title: title.to_owned(), graph: Some(graph), search: Some(search), ..Page::default() };
    page.find();
    page
}

/// What is known of a package.
pub(super) fn package<'g>(subject: Subject<'g>) -> Page<'g> {
    let (graph, face) = (subject.graph, subject.derivation());
    let derivations: Vec<Derivation<'_>> = face.package().derivations().collect();
    let attributes: Vec<Attribute<'_>> = derivations.iter().flat_map(|derivation| derivation.attributes()).collect();
    let outputs: Vec<_> = derivations.iter().flat_map(|derivation| derivation.outputs()).collect();

    let mut rows = Vec::new();
    let mut told = |name: &str, value: String, target: Option<Target<'g>>| {
        if !value.is_empty() {
            rows.push(Row { cells: vec![name.to_owned(), value], target });
        }
    };
    told("version", face.version().to_owned(), None);
    told("description", attributes.iter().find_map(|attribute| attribute.description()).unwrap_or_default().to_owned(), None);
    let roots = [subject.root()];
    match Impact::new(graph, &roots, Direction::Dependents, None, None) {
        Ok(impact) => {
            told("rebuilds", counts(impact.rebuild_counts()), Some(Target::Waves));
            told("dependents", around(&impact), Some(Target::Neighbours(0)));
        }
        Err(error) => told("rebuilds", error.to_string(), None),
    }
    if let Ok(impact) = Impact::new(graph, &roots, Direction::Dependencies, None, None) {
        told("dependencies", around(&impact), Some(Target::Neighbours(1)));
    }
    let marks = [
        ("broken", attributes.iter().any(|attribute| attribute.is_broken())),
        ("unfree", attributes.iter().any(|attribute| attribute.is_unfree())),
        ("insecure", attributes.iter().any(|attribute| attribute.is_insecure())),
        ("not on Hydra", attributes.iter().any(|attribute| attribute.is_off_hydra())),
        ("fixed output", face.is_fixed_output()),
    ];
    told("attributes", numbered(attributes.iter().map(|attribute| attribute.path())), Some(Target::Tab(1)));
    told("derivations", numbered(derivations.iter().map(|derivation| derivation.name())), Some(Target::Tab(2)));
    told("outputs", numbered(outputs.iter().map(|output| output.name())), Some(Target::Tab(3)));
    told("maintainers", every(attributes.iter().flat_map(|attribute| attribute.maintainers())), None);
    told("teams", every(attributes.iter().flat_map(|attribute| attribute.teams())), None);
    told("licences", every(attributes.iter().flat_map(|attribute| attribute.licences())), None);
    told("marks", every(marks.iter().filter(|(_, holds)| *holds).map(|(mark, _)| *mark)), None);
    told("defined at", every(attributes.iter().filter_map(|attribute| attribute.position())), None);

    let named = |attribute: &Attribute<'_>| {
        let cells = [attribute.path(), attribute.system().unwrap_or_default()].map(str::to_owned).to_vec();
        Row { cells, target: None }
    };
    let built = |derivation: &Derivation<'_>| Row { cells: vec![derivation.path(), derivation.system().to_owned()], target: None };
    let path = |output: &waves_core::graph::Output<'_>| {
        let path = output.path().unwrap_or_else(|| "known once it is built".to_owned());
        Row { cells: vec![output.name().to_owned(), path], target: None }
    };
    Page {
        title: subject.label().to_owned(),
        tabs: vec![
            Tab::new("package", &[Column::Word(""), Column::Text("")], Rows::Written(rows)),
            Tab::new(
                "attributes",
                &[Column::Text("attribute"), Column::Word("system")],
                Rows::Written(attributes.iter().map(named).collect()),
            ),
            Tab::new(
                "derivations",
                &[Column::Text("derivation"), Column::Word("system")],
                Rows::Written(derivations.iter().map(built).collect()),
            ),
            Tab::new("outputs", &[Column::Word("output"), Column::Text("path")], Rows::Written(outputs.iter().map(path).collect())),
        ],
        graph: Some(graph),
        about: Some(subject),
        ..Page::default()
    }
}

fn counts(counts: Counts) -> String {
    let Counts { attributes, derivations, outputs } = counts;
    format!(
        "{}, {}, {}",
        counted(attributes, "attribute", "attributes"),
        counted(derivations, "derivation", "derivations"),
        counted(outputs, "output", "outputs")
    )
}

/// What is next to a package, and what that leads to.
fn around(impact: &Impact<'_>) -> String {
    format!("{} direct; in all {}", number(impact.direct().len() as u64), counts(impact.dependent_counts()))
}

/// How many there are, and their different names.
fn numbered<'n>(names: impl Iterator<Item = &'n str> + Clone) -> String {
    match names.clone().count() {
        0 => "none".to_owned(),
        count => format!("{}: {}", number(count as u64), every(names)),
    }
}

/// Different names, in order.
fn every<'n>(names: impl Iterator<Item = &'n str>) -> String {
    names.collect::<BTreeSet<&str>>().into_iter().collect::<Vec<_>>().join(", ")
}

/// Why an attribute is no package.
pub(super) fn unevaluated(attribute: Attribute<'_>) -> Page<'_> {
    let error = attribute.error().unwrap_or("it has no derivation");
    let place = attribute.position().map(|position| format!("defined at {position}"));
    let lines = error.lines().map(str::to_owned).chain(place);
    Page {
        title: attribute.path().to_owned(),
        heading: vec![format!("{} does not evaluate", attribute.path())],
        tabs: vec![Tab::of_lines("error", lines)],
        ..Page::default()
    }
}

/// What needs a package and what it needs, directly and in all, by what that rebuilds.
pub(super) fn neighbours(subject: Subject<'_>, tab: usize) -> Result<Page<'_>, Error> {
    let graph = subject.graph;
    let roots = [subject.root()];
    let dependents = Impact::new(graph, &roots, Direction::Dependents, None, None)?;
    let dependencies = Impact::new(graph, &roots, Direction::Dependencies, None, None)?;
    let direct = |impact: &Impact<'_>| impact.direct().into_iter().map(Derivation::ix).collect();
    let all = |impact: &Impact<'_>| {
        let mut all: Vec<DerivationIx> = impact.dependents().iter().collect();
        all.sort_by_key(|&ix| (std::cmp::Reverse(graph.derivation(ix).rebuilt_derivations()), ix));
        all
    };
    let tab_of = |title: &str, derivations| Tab::new(title, &RANKED, Rows::Derivations(graph, derivations));
    Ok(Page {
        title: format!("around {}", subject.label()),
        tabs: vec![
            tab_of("dependents", direct(&dependents)),
            tab_of("dependencies", direct(&dependencies)),
            tab_of("all dependents", all(&dependents)),
            tab_of("all dependencies", all(&dependencies)),
        ],
        tab,
        graph: Some(graph),
        about: Some(subject),
        is_neighbours: true,
        ..Page::default()
    })
}

/// A list of packages.
pub(super) fn packages(graph: &Graph, title: String, packages: Vec<PackageIx>) -> Page<'_> {
    let tab = Tab::new("packages", &RANKED, Rows::Packages(graph, packages));
    Page { title, tabs: vec![tab], graph: Some(graph), ..Page::default() }
}

/// A list of derivations.
pub(super) fn derivations(graph: &Graph, title: String, derivations: Vec<DerivationIx>) -> Page<'_> {
    let tab = Tab::new("derivations", &RANKED, Rows::Derivations(graph, derivations));
    Page { title, tabs: vec![tab], graph: Some(graph), ..Page::default() }
}

/// A document: what stands before its first heading, then each heading with its table.
fn sections(document: Document) -> (Vec<String>, Vec<(String, Table)>) {
    let first = document.blocks.iter().position(|block| matches!(block, Block::Heading(_))).unwrap_or(document.blocks.len());
    let mut blocks = document.blocks;
    let rest = blocks.split_off(first);
    let mut text = Vec::new();
    // Text in memory takes all that is written.
    let _ = Document { blocks }.write_text(None, &mut text);
    let summary = String::from_utf8_lossy(&text).lines().map(str::to_owned).collect();
    let mut sections = Vec::new();
    let mut heading = String::new();
    for block in rest {
        match block {
            Block::Heading(text) => heading = text,
            Block::Table(table) => sections.push((std::mem::take(&mut heading), table)),
            _ => {}
        }
    }
    (summary, sections)
}

/// In which order a change of a package is rebuilt, as `waves plan --root` says it.
pub(super) fn waves(subject: Subject<'_>) -> Result<Page<'_>, Error> {
    let graph = subject.graph;
    let planned = plan(graph, vec![subject.root()], &PlanOptions::default())?;
    let report = PlanReport::new(graph, &planned, None, PlanDetail::Levels, usize::MAX);
    let by_weight = |packages: &[PackageIx]| {
        let mut packages = packages.to_vec();
        packages.sort_by_key(|&ix| (std::cmp::Reverse(graph.package(ix).rebuilt_derivations()), ix));
        packages
    };
    let (summary, sections) = sections(report.document());
    let heading = sections.first().map(|(heading, _)| heading.clone()).into_iter().collect();
    let mut tabs = Vec::new();
    for (_, table) in sections {
        tabs.extend(match table.columns[0].title() {
            "wave" => {
                let wave = |(at, wave): (usize, &waves_core::plan::Wave)| {
                    Target::Packages(graph, format!("wave {}", at + 1), by_weight(&wave.packages))
                };
                Tab::of_table("waves", table, planned.waves.iter().enumerate().map(wave))
            }
            "level" => {
                let level = |(at, level): (usize, &Vec<DerivationIx>)| {
                    let mut level = level.clone();
                    level.sort_by_key(|&ix| (std::cmp::Reverse(graph.derivation(ix).rebuilt_derivations()), ix));
                    Target::Derivations(graph, format!("level {}", at + 1), level)
                };
                Tab::of_table("levels", table, planned.levels.iter().enumerate().map(level))
            }
            _ => {
                let cycle = |(at, cycle): (usize, &waves_core::plan::Cycle)| {
                    Target::Packages(graph, format!("cycle {}", at + 1), by_weight(&cycle.packages))
                };
                Tab::of_table("cycles", table, planned.cycles.iter().enumerate().map(cycle))
            }
        });
    }
    tabs.push(Tab::of_lines("summary", summary));
    let title = format!("waves of {}", subject.label());
    Ok(Page { title, heading, tabs, graph: Some(graph), about: Some(subject), ..Page::default() })
}

/// The shortest chain from one package to another, as `waves why` says it.
pub(super) fn why<'g>(from: Subject<'g>, to: Subject<'g>) -> Result<Page<'g>, Error> {
    let graph = to.graph;
    // As `waves why` takes what is typed: the attribute, and not its variants in the package.
    let named = select(graph, &[to.label().to_owned()], Scope::Exact, None);
    let alone = || vec![Root { selector: to.label().to_owned(), face: to.face, derivations: vec![to.face] }];
    let (from, to) = ([from.root()], named.unwrap_or_else(|_| alone()));
    let why = Why::new(graph, &from, &to)?;
    let report = WhyReport::new(&why, &from, &to, WhyDetail::Shortest, usize::MAX);
    let chain: Vec<Derivation<'g>> = match (why.shortest(), why.blocked()) {
        (Some(links), _) => links.iter().map(|link| link.derivation).collect(),
        (None, blocked) => blocked.unwrap_or_default().to_vec(),
    };
    let document = report.document();
    let heading = document.blocks.iter().find_map(|block| match block {
        Block::Heading(text) => Some(text.clone()),
        _ => None,
    });
    let between = report
        .rebuilds
        .then(|| format!("{} on all chains between them, ends included", counted(report.between, "derivation", "derivations")));
    let targets = chain.into_iter().map(|derivation| Target::Subject(Subject::of(graph, derivation)));
    let (_, sections) = sections(document);
    let tabs = sections.into_iter().next().and_then(|(_, table)| Tab::of_table("chain", table, targets));
    Ok(Page {
        title: "chain".to_owned(),
        heading: heading.into_iter().chain(between).collect(),
        tabs: tabs.into_iter().collect(),
        graph: Some(graph),
        ..Page::default()
    })
}

/// What two evaluations differ in, as `waves diff` says it.
pub(super) fn diff<'g>(before: &'g Graph, after: &'g Graph, policy: &Policy) -> Page<'g> {
    let diff = Diff::new(before, after, false);
    let verdict = judge(Judged::of_diff(&diff), policy, &Circumstances::default());
    let document = DiffReport::new(&diff, &verdict, None, usize::MAX).document();
    let names = |graph: &'g Graph, names: &[AttributeName]| -> Vec<Target<'g>> {
        names.iter().map(|name| Target::Name(graph, name.clone())).collect()
    };
    let new_names = |pairs: &[(AttributeName, AttributeName)], new: fn(&(AttributeName, AttributeName)) -> &AttributeName| {
        names(after, &pairs.iter().map(|pair| new(pair).clone()).collect::<Vec<_>>())
    };
    let (summary, sections) = sections(document);
    let mut tabs = Vec::new();
    for (heading, table) in sections {
        let (title, targets) = match (table.columns[0].title(), &heading[..]) {
            ("cause", _) => {
                let cause = |cause: &waves_core::analysis::Cause| Target::Subject(Subject { graph: after, face: cause.face });
                ("causes", diff.causes.iter().map(cause).collect())
            }
            ("from", _) => ("renamed", new_names(&diff.renames, |(_, to)| to)),
            ("new name", _) => ("new names", new_names(&diff.aliases, |(name, _)| name)),
            (_, "Added") => ("added", names(after, &diff.attributes.added)),
            (_, "Removed") => ("removed", names(before, &diff.attributes.removed)),
            _ => ("rebuilt", names(after, &diff.attributes.rebuilds)),
        };
        tabs.extend(Tab::of_table(title, table, targets));
    }
    let heading = vec![format!(
        "{} rebuilt, {} added, {} removed",
        counted(diff.attributes.rebuilds.len(), "attribute", "attributes"),
        number(diff.attributes.added.len() as u64),
        number(diff.attributes.removed.len() as u64)
    )];
    tabs.push(Tab::of_lines("summary", summary));
    Page { title: "diff".to_owned(), heading, tabs, ..Page::default() }
}

/// Every key, in words that fit a narrow screen.
const KEYS: [(&str, &str); 15] = [
    ("Enter l", "open it; so does Right"),
    ("Esc h", "back; Backspace, Left too"),
    ("j k", "down and up; arrows too"),
    ("PgDn PgUp", "a screen down and up"),
    ("g G", "first and last; Home, End"),
    ("Tab", "next list; Shift-Tab back"),
    ("/", "search by a part of a name"),
    ("Ctrl-U", "while typing: begin anew"),
    ("d", "what needs it: dependents"),
    ("D", "its needs: dependencies"),
    ("p", "waves of a change of it"),
    ("w", "why a change rebuilds it"),
    ("x", "how two evaluations differ"),
    ("?", "this page, and back"),
    ("q Ctrl-C", "quit"),
];

/// What the keys do.
pub(super) fn help<'g>() -> Page<'g> {
    let row = |(keys, what): (&str, &str)| Row { cells: vec![keys.to_owned(), what.to_owned()], target: None };
    let tab = Tab::new("keys", &[Column::Word(""), Column::Text("")], Rows::Written(KEYS.into_iter().map(row).collect()));
    Page { title: "keys".to_owned(), tabs: vec![tab], is_help: true, ..Page::default() }
}
