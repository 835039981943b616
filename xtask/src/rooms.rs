//! `cargo xtask rooms`: which room of src/ uses which. Each may use only those that its parent's list of modules names
//! before it (src/lib.rs, and src/web/mod.rs for the browser's rooms), and within a room of src/web no file uses, by way
//! of whichever others, one that uses it. It knows rooms and files, never what is in them.

use crate::place;
use crate::rust_paths::{self, Module, Said};
use crate::shell::Outcome;
use std::collections::{BTreeMap, BTreeSet};

/// The command line is a crate of its own, which knows the library by its name, and comes after all of it.
const PROGRAM: [&str; 2] = ["bin", "sotto"];
const LIBRARY: &str = "sotto";
/// The room that has rooms of its own.
const WEB: &str = "web";
/// So many names that stand for others' are followed at most: two may stand for each other.
const DETOURS_MAX: usize = 8;

/// Prints the drawing; what is wrong in it is the failure.
pub fn run() -> Outcome {
    let drawing = of_tree()?;
    drawing.lines.iter().for_each(|line| println!("{line}"));
    match &drawing.faults[..] {
        [] => Ok(()),
        faults => Err(format!("{} faults:\n  {}", faults.len(), faults.join("\n  "))),
    }
}

/// Who uses whom, and who must not.
pub struct Drawing {
    pub lines: Vec<String>,
    pub faults: Vec<String>,
}

pub fn of_tree() -> Outcome<Drawing> {
    let folder = place::root().join("src");
    let mut files = BTreeMap::new();
    let names = place::files_below(&folder).map_err(|error| format!("src: {error}"))?;
    for name in names.into_iter().filter(|name| name.ends_with(".rs")) {
        let text = std::fs::read_to_string(folder.join(&name)).map_err(|error| format!("src/{name}: {error}"))?;
        files.insert(name, text);
    }
    Ok(draw(&files))
}

/// One file that uses another module; both by their modules.
struct Arrow<'a> {
    from: &'a Module,
    to: Module,
    file: &'a str,
    line: usize,
}

fn draw(files: &BTreeMap<String, String>) -> Drawing {
    let tree = Tree::of(files);
    let arrows = tree.arrows();
    let mut drawing = Drawing { lines: vec![], faults: vec![] };
    let mut order = tree.declared(&[]);
    order.push(PROGRAM[0].to_string());
    draw_level(&mut drawing, &[], &order, &arrows);
    let web = vec![WEB.to_string()];
    let rooms = tree.declared(&web);
    draw_level(&mut drawing, &web, &rooms, &arrows);
    for room in &rooms {
        let room = [WEB.to_string(), room.clone()];
        drawing.faults.extend(circles(&room, &arrows, &tree));
    }
    drawing
}

/// The rooms below a module, each with those that it uses.
fn draw_level(drawing: &mut Drawing, parent: &[String], order: &[String], arrows: &[Arrow]) {
    let list = format!(
        "src/{}",
        if parent.is_empty() { "lib.rs".to_string() } else { format!("{}/mod.rs", parent.join("/")) }
    );
    drawing.lines.push(format!("{list}, in its order"));
    let room_in = |module: &Module| module.strip_prefix(parent)?.first().cloned();
    let mut used: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    let mut told = BTreeSet::new();
    for arrow in arrows {
        let (Some(from), Some(to)) = (room_in(arrow.from), room_in(&arrow.to)) else { continue };
        let place = |room: &String| order.iter().position(|name| name == room);
        let (Some(from_place), Some(to_place)) = (place(&from), place(&to)) else {
            drawing.faults.push(format!("src/{}: {from} or {to} is not in {list}", arrow.file));
            continue;
        };
        if from_place == to_place {
            continue;
        }
        used.entry(&order[from_place]).or_default().insert(to_place);
        // The first line of a file tells it for all.
        if to_place > from_place && told.insert((arrow.file, to_place)) {
            drawing
                .faults
                .push(format!("src/{}:{}: {from} uses {to}, which comes after it in {list}", arrow.file, arrow.line));
        }
    }
    for room in order {
        let uses = used.get(room.as_str()).into_iter().flatten().map(|&place| order[place].as_str());
        let uses = uses.collect::<Vec<_>>().join(" ");
        drawing.lines.push(format!("  {room}{}", if uses.is_empty() { uses } else { format!(": {uses}") }));
    }
}

