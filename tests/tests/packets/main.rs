//! What happens to a packet, and how user space reads its input. These tests need only the kernel and no other
//! program.

mod inputs;
mod oracle;
mod packet_table;
