//! What keys do: a stack of pages, of which the last is seen.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use waves_core::analysis::{Scope, select};
use waves_core::config::Policy;
use waves_core::error::Error;
use waves_core::graph::Graph;

use super::pages::{self, Page, Purpose, Subject, Target};

/// Rows of the screen that are no rows of a list, as a rule.
const FURNITURE: u16 = 6;

/// What is explored.
#[derive(Clone, Copy)]
pub(crate) struct Evaluations<'g> {
    /// The evaluation, or the one before a change.
    pub(crate) first: &'g Graph,
    /// The one after it.
    pub(crate) second: Option<&'g Graph>,
    /// Names the labels and branch of what the two differ in.
    pub(crate) policy: &'g Policy,
}

/// The state of the explorer.
pub(crate) struct App<'g> {
    evaluations: Evaluations<'g>,
    pages: Vec<Page<'g>>,
    message: Option<String>,
    /// Rows that one press of a page key goes.
    stride: usize,
    is_done: bool,
}

impl<'g> App<'g> {
    /// With the list of everything.
    pub(crate) fn new(evaluations: Evaluations<'g>) -> Self {
        let pages = vec![pages::search(evaluations.first, Purpose::Open, false)];
        Self { evaluations, pages, message: None, stride: 1, is_done: false }
    }

    /// Whether it was left.
    pub(crate) fn is_done(&self) -> bool {
        self.is_done
    }

    /// The pages from the first to the one that is seen.
    pub(super) fn pages(&self) -> &[Page<'g>] {
        &self.pages
    }

