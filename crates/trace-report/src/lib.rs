//! Pictures of a recording: timelines, charts, Chrome trace JSON and the one-file HTML report.
//!
//! # Model
//! ```text
//! Recording --lanes::Timeline::new--> Timeline --terminal--> text
//!     |                                  |-------svg-------> picture --+
//!     |                                  +-----------------------------+--> html::Page --render--> one file
//! latencies --chart::Series--> chart::latency_svg, ranges_svg ---------+
//!     +--chrome::write--> JSON for ui.perfetto.dev
//! ```
//! Everything is a function from values to text; nothing here measures, and nothing knows an experiment.
//!
//! # How to use
//! ```
//! use std::time::Duration;
//!
//! use runtime_trace::{EventKind, Recorder, next_id};
//! use trace_report::chart::{self, LatencyChart, Limit, Series};
//! use trace_report::html::{self, Cell, Column, Page, Table, Tone};
//! use trace_report::lanes::{Charset, Class, Color, Row, TerminalStyle, Timeline, TimelineOptions, Window};
//! use trace_report::chrome;
//!
//! // A recording, here of a loop that one callback held for 200 ms.
//! let (clock, hands) = clock::Clock::manual();
//! let recorder = Recorder::new(1 << 10);
//! let lane = recorder.lane("loop");
//! let (id, route) = (next_id(), recorder.intern("GET /block (starvation.rs:88)"));
//! lane.record(clock.now(), EventKind::CallbackBegin, id, 0, route);
//! hands.advance(Duration::from_millis(200));
//! lane.record(clock.now(), EventKind::Stall, id, 0, route);
//! lane.record(clock.now(), EventKind::CallbackEnd, id, 0, 0);
//! let recording = recorder.collect();
//!
//! // The timeline: rows may be added, here requests in flight that another process measured.
//! let window = Window::all(&recording);
//! let options = TimelineOptions { stall_after: Some(Duration::from_millis(50)), marks: true };
//! let mut timeline = Timeline::new(&recording, window, &options);
//! timeline.rows.push(Row::overlapping("pings", Class::Wait, "pings wait", window, [(0, 90_000_000)]));
//! let style = TerminalStyle { width: 100, color: Color::Never, charset: Charset::Unicode };
//! assert!(timeline.terminal(&style).contains("200 ms GET /block"));
//! assert_eq!(timeline.stalls()[0].1.label.as_ref(), "GET /block (starvation.rs:88)");
//!
//! // The chart: one series for each act, from values or from a `LatencyHistogram`.
//! let chart = LatencyChart {
//!     title: "Latency of /ping".to_owned(),
//!     series: vec![Series::from_values("idle", &[0.1, 0.2]), Series::from_values("inline", &[0.1, 198.0])],
//!     limits: vec![Limit { label: "one block".to_owned(), value: 200.0 }],
//!     ..LatencyChart::default()
//! };
//!
//! // The page: everything in one file.
//! let mut page = Page::new("Starvation");
//! page.paragraph("One loop, four acts: see `examples/starvation.rs`.");
//! page.callout(Tone::Good, "L10 holds", "p99 inline is 990 times p99 idle; the rule asks for 10.");
//! page.heading("Latency").table(&html::latency_table("Latency of /ping by act", &chart.series));
//! page.figure(&chart::latency_svg(&chart), "Latency by percentile").figure(&chart::ranges_svg(&chart), "In short");
//! page.heading("Timeline").timeline(&timeline, "The loop and the pool while `inline` ran");
//! let mut machine = Table::new("Machine", [Column::text("what"), Column::number("value")]);
//! machine.row([Cell::from("cores"), Cell::count(2)]);
//! page.table(&machine).code("cargo run --example starvation");
//! assert!(page.render().starts_with("<!doctype html>"));
//!
//! // The trace for ui.perfetto.dev.
//! let mut json = Vec::new();
//! chrome::write(&recording, std::process::id(), &mut json)?;
//! # Ok::<(), std::io::Error>(())
//! ```

pub mod lanes;
pub mod chart;
pub mod html;
pub mod chrome;
pub mod text;
mod svg;
