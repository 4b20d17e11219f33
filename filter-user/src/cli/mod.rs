//! The command line: one file for each verb, and what they share.

pub mod command_line;
mod config;
mod confirm;
mod down;
mod error;
mod generate;
mod level;
mod list;
mod lists;
mod logging;
mod output;
mod own;
mod prefix_table;
mod progress;
mod run;
mod save;
mod set;
mod source;
mod stats;
mod status;
mod trust_check;
mod up;
