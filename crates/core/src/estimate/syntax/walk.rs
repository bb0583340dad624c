//! The walk through the syntax tree of a file, which writes down its bindings.

use std::cell::Cell;

use rnix::ast::{Attrpath, Entry, Expr, HasEntry, InterpolPart, Lambda, Param, Str};
use rnix::{NodeOrToken, SyntaxKind, SyntaxNode};

use super::nodes::{cast, ident, inner_set, is_of_a_package, leads_to_set, static_name, syntax, tokens};
use super::{Digest, Outline, Part, Place, Reference, calls_a_file, reference};

/// Steps that the walk may need at most: some times those of the longest file of nixpkgs, which has all of Hackage.
pub(super) const MAX_STEPS: u64 = 1 << 26;
/// Steps for each key on the way to a binding, which are written down for each.
const STEPS_PER_KEY: u64 = 16;
/// Steps for each byte of an expression that is looked at as a whole, which may come to be for each name in it.
const STEPS_PER_BYTE: u64 = 8;
/// Keys of `meta` that other packages read: `lib.getExe`, and what installs packages into an environment.
const READ_META: [&str; 3] = ["mainProgram", "outputsToInstall", "priority"];

/// A part while it is written.
#[derive(Default)]
struct Writer {
    part: Part,
    hasher: Digest,
}

impl Writer {
    fn finish(self) -> Part {
        Part { hash: self.hasher.finish(), ..self.part }
    }
}

