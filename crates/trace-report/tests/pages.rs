//! Pages: one file that needs nothing else, in which no text becomes markup and every picture has words.

use serde_json::Value;
use trace_report::chart::{LatencyChart, latency_svg, ranges_svg};
use trace_report::html::{Cell, Column, Page, Table, Tone, chart_table, latency_table};
use trace_report::lanes::{Timeline, TimelineOptions, Window, Words};
use trace_report::text::columns;

mod markup;
mod synthetic;
use markup::{Tag, parse};

const EVIL: &str = "</script><img src=x onerror=alert(1)>\"'&\u{2028}<!--";

/// A page with everything in it; each text is `text`.
fn page(text: &str) -> String {
    let mut recording = synthetic::Stage::new(1 << 16).play();
    recording.names.iter_mut().skip(1).for_each(|name| *name = text.to_owned());
    recording.lanes.iter_mut().for_each(|lane| lane.name = text.to_owned());
    let options = TimelineOptions { stall_after: None, marks: true };
    let timeline = Timeline::new(&recording, Window::all(&recording), &options);
    let mut series = synthetic::series();
    series.iter_mut().for_each(|one| one.name = text.to_owned());
    let chart = LatencyChart { title: text.to_owned(), series, ..LatencyChart::default() };
    let mut table = Table::new(text, [Column::text(text), Column::number(text)]);
    table.row([Cell::from(text), Cell::ms(12.5)]).row([Cell::from(text), Cell::number(3.0, text)]);
    let mut ledger = Table::new(text, [Column::text(text), Column::text(text), Column::text(text)]).ledger();
    ledger.row([Cell::from(text).to(text), Cell::verdict(Tone::Good, text), Cell::code(text)]);
    let mut page = Page::new(text);
    page.lang("ko")
        .contents()
        .paragraph(text)
        .list([text, text])
        .callout(Tone::Bad, text, text)
        .heading(text)
        .code(text);
    page.table(&table).table(&latency_table(text, &chart.series)).table(&chart_table(&chart, text));
    page.table(&ledger).section(text, text).link(text, text).details(text, text);
    page.fold(text, |page| _ = page.paragraph(text));
    page.figure(&latency_svg(&chart), text).figure(&ranges_svg(&chart), text);
    page.timeline(&timeline, text).timeline(&timeline, text);
    page.render()
}

fn tags(html: &str) -> Vec<Tag> {
    parse(html).expect("well-formed")
}

fn named<'a>(tags: &'a [Tag], name: &str) -> Vec<&'a Tag> {
    tags.iter().filter(|tag| tag.name == name).collect()
}

#[test]
fn v3_no_text_becomes_markup() {
    // As wide as the other text, so that the same labels fit into the pictures.
    let (evil, good) = (page(EVIL), page(&"x".repeat(columns(EVIL))));
    let outline = |html: &str| tags(html).into_iter().map(|tag| tag.name).collect::<Vec<_>>();
    assert_eq!(outline(&evil), outline(&good), "the same elements, whatever the texts say");
    let evil = tags(&evil);
    assert!(named(&evil, "img").is_empty());
    assert!(evil.iter().all(|tag| tag.attributes.iter().all(|(name, _)| !name.starts_with("on"))));
    assert!(named(&evil, "h1")[0].text.starts_with("</script><img"), "the text itself is shown as it is");
}

#[test]
fn v3_script_data_carries_the_texts_unchanged() {
    let html = tags(&page(EVIL));
    let data: Vec<_> = html.iter().filter(|tag| tag.get("class") == Some("viewer-data")).collect();
    assert_eq!(data.len(), 2);
    for script in data {
        assert!(!script.text.contains('<'));
        let value: Value = serde_json::from_str(&script.text).expect("JSON");
        assert_eq!(value["rows"][0]["name"], EVIL);
        assert!(value["labels"].as_array().expect("labels").contains(&EVIL.into()));
        assert_eq!(value["sought"].as_array().expect("stalls").len(), 3);
        assert_eq!(value["dropped"], "No records were dropped.");
    }
}

