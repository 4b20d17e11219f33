//! Lists that somebody else keeps: what servers, resolvers and programs answer, well or badly. Needs root and, where an
//! agent runs, a built `synwall` (`SYNWALL_BIN`).

#![expect(clippy::expect_used, reason = "a test stops at the first surprise")]

mod addresses;
mod bounded;
mod dns_server;
mod https_server;
mod names;
mod programs;
mod servers;
mod through_the_agent;
