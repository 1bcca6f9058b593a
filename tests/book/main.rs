//! The book, held against what it speaks of: its commands are run, its links followed, and the pages
//! that are made from something are made again.
//!
//! `COSMA_UPDATE_BOOK=1 cargo test --workspace --all-features --test book` writes those pages instead of
//! comparing them.

#[path = "../common/mod.rs"]
mod common;
mod generated;
mod link;
mod page;
mod run;

use page::Page;
use std::path::PathBuf;
use std::sync::Once;

/// The folder that pages are in.
fn source() -> PathBuf {
    common::project().join("book/src")
}

/// Writes the pages that are made, if that is asked for: once, and before anybody reads them.
fn update() {
    static UPDATE: Once = Once::new();
    if std::env::var_os("COSMA_UPDATE_BOOK").is_some() {
        UPDATE.call_once(|| generated::write(&source()));
    }
}

/// All pages, in the order of the summary.
fn pages() -> Vec<Page> {
    update();
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
    update();
    let stale = generated::stale(&source());
    assert!(
        stale.is_empty(),
        "COSMA_UPDATE_BOOK=1 cargo test --workspace --all-features --test book writes anew: {}",
        stale.join(", ")
    );
}