#[test]
fn v4_a_page_loads_nothing() {
    let html = page("plain");
    let tags = tags(&html);
    let policy =
        tags.iter().find(|tag| tag.get("http-equiv") == Some("Content-Security-Policy")).expect("a policy");
    assert!(policy.get("content").is_some_and(|policy| policy.starts_with("default-src 'none'")));
    for tag in &tags {
        for (name, value) in &tag.attributes {
            assert!(!["src", "srcset", "data", "action", "poster"].contains(&name.as_str()), "{tag:?}");
            assert!(name != "href" || value.starts_with("#at-") || value.starts_with("#s"), "{tag:?}");
            assert!(name == "xmlns" || !value.contains("//"), "{tag:?}");
        }
    }
    for text in
        tags.iter().filter(|tag| ["script", "style"].contains(&tag.name.as_str())).map(|tag| &tag.text)
    {
        for word in ["http:", "https:", "url(", "@import", "fetch(", "XMLHttpRequest", "import(", "WebSocket"]
        {
            assert!(!text.contains(word), "{word}");
        }
    }
}

#[test]
fn v5_every_picture_has_words() {
    let html = tags(&page("words"));
    let pictures = named(&html, "svg");
    assert_eq!(pictures.len(), 4);
    for picture in pictures {
        assert!(
            picture.get("role") == Some("img")
                && picture.get("aria-label").is_some_and(|label| label.len() > 20)
        );
    }
    assert_eq!(named(&html, "figcaption").len(), named(&html, "figure").len());
    let items = named(&html, "li").into_iter().filter(|item| item.text.contains("held")).count();
    assert_eq!(items, 6, "the stalls of both timelines are listed in words");
}

#[test]
fn a_page_says_its_language_and_its_structure() {
    let html = tags(&page("글"));
    assert_eq!(html[0].get("lang"), Some("ko"));
    assert_eq!((named(&html, "h1").len(), named(&html, "main").len()), (1, 1));
    assert_eq!(named(&html[..8], "title")[0].text, "글");
    assert!(html.iter().any(|tag| tag.get("name") == Some("viewport")));
    for viewer in html.iter().filter(|tag| tag.get("class") == Some("viewer")) {
        assert_eq!(viewer.get("lang"), Some("en"), "the viewer's own words are English");
    }
    let mut ids: Vec<&str> = html.iter().filter_map(|tag| tag.get("id")).collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "ids are unique");
}

#[test]
fn links_lead_to_sections_of_the_page() {
    let mut page = Page::new("t");
    page.contents().heading("Ledger");
    let mut ledger = Table::new("claims", [Column::text("id"), Column::text("verdict")]).ledger();
    ledger.row([Cell::from("L10 & 11").to("L10 & 11"), Cell::verdict(Tone::Open, "depends")]);
    page.table(&ledger).section("L10 & 11", "Starvation").link("L10 & 11", "again").heading("Machine");
    let html = tags(&page.render());
    let ids: Vec<&str> = html.iter().filter_map(|tag| tag.get("id")).collect();
    assert_eq!(ids, ["s1", "at-L10---11", "s3"]);
    let links: Vec<(&str, &str)> =
        named(&html, "a").iter().map(|link| (link.get("href").unwrap_or(""), link.text.as_str())).collect();
    let contents = [("#s1", "Ledger"), ("#at-L10---11", "Starvation"), ("#s3", "Machine")];
    assert_eq!(links[..3], contents);
    assert_eq!(links[3..], [("#at-L10---11", "L10 & 11"), ("#at-L10---11", "again")]);
    let navigation = html.iter().position(|tag| tag.name == "nav").expect("a table of contents");
    let heading = html.iter().position(|tag| tag.name == "h2").expect("a heading");
    assert!(navigation < heading);
}

#[test]
#[should_panic(expected = "two sections have the anchor \"L1\"")]
fn a_second_section_of_the_same_anchor_is_refused() {
    Page::new("t").section("L1", "one").section("L1", "two");
}

#[test]
fn a_ledger_carries_what_filtering_and_cards_need() {
    let columns = [Column::text("id"), Column::text("verdict"), Column::number("ratio"), Column::text("how")];
    let mut ledger = Table::new("claims", columns).ledger();
    ledger.row([
        Cell::from("L1"),
        Cell::verdict(Tone::Good, "holds"),
        Cell::number(2.0, "2"),
        Cell::code("lab"),
    ]);
    ledger.row([Cell::from("L2"), Cell::verdict(Tone::Bad, "fails")]);
    ledger.row([Cell::from("L3"), Cell::verdict(Tone::Open, "skipped")]);
    let html = tags(Page::new("t").table(&ledger).render().as_str());
    assert!(named(&html, "table")[0].get("class").is_some_and(|class| class.contains("ledger")));
    let verdicts: Vec<_> = html
        .iter()
        .filter(|tag| tag.get("data-verdict").is_some())
        .map(|tag| (tag.get("data-tone").unwrap_or(""), tag.get("data-verdict").unwrap_or("")))
        .collect();
    assert_eq!(verdicts, [("good", "holds"), ("bad", "fails"), ("open", "skipped")]);
    let signs: Vec<&str> =
        html.iter().filter(|tag| tag.get("class") == Some("sign")).map(|tag| tag.text.as_str()).collect();
    assert_eq!(signs, ["✓", "✗", "?"], "not by colour alone");
    let labels: Vec<&str> = html.iter().filter_map(|tag| tag.get("data-label")).take(3).collect();
    assert_eq!(labels, ["verdict", "ratio", "how"]);
    assert!(html.iter().any(|tag| tag.name == "code" && tag.text == "lab"));
}

