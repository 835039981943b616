//! Lists whose entries come and go while a person uses them: what stays keeps its place, its state and the focus.

use web_sys::{Element, HtmlElement};

use super::dom;

const NAME: &str = "data-name";

/// Brings a list to one entry for each name, in their order, each as `make` makes it, and hands over all of them to `show`.
pub fn follow(
    list: &Element,
    names: &[String],
    make: impl Fn(&str) -> Option<HtmlElement>,
    show: impl Fn(&Element, &str),
) {
    for gone in all(list).into_iter().filter(|entry| !names.contains(&name_of(entry))) {
        gone.remove();
    }
    for (index, name) in names.iter().enumerate() {
        if all(list).get(index).is_some_and(|entry| name_of(entry) == *name) {
            continue;
        }
        if let Some(elsewhere) = all(list).into_iter().find(|entry| name_of(entry) == *name) {
            elsewhere.remove();
        }
        let Some(made) = make(name) else { return };
        dom::set_attribute(&made, NAME, name);
        // Fails only for an element that is no child of the list.
        let _ = list.insert_before(&made, all(list).get(index).map(AsRef::as_ref));
    }
    for entry in all(list) {
        show(&entry, &name_of(&entry));
    }
}

fn all(list: &Element) -> Vec<Element> {
    std::iter::successors(list.first_element_child(), Element::next_element_sibling).collect()
}

fn name_of(entry: &Element) -> String {
    entry.get_attribute(NAME).unwrap_or_default()
}

/// Before an entry goes, the focus moves from it to the same part of the next one, or the one before; or to `otherwise`.
pub fn focus_beside(entry: &Element, part: &str, otherwise: &str) {
    let beside = entry.next_element_sibling().or_else(|| entry.previous_element_sibling());
    match beside.and_then(|entry| dom::part(&entry, part)) {
        // Refused by nothing that is shown.
        Some(button) => drop(button.focus()),
        None => dom::focus(otherwise),
    }
}
