//! The book, held against what it speaks of: its commands are run, its links followed, and the pages
//! that are made from something are made again.
//!
//! `COSMA_UPDATE_BOOK=1 cargo test --workspace --all-features --test book` writes those pages instead of
//! comparing them.

mod generated;
mod link;
mod page;
mod run;

use page::Page;
use std::path::{Path, PathBuf};

/// The folder that pages are in.
fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("book/src")
}

/// All pages, in the order of the summary.
fn pages() -> Vec<Page> {
    let summary = Page::read(&source(), "SUMMARY.md");
    let names = summary.links().into_iter().map(|it| it.target).collect::<Vec<_>>();
    names.iter().map(|it| Page::read(&source(), it)).collect()
}

#[test]
fn every_command_is_run() {
    let mut n_commands = 0;
    let mut failures = Vec::new();
    for page in pages() {
        match run::run(&page) {
            Ok(n) => n_commands += n,
            Err(failure) => failures.push(failure),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    println!("{n_commands} blocks of commands run");
    assert!(20 < n_commands);
}

#[test]
fn every_link_leads_somewhere() {
    let wrong = link::wrong(&source(), &pages());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn pages_that_are_made_are_up_to_date() {
    let stale = generated::stale(&source());
    assert!(
        stale.is_empty(),
        "COSMA_UPDATE_BOOK=1 cargo test --workspace --all-features --test book writes anew: {}",
        stale.join(", ")
    );
}
