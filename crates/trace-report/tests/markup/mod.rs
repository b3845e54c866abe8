//! A small reader of SVG and HTML: enough to see that elements are closed and where texts stand.

use trace_report::text::columns;

/// An element's start tag: name and attributes, as they are written.
#[derive(Debug)]
pub(crate) struct Tag {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    /// The text until the next tag, unescaped.
    pub(crate) text: String,
}

#[allow(dead_code)] // Each test file uses its own part.
impl Tag {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn number(&self, name: &str) -> f64 {
        self.get(name).and_then(|value| value.parse().ok()).unwrap_or(f64::NAN)
    }
}

/// HTML elements that have no end.
const VOID: [&str; 2] = ["meta", "br"];
/// Elements whose content is not markup.
const RAW: [&str; 2] = ["script", "style"];

/// The elements in order; an error says what is not well-formed.
pub(crate) fn parse(markup: &str) -> Result<Vec<Tag>, String> {
    let mut tags: Vec<Tag> = Vec::new();
    let mut open: Vec<String> = Vec::new();
    let mut rest = markup.trim_start().strip_prefix("<!doctype html>").unwrap_or(markup);
    while let Some(start) = rest.find('<') {
        let text = unescape(&rest[..start])?;
        if let Some(tag) = tags.last_mut().filter(|tag| tag.text.is_empty()) {
            tag.text = text;
        }
        let end =
            tag_end(&rest[start..]).ok_or_else(|| format!("a tag that does not end: {}", head(rest)))?;
        let inside = &rest[start + 1..start + end];
        rest = &rest[start + end + 1..];
        if let Some(name) = inside.strip_prefix('/') {
            match open.pop() {
                Some(last) if last == name => (),
                last => return Err(format!("</{name}> while {last:?} is open")),
            }
            continue;
        }
        let (inside, closed) = inside.strip_suffix('/').map_or((inside, false), |inside| (inside, true));
        let (name, attributes) = inside.split_once([' ', '\n']).unwrap_or((inside, ""));
        let mut tag =
            Tag { name: name.to_owned(), attributes: parse_attributes(attributes)?, text: String::new() };
        if RAW.contains(&name) {
            let end = rest.find(&format!("</{name}>")).ok_or(format!("<{name}> does not end"))?;
            tag.text = rest[..end].to_owned();
            rest = &rest[end..];
        }
        if !closed && !VOID.contains(&name) {
            open.push(name.to_owned());
        }
        tags.push(tag);
    }
    if open.is_empty() { Ok(tags) } else { Err(format!("{open:?} is never closed")) }
}

/// The place of the `>` that ends the tag at the begin of `text`; one in a quoted value does not.
fn tag_end(text: &str) -> Option<usize> {
    let mut quoted = false;
    text.char_indices().find_map(|(at, character)| {
        quoted ^= character == '"';
        (character == '>' && !quoted).then_some(at)
    })
}

fn parse_attributes(mut text: &str) -> Result<Vec<(String, String)>, String> {
    let mut attributes = Vec::new();
    loop {
        text = text.trim_start();
        if text.is_empty() {
            return Ok(attributes);
        }
        let name_end = text.find(['=', ' ', '\n']).unwrap_or(text.len());
        let name = text[..name_end].to_owned();
        match text[name_end..].strip_prefix("=\"") {
            Some(value) => {
                let end = value.find('"').ok_or(format!("a value that does not end: {}", head(value)))?;
                if value[..end].contains('<') {
                    return Err(format!("< in the value {}", &value[..end]));
                }
                attributes.push((name, unescape(&value[..end])?));
                text = &value[end + 1..];
            }
            None if text[name_end..].starts_with('=') => {
                return Err(format!("a value without quotes: {}", head(text)));
            }
            None => {
                attributes.push((name, String::new()));
                text = &text[name_end..];
            }
        }
    }
}

fn unescape(text: &str) -> Result<String, String> {
    let known = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'")];
    let mut out = text.to_owned();
    for (entity, character) in known {
        out = out.replace(entity, character);
    }
    match out.replace("&amp;", "").find('&') {
        Some(at) => Err(format!("an ampersand that is not escaped: {}", head(&out[at.min(out.len() - 1)..]))),
        None => Ok(out.replace("&amp;", "&")),
    }
}

fn head(text: &str) -> String {
    text.chars().take(60).collect()
}

/// The box of a text: left, top, right, bottom, and what it says.
pub(crate) type TextBox = (f64, f64, f64, f64, String);

/// Where the texts of a picture stand, by a guess of their width that is rather small.
#[allow(dead_code)]
pub(crate) fn text_boxes(tags: &[Tag]) -> Vec<TextBox> {
    let boxes = tags.iter().filter(|tag| tag.name == "text").map(|tag| {
        let class = tag.get("class").unwrap_or("");
        let size = if class.contains("small") { 12.0 } else { 13.0 };
        let width = columns(&tag.text) as f64 * size * 0.52;
        let (x, y) = (tag.number("x"), tag.number("y"));
        let left = match tag.get("text-anchor") {
            Some("end") => x - width,
            Some("middle") => x - width / 2.0,
            _ => x,
        };
        (left, y - size * 0.75, left + width, y + size * 0.2, tag.text.clone())
    });
    boxes.collect()
}

/// Fails when texts overlap each other or leave the picture.
#[track_caller]
#[allow(dead_code)]
pub(crate) fn assert_readable(svg: &str) {
    let tags = parse(svg).expect("well-formed");
    let size: Vec<f64> =
        tags[0].get("viewBox").unwrap_or("").split(' ').filter_map(|n| n.parse().ok()).collect();
    let boxes = text_boxes(&tags);
    for (index, one) in boxes.iter().enumerate() {
        let inside = one.0 >= 0.0 && one.1 >= 0.0 && one.2 <= size[2] && one.3 <= size[3];
        assert!(inside, "{one:?} is outside of {size:?}");
        for other in &boxes[index + 1..] {
            let apart = one.2 <= other.0 || other.2 <= one.0 || one.3 <= other.1 || other.3 <= one.1;
            assert!(apart, "{one:?} overlaps {other:?}");
        }
    }
}
