//! Questions about an expression, which look at no more than its syntax.

use rnix::ast::{AstNode, Attr, Entry, Expr, HasEntry, InterpolPart};
use rnix::{NodeOrToken, SyntaxKind, SyntaxNode, SyntaxToken};

/// Whether an expression results in a set that is written there.
pub(super) fn leads_to_set(expression: &Expr) -> bool {
    let leads = |expression: Option<Expr>| expression.is_some_and(|expression| leads_to_set(&expression));
    match expression {
        Expr::AttrSet(_) => true,
        Expr::Paren(paren) => leads(paren.expr()),
        Expr::Lambda(lambda) => leads(lambda.body()),
        Expr::LetIn(binding) => leads(binding.body()),
        Expr::With(with) => leads(with.body()),
        Expr::Assert(assert) => leads(assert.body()),
        Expr::BinOp(operation) => {
            operation.operator() == Some(rnix::ast::BinOpKind::Update) && (leads(operation.lhs()) || leads(operation.rhs()))
        }
        Expr::Apply(apply) => leads(apply.lambda()) || leads(apply.argument()),
        _ => false,
    }
}

/// Whether a package is made of a set that stands there: by what the set has, or by the function that is called with it.
pub(super) fn is_of_a_package(set: &rnix::ast::AttrSet) -> bool {
    let keys = set.entries().flat_map(|entry| match entry {
        Entry::Inherit(inherit) => inherit.attrs().filter_map(|attr| static_name(&attr)).collect::<Vec<_>>(),
        Entry::AttrpathValue(binding) => binding.attrpath().and_then(|path| static_name(&path.attrs().next()?)).into_iter().collect(),
    });
    let is_described = || keys.into_iter().any(|key| ["name", "pname", "src", "version"].contains(&key.as_str()));
    match function_of(syntax(set)) {
        // What is written to a file is no package, whatever it is called.
        Some(function) if function.starts_with("to") || function == "generate" => false,
        Some(function) => ["build", "mk", "override", "runCommand"].iter().any(|start| function.starts_with(start)) || is_described(),
        None => is_described(),
    }
}

/// The name of the function that an expression is handed to, as it is or as what a function or a `let` results in.
pub(super) fn function_of(node: &SyntaxNode) -> Option<String> {
    let mut inner = node.clone();
    loop {
        let outer = inner.parent()?;
        match outer.kind() {
            SyntaxKind::NODE_APPLY => {
                let apply = cast::<rnix::ast::Apply>(outer)?;
                let mut function = apply.lambda()?;
                if *syntax(&function) == inner {
                    return None;
                }
                while let Expr::Apply(apply) = function {
                    function = apply.lambda()?;
                }
                return syntax(&function).descendants_with_tokens().filter_map(|element| ident(&element)).last();
            }
            SyntaxKind::NODE_PAREN
            | SyntaxKind::NODE_LAMBDA
            | SyntaxKind::NODE_LET_IN
            | SyntaxKind::NODE_WITH
            | SyntaxKind::NODE_ASSERT
            | SyntaxKind::NODE_BIN_OP => inner = outer,
            _ => return None,
        }
    }
}

/// The set that a binding of a set of packages is, as such: `x = { … }`, `x = recurseIntoAttrs { … }`.
pub(super) fn inner_set(value: &Expr) -> Option<rnix::ast::AttrSet> {
    match value {
        Expr::AttrSet(set) => Some(set.clone()),
        Expr::Paren(paren) => inner_set(&paren.expr()?),
        Expr::Apply(apply) => {
            let name = syntax(&apply.lambda()?).descendants_with_tokens().filter_map(|element| ident(&element)).last()?;
            if name.ends_with("ecurseIntoAttrs") { inner_set(&apply.argument()?) } else { None }
        }
        _ => None,
    }
}

/// The name of a key that stands there: an identifier or a plain string.
pub(super) fn static_name(attr: &Attr) -> Option<String> {
    match attr {
        Attr::Ident(name) => Some(syntax(name).text().to_string()),
        Attr::Str(string) => match string.normalized_parts().as_slice() {
            [] => Some(String::new()),
            [InterpolPart::Literal(text)] => Some(text.clone()),
            _ => None,
        },
        Attr::Dynamic(_) => None,
    }
}

/// The node of the tree: a method of a trait that rnix does not re-export.
pub(super) fn syntax<N: AstNode>(node: &N) -> &SyntaxNode {
    node.syntax()
}

/// A node of the tree as what it is, if it is that.
pub(super) fn cast<N: AstNode>(node: SyntaxNode) -> Option<N> {
    N::cast(node)
}

pub(super) fn ident(element: &rnix::SyntaxElement) -> Option<String> {
    element.as_token().filter(|token| token.kind() == SyntaxKind::TOKEN_IDENT).map(|token| token.text().to_owned())
}

pub(super) fn tokens(node: &SyntaxNode) -> impl Iterator<Item = SyntaxToken> {
    node.descendants_with_tokens().filter_map(NodeOrToken::into_token).filter(|token| !token.kind().is_trivia())
}