/// The files of a room that use each other in a circle, each circle in one fault with the lines that close it.
fn circles(room: &[String], arrows: &[Arrow], tree: &Tree) -> Vec<String> {
    let mut reached: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for arrow in arrows.iter().filter(|arrow| arrow.from.starts_with(room) && arrow.to.starts_with(room)) {
        let to = tree.file_of(&arrow.to);
        if arrow.file != to {
            reached.entry(arrow.file).or_default().entry(to).or_insert(arrow.line);
        }
    }
    let all_behind = |file: &str| {
        let (mut found, mut waiting) = (BTreeSet::new(), vec![file.to_string()]);
        while let Some(file) = waiting.pop() {
            let next = reached.get(file.as_str()).into_iter().flat_map(|next| next.keys());
            waiting.extend(next.filter(|next| found.insert(next.to_string())).map(|next| next.to_string()));
        }
        found
    };
    let behind: BTreeMap<&str, BTreeSet<String>> = reached.keys().map(|&file| (file, all_behind(file))).collect();
    let mut told: BTreeSet<&str> = BTreeSet::new();
    let mut faults = Vec::new();
    for (&file, others) in &behind {
        let is_in_circle = |other: &&str| others.contains(*other) && behind[*other].contains(file);
        let circle: Vec<&str> = behind.keys().copied().filter(is_in_circle).collect();
        if circle.is_empty() || !told.insert(file) {
            continue;
        }
        told.extend(&circle);
        let mut lines = Vec::new();
        for (from, to, line) in
            circle.iter().flat_map(|from| reached[from].iter().map(move |(to, line)| (from, to, line)))
        {
            if circle.contains(to) {
                lines.push(format!(
                    "src/{from}:{line} uses {}",
                    to.strip_prefix(&format!("{}/", room.join("/"))).unwrap_or(to)
                ));
            }
        }
        faults.push(format!("a circle of {} files in src/{}: {}", circle.len(), room.join("/"), lines.join(", ")));
    }
    faults
}

/// All modules of the tree, and what their files say.
struct Tree<'a> {
    /// By each module, inline ones too, the file that it is in.
    modules: BTreeMap<Module, &'a str>,
    said: Vec<(&'a str, Said)>,
    /// What a module's uses give names to.
    given: BTreeMap<(Module, String), Vec<String>>,
}

impl<'a> Tree<'a> {
    fn of(files: &'a BTreeMap<String, String>) -> Tree<'a> {
        let mut tree = Tree { modules: BTreeMap::new(), said: vec![], given: BTreeMap::new() };
        let mut tests: BTreeSet<Module> = BTreeSet::new();
        for (file, text) in files {
            let module = module_of(file);
            let said = rust_paths::read(text, &module);
            for declared in &said.declared {
                let name = [&declared.within[..], std::slice::from_ref(&declared.name)].concat();
                if declared.is_test {
                    tests.insert(name);
                } else if declared.is_inline {
                    tree.modules.insert(name, file);
                }
            }
            tree.modules.insert(module, file);
            tree.said.push((file, said));
        }
        let is_test = |module: &Module| tests.iter().any(|test| module.starts_with(test));
        tree.modules.retain(|module, _| !is_test(module));
        tree.said.retain(|(file, _)| !is_test(&module_of(file)));
        for named in tree.said.iter().flat_map(|(_, said)| &said.paths) {
            if let Some(name) = &named.gives {
                tree.given.insert((named.within.clone(), name.clone()), named.path.clone());
            }
        }
        tree
    }

    /// The names of a module's modules in the order in which its file declares them.
    fn declared(&self, module: &[String]) -> Vec<String> {
        let all = self.said.iter().flat_map(|(_, said)| &said.declared);
        all.filter(|declared| !declared.is_test && declared.within == module)
            .map(|declared| declared.name.clone())
            .collect()
    }

    /// A module's file; what is found by [`Tree::leads_to`] has one.
    fn file_of(&self, module: &[String]) -> &'a str {
        self.modules.get(module).copied().unwrap_or("lib.rs")
    }

