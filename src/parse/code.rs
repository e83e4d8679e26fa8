//! Source code to its units: functions, types and what they contain, each under its name.
//!
//! tree-sitter makes the tree; a unit is a node with a name of its own, together with the comments
//! and attributes right above it. What stands between units (imports, constants) is cut at blank
//! lines.

use std::ops::Range;

use tree_sitter::{Node, Parser};

use super::grammar::Grammar;
use super::plain::{paragraphs, trimmed};
use super::{Block, BlockKind, Parsed, Section};

/// Types and modules longer than this many bytes are taken apart into their members.
const LARGE_UNIT: usize = 1200;
/// Members of members of members are not told apart.
const MAX_DEPTH: usize = 3;

/// The units of a source file, or `None` where it cannot be parsed at all.
pub(super) fn parse(text: &str, grammar: Grammar) -> Option<Parsed> {
    let mut parser = Parser::new();
    parser.set_language(&grammar.language()).ok()?;
    let tree = parser.parse(text, None)?;
    let mut units = Units { text, grammar, sections: Vec::new() };
    units.children(tree.root_node(), 0..text.len(), &[]);
    Some(Parsed { sections: units.sections, ..Parsed::default() })
}

struct Units<'text> {
    text: &'text str,
    grammar: Grammar,
    sections: Vec<Section>,
}

