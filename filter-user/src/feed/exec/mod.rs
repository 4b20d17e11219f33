//! Lists that a program prints. It is the one place where synwall starts another program.
//!
//! The program has an environment and a process group of its own, no standard input, and no capabilities that the agent
//! holds as a user of its own. A program that root starts has root's capabilities, as everything has that root starts,
//! unless the service's `SecureBits=` or `CapabilityBoundingSet=` say otherwise.
//!
//! It is killed at its time limit wherever it has gone, and what it has started in its process group ends with it. The
//! program itself ends with the agent too.
//!
//! What leaves that group (`setsid`, a daemon) goes on, until a service manager ends it with the service. A process between
//! the two that adopts orphans (`PR_SET_CHILD_SUBREAPER`) could end it, but it would be a copy of the whole agent, kept to
//! system calls, that has to know when the program's output has ended: killed before, what writes it leaves half a list.

pub mod error;
mod process;
pub mod run;
mod stream;
