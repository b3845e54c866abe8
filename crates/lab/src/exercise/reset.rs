//! `lab exercise reset`: the original file of an exercise again, the learner's own version kept.
//!
//! # Model
//! ```text
//! exercises/DIR/NAME.rs ──copy──▶ .backups/NAME.rs.bak-N
//! originals/DIR/NAME.rs ──copy──▶ exercises/DIR/NAME.rs
//! ```
//! The originals are files of the set. They are not built into this program, because `cargo lab` builds it anew, and would
//! take what the learner has written for the original; and they are not asked from git, which knows commits only, and
//! which a downloaded archive does not have. A test compares both folders. Backups lie in a folder of their own: rustlings
//! refuses unknown files among the exercises.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::language::Language;
use super::options::ResetOptions;
use super::progress::{Progress, write_whole};
use super::set::{Exercise, Set};
use super::shown;
use crate::evidence::screen::print;

/// Does it.
pub(crate) fn command(set: &Set, options: &ResetOptions, language: Language) -> Result<u8> {
    let exercise = set.named(&options.name, language)?;
    print(&reset(set, exercise, language)?)?;
    Ok(0)
}

/// Puts the original back, and says what was done.
pub(crate) fn reset(set: &Set, exercise: &Exercise, language: Language) -> Result<String> {
    let (file, original) = (set.file(exercise), set.original(exercise));
    let Ok(shipped) = fs::read_to_string(&original) else {
        bail!(
            "this set has no {}; nothing was changed (with git: git checkout -- {})",
            shown(&original),
            shown(&file)
        );
    };
    let yours = match fs::read(&file) {
        Ok(yours) => Some(yours),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", shown(&file))),
    };
    if yours.as_deref() == Some(shipped.as_bytes()) {
        let said = language.pick("is the original already", "이미 원래 파일입니다");
        return Ok(format!("{} {said}.\n", shown(&file)));
    }
    let mut progress = Progress::of(set)?;
    let kept = yours.map(|yours| keep(set, exercise, &yours)).transpose()?;
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", shown(folder)))?;
    }
    write_whole(&file, &shipped)?;
    progress.take_back(&exercise.name)?;
    let mut text = language.pick(
        format!("{} is the original again.\n", shown(&file)),
        format!("원래대로 되돌린 파일: {}\n", shown(&file)),
    );
    if let Some(kept) = kept {
        let said = language.pick("Your version:", "작성하신 파일:");
        text.push_str(&format!("{said} {}\n", shown(&kept)));
    }
    Ok(text)
}

/// Writes the learner's version to the first free name; an older backup is never written over.
fn keep(set: &Set, exercise: &Exercise, yours: &[u8]) -> Result<PathBuf> {
    let folder = set.root.join(".backups");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for number in 1_u32.. {
        let path = folder.join(format!("{}.rs.bak-{number}", exercise.name));
        let written =
            fs::File::create_new(&path).and_then(|mut new| std::io::Write::write_all(&mut new, yours));
        match written {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).with_context(|| format!("cannot write {}", path.display())),
        }
    }
    bail!("{} is full of backups of {}", folder.display(), exercise.name)
}