impl Units<'_> {
    /// The units among the children of `node`, and what stands between them, within `span`.
    fn children(&mut self, node: Node<'_>, span: Range<usize>, headings: &[String]) {
        let mut position = span.start;
        let mut above: Option<Node<'_>> = None;
        let mut cursor = node.walk();
        for child in node.named_children(&mut cursor) {
            if is_remark(child) {
                above = above.filter(|_| !self.is_blank_line_before(child)).or(Some(child));
                continue;
            }
            let first = above.take().filter(|_| !self.is_blank_line_before(child)).unwrap_or(child);
            let Some(name) = self.name(child) else { continue };
            let start = self.line_start(first.start_byte()).max(position);
            let end = child.end_byte().max(start);
            self.loose(position..start, headings);
            let headings: Vec<String> = headings.iter().cloned().chain([name]).collect();
            self.unit(child, start..end, &headings);
            position = end;
        }
        self.loose(position..span.end, headings);
    }

    /// One unit, or the members of a large one.
    fn unit(&mut self, node: Node<'_>, span: Range<usize>, headings: &[String]) {
        let body = body(inner(node));
        let members = body.filter(|_| span.len() > LARGE_UNIT && headings.len() < MAX_DEPTH);
        match members.filter(|body| self.has_units(*body)) {
            Some(body) => {
                self.block(span.start..body.start_byte(), headings);
                self.children(body, body.start_byte()..span.end, headings);
            }
            None => self.block(span, headings),
        }
    }

    fn has_units(&self, body: Node<'_>) -> bool {
        let mut cursor = body.walk();
        body.named_children(&mut cursor).any(|child| !is_remark(child) && self.name(child).is_some())
    }

    /// What has no name, at blank lines.
    fn loose(&mut self, span: Range<usize>, headings: &[String]) {
        let text = self.text.get(span.clone()).unwrap_or_default();
        for part in paragraphs(text) {
            let part = span.start + part.start..span.start + part.end;
            // A closing brace on its own says nothing.
            if self.text[part.clone()].contains(char::is_alphanumeric) {
                self.block(part, headings);
            }
        }
    }

    fn block(&mut self, span: Range<usize>, headings: &[String]) {
        let span = trimmed(self.text, span);
        let Some(text) = self.text.get(span.clone()).filter(|text| !text.trim().is_empty()) else { return };
        let block = Block { kind: BlockKind::Unit(self.grammar), text: text.to_owned(), span };
        match self.sections.last_mut().filter(|section| section.headings == headings) {
            Some(section) => section.blocks.push(block),
            None => self.sections.push(Section {
                headings: headings.to_vec(),
                blocks: vec![block],
                ..Section::default()
            }),
        }
    }

    /// What a unit is called: a method of Go with its type before it, an `impl` block as its type. Imports and
    /// `module.exports = ...` are no units, nor are variables of one line and of no function.
    fn name(&self, node: Node<'_>) -> Option<String> {
        let node = inner(node);
        let name = match node.kind() {
            "impl_item" => self.words(node.child_by_field_name("type")?)?,
            "assignment_expression" => self.assigned(node)?,
            "variable_declarator" if !is_worth_a_name(node) => return None,
            "method_declaration" => match node.child_by_field_name("receiver") {
                Some(receiver) => format!("{}.{}", self.receiver(receiver)?, self.named(node)?),
                None => self.named(node)?,
            },
            kind if kind.ends_with("_statement") && kind != "export_statement" => return None,
            _ => self.named(node)?,
        };
        (!name.is_empty() && name.len() <= 80 && !is_import(node)).then_some(name)
    }

    fn named(&self, node: Node<'_>) -> Option<String> {
        self.words(node.child_by_field_name("name")?)
    }

    /// The type of a method of Go: `Store` of `(s *Store[K])`.
    fn receiver(&self, receiver: Node<'_>) -> Option<String> {
        let text = self.words(receiver)?;
        let of_type = text.trim_matches(['(', ')', ' ']).rsplit([' ', '*']).next()?;
        Some(of_type.split('[').next()?.to_owned())
    }

    /// The name that a function is assigned to, without what stands for the module: `exports.add = ...`.
    fn assigned(&self, node: Node<'_>) -> Option<String> {
        node.child_by_field_name("right").filter(|value| is_function(*value))?;
        let name = self.words(node.child_by_field_name("left")?)?;
        let name = name.strip_prefix("module.").unwrap_or(&name);
        let name = name.strip_prefix("exports").map_or(name, |name| name.trim_start_matches('.'));
        Some(name.to_owned())
    }

    /// A node's text on one line.
    fn words(&self, node: Node<'_>) -> Option<String> {
        Some(self.text.get(node.byte_range())?.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    fn is_blank_line_before(&self, node: Node<'_>) -> bool {
        let start = self.line_start(node.start_byte());
        self.text[..start]
            .trim_end_matches([' ', '\t', '\r'])
            .strip_suffix('\n')
            .is_some_and(|before| before.rsplit('\n').next().is_none_or(|line| line.trim().is_empty()))
    }

    fn line_start(&self, position: usize) -> usize {
        self.text[..position].rfind('\n').map_or(0, |end| end + 1)
    }
}

/// Comments, attributes and decorators belong to what follows them.
fn is_remark(node: Node<'_>) -> bool {
    node.kind().contains("comment") || matches!(node.kind(), "attribute_item" | "decorator" | "attribute")
}

fn is_import(node: Node<'_>) -> bool {
    node.kind().contains("import") || matches!(node.kind(), "use_declaration" | "package_clause")
}

/// The definition inside `export ...` or under decorators, or the only one of a declaration of several.
fn inner(node: Node<'_>) -> Node<'_> {
    let definition =
        node.child_by_field_name("declaration").or_else(|| node.child_by_field_name("definition"));
    let node = definition.unwrap_or(node);
    let may_hold_one = matches!(
        node.kind(),
        "lexical_declaration"
            | "variable_declaration"
            | "expression_statement"
            | "type_declaration"
            | "const_declaration"
            | "var_declaration"
    );
    let only = node.named_child(0).filter(|_| may_hold_one && node.named_child_count() == 1);
    only.filter(|only| NAMED_ALONE.contains(&only.kind())).unwrap_or(node)
}

/// What a declaration or statement may consist of, and is called after: of JavaScript, TypeScript and Go.
const NAMED_ALONE: [&str; 6] =
    ["variable_declarator", "assignment_expression", "type_spec", "type_alias", "const_spec", "var_spec"];

/// The members of a definition, or of the function or class that is its value.
fn body(node: Node<'_>) -> Option<Node<'_>> {
    let value = || node.child_by_field_name("value").or_else(|| node.child_by_field_name("right"));
    node.child_by_field_name("body").or_else(|| value()?.child_by_field_name("body"))
}

/// Whether a variable is called by a name of its own and is a function, or of several lines; not what is loaded.
fn is_worth_a_name(declarator: Node<'_>) -> bool {
    let is_identifier =
        declarator.child_by_field_name("name").is_some_and(|name| name.kind() == "identifier");
    let Some(value) = declarator.child_by_field_name("value").filter(|_| is_identifier) else { return false };
    is_function(value) || value.start_position().row < value.end_position().row
}

fn is_function(value: Node<'_>) -> bool {
    matches!(
        value.kind(),
        "arrow_function" | "function_expression" | "generator_function" | "class" | "class_expression"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(text: &str, extension: &str) -> Vec<(String, String)> {
        let parsed = parse(text, Grammar::of_extension(extension).unwrap()).unwrap();
        let sections = parsed.sections.into_iter();
        sections
            .flat_map(|section| {
                let name = section.headings.join(">");
                section.blocks.into_iter().map(move |block| (name.clone(), text[block.span].to_owned()))
            })
            .collect()
    }

    fn names(text: &str, extension: &str) -> Vec<String> {
        units(text, extension).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn a_function_is_a_unit_with_the_comment_above_it() {
        let text = "use a::b;\n\n// Far away.\n\n/// Adds.\n#[must_use]\nfn add(a: u8) -> u8 {\n    a\n}\n\nfn sub() {}\n";
        assert_eq!(
            units(text, "rs"),
            [
                (String::new(), "use a::b;".to_owned()),
                (String::new(), "// Far away.".to_owned()),
                ("add".to_owned(), "/// Adds.\n#[must_use]\nfn add(a: u8) -> u8 {\n    a\n}".to_owned()),
                ("sub".to_owned(), "fn sub() {}".to_owned()),
            ]
        );
    }

    #[test]
    fn a_large_type_is_taken_apart_into_its_members() {
        let filler = "        x = 1  # some words to make it long enough\n".repeat(20);
        let text = format!(
            "class Store:\n    \"\"\"Keeps.\"\"\"\n\n    def get(self):\n{filler}\n    def put(self):\n{filler}"
        );
        assert_eq!(names(&text, "py"), ["Store", "Store", "Store>get", "Store>put"]);
        let small = "class Store:\n    def get(self):\n        pass\n";
        assert_eq!(names(small, "py"), ["Store"]);
    }

    #[test]
    fn units_are_named_in_every_language() {
        for (extension, text, name) in [
            ("go", "package a\n\nfunc Add() {}\n", "Add"),
            ("go", "package a\n\n// Keeps.\ntype Store struct {\n\n\tkeys int\n}\n", "Store"),
            ("go", "package a\n\nfunc (s *Store[K]) Put(k K) {}\n", "Store.Put"),
            ("go", "package a\n\nfunc (Store) Get() {}\n", "Store.Get"),
            ("js", "const add = (a) => {\n\n  return a\n}\n", "add"),
            ("js", "export const add = async function () {}\n", "add"),
            ("js", "exports.add = function () {}\n", "add"),
            ("js", "module.exports.add = () => {}\n", "add"),
            ("js", "Store.prototype.put = function () {}\n", "Store.prototype.put"),
            ("ts", "export const routes: Route[] = [\n\n  home,\n]\n", "routes"),
            ("java", "class Box { int a; }\n", "Box"),
            ("js", "export function add() {}\n", "add"),
            ("php", "<?php\nfunction add() {}\n", "add"),
            ("py", "@cached\ndef add():\n    pass\n", "add"),
            ("rb", "def add\nend\n", "add"),
            ("rs", "impl Box {}\n", "Box"),
            ("ts", "export interface Box { a: string }\n", "Box"),
            ("tsx", "export function Box() { return <a/> }\n", "Box"),
        ] {
            assert!(
                names(text, extension).contains(&name.to_owned()),
                "{extension}: {:?}",
                units(text, extension)
            );
        }
    }

    #[test]
    fn what_is_loaded_or_of_one_line_has_no_name() {
        for text in [
            "const fs = require('fs')\n",
            "const limit = 5\n",
            "const { a, b } = load(\n  1,\n)\n",
            "module.exports = { add }\n",
            "module.exports = () => {}\n",
            "let a = 1, b = function () {}\n",
        ] {
            assert_eq!(names(text, "js"), [""], "{text}");
        }
        assert_eq!(names("package a\n\nvar (\n\ta = 1\n\tb = 2\n)\n", "go"), ["", ""]);
    }

    #[test]
    fn a_large_function_in_a_variable_is_taken_apart_into_its_functions() {
        let filler = "    call(1) // some words to make it long enough\n".repeat(30);
        let text = format!(
            "const store = () => {{\n  const get = () => {{\n{filler}  }}\n\n  const put = () => {{\n{filler}  }}\n}}\n"
        );
        assert_eq!(names(&text, "js"), ["store", "store>get", "store>put"]);
    }

    proptest::proptest! {
        #[test]
        fn no_letter_of_any_soup_is_lost(text in "(fn|class|def|impl|[a-c {}();\n#/\"'])*{0,40}") {
            for extension in ["rs", "py", "tsx"] {
                let mut covered = vec![false; text.len()];
                let parsed = parse(&text, Grammar::of_extension(extension).unwrap()).unwrap();
                let mut last = 0;
                for block in parsed.sections.iter().flat_map(|section| &section.blocks) {
                    proptest::prop_assert!(block.span.start >= last, "out of order");
                    last = block.span.end;
                    covered[block.span.clone()].fill(true);
                }
                let lost = text.char_indices().find(|(offset, letter)| letter.is_alphanumeric() && !covered[*offset]);
                proptest::prop_assert!(lost.is_none(), "{lost:?} of {text:?} is lost");
            }
        }
    }
}
