//! A memory map as a page: to zoom into, to point at, and to search.
//!
//! The page stands alone: its data is JSON inside it, its script is the one beside this file, and a
//! policy in its head keeps it from fetching anything. Of several functions it shows one at a time.
//! All that is drawn is on one canvas, and what is outside of it is not drawn; so it stays fluid with
//! thousands of blocks.

mod data;

use crate::Exhibit;
use crate::units::plain;

const TEMPLATE: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");

/// One page with the memory maps of programs.
pub fn page(exhibits: &[Exhibit]) -> String {
    let data: Vec<_> = exhibits.iter().map(data::Function::new).collect();
    // In a script, nothing but `<` could end it.
    let data = serde_json::to_string(&data).expect("strings and whole numbers are JSON").replace('<', "\\u003c");
    let names: Vec<String> = exhibits.iter().map(|it| format!("@{}", plain(&it.function))).collect();
    let title = names.join(", ").replace('&', "&amp;").replace('<', "&lt;");
    let mut page = String::with_capacity(TEMPLATE.len() + STYLE.len() + SCRIPT.len() + data.len());
    // Piece by piece: what is put in may contain anything.
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
