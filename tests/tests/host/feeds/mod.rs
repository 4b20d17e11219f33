//! Lists that others maintain: correct and wrong answers of servers, resolvers and programs. Needs root and, for the
//! tests with an agent, a built `synwall` (`SYNWALL_BIN`).

#![expect(clippy::expect_used, reason = "a test stops at the first surprise")]

mod addresses;
mod bounded;
mod dns_server;
mod https_server;
mod names;
mod programs;
mod servers;
mod through_the_agent;