#[test]
fn long_text_is_there_when_it_is_asked_for() {
    let mut page = Page::new("t");
    page.details("raw `JSON`", "{\n  \"a\": \"<b>\"\n}").fold("more", |page| _ = page.paragraph("inside"));
    let rendered = page.render();
    let html = tags(&rendered);
    assert_eq!(named(&html, "details").len(), 2);
    assert_eq!(named(&html, "summary")[0].text, "raw ");
    assert!(rendered.contains("&quot;&lt;b&gt;&quot;") && !rendered.contains("<details open"));
    let paragraph = named(&html, "p").into_iter().find(|one| one.text == "inside");
    assert!(paragraph.is_some());
}

#[test]
fn the_table_of_a_chart_has_its_unit() {
    let chart = LatencyChart {
        title: "Lost".to_owned(),
        series: synthetic::series(),
        unit: "%".to_owned(),
        ..LatencyChart::default()
    };
    let html = tags(&Page::new("t").table(&chart_table(&chart, "lock")).render());
    let heads: Vec<&str> = named(&html, "th").iter().take(6).map(|head| head.text.as_str()).collect();
    assert_eq!(heads, ["lock", "p50 %", "p90 %", "p99 %", "max %", "count"]);
}

#[test]
fn tables_carry_what_sorting_and_reading_aloud_need() {
    let html = tags(&page("cell"));
    let heads = named(&html, "th");
    assert!(heads.iter().all(|head| ["col", "row"].contains(&head.get("scope").unwrap_or(""))));
    let keys: Vec<&str> = html.iter().filter_map(|tag| tag.get("data-key")).take(2).collect();
    assert_eq!(keys, ["12.5", "3"]);
    assert_eq!(named(&html, "caption").len(), named(&html, "table").len());
}

#[test]
#[should_panic(expected = "a row of 2 cells in a table of 1 columns")]
fn a_row_that_is_too_long_is_refused() {
    Table::new("t", [Column::text("one")]).row([Cell::from("1"), Cell::from("2")]);
}

#[test]
fn a_latency_table_has_the_published_figures() {
    let mut page = Page::new("t");
    page.table(&latency_table("Latency", &synthetic::series()));
    let html = tags(&page.render());
    let inline: Vec<&str> =
        named(&html, "td").iter().skip(5).take(5).map(|cell| cell.text.as_str()).collect();
    assert_eq!(inline, ["0.150", "90.2", "118", "121", "1000"]);
}

#[test]
fn a_page_without_timelines_carries_no_viewer() {
    let mut page = Page::new("t");
    page.paragraph("nothing to see");
    let html = page.render();
    assert!(!html.contains("viewer-data") && html.contains("sortable"));
}

#[test]
fn a_long_recording_is_made_coarser_until_the_page_is_light() {
    let window = Window::new(0, 10_000_000_000);
    let mut timeline =
        Timeline { window, rows: Vec::new(), marks: Vec::new(), dropped: 0, words: Words::LOOPS };
    let spans = (0..200_000).map(|n| (n * 50_000, n * 50_000 + 10_000));
    let row =
        trace_report::lanes::Row::overlapping("loop", trace_report::lanes::Class::Busy, "x", window, spans);
    timeline.rows.push(row);
    let mut page = Page::new("t");
    page.timeline(&timeline, "long");
    let html = page.render();
    let tags = tags(&html);
    let data = tags.iter().find(|tag| tag.get("class") == Some("viewer-data")).expect("data");
    let value: Value = serde_json::from_str(&data.text).expect("JSON");
    let pieces = value["rows"][0]["pieces"].as_array().expect("pieces");
    assert!(!pieces.is_empty() && pieces.len() <= 40_000);
    let counted: u64 = pieces.iter().filter_map(|piece| piece[6].as_u64()).sum();
    assert_eq!(counted, 200_000, "every interval is in some piece");
}
