//! The reliability diagram: across how sure verdicts were, upwards how often they were right. Were every percentage true, all bars
//! would end on the diagonal. It has no words of its own; a table beside it has the same figures for those who can't see it.

use web_sys::Element;

use super::super::dom;
use crate::evaluation::Bin;

const SVG: &str = "http://www.w3.org/2000/svg";
/// Units of the drawing on each side; how large these are, the style sheet says.
const SIDE: f64 = 100.0;
/// Between two bars.
const GAP: f64 = 0.8;

/// `words` are read out in its stead.
pub fn draw(bins: &[Bin], words: &str) -> Option<Element> {
    let drawing = make("svg", &[])?;
    for (name, value) in
        [("class", "reliability"), ("viewBox", "-4 -4 108 108"), ("role", "img"), ("aria-label", words)]
    {
        dom::set_attribute(&drawing, name, value);
    }
    put(&drawing, "frame", make("rect", &[("x", 0.0), ("y", 0.0), ("width", SIDE), ("height", SIDE)]));
    let width = SIDE / bins.len() as f64;
    for (index, bin) in bins.iter().enumerate().filter(|(_, bin)| bin.n > 0) {
        let height = SIDE * bin.accuracy;
        let left = index as f64 * width + GAP / 2.0;
        let edges = [("x", left), ("y", SIDE - height), ("width", width - GAP), ("height", height)];
        put(&drawing, "fill", make("rect", &edges));
    }
    put(&drawing, "ideal", make("line", &[("x1", 0.0), ("y1", SIDE), ("x2", SIDE), ("y2", 0.0)]));
    let n_all: usize = bins.iter().map(|bin| bin.n).sum();
    for bin in bins.iter().filter(|bin| bin.n > 0) {
        // The larger, the more verdicts.
        let radius = 1.0 + 3.0 * (bin.n as f64 / n_all as f64).sqrt();
        let place = [("cx", SIDE * bin.mean_share), ("cy", SIDE - SIDE * bin.accuracy), ("r", radius)];
        put(&drawing, "dot", make("circle", &place));
    }
    Some(drawing)
}

fn make(tag: &str, numbers: &[(&str, f64)]) -> Option<Element> {
    let element = dom::document()?.create_element_ns(Some(SVG), tag).ok()?;
    for (name, value) in numbers {
        dom::set_attribute(&element, name, &format!("{value:.2}"));
    }
    Some(element)
}

fn put(drawing: &Element, class: &str, child: Option<Element>) {
    if let Some(child) = child {
        dom::set_attribute(&child, "class", class);
        // Fails only for a child that contains its parent.
        let _ = drawing.append_child(&child);
    }
}
