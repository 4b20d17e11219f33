//! The kernel program without its debug information. The linker makes BTF from it, and nothing reads it afterwards: BTF has the
//! types and, for the verifier's log, the lines. It is four fifths of the file, which is part of the `synwall` binary.

use anyhow::{Context as _, Result};
use object::build::elf::{Builder, SectionData};
use object::elf::SHT_STRTAB;

/// The object file without what DWARF has in it.
pub fn debug_information(object: &[u8]) -> Result<Vec<u8>> {
    let mut builder = Builder::read(object).context("it is no ELF file")?;
    for section in &mut builder.sections {
        let name = section.name.as_slice();
        section.delete |= name.starts_with(b".debug_") || name.starts_with(b".rel.debug_");
    }
    // Symbols of those sections.
    builder.delete_orphans();
    // LLVM has the names of sections among those of symbols, where they are not looked for when it is written again.
    let names = builder.sections.add();
    names.name = ".shstrtab".into();
    names.sh_type = SHT_STRTAB;
    names.sh_addralign = 1;
    names.data = SectionData::SectionString;
    let mut stripped = Vec::new();
    builder
        .write(&mut stripped)
        .context("it cannot be written again")?;
    Ok(stripped)
}
