//! Lists that a program prints. Only here synwall starts another program.
//!
//! The program has its own environment and process group, and no standard input. If the agent runs as another user than
//! root, the program has none of its capabilities. If root runs the agent, the program has root's capabilities, unless
//! `SecureBits=` or `CapabilityBoundingSet=` of the service take them away.
//!
//! At its time limit the program is killed with its process group. If the agent ends, the program
//! itself is killed.
//!
//! A process that leaves the group (`setsid`, a daemon) survives until a service manager ends it with the service. A
//! subreaper (`PR_SET_CHILD_SUBREAPER`) between the two could end it. But that would be a second copy of the agent,
//! limited to system calls, which must know when the output is complete: ended too early, it would leave half a list.

pub mod error;
mod process;
pub mod run;
mod stream;