    fn arrows(&self) -> Vec<Arrow<'_>> {
        let mut arrows = Vec::new();
        for (file, named) in self.said.iter().flat_map(|(file, said)| said.paths.iter().map(move |named| (file, named)))
        {
            let Some(to) = self.leads_to(&named.within, &named.path, DETOURS_MAX) else { continue };
            // What a module shows of those within it, it need not use itself.
            let is_shown_only = named.is_public
                && named.gives.as_deref() != Some("*")
                && to.len() > named.within.len()
                && to.starts_with(&named.within);
            if to != named.within && !is_shown_only {
                arrows.push(Arrow { from: &named.within, to, file, line: named.line });
            }
        }
        arrows
    }

    /// The module that holds what a path names; none where it is other people's.
    fn leads_to(&self, within: &Module, path: &[String], most_detours: usize) -> Option<Module> {
        let is_program = within.first().is_some_and(|first| first == PROGRAM[0]);
        let root: Module = if is_program { PROGRAM.map(str::to_string).to_vec() } else { vec![] };
        let given = |module: &Module, name: &str| {
            self.given.get(&(module.clone(), name.to_string())).filter(|_| most_detours > 0)
        };
        let (first, mut rest) = path.split_first()?;
        let mut module = within.clone();
        match first.as_str() {
            "crate" => module = root,
            LIBRARY if is_program => module = vec![],
            "self" => {}
            "super" => drop(module.pop()),
            name if self.has(&module, name) => rest = path,
            name => return self.leads_to(within, &[given(within, name)?, rest].concat(), most_detours - 1),
        }
        while let Some((name, behind)) = rest.split_first() {
            if name == "super" {
                module.pop();
            } else if self.has(&module, name) {
                module.push(name.clone());
            } else {
                // What a module shows to those within it may be another's; what it shows to others counts as its own.
                let shown = given(&module, name).filter(|_| within.starts_with(&module));
                let shown = shown.and_then(|shown| self.leads_to(&module, &[shown, behind].concat(), most_detours - 1));
                return Some(shown.unwrap_or(module));
            }
            rest = behind;
        }
        Some(module)
    }

    fn has(&self, module: &[String], name: &str) -> bool {
        self.modules.contains_key(&[module, &[name.to_string()]].concat())
    }
}

