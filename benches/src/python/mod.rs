//! Python programs run by our interpreter and by the CPythons that are found here.

pub mod ours;
pub mod cpython;
pub mod programs;
pub mod machine;

use std::path::PathBuf;

/// A folder of this repository.
pub fn folder(path: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join(path)
}
