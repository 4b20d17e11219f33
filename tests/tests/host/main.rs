//! A host with a web server on the laboratory's network, from the first `up` to the packages. These tests need
//! everything that `cargo xtask test` installs.

mod agent;
mod apart;
mod configuration;
mod demo;
mod embedding;
mod endurance;
mod feeds;
mod kernel;
mod lab;
mod lab_frames;
mod lifecycle;
mod metrics;
mod package;
mod scanners;
mod traffic;
