//! What happens to a packet, and what user space makes of its input: tests that take the kernel alone, and no program but
//! themselves.

mod inputs;
mod oracle;
mod packet_table;
