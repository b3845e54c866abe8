//! A set of exercises, as its `info.toml` (the format of rustlings) and `hints.toml` (ours) describe it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::language::Language;
use super::progress::Progress;
use super::{BadUsage, lab};
use crate::py::words::distance;

/// The exercises of one folder, in their order.
#[derive(Debug)]
pub(crate) struct Set {
    /// The folder of `info.toml`.
    pub(crate) root: PathBuf,
    /// At least one.
    pub(crate) exercises: Vec<Exercise>,
}

/// One exercise.
#[derive(Debug)]
pub(crate) struct Exercise {
    /// From 1.
    pub(crate) number: usize,
    pub(crate) name: String,
    /// The folder below `exercises` and `solutions`.
    pub(crate) dir: String,
    about: About,
}

#[derive(Deserialize)]
struct Info {
    exercises: Vec<InfoEntry>,
}

#[derive(Deserialize)]
struct InfoEntry {
    name: String,
    #[serde(default)]
    dir: String,
    #[serde(default)]
    hint: String,
}

/// An entry of `hints.toml`; a set without that file still works.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct About {
    chapter: Option<String>,
    en: Vec<String>,
    ko: Vec<String>,
    title_en: Option<String>,
    title_ko: Option<String>,
    minutes: Option<u32>,
}

impl Exercise {
    fn new(index: usize, entry: InfoEntry, about: Option<About>) -> Exercise {
        let mut about = about.unwrap_or_default();
        if about.en.is_empty() && !entry.hint.trim().is_empty() {
            about.en.push(entry.hint);
        }
        Exercise { number: index + 1, name: entry.name, dir: entry.dir, about }
    }

    /// Its title; its name where nobody gave it one.
    pub(crate) fn title(&self, language: Language) -> &str {
        let title = language.pick(&self.about.title_en, &self.about.title_ko);
        title.as_ref().or(self.about.title_en.as_ref()).unwrap_or(&self.name)
    }

    /// Its hints; each says more than the one before.
    pub(crate) fn hints(&self, language: Language) -> &[String] {
        let hints = language.pick(&self.about.en, &self.about.ko);
        if hints.is_empty() { &self.about.en } else { hints }
    }

    /// How long it takes, about.
    pub(crate) fn minutes(&self) -> Option<u32> {
        self.about.minutes
    }

    /// The page of the book that it belongs to.
    pub(crate) fn chapter(&self) -> Option<&str> {
        self.about.chapter.as_deref()
    }
}

impl Set {
    /// The set in `dir`, or around the current folder.
    pub(crate) fn find(dir: Option<&Path>, language: Language) -> Result<Set> {
        let here = std::env::current_dir().context("the current folder is not there any more")?;
        let root = match dir {
            Some(dir) => set_in(dir),
            None => here.ancestors().find_map(set_in),
        };
        let Some(root) = root else { return Err(BadUsage(nowhere(dir, language)).into()) };
        Set::read(std::fs::canonicalize(&root).unwrap_or(root))
    }

    fn read(root: PathBuf) -> Result<Set> {
        let info: Info = toml_file(&root.join("info.toml"))?.context("info.toml is gone")?;
        let hints: Option<BTreeMap<String, About>> = toml_file(&root.join("hints.toml"))?;
        let mut hints = hints.unwrap_or_default();
        let entries = info.exercises.into_iter().enumerate();
        let exercises: Vec<Exercise> = entries
            .map(|(index, entry)| {
                let about = hints.remove(&entry.name);
                Exercise::new(index, entry, about)
            })
            .collect();
        anyhow::ensure!(!exercises.is_empty(), "{} has no exercise", root.join("info.toml").display());
        Ok(Set { root, exercises })
    }

    /// The exercise that `asked` means, or the next one that is not done; the first when all are.
    pub(crate) fn asked(
        &self,
        asked: Option<&str>,
        progress: &Progress,
        language: Language,
    ) -> Result<&Exercise> {
        match asked {
            Some(asked) => self.named(asked, language),
            None => Ok(super::next(self, progress).unwrap_or(&self.exercises[0])),
        }
    }