    /// The page that is seen.
    pub(super) fn page(&self) -> &Page<'g> {
        &self.pages[self.pages.len() - 1]
    }

    /// Why the last key did nothing.
    pub(super) fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// Whether there are two evaluations, and which of them a page is about.
    pub(super) fn side(&self, page: &Page<'g>) -> Option<&'static str> {
        let second = self.evaluations.second?;
        Some(if std::ptr::eq(page.graph?, second) { "after" } else { "before" })
    }

    /// Whether what two evaluations differ in can be asked.
    pub(super) fn has_two(&self) -> bool {
        self.evaluations.second.is_some()
    }

    /// Takes note of the height of the screen.
    pub(crate) fn resize(&mut self, height: u16) {
        self.stride = usize::from(height.saturating_sub(FURNITURE).max(1));
    }

    /// Does what a key asks for.
    pub(crate) fn on_key(&mut self, key: KeyEvent) {
        self.message = None;
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        if is_control && key.code == KeyCode::Char('c') {
            self.is_done = true;
        } else if !self.move_selection(key.code) {
            match self.page().is_typing() {
                true => self.on_typed(key.code, is_control),
                false if is_control => {}
                false => self.on_command(key.code),
            }
        }
    }

    fn page_mut(&mut self) -> &mut Page<'g> {
        let last = self.pages.len() - 1;
        &mut self.pages[last]
    }

    /// The keys that move in a list, while one types too; whether it was one of them.
    fn move_selection(&mut self, code: KeyCode) -> bool {
        let (stride, is_typing) = (self.stride, self.page().is_typing());
        let Some(tab) = self.page_mut().tab_mut() else { return false };
        let last = tab.rows.len().saturating_sub(1);
        tab.selected = match code {
            KeyCode::Down => tab.selected + 1,
            KeyCode::Up => tab.selected.saturating_sub(1),
            KeyCode::PageDown => tab.selected + stride,
            KeyCode::PageUp => tab.selected.saturating_sub(stride),
            KeyCode::Home => 0,
            KeyCode::End => last,
            KeyCode::Char('j') if !is_typing => tab.selected + 1,
            KeyCode::Char('k') if !is_typing => tab.selected.saturating_sub(1),
            KeyCode::Char('g') if !is_typing => 0,
            KeyCode::Char('G') if !is_typing => last,
            _ => return false,
        }
        .min(last);
        true
    }

    fn on_typed(&mut self, code: KeyCode, is_control: bool) {
        let has_text = self.page().search.as_ref().is_some_and(|search| !search.text.is_empty());
        match code {
            KeyCode::Enter => self.open(),
            KeyCode::Backspace if has_text => self.page_mut().retype(|text| {
                text.pop();
            }),
            KeyCode::Char('u') if is_control => self.page_mut().retype(String::clear),
            KeyCode::Char(character) if !is_control => self.page_mut().retype(|text| text.push(character)),
            KeyCode::Esc | KeyCode::Backspace => {
                self.page_mut().type_or_not(false);
            }
            _ => {}
        }
    }

    fn on_command(&mut self, code: KeyCode) {
        match code {
            KeyCode::Char('q') => self.is_done = true,
            KeyCode::Char('?') if self.page().is_help => self.back(),
            KeyCode::Char('?') => self.pages.push(pages::help()),
            KeyCode::Esc | KeyCode::Backspace | KeyCode::Left | KeyCode::Char('h') => self.back(),
            KeyCode::Enter | KeyCode::Right | KeyCode::Char('l') => self.open(),
            KeyCode::Char('/') => self.search(),
            KeyCode::Tab => self.turn(|_| 1),
            KeyCode::BackTab => self.turn(|tabs| tabs - 1),
            KeyCode::Char('d') => self.neighbours(0),
            KeyCode::Char('D') => self.neighbours(1),
            KeyCode::Char('p') => self.ask(pages::waves),
            KeyCode::Char('w') => self.ask(|subject| Ok(pages::search(subject.graph, Purpose::WhyIsRebuilt(subject), true))),
            KeyCode::Char('x') => self.diff(),
            _ => {}
        }
    }

    fn back(&mut self) {
        if self.pages.len() > 1 {
            self.pages.pop();
        } else {
            self.message = Some("this is the first page (q quits)".to_owned());
        }
    }

    /// Goes so many tabs on, and from the last to the first.
    fn turn(&mut self, by: impl FnOnce(usize) -> usize) {
        let page = self.page_mut();
        let tabs = page.tabs.len().max(1);
        page.tab = (page.tab + by(tabs)) % tabs;
    }

    /// Lets one type anew, on the page of the search if it is seen.
    fn search(&mut self) {
        let graph = self.page().graph.unwrap_or(self.evaluations.first);
        if self.page_mut().type_or_not(true) {
            self.page_mut().retype(String::clear);
        } else {
            self.pages.push(pages::search(graph, Purpose::Open, true));
        }
    }

    /// The package that keys are about: the page's, or the selected row's.
    fn subject(&self) -> Result<Subject<'g>, Option<Error>> {
        let page = self.page();
        page.about.map_or_else(|| page.target().ok_or(None).and_then(|target| resolve(&target)), Ok)
    }

    /// Opens a page about a package.
    fn ask(&mut self, page: impl FnOnce(Subject<'g>) -> Result<Page<'g>, Error>) {
        match self.subject() {
            Ok(subject) => self.show(page(subject)),
            Err(None) => self.message = Some("no package is selected here".to_owned()),
            Err(Some(error)) => self.message = Some(error.to_string()),
        }
    }

    fn show(&mut self, page: Result<Page<'g>, Error>) {
        match page {
            Ok(page) => self.pages.push(page),
            Err(error) => self.message = Some(error.to_string()),
        }
    }

    /// Turns to the neighbours, if they are on the page, or opens them.
    fn neighbours(&mut self, tab: usize) {
        if self.page().is_neighbours {
            self.page_mut().tab = tab;
        } else {
            self.ask(|subject| pages::neighbours(subject, tab));
        }
    }

    fn diff(&mut self) {
        match self.evaluations.second {
            Some(second) => self.pages.push(pages::diff(self.evaluations.first, second, self.evaluations.policy)),
            None => self.message = Some("there is one evaluation (hint: waves explore BEFORE AFTER)".to_owned()),
        }
    }

    /// Opens what the selected row leads to.
    fn open(&mut self) {
        let Some(target) = self.page().target() else { return };
        self.page_mut().type_or_not(false);
        let purpose = self.page().search.as_ref().map_or(Purpose::Open, |search| search.purpose);
        match (target, purpose) {
            (Target::Tab(tab), _) => self.page_mut().tab = tab,
            (Target::Neighbours(tab), _) => self.neighbours(tab),
            (Target::Waves, _) => self.ask(pages::waves),
            (Target::Packages(graph, title, packages), _) => self.pages.push(pages::packages(graph, title, packages)),
            (Target::Derivations(graph, title, derivations), _) => self.pages.push(pages::derivations(graph, title, derivations)),
            (Target::Unevaluated(attribute), Purpose::Open) => self.pages.push(pages::unevaluated(attribute)),
            (target, purpose) => match (resolve(&target), purpose) {
                (Ok(subject), Purpose::Open) => self.pages.push(pages::package(subject)),
                (Ok(from), Purpose::WhyIsRebuilt(to)) => self.show(pages::why(from, to)),
                (Err(error), _) => self.message = error.map(|error| error.to_string()),
            },
        }
    }
}

/// The package that a row is about, if it is about one.
fn resolve<'g>(target: &Target<'g>) -> Result<Subject<'g>, Option<Error>> {
    match target {
        Target::Subject(subject) => Ok(*subject),
        Target::Name(graph, name) => {
            let system = Some(name.system.as_str()).filter(|system| !system.is_empty());
            let roots = select(graph, std::slice::from_ref(&name.path), Scope::Exact, system)?;
            roots.first().map(|root| Subject { graph, face: root.face }).ok_or(None)
        }
        Target::Unevaluated(attribute) => Err(Some(Error::NotEvaluated {
            attribute: attribute.path().to_owned(),
            error: attribute.error().unwrap_or("it has no derivation").to_owned(),
        })),
        _ => Err(None),
    }
}