/// `web/pages/dom.rs` is `web::pages::dom`, and `web/mod.rs` is `web`.
fn module_of(file: &str) -> Module {
    let names = file.trim_end_matches(".rs").split('/');
    let mut module: Module = names.map(str::to_string).collect();
    if module.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
        module.pop();
    }
    module
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIB: &str = "pub mod low;\n#[cfg(feature = \"high\")]\npub mod high;\npub mod web;";
    const WEB: &str = "pub mod first;\nmod second;\npub mod last;";

    fn drawn(files: &[(&str, &str)]) -> Drawing {
        let standing =
            [("lib.rs", LIB), ("low.rs", ""), ("high/mod.rs", ""), ("web/mod.rs", WEB), ("bin/sotto/main.rs", "")];
        let files = standing.iter().chain(files).map(|(name, text)| (name.to_string(), text.to_string()));
        draw(&files.collect())
    }

    #[track_caller]
    fn check(files: &[(&str, &str)], faults: &[&str]) {
        assert_eq!(drawn(files).faults, faults);
    }

    #[test]
    fn a_tree_that_uses_what_is_above_it_is_fine() {
        let files = [
            ("high/part.rs", "use crate::low::{self, Thing};\nuse super::mine; use std::low::f;"),
            ("web/first.rs", "fn f() { crate::high::part::g() }"),
            ("web/last/mod.rs", "mod a; mod b;\npub use b::B; use super::{\n    first::F,\n    second,\n};"),
            ("web/last/a.rs", "use super::B; use super::super::first;"),
            ("web/last/b.rs", "use crate::web::first as other; fn f() { other::g() }"),
            ("web/second.rs", ""),
            ("bin/sotto/main.rs", "mod pack; use sotto::web::last;"),
            ("bin/sotto/pack.rs", "use crate::helper; use sotto::low;"),
        ];
        let Drawing { lines, faults } = drawn(&files);
        assert_eq!(faults, Vec::<String>::new());
        let expected = "src/lib.rs, in its order\n  low\n  high: low\n  web: high\n  bin: low web\n\
            src/web/mod.rs, in its order\n  first\n  second\n  last: first second";
        assert_eq!(lines.join("\n"), expected);
    }

    #[test]
    fn an_arrow_upwards_is_a_fault_with_its_line() {
        check(
            &[("low.rs", "\nuse crate::{\n    web,\n};")],
            &["src/low.rs:3: low uses web, which comes after it in src/lib.rs"],
        );
        check(
            &[
                ("high/mod.rs", "pub mod deep;"),
                ("high/deep.rs", "use super::super::web::f; fn g() { super::super::web::h() }"),
            ],
            &["src/high/deep.rs:1: high uses web, which comes after it in src/lib.rs"],
        );
        check(
            &[
                ("web/first.rs", "fn f() {\n    super::last::g()\n}"),
                ("web/last.rs", "use super::first;"),
                ("web/second.rs", ""),
            ],
            &["src/web/first.rs:2: first uses last, which comes after it in src/web/mod.rs"],
        );
        check(
            &[
                ("web/mod.rs", "mod first; mod last; pub use last::Shown;"),
                ("web/first.rs", "use crate::web::Shown;"),
                ("web/last.rs", ""),
            ],
            &["src/web/first.rs:1: first uses last, which comes after it in src/web/mod.rs"],
        );
        check(&[("lost.rs", "use crate::low;")], &["src/lost.rs: lost or low is not in src/lib.rs"]);
    }

    #[test]
    fn files_of_a_room_that_use_each_other_are_a_fault() {
        let circle = [
            ("web/last/mod.rs", "mod a; mod b; mod c; mod d;"),
            ("web/last/a.rs", "use super::b::B;"),
            ("web/last/b.rs", "\nuse super::{c, d};"),
            ("web/last/c.rs", "fn f() { crate::web::last::a::g() }"),
            ("web/last/d.rs", "use super::super::first;"),
            ("web/first.rs", ""),
        ];
        check(
            &circle,
            &["a circle of 3 files in src/web/last: src/web/last/a.rs:1 uses b.rs, src/web/last/b.rs:2 uses c.rs, \
            src/web/last/c.rs:1 uses a.rs"],
        );
        // A folder's own file is one of them, where it does more than show what is within.
        check(
            &[("web/last/mod.rs", "mod a;\nuse a::A;"), ("web/last/a.rs", "use super::f;")],
            &["a circle of 2 files in src/web/last: src/web/last/a.rs:1 uses mod.rs, src/web/last/mod.rs:2 uses a.rs"],
        );
    }

    #[test]
    fn comments_texts_and_tests_use_nothing() {
        check(
            &[
                (
                    "low.rs",
                    "// use crate::web;\nconst A: &str = \"crate::web::f\";\n#[cfg(test)]\nmod tests { use crate::web; }",
                ),
                ("high/mod.rs", "#[cfg(test)]\nmod trials;"),
                ("high/trials.rs", "use crate::web;"),
            ],
            &[],
        );
    }

    #[test]
    fn names_that_stand_for_each_other_are_no_trap() {
        check(&[("low.rs", "use a::b; use b::a; fn f() { a::c() }")], &[]);
    }
}
