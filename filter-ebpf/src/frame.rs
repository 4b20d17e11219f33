//! Reading a frame: every read is checked against the end of the frame before it happens.

use core::mem::MaybeUninit;

use aya_ebpf::{
    EbpfContext as _,
    bindings::xdp_md,
    helpers::generated::{bpf_xdp_get_buff_len, bpf_xdp_load_bytes},
    programs::XdpContext,
};
use filter_common::MAX_HEADER_OFFSET;

/// A received frame. A `SCATTERED` one lies in several buffers, of which a driver may make the first as
/// short as it likes: its headers are copied out before they are read.
pub struct Frame<const SCATTERED: bool> {
    ctx: *mut xdp_md,
    start: usize,
    end: usize,
    /// The frame's length in bytes, all buffers counted.
    pub len: u64,
}

/// `N` bytes of a frame that are known to be there.
pub struct Window<const N: usize, const COPIED: bool> {
    bytes: *const u8,
}

/// Bytes on the stack, where the verifier wants words to be aligned as it does not in a packet.
#[repr(align(8))]
struct Copied<const N: usize>([u8; N]);

impl<const SCATTERED: bool> Frame<SCATTERED> {
    #[inline(always)]
    pub fn new(ctx: &XdpContext) -> Self {
        let (start, end) = (ctx.data(), ctx.data_end());
        let ctx = ctx.as_ptr().cast();
        let len = if SCATTERED {
            all_bytes(ctx)
        } else {
            (end - start) as u64
        };
        Self { ctx, start, end, len }
    }

    /// Whether there is no other buffer behind this one. It takes a call, which costs as much as all other reading does
    /// on machines that guard returns against speculation: ask where it cannot be told otherwise.
    #[inline(always)]
    pub fn is_all(&self) -> bool {
        all_bytes(self.ctx) == self.len
    }

    #[inline(always)]
    pub fn ctx(&self) -> *mut xdp_md {
        self.ctx
    }

    /// Calls `read` with the `N` bytes at offset `at`; `None` if the frame ends before.
    #[inline(always)]
    pub fn read<const N: usize, T>(
        &self,
        at: usize,
        read: impl FnOnce(&Window<N, SCATTERED>) -> T,
    ) -> Option<T> {
        if at > MAX_HEADER_OFFSET {
            return None;
        }
        if SCATTERED {
            let mut copy = MaybeUninit::<Copied<N>>::uninit();
            // SAFETY: `ctx` is this run's context, and `copy` has room for the `N` bytes asked for.
            let failed =
                unsafe { bpf_xdp_load_bytes(self.ctx, at as u32, copy.as_mut_ptr().cast(), N as u32) };
            return (failed == 0).then(|| {
                read(&Window {
                    bytes: copy.as_ptr().cast(),
                })
            });
        }
        if self.start + at + N > self.end {
            return None;
        }
        Some(read(&Window {
            bytes: (self.start + at) as *const u8,
        }))
    }
}

impl Frame<false> {
    /// The first `N` bytes; `None` if the frame ends before. Not by a closure, which the compiler may make a function of.
    #[inline(always)]
    pub fn beginning<const N: usize>(&self) -> Option<Window<N, false>> {
        if self.start + N > self.end {
            return None;
        }
        Some(Window {
            bytes: self.start as *const u8,
        })
    }
}

/// The frame's length in bytes, all buffers counted.
#[inline(always)]
fn all_bytes(ctx: *mut xdp_md) -> u64 {
    // SAFETY: `ctx` is the context that the kernel gave to this run of the program.
    unsafe { bpf_xdp_get_buff_len(ctx) }
}

macro_rules! load {
    ($name:ident, $word:ty, $asm:literal) => {
        /// The word at offset `AT`, in the order in which the bytes lie in the frame.
        #[inline(always)]
        pub fn $name<const AT: usize>(&self) -> $word {
            const { assert!(AT + size_of::<$word>() <= N && (!COPIED || AT % align_of::<$word>() == 0)) }
            // SAFETY: the window has `N` readable bytes, and the word ends at or before the last one.
            // Packet data has no alignment; one instruction reads it on every machine on which the
            // verifier admits it, while `read_unaligned` becomes a load for each byte.
            #[cfg(target_arch = "bpf")]
            unsafe {
                let word: u64;
                core::arch::asm!($asm, word = out(reg) word, bytes = in(reg) self.bytes, at = const AT, options(readonly, nostack));
                // The instruction clears the upper bits: the compiler need not.
                core::hint::assert_unchecked(word <= <$word>::MAX as u64);
                word as $word
            }
            // SAFETY: as above.
            #[cfg(not(target_arch = "bpf"))]
            unsafe {
                self.bytes.add(AT).cast::<$word>().read_unaligned()
            }
        }
    };
}

impl<const N: usize, const COPIED: bool> Window<N, COPIED> {
    /// The `M` bytes at offset `AT` of this window.
    #[inline(always)]
    pub fn part<const AT: usize, const M: usize>(&self) -> Window<M, COPIED> {
        const { assert!(AT + M <= N) }
        Window {
            bytes: self.bytes.wrapping_add(AT),
        }
    }

    load!(u8, u8, "{word} = *(u8 *)({bytes} + {at})");
    load!(raw_u16, u16, "{word} = *(u16 *)({bytes} + {at})");
    load!(raw_u32, u32, "{word} = *(u32 *)({bytes} + {at})");
    load!(raw_u64, u64, "{word} = *(u64 *)({bytes} + {at})");

    /// The 16-bit number at offset `AT`.
    #[inline(always)]
    pub fn u16<const AT: usize>(&self) -> u16 {
        u16::from_be(self.raw_u16::<AT>())
    }
}
