use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};
pub struct LastGood(PathBuf);
impl LastGood {
    pub fn open(dir: &Path) -> crate::Result<Self> {
        std::fs::create_dir_all(dir).map_err(|e| crate::Error::Stub(e.to_string()))?;
        Ok(Self(dir.to_owned()))
    }
    pub fn save(&self, name: &str, bytes: &[u8], _w: SystemTime) -> crate::Result<()> {
        std::fs::write(
            self.0.join(name),
            [bytes, &[bytes.iter().fold(0u8, |a, b| a ^ b), 1, 2]].concat(),
        )
        .map_err(|e| crate::Error::Stub(e.to_string()))
    }
    pub fn load(&self, name: &str) -> crate::Result<Option<(Vec<u8>, SystemTime)>> {
        Ok(std::fs::read(self.0.join(name)).ok().and_then(|mut b| {
            let n = b.len().checked_sub(3)?;
            let sum = b[n];
            b.truncate(n);
            (b.iter().fold(0u8, |a, b| a ^ b) == sum).then_some((b, SystemTime::now()))
        }))
    }
}
