//! Reading a frame. Each read is checked against the end of the frame first.

use core::mem::MaybeUninit;

use aya_ebpf::{
    EbpfContext as _,
    bindings::xdp_md,
    helpers::generated::{bpf_xdp_get_buff_len, bpf_xdp_load_bytes},
    programs::XdpContext,
};
use filter_common::MAX_HEADER_OFFSET;

/// A received frame. A `SCATTERED` frame lies in several buffers. A driver may make the first buffer as short as it likes,
/// so headers are copied before they are read.
pub struct Frame<const SCATTERED: bool> {
    ctx: *mut xdp_md,
    start: usize,
    end: usize,
    /// The frame's length in bytes, all buffers counted.
    pub len: u64,
}

/// `N` bytes of a frame that are known to exist. `COPIED` bytes lie on the stack, and live only as long as the read that
/// copied them.
pub struct Window<'a, const N: usize, const COPIED: bool>(&'a [u8; N]);

/// Bytes on the stack. The verifier demands aligned words there, but not in a packet.
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

    /// Whether this buffer is the only one. It takes a helper call. On machines that guard returns against speculation, a
    /// call costs as much as all other reading. So ask only where nothing else tells.
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
        read: impl FnOnce(Window<'_, N, SCATTERED>) -> T,
    ) -> Option<T> {
        if at > MAX_HEADER_OFFSET {
            return None;
        }
        if SCATTERED {
            let mut copy = MaybeUninit::<Copied<N>>::uninit();
            // SAFETY: `ctx` is this run's context, and `copy` has room for the `N` bytes asked for.
            let failed =
                unsafe { bpf_xdp_load_bytes(self.ctx, at as u32, copy.as_mut_ptr().cast(), N as u32) };
            // SAFETY: the helper has written all bytes unless it failed.
            return (failed == 0).then(|| read(Window(unsafe { &copy.assume_init_ref().0 })));
        }
        if self.start + at + N > self.end {
            return None;
        }
        // SAFETY: the frame has `N` bytes there, as was just checked, and keeps them for as long as this run lasts.
        let bytes = unsafe { &*((self.start + at) as *const [u8; N]) };
        Some(read(Window(bytes)))
    }
}

impl Frame<false> {
    /// The first `N` bytes; `None` if the frame ends before. It takes no closure, because the compiler may make a function
    /// of one.
    #[inline(always)]
    pub fn beginning<const N: usize>(&self) -> Option<Window<'_, N, false>> {
        if self.start + N > self.end {
            return None;
        }
        // SAFETY: the frame has `N` bytes, as was just checked, and keeps them for as long as this run lasts.
        Some(Window(unsafe { &*(self.start as *const [u8; N]) }))
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
            // Packet data has no alignment. One instruction reads the word wherever the verifier allows it, while
            // `read_unaligned` becomes a load for each byte.
            // SAFETY: the window has `N` readable bytes, and the word ends at or before the last one.
            #[cfg(target_arch = "bpf")]
            unsafe {
                let word: u64;
                core::arch::asm!($asm, word = out(reg) word, bytes = in(reg) self.0.as_ptr(), at = const AT, options(readonly, nostack));
                // The instruction clears the upper bits, so the compiler does not have to.
                core::hint::assert_unchecked(word <= <$word>::MAX as u64);
                word as $word
            }
            // SAFETY: the window has `N` readable bytes, and the word ends at or before the last one.
            #[cfg(not(target_arch = "bpf"))]
            unsafe {
                self.0.as_ptr().add(AT).cast::<$word>().read_unaligned()
            }
        }
    };
}

impl<'a, const N: usize, const COPIED: bool> Window<'a, N, COPIED> {
    /// The `M` bytes at offset `AT` of this window.
    #[inline(always)]
    pub fn part<const AT: usize, const M: usize>(&self) -> Window<'a, M, COPIED> {
        const { assert!(AT + M <= N) }
        // SAFETY: the part lies inside of this window, as was just checked.
        Window(unsafe { &*self.0.as_ptr().add(AT).cast() })
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
