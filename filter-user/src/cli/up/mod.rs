//! `synwall up`.

pub mod options;
mod plan;
mod verb;
