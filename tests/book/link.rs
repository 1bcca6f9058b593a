//! Where links and included files lead.

use crate::page::Page;
use std::fs;
use std::path::Path;

/// What is wrong, a line each: with links, with pictures, with what is included, and with pages that the
/// summary does not name.
pub fn wrong(source: &Path, pages: &[Page]) -> Vec<String> {
    let mut wrong = Vec::new();
    for page in pages {
        let folder = source.join(&page.name).parent().expect("a page is in a folder").to_owned();
        for link in page.links() {
            if let Err(error) = follow(source, &folder, page, &link.target) {
                wrong.push(format!("{}:{}: {}: {error}", page.name, link.line, link.target));
            }
        }
        for included in page.text.split("{{#include ").skip(1) {
            let included = included.split("}}").next().unwrap_or_default().trim();
            if let Err(error) = include(&folder, included) {
                wrong.push(format!("{}: {included}: {error}", page.name));
            }
        }
    }
    for name in files(source, source) {
        if name.ends_with(".md") && name != "SUMMARY.md" && pages.iter().all(|it| it.name != name) {
            wrong.push(format!("{name}: the summary does not name it"));
        }
    }
    wrong
}

fn follow(source: &Path, folder: &Path, page: &Page, target: &str) -> Result<(), String> {
    if target.starts_with("https://") {
        return Ok(());
    }
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = if file.is_empty() { source.join(&page.name) } else { folder.join(file) };
    let inside = fs::canonicalize(&path).map_err(|error| error.to_string())?;
    let source = fs::canonicalize(source).map_err(|error| error.to_string())?;
    // What lies beside the book is not there once the book is built.
    let name = inside.strip_prefix(&source).map_err(|_| "leads out of the book")?;
    if anchor.is_empty() {
        return Ok(());
    }
    let anchors = Page::read(&source, name.to_str().ok_or("not text")?).anchors();
    if anchors.iter().any(|it| it == anchor) { Ok(()) } else { Err(format!("no such heading; there are {anchors:?}")) }
}

/// `FILE`, `FILE:FIRST:LAST` by lines, or `FILE:ANCHOR`. mdBook only warns where an anchor is missing, and
/// includes nothing.
fn include(folder: &Path, included: &str) -> Result<(), String> {
    let (file, anchor) = included.split_once(':').unwrap_or((included, ""));
    let text = fs::read_to_string(folder.join(file)).map_err(|error| error.to_string())?;
    let has = |what: &str| text.lines().any(|it| it.trim_end().ends_with(&format!("{what}: {anchor}")));
    let are_lines = anchor.chars().all(|it| it.is_ascii_digit() || it == ':');
    if are_lines || (has("ANCHOR") && has("ANCHOR_END")) { Ok(()) } else { Err("no such anchor".into()) }
}

/// All files below a folder, named from the root.
fn files(root: &Path, folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            names.extend(files(root, &path));
        } else {
            names.push(path.strip_prefix(root).expect("below it").to_str().expect("text").to_owned());
        }
    }
    names.sort();
    names
}

#[test]
fn links_that_lead_nowhere_are_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("there is room");
    write("SUMMARY.md", "- [A](a.md)\n");
    write(
        "a.md",
        "# A `b` (c)\n\n[1](#a-b-c) [2](#c) [3](b.md#b) [4](d.md) `[5](e.md)` [6](b.md#b-1)\n\n{{#include a.md:x}}\n",
    );
    write("b.md", "# B\n\n```sh\n# C\n```\n\n## B\n");
    let wrong = wrong(folder.path(), &[Page::read(folder.path(), "a.md")]);
    let expected =
        ["a.md:3: #c: no such heading", "a.md:3: d.md: ", "a.md: a.md:x: no such anchor", "b.md: the summary"];
    assert_eq!(wrong.len(), expected.len(), "{wrong:?}");
    for (wrong, expected) in wrong.iter().zip(expected) {
        assert!(wrong.starts_with(expected), "{wrong}");
    }
}
