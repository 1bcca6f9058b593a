//! A memory map as an interactive HTML page, with zoom, tooltips and search.
//!
//! The page is self-contained: it embeds its data as JSON and its script (`page/page.js`), and a content
//! security policy keeps it from fetching anything. It shows one function at a time. It draws only the
//! visible part, on one canvas, so it stays responsive with thousands of blocks.

mod data;

use crate::Exhibit;
use crate::units::plain;

const TEMPLATE: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");

/// Returns an HTML page with the memory maps of programs.
pub fn page(exhibits: &[Exhibit]) -> String {
    let data: Vec<_> = exhibits.iter().map(data::Function::new).collect();
    // Only a `<` could end the script element.
    let data = serde_json::to_string(&data).expect("strings and whole numbers are JSON").replace('<', "\\u003c");
    let names: Vec<String> = exhibits.iter().map(|it| format!("@{}", plain(&it.function))).collect();
    let title = names.join(", ").replace('&', "&amp;").replace('<', "&lt;");
    let mut page = String::with_capacity(TEMPLATE.len() + STYLE.len() + SCRIPT.len() + data.len());
    // One pass over the template: inserted text may itself contain `{{`.
    for piece in TEMPLATE.split("{{") {
        match piece.split_once("}}") {
            None => page += piece,
            Some((name, rest)) => {
                page += match name {
                    "title" => &title,
                    "style" => STYLE,
                    "script" => SCRIPT,
                    _ => &data,
                };
                page += rest;
            }
        }
    }
    page
}
