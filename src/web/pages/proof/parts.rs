//! What a section shows of its result, drawn into the page and written as a text. It must never know what the figures mean.

use std::iter;

use wasm_bindgen::JsValue;
use web_sys::{Element, HtmlElement};

use super::super::dom;

/// What came of a section.
pub struct Proven {
    pub parts: Vec<Part>,
    /// Its figures as the saved file has them.
    pub figures: JsValue,
}

pub enum Part {
    Line(String),
    /// A line that says less loudly where something is from, or what it leaves out.
    Quiet(String),
    /// A line that says what must not be.
    Bad(String),
    Table(Table),
    /// A table that the person unfolds, under these words.
    Folded(String, Table),
    /// A picture of the package, and what is to be said of it.
    Picture {
        file: String,
        words: String,
    },
    /// What a table beside it says, too.
    Drawing(Option<Element>),
}

pub struct Table {
    pub caption: String,
    /// The first is above the names of the rows.
    pub head: Vec<String>,
    pub rows: Vec<Row>,
}

pub struct Row {
    /// The first is the row's name.
    pub cells: Vec<String>,
    /// Whether it says what must not be.
    pub is_bad: bool,
}

impl Table {
    pub fn new(caption: String, head: Vec<String>) -> Self {
        Self { caption, head, rows: Vec::new() }
    }

    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(Row { cells, is_bad: false });
    }

    fn draw(&self) -> Option<HtmlElement> {
        let table = dom::make("table", "", "")?;
        dom::append(&table, dom::make("caption", "", &self.caption));
        let (head, body) = (dom::make("thead", "", "")?, dom::make("tbody", "", "")?);
        let titles = dom::make("tr", "", "")?;
        for title in &self.head {
            dom::append(&titles, header(title, "col"));
        }
        dom::append(&head, Some(titles));
        for row in &self.rows {
            let line = dom::make("tr", if row.is_bad { "bad" } else { "" }, "")?;
            for (index, cell) in row.cells.iter().enumerate() {
                dom::append(&line, if index == 0 { header(cell, "row") } else { dom::make("td", "", cell) });
            }
            dom::append(&body, Some(line));
        }
        dom::append(&table, Some(head));
        dom::append(&table, Some(body));
        Some(table)
    }

    /// Columns below each other, as far as letters are of one width.
    fn write(&self) -> String {
        let lines = || iter::once(&self.head).chain(self.rows.iter().map(|row| &row.cells));
        let width = |column: usize| {
            let lengths = lines().filter_map(|cells| cells.get(column)).map(|cell| cell.chars().count());
            lengths.max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.head.len()).map(width).collect();
        let mut text = format!("{}\n", self.caption);
        for cells in lines() {
            let cells = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
            text.push_str("  ");
            text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
            text.push('\n');
        }
        text
    }
}

/// An empty corner is no header of anything.
fn header(words: &str, scope: &str) -> Option<HtmlElement> {
    if words.is_empty() {
        return dom::make("td", "", "");
    }
    let header = dom::make("th", "", words)?;
    dom::set_attribute(&header, "scope", scope);
    Some(header)
}

/// Puts the parts into an element, in the place of what was there.
pub fn draw(into: &Element, parts: &[Part]) {
    dom::clear(into);
    for part in parts {
        let drawn = match part {
            Part::Line(words) => dom::make("p", "", words),
            Part::Quiet(words) => dom::make("p", "quiet small", words),
            Part::Bad(words) => dom::make("p", "note bad", words),
            Part::Table(table) => table.draw(),
            Part::Folded(words, table) => folded(words, table),
            Part::Picture { file, words } => picture(file, words),
            Part::Drawing(drawing) => {
                if let Some(drawing) = drawing {
                    // Fails only for an element that contains this one.
                    let _ = into.append_child(drawing);
                }
                None
            }
        };
        dom::append(into, drawn);
    }
}

fn folded(words: &str, table: &Table) -> Option<HtmlElement> {
    let details = dom::make("details", "more", "")?;
    dom::append(&details, dom::make("summary", "", words));
    dom::append(&details, table.draw());
    Some(details)
}

fn picture(file: &str, words: &str) -> Option<HtmlElement> {
    let (figure, image) = (dom::make("figure", "alarm", "")?, dom::make("img", "", "")?);
    dom::set_attribute(&image, "src", &format!("../proof/pictures/{file}"));
    // What is to be said of it stands below.
    dom::set_attribute(&image, "alt", file);
    dom::append(&figure, Some(image));
    dom::append(&figure, dom::make("figcaption", "small", &format!("{file}: {words}")));
    Some(figure)
}

/// The parts as a text.
pub fn write(parts: &[Part]) -> String {
    let written = parts.iter().filter_map(|part| {
        Some(match part {
            Part::Line(words) | Part::Quiet(words) | Part::Bad(words) => format!("{words}\n"),
            Part::Table(table) | Part::Folded(_, table) => table.write(),
            Part::Picture { file, words } => format!("{file}: {words}\n"),
            Part::Drawing(_) => return None,
        })
    });
    written.collect::<Vec<_>>().join("\n")
}