    /// By name, by number, or by file, as a shell completes it.
    pub(crate) fn named(&self, asked: &str, language: Language) -> Result<&Exercise> {
        let number = asked.parse::<usize>().ok();
        let is_it = |exercise: &&Exercise| exercise.name == stem(asked) || number == Some(exercise.number);
        self.exercises.iter().find(is_it).ok_or_else(|| BadUsage(self.unknown(asked, language)).into())
    }

    fn unknown(&self, asked: &str, language: Language) -> String {
        let meant = stem(asked).to_lowercase();
        let mut near: Vec<(usize, &str)> = self
            .exercises
            .iter()
            .map(|exercise| (distance(&meant, &exercise.name), exercise.name.as_str()))
            .collect();
        near.sort();
        // What shares no more than a few letters is no help.
        let is_part = |name: &str| !meant.is_empty() && name.contains(&meant);
        let is_near = |(edits, name): &&(usize, &str)| *edits <= 2 + name.len() / 4 || is_part(name);
        let near: Vec<&str> = near.iter().filter(is_near).map(|(_, name)| *name).take(3).collect();
        let list = format!("{} exercise list", lab());
        match (language, near.is_empty()) {
            (Language::English, true) => format!("there is no exercise `{asked}`; `{list}` shows all"),
            (Language::English, false) => {
                format!("there is no exercise `{asked}`; did you mean {}?", near.join(", "))
            }
            (Language::Korean, true) => {
                format!("`{asked}`라는 연습 문제가 없습니다. `{list}`로 전체를 봅니다")
            }
            (Language::Korean, false) => {
                format!("`{asked}`라는 연습 문제가 없습니다. 혹시 {} 입니까?", near.join(", "))
            }
        }
    }

    /// The file that the learner edits.
    pub(crate) fn file(&self, exercise: &Exercise) -> PathBuf {
        self.path("exercises", exercise)
    }

    /// What to compare with afterwards.
    pub(crate) fn solution(&self, exercise: &Exercise) -> PathBuf {
        self.path("solutions", exercise)
    }

    /// The file as it was shipped.
    pub(crate) fn original(&self, exercise: &Exercise) -> PathBuf {
        self.path("originals", exercise)
    }

    fn path(&self, kind: &str, exercise: &Exercise) -> PathBuf {
        self.root.join(kind).join(&exercise.dir).join(format!("{}.rs", exercise.name))
    }
}

/// The name in a path; a name is one, too.
fn stem(asked: &str) -> &str {
    Path::new(asked).file_stem().and_then(|stem| stem.to_str()).unwrap_or(asked)
}

/// The set in this folder, or in its `exercises`.
fn set_in(folder: &Path) -> Option<PathBuf> {
    // Within the set there is a folder `exercises`, too: it holds the files to edit, and no info.toml.
    [folder.to_owned(), folder.join("exercises")].into_iter().find(|root| root.join("info.toml").is_file())
}

fn nowhere(dir: Option<&Path>, language: Language) -> String {
    match (dir, language) {
        (Some(dir), Language::English) => format!("there is no info.toml in {} or in its exercises", dir.display()),
        (Some(dir), Language::Korean) => format!("{} 안에도, 그 아래 exercises에도 info.toml이 없습니다", dir.display()),
        (None, Language::English) => {
            "there is no exercises/info.toml here or in a folder above; go to the folder of runtime-lab, or name the \
             set with --dir DIR"
                .to_owned()
        }
        (None, Language::Korean) => {
            "여기에도, 위쪽 폴더에도 exercises/info.toml이 없습니다. runtime-lab 폴더로 가거나 --dir DIR로 알려 주세요".to_owned()
        }
    }
}

/// What a file says; `None` where there is none.
fn toml_file<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(anyhow!("cannot read {}: {error}", path.display())),
    };
    let value = toml::from_str(&text);
    Ok(Some(value.map_err(|error| anyhow!("{} cannot be understood: {error}", path.display()))?))
}
