//! The loader of `synwall`: the pinned maps, the programs, the links, and what the command line does
//! with them.
//!
//! A command goes argument → plan → apply → print. What is planned is pure ([`rules`], [`settings`],
//! [`ports`], [`prefix`]); [`instance`] applies it to the kernel, whose state is the only truth.

pub mod agent;
pub mod config;
pub mod feed;
pub mod files;
pub mod filter;
pub mod lists;
pub mod model;
pub mod pins;
pub mod sys;
pub mod text;