/// Walks the syntax tree of one file.
pub(super) struct Walk<'a> {
    place: &'a Place<'a>,
    /// Whether a build can see `meta`.
    sees_meta: bool,
    outline: Outline,
    /// Keys that lead to where the walk is.
    keys: Vec<String>,
    /// Hashes of the bindings that it is in.
    open: Vec<Digest>,
    /// The sets and `let`s of the result that it came to.
    blocks: usize,
    /// How many keys lead to the set that a package is made of, if the walk is in one.
    package: Option<usize>,
    /// Steps that were taken.
    steps: Cell<u64>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(place: &'a Place<'a>, sees_meta: bool) -> Self {
        Self {
            place,
            sees_meta,
            outline: Outline::default(),
            keys: Vec::new(),
            open: Vec::new(),
            blocks: 0,
            package: None,
            steps: Cell::new(0),
        }
    }

    /// `None` if it takes too many steps.
    pub(super) fn outline(mut self, expression: &Expr) -> Option<Outline> {
        let mut context = Writer::default();
        self.result(expression, &mut context);
        self.outline.context = context.finish();
        (!self.is_spent()).then_some(self.outline)
    }

    fn step(&self, steps: u64) {
        self.steps.set(self.steps.get().saturating_add(steps));
    }

    fn is_spent(&self) -> bool {
        self.steps.get() > MAX_STEPS
    }

    /// Counts what a look at all of an expression takes, once more.
    fn look(&self, node: &SyntaxNode) {
        self.step(STEPS_PER_BYTE * u64::from(u32::from(node.text_range().len())));
    }

    /// What the file results in: goes down to its sets, and writes what is around them.
    fn result(&mut self, expression: &Expr, context: &mut Writer) {
        match expression {
            Expr::Paren(paren) => self.maybe_result(paren.expr(), context),
            Expr::Lambda(lambda) => {
                self.maybe_result(lambda.body(), context);
                self.parameter(lambda, context, false);
            }
            Expr::LetIn(binding) => {
                self.blocks += 1;
                for entry in binding.entries() {
                    self.entry(&entry, Entries::Lets, context);
                }
                self.maybe_result(binding.body(), context);
            }
            Expr::With(with) => {
                self.mark(SyntaxKind::NODE_WITH, context);
                self.maybe(with.namespace(), context);
                self.maybe_result(with.body(), context);
            }
            Expr::Assert(assert) => {
                self.mark(SyntaxKind::NODE_ASSERT, context);
                self.maybe(assert.condition(), context);
                self.maybe_result(assert.body(), context);
            }
            Expr::BinOp(operation) if operation.operator() == Some(rnix::ast::BinOpKind::Update) => {
                self.maybe_result(operation.lhs(), context);
                self.mark(SyntaxKind::TOKEN_UPDATE, context);
                self.maybe_result(operation.rhs(), context);
            }
            Expr::Apply(apply) => {
                self.mark(SyntaxKind::NODE_APPLY, context);
                for side in [apply.lambda(), apply.argument()].into_iter().flatten() {
                    if leads_to_set(&side) { self.result(&side, context) } else { self.expression(syntax(&side), context) }
                }
            }
            Expr::AttrSet(set) => {
                self.blocks += 1;
                self.mark(if set.rec_token().is_some() { SyntaxKind::TOKEN_REC } else { SyntaxKind::NODE_ATTR_SET }, context);
                self.within(set, |walk| set.entries().for_each(|entry| walk.entry(&entry, Entries::Members, context)));
            }
            other => self.expression(syntax(other), context),
        }
    }

    fn maybe_result(&mut self, expression: Option<Expr>, context: &mut Writer) {
        if let Some(expression) = expression {
            self.result(&expression, context);
        }
    }

    fn maybe(&mut self, expression: Option<Expr>, writer: &mut Writer) {
        if let Some(expression) = expression {
            self.expression(syntax(&expression), writer);
        }
    }

    /// A binding of the result, or of a `let` around it: a part of its own.
    fn entry(&mut self, entry: &Entry, kind: Entries, context: &mut Writer) {
        if self.is_spent() {
            return;
        }
        match entry {
            Entry::Inherit(inherit) => {
                for attr in inherit.attrs() {
                    let mut writer = Writer::default();
                    let Some(name) = static_name(&attr) else {
                        self.expression(syntax(inherit), context);
                        return;
                    };
                    self.keys.push(name.clone());
                    if !self.is_unseen() {
                        self.inherited(inherit.from().and_then(|from| from.expr()), &name, &mut writer);
                        self.push(kind, writer);
                    }
                    self.keys.pop();
                }
            }
            Entry::AttrpathValue(binding) => {
                let keys: Option<Vec<String>> =
                    binding.attrpath().map(|path| path.attrs().map(|attr| static_name(&attr)).collect()).unwrap_or_default();
                let (Some(keys), Some(value)) = (keys, binding.value()) else {
                    self.expression(syntax(binding), context);
                    return;
                };
                let depth = self.keys.len();
                self.keys.extend(keys);
                match inner_set(&value) {
                    Some(set) if kind == Entries::Members && !self.is_unseen() => {
                        let mut around = Writer::default();
                        if self.around(&value, &mut around) {
                            self.push(kind, around);
                        }
                        self.within(&set, |walk| set.entries().for_each(|entry| walk.entry(&entry, kind, context)));
                    }
                    _ => {
                        let mut writer = Writer::default();
                        if self.value(&value, &mut writer) {
                            self.push(kind, writer);
                        }
                    }
                }
                self.keys.truncate(depth);
            }
        }
    }

    /// Writes what a binding does with the set that it is; whether that is anything.
    fn around(&mut self, value: &Expr, writer: &mut Writer) -> bool {
        match value {
            Expr::Paren(paren) => paren.expr().is_some_and(|inner| self.around(&inner, writer)),
            Expr::Apply(apply) => {
                self.maybe(apply.lambda(), writer);
                apply.argument().iter().for_each(|inner| {
                    self.around(inner, writer);
                });
                true
            }
            Expr::AttrSet(set) if set.rec_token().is_some() => {
                self.mark(SyntaxKind::TOKEN_REC, writer);
                true
            }
            _ => false,
        }
    }

    fn push(&mut self, kind: Entries, writer: Writer) {
        self.step(STEPS_PER_KEY * self.keys.len() as u64);
        let mut part = writer.finish();
        part.path.clone_from(&self.keys);
        part.block = self.blocks;
        match kind {
            Entries::Lets => self.outline.lets.push(part),
            Entries::Members => self.outline.members.push(part),
        }
    }

    /// The value of the binding that `keys` lead to; whether a build can see it.
    fn value(&mut self, value: &Expr, writer: &mut Writer) -> bool {
        if self.is_unseen() && !self.is_package_of_that_name(value) {
            self.unseen(value);
            return false;
        }
        self.open.push(Digest::default());
        if let Expr::Ident(name) = value {
            writer.part.sources.insert(syntax(name).text().to_string());
        }
        writer.part.throws = syntax(value).first_token().is_some_and(|first| first.text() == "throw");
        self.expression(syntax(value), writer);
        self.close();
        true
    }

    fn close(&mut self) {
        self.step(STEPS_PER_KEY * self.keys.len() as u64);
        if let Some(hasher) = self.open.pop() {
            self.outline.leaves.push((self.keys.join("."), hasher.finish()));
        }
    }

    /// Whether no build sees the binding that `keys` lead to: of a set that a package is made of, or of the result.
    fn is_unseen(&self) -> bool {
        match self.keys.get(self.package.unwrap_or_default()..) {
            Some([first, ..]) if first == "meta" => !self.sees_meta,
            Some([first, second, ..]) => first == "passthru" && ["tests", "updateScript"].contains(&second.as_str()),
            _ => false,
        }
    }

    /// Walks through a set. What is in that of a package belongs to the package, whatever is called `meta` in there.
    fn within(&mut self, set: &rnix::ast::AttrSet, walk: impl FnOnce(&mut Self)) {
        let outer = self.package;
        if outer.is_none() && self.is_of_a_package(set) {
            self.package = Some(self.keys.len());
        }
        walk(self);
        self.package = outer;
    }

    fn is_of_a_package(&self, set: &rnix::ast::AttrSet) -> bool {
        // The function that it is handed to is looked for in what is around it.
        syntax(set).parent().iter().filter(|around| around.kind() == SyntaxKind::NODE_APPLY).for_each(|around| {
            around.first_child().iter().for_each(|function| self.look(function));
        });
        is_of_a_package(set)
    }

    /// Whether `meta` is the name of a package here, not what is said of one: a file is called for it.
    fn is_package_of_that_name(&self, value: &Expr) -> bool {
        self.keys.last().is_some_and(|key| key == "meta") && self.references(value).next().is_some()
    }

    fn references(&self, value: &Expr) -> impl Iterator<Item = Reference> {
        let paths = syntax(value).descendants().filter(|node| node.kind() == SyntaxKind::NODE_PATH_REL);
        paths.filter_map(|path| self.reference(&path))
    }

    fn unseen(&mut self, value: &Expr) {
        let found: Vec<Reference> = self.references(value).collect();
        self.outline.unseen.extend(found);
        let mut hasher = Digest::default();
        tokens(syntax(value)).for_each(|token| hasher.write(token.text().as_bytes()));
        self.outline.metas.push((self.keys.clone(), hasher.finish()));
        let mut keys = self.keys.iter().skip_while(|key| *key != "meta").skip(1);
        if let (Some(key), None) = (keys.next(), keys.next()) {
            self.read_meta(&key.clone(), syntax(value));
        }
        if self.keys.last().is_some_and(|key| key == "meta") {
            for set in syntax(value).descendants().filter_map(cast::<rnix::ast::AttrSet>) {
                for binding in set.attrpath_values() {
                    let key = binding.attrpath().and_then(|path| path.attrs().next()).and_then(|attr| static_name(&attr));
                    if let (Some(key), Some(value)) = (key, binding.value()) {
                        self.read_meta(&key, syntax(&value));
                    }
                }
            }
        }
    }

    fn read_meta(&mut self, key: &str, value: &SyntaxNode) {
        if READ_META.contains(&key) {
            self.look(value);
            let mut hasher = Digest::default();
            tokens(value).for_each(|token| hasher.write(token.text().as_bytes()));
            let mut path: Vec<&str> = self.keys.iter().map(String::as_str).take_while(|key| *key != "meta").collect();
            path.push(key);
            let known = self.outline.read_meta.entry(path.join(".")).or_default();
            *known = known.rotate_left(1) ^ hasher.finish();
        }
    }

    /// Writes an expression, its names and its references.
    fn expression(&mut self, node: &SyntaxNode, writer: &mut Writer) {
        if self.is_spent() {
            return;
        }
        match node.kind() {
            SyntaxKind::NODE_STRING => self.string(node, writer),
            SyntaxKind::NODE_PATH_REL => self.path(node, writer),
            SyntaxKind::NODE_LAMBDA => {
                if let Some(lambda) = cast::<Lambda>(node.clone()) {
                    self.mark(SyntaxKind::NODE_LAMBDA, writer);
                    self.maybe(lambda.body(), writer);
                    self.parameter(&lambda, writer, true);
                }
            }
            SyntaxKind::NODE_ATTR_SET => {
                let Some(set) = cast::<rnix::ast::AttrSet>(node.clone()) else { return };
                self.within(&set, |walk| walk.children(node, writer));
            }
            SyntaxKind::NODE_ATTRPATH_VALUE => self.nested(node, writer),
            SyntaxKind::NODE_INHERIT => {
                let Some(inherit) = cast::<rnix::ast::Inherit>(node.clone()) else { return };
                for attr in inherit.attrs() {
                    let Some(name) = static_name(&attr) else { continue };
                    self.keys.push(name.clone());
                    if !self.is_unseen() {
                        self.inherited(inherit.from().and_then(|from| from.expr()), &name, writer);
                    }
                    self.keys.pop();
                }
            }
            SyntaxKind::NODE_SELECT => {
                self.sources(node, writer);
                self.children(node, writer);
            }
            SyntaxKind::NODE_IDENT => {
                self.outline.reads_meta |= node.text() == "meta";
                writer.part.names.insert(node.text().to_string());
                self.children(node, writer);
            }
            _ => self.children(node, writer),
        }
    }

    fn children(&mut self, node: &SyntaxNode, writer: &mut Writer) {
        for child in node.children_with_tokens() {
            match child {
                NodeOrToken::Node(node) => self.expression(&node, writer),
                NodeOrToken::Token(token) => self.token(token.kind(), token.text(), writer),
            }
        }
    }

    /// A binding inside an expression.
    fn nested(&mut self, node: &SyntaxNode, writer: &mut Writer) {
        let Some(binding) = cast::<rnix::ast::AttrpathValue>(node.clone()) else { return };
        let (Some(path), Some(value)) = (binding.attrpath(), binding.value()) else { return };
        let depth = self.keys.len();
        self.keys.extend(path.attrs().map(|attr| static_name(&attr).unwrap_or_else(|| "${…}".to_owned())));
        let mut inner = Writer::default();
        if self.value(&value, &mut inner) {
            self.key(&path, writer);
            let part = inner.finish();
            writer.hasher.write(&part.hash.to_le_bytes());
            writer.part.names.extend(part.names);
            writer.part.sources.extend(part.sources);
            writer.part.references.extend(part.references);
        }
        self.keys.truncate(depth);
    }

    /// The key of a binding: its names mention nothing.
    fn key(&mut self, path: &Attrpath, writer: &mut Writer) {
        for attr in path.attrs() {
            match static_name(&attr) {
                Some(name) => self.token(SyntaxKind::NODE_ATTRPATH, &name, writer),
                None => self.expression(syntax(&attr), writer),
            }
        }
    }

    fn inherited(&mut self, from: Option<Expr>, name: &str, writer: &mut Writer) {
        if self.is_spent() {
            return;
        }
        self.open.push(Digest::default());
        self.mark(SyntaxKind::NODE_INHERIT, writer);
        self.outline.reads_meta |= name == "meta";
        self.token(SyntaxKind::TOKEN_IDENT, name, writer);
        writer.part.names.insert(name.to_owned());
        match from {
            Some(from) => {
                self.look(syntax(&from));
                let base: Vec<String> = syntax(&from).descendants_with_tokens().filter_map(|element| ident(&element)).collect();
                writer.part.sources.extend(base);
                self.expression(syntax(&from), writer);
            }
            None => {
                writer.part.sources.insert(name.to_owned());
            }
        }
        self.close();
    }

    /// A function's parameter. A formal without default that nothing mentions is not seen: it may stand there for
    /// `meta`. Around a set of packages (`!mentions`) none is, for what it is used for stands in the bindings.
    fn parameter(&mut self, lambda: &Lambda, writer: &mut Writer, mentions: bool) {
        match lambda.param() {
            Some(Param::IdentParam(param)) => self.text(syntax(&param), writer),
            Some(Param::Pattern(pattern)) => {
                let bind = pattern.pat_bind().and_then(|bind| bind.ident());
                let mut formals: Vec<(String, Option<Expr>)> = pattern
                    .pat_entries()
                    .filter_map(|entry| {
                        let default = entry.question_token().and_then(|_| syntax(&entry).children().nth(1)).and_then(cast::<Expr>);
                        Some((syntax(&entry.ident()?).text().to_string(), default))
                    })
                    .collect();
                formals.sort_by(|a, b| a.0.cmp(&b.0));
                if let Some(bind) = &bind {
                    self.token(SyntaxKind::TOKEN_AT, &syntax(bind).text().to_string(), writer);
                }
                for (name, default) in formals {
                    let is_kept = default.is_some() || bind.is_some() || (mentions && writer.part.names.contains(&name));
                    if is_kept {
                        self.open.push(Digest::default());
                        self.keys.push(name.clone());
                        self.token(SyntaxKind::TOKEN_IDENT, &name, writer);
                        self.maybe(default, writer);
                        self.close();
                        self.keys.pop();
                        writer.part.names.insert(name);
                    }
                }
            }
            None => {}
        }
    }

    /// A string without what a formatter may change: how it is indented.
    fn string(&mut self, node: &SyntaxNode, writer: &mut Writer) {
        let Some(string) = cast::<Str>(node.clone()) else { return };
        self.mark(SyntaxKind::NODE_STRING, writer);
        for part in string.normalized_parts() {
            match part {
                InterpolPart::Literal(text) => self.token(SyntaxKind::TOKEN_STRING_CONTENT, &text, writer),
                InterpolPart::Interpolation(inner) => {
                    self.mark(SyntaxKind::TOKEN_INTERPOL_START, writer);
                    self.maybe(inner.expr(), writer);
                }
            }
        }
    }

    /// A relative path: as the file that it means, so that what moves together stays the same.
    fn path(&mut self, node: &SyntaxNode, writer: &mut Writer) {
        let reference = self.reference(node);
        let is_whole = node.children().next().is_none();
        match &reference {
            Some(reference) if is_whole => {
                let target = &reference.target;
                let after = (self.place.moved)(target).unwrap_or_else(|| target.clone());
                self.token(SyntaxKind::NODE_PATH_REL, &after, writer);
            }
            _ => self.children(node, writer),
        }
        writer.part.references.extend(reference);
    }

    /// What a selection takes something from: all of it but its last attribute.
    fn sources(&self, node: &SyntaxNode, writer: &mut Writer) {
        let Some(select) = cast::<rnix::ast::Select>(node.clone()) else { return };
        if let Some(base) = select.expr() {
            self.choices(&base, writer);
        }
        let attrs: Vec<String> = select.attrpath().iter().flat_map(|path| path.attrs()).filter_map(|attr| static_name(&attr)).collect();
        writer.part.sources.extend(attrs.into_iter().rev().skip(1));
    }

    /// The names of which an expression is one: `a` and `b` of `(x.a or b)` and `(if c then a else b)`.
    fn choices(&self, expression: &Expr, writer: &mut Writer) {
        self.step(1);
        if self.is_spent() {
            return;
        }
        let choices = match expression {
            Expr::Ident(name) => {
                writer.part.sources.insert(syntax(name).text().to_string());
                return;
            }
            Expr::Paren(inner) => [inner.expr(), None],
            Expr::IfElse(branches) => [branches.body(), branches.else_body()],
            Expr::Select(select) => {
                let last = select.attrpath().and_then(|path| path.attrs().last()).and_then(|attr| static_name(&attr));
                writer.part.sources.extend(last);
                [select.default_expr(), None]
            }
            _ => return,
        };
        choices.into_iter().flatten().for_each(|choice| self.choices(&choice, writer));
    }

    fn reference(&self, node: &SyntaxNode) -> Option<Reference> {
        if self.is_spent() {
            return None;
        }
        let literal = node.children_with_tokens().find_map(NodeOrToken::into_token)?;
        let is_whole = node.children().next().is_none();
        let called = node.parent().and_then(cast::<rnix::ast::Apply>).and_then(|apply| apply.lambda());
        let is_called = called.filter(|called| syntax(called) != node).is_some_and(|called| {
            self.look(syntax(&called));
            syntax(&called).descendants_with_tokens().filter_map(|element| ident(&element)).last().is_some_and(|name| calls_a_file(&name))
        });
        reference(self.place.path, literal.text(), is_whole, is_called)
    }

    fn text(&mut self, node: &SyntaxNode, writer: &mut Writer) {
        for token in tokens(node) {
            self.token(token.kind(), token.text(), writer);
        }
    }

    fn mark(&mut self, kind: SyntaxKind, writer: &mut Writer) {
        self.token(kind, "", writer);
    }

    fn token(&mut self, kind: SyntaxKind, text: &str, writer: &mut Writer) {
        if kind.is_trivia() || kind == SyntaxKind::TOKEN_COMMA {
            return;
        }
        self.step(1 + text.len() as u64 / 64);
        writer.hasher.write(&(kind as u16).to_le_bytes());
        writer.hasher.write(&(text.len() as u64).to_le_bytes());
        writer.hasher.write(text.as_bytes());
        if let Some(open) = self.open.last_mut() {
            open.write(&(kind as u16).to_le_bytes());
            open.write(text.as_bytes());
        }
    }
}

/// What the entries of a set are to a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Entries {
    Lets,
    Members,
}
