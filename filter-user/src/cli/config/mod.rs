//! `synwall config`: what a configuration file says, without touching anything.

mod check;
mod show;
pub mod verb;
mod warnings;
