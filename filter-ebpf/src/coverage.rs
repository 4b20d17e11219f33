//! Coverage: for most addresses that no prefix matches, it answers alone, and no trie is asked.

use aya_ebpf::{bindings::BPF_F_MMAPABLE, btf_maps::Array, macros::btf_map};
use filter_common::{
    Bit, Coarse, CoverageV4, CoverageV6, coarse_of_word, coarse_v4, coarse_v6, fine_v4, fine_v6,
};

use crate::settings;

// User space maps them into memory, and sets single bits while packets come in.
#[btf_map]
static COVERAGE_V4: Array<CoverageV4, 1, { BPF_F_MMAPABLE as usize }> = Array::new();
#[btf_map]
static COVERAGE_V6: Array<CoverageV6, 1, { BPF_F_MMAPABLE as usize }> = Array::new();

/// Whether a source prefix may match an IPv4 address, given as a number.
#[inline(always)]
pub fn may_match_v4(address: u32) -> bool {
    let Some(coverage) = COVERAGE_V4.get_ptr(0) else {
        return true;
    };
    // SAFETY: the kernel gave the pointer for this run. Both levels have a word for every address.
    unsafe {
        is_set((&raw const (*coverage).coarse).cast(), coarse_v4(address))
            && is_set((&raw const (*coverage).fine).cast(), fine_v4(address))
    }
}

/// Whether a source prefix may match an IPv6 address, given its first 32 bits as a number.
#[inline(always)]
pub fn may_match_v6(upper: u32) -> bool {
    let Some(coverage) = COVERAGE_V6.get_ptr(0) else {
        return true;
    };
    // SAFETY: the kernel gave the pointer for this run. The first level has a word for every address, and `fine_v6` stays
    // inside the second level, whatever the mask is.
    unsafe {
        let at = coarse_v6(upper, Coarse::Clear);
        let word = (&raw const (*coverage).coarse).cast::<u64>().add(at.word);
        match coarse_of_word(upper, word.read_volatile()) {
            Coarse::Clear => false,
            Coarse::Wide => true,
            Coarse::Fine => {
                let fine_mask = (&raw const (*coverage).fine_mask).read_volatile();
                is_set(
                    (&raw const (*coverage).fine).cast(),
                    fine_v6(upper, fine_mask, settings::secret()),
                )
            }
        }
    }
}

/// Whether all bits of `bit` are set.
///
/// # Safety
///
/// `words` must have that many words that can be read.
#[inline(always)]
unsafe fn is_set(words: *const u64, bit: Bit) -> bool {
    // Volatile, because user space changes bits while packets come in.
    // SAFETY: the caller promises that the word can be read.
    let word = unsafe { words.add(bit.word).read_volatile() };
    word & bit.mask == bit.mask
}
