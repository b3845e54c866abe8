//! Checks the built book as a reader meets it: every local link of every page leads to a file and a place in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Checks all pages below `book` and returns their number.
pub(crate) fn check(book: &Path) -> Result<usize> {
    let pages = pages(book)?;
    if !pages.contains_key(&book.join("index.html")) {
        bail!("{} has no index.html", book.display());
    }
    let ids: BTreeMap<&PathBuf, BTreeSet<&str>> =
        pages.iter().map(|(path, text)| (path, attributes(text, "id").collect())).collect();
    let mut dead = Vec::new();
    for (page, text) in &pages {
        for target in attributes(text, "href").chain(attributes(text, "src")) {
            if let Some(problem) = problem(page, target, &ids) {
                dead.push(format!("{}: `{target}` {problem}", page.display()));
            }
        }
    }
    if !dead.is_empty() {
        bail!("{} dead link(s) in the book:\n{}", dead.len(), dead.join("\n"));
    }
    Ok(pages.len())
}

fn pages(book: &Path) -> Result<BTreeMap<PathBuf, String>> {
    let mut found = BTreeMap::new();
    let mut open = vec![book.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "html") {
                let text =
                    fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
                found.insert(path, text);
            }
        }
    }
    Ok(found)
}

/// The values of an attribute in all tags of a page.
fn attributes<'a>(text: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let open = format!(" {name}=\"");
    let starts: Vec<usize> = text.match_indices(&open).map(|(at, _)| at + open.len()).collect();
    starts.into_iter().filter_map(|at| Some(text[at..].split_once('"')?.0))
}

fn problem(page: &Path, target: &str, ids: &BTreeMap<&PathBuf, BTreeSet<&str>>) -> Option<&'static str> {
    let is_outside = target.contains(':') || target.starts_with("//");
    // mdBook's page for unknown addresses is served from the root of a site, so its links begin there.
    if is_outside || target.is_empty() || page.ends_with("404.html") {
        return None;
    }
    let (path, fragment) = target.split_once('#').unwrap_or((target, ""));
    let path = path.split('?').next().unwrap_or(path);
    let file = if path.is_empty() { page.to_owned() } else { normal(&page.with_file_name(path)) };
    if !file.exists() {
        return Some("leads to no file");
    }
    let known = ids.get(&file)?;
    let has_place =
        fragment.is_empty() || known.contains(fragment) || known.contains(decode(fragment).as_str());
    (!has_place).then_some("leads to no place in that page")
}

/// The path without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                out.pop();
            }
            Component::CurDir => {}
            other => out.push(other),
        }
    }
    out
}

/// Undoes percent-encoding, which browsers and mdBook use for the letters of Korean headings.
fn decode(fragment: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = fragment.as_bytes();
    while let [first, after @ ..] = rest {
        let code = after.get(..2).and_then(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok());
        match code {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_pages(pages: &[(&str, &str)]) -> Result<usize> {
        let world = tempfile::tempdir()?;
        for (path, text) in pages {
            let path = world.path().join(path);
            fs::create_dir_all(path.parent().expect("below the folder"))?;
            fs::write(path, text)?;
        }
        check(world.path())
    }

    #[test]
    fn a_book_whose_links_all_lead_somewhere_is_fine() {
        let index = r##"<a href="sub/a.html#second">x</a> <a href="https://x.invalid">y</a> <a id="top" href="#top">z</a>"##;
        let page = r##"<h2 id="second"></h2><h2 id="둘"></h2><a href="#%EB%91%98">v</a><a href="../index.html?x=1#top">w</a>"##;
        assert_eq!(check_pages(&[("index.html", index), ("sub/a.html", page)]).unwrap(), 2);
    }

    #[test]
    fn a_dead_link_or_place_is_found() {
        for (text, word) in [
            (r#"<a href="none.html">x</a>"#, "leads to no file"),
            (r##"<a href="#none">x</a>"##, "leads to no place"),
            (r#"<img src="none.svg">"#, "leads to no file"),
        ] {
            let error = check_pages(&[("index.html", text)]).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
        assert!(check_pages(&[("a.html", "")]).is_err(), "a book has a first page");
    }
}
