//! What COSMA's commands share: command lines, files, tables. The commands themselves are in `bin`.

pub mod command;
pub mod input;
pub mod interrupt;
pub mod judge;
pub mod model;
pub mod output;
pub mod planning;
pub mod size;
pub mod snippet;
pub mod table;
