//! The static picture of the lanes: every policy below the other on one scale, solid where the lock was held.

use std::fmt::Write;

use super::lanes::{HOLDS, Lanes, Policy, Segment, WAITS};
use super::svg::Svg;

const WIDTH: f64 = 840.0;
const LEFT: f64 = 92.0;
const RIGHT: f64 = 16.0;
const LANE: f64 = 17.0;
const TITLE: f64 = 28.0;
const TOP: f64 = 60.0;

pub(super) fn draw(lanes: &Lanes) -> String {
    let longest_ns = lanes.policies.iter().map(|policy| policy.window_ns).max().unwrap_or(1).max(1);
    let room = |policy: &Policy| TITLE + policy.lanes.len().max(1) as f64 * LANE + 10.0;
    let height = TOP + lanes.policies.iter().map(room).sum::<f64>() + 64.0;
    let description = lanes.policies.iter().map(words).collect::<Vec<_>>().join("; ");
    let title = "Who held the lock, and who waited for it, under each policy";
    let mut svg = Svg::new(WIDTH as u32, height as u32, title, &description);
    svg.text("strong", 10.0, 22.0, title);
    svg.path("hold", "M10 35h26v10h-26z");
    svg.text("small", 42.0, 44.0, "holds the lock");
    let mut sample = String::new();
    hatch(&mut sample, 140.0, 35.0, 26.0, 10.0);
    svg.path("wait", &sample);
    svg.text("small", 172.0, 44.0, "waits for it");
    svg.line((258.0, 40.0), (284.0, 40.0));
    svg.text("small", 290.0, 44.0, "does without");

    let scale = (WIDTH - LEFT - RIGHT) / longest_ns as f64;
    let mut y = TOP;
    for policy in &lanes.policies {
        svg.text("strong", 10.0, y + 18.0, &format!("{} ({})", policy.name, policy.from));
        svg.text("soft small", 250.0, y + 18.0, &words(policy));
        y += TITLE;
        if policy.lanes.is_empty() {
            svg.text(
                "soft",
                LEFT,
                y + 12.0,
                "No global lock: nothing to hold, nothing to wait for, and no records.",
            );
        }
        for (lane, name) in policy.lanes.iter().enumerate() {
            svg.text("small", 10.0, y + 12.0, name);
            svg.line((LEFT, y + 8.0), (LEFT + policy.window_ns as f64 * scale, y + 8.0));
            let (mut holds, mut waits) = (String::new(), String::new());
            for Segment(_, kind, from_ns, length_ns, _) in policy.segments.iter().filter(|one| one.0 == lane)
            {
                let (x, width) = (LEFT + *from_ns as f64 * scale, (*length_ns as f64 * scale).max(0.6));
                if *kind == HOLDS {
                    let _ = write!(holds, "M{x:.1} {:.1}h{width:.1}v13h-{width:.1}z", y + 1.5);
                } else {
                    hatch(&mut waits, x, y + 2.5, width, 11.0);
                }
            }
            svg.path("wait", &waits);
            svg.path("hold", &holds);
            y += LANE;
        }
        y += if policy.lanes.is_empty() { LANE + 10.0 } else { 10.0 };
    }
    svg.line((LEFT, y), (WIDTH - RIGHT, y));
    svg.text("soft small", LEFT, y + 16.0, "0 ms");
    let end = format!("{:.1} ms", longest_ns as f64 / 1e6);
    svg.text("soft small", WIDTH - RIGHT - 50.0, y + 16.0, &end);
    for (line, words) in lanes.run.words().iter().enumerate() {
        svg.text("soft small", 10.0, y + 38.0 + line as f64 * 17.0, words);
    }
    svg.finish()
}

/// A frame with slanting strokes: it cannot be taken for a solid bar in any colour or in none.
fn hatch(data: &mut String, x: f64, y: f64, width: f64, height: f64) {
    let _ = write!(data, "M{x:.1} {y:.1}h{width:.1}v{height:.1}h-{width:.1}z");
    let mut at = x + 4.0;
    while at < x + width {
        let _ = write!(data, "M{at:.1} {y:.1}l-4 {height:.1}");
        at += 5.0;
    }
}

/// The figures of one policy, from its window.
fn words(policy: &Policy) -> String {
    if policy.segments.is_empty() {
        return "no global lock".to_owned();
    }
    let longest_ns = policy.segments.iter().filter(|one| one.1 == WAITS).map(|one| one.3).max().unwrap_or(0);
    format!(
        "{:.1} ms, {} hand-overs, longest wait {:.2} ms, {} records lost",
        policy.window_ns as f64 / 1e6,
        hand_overs(policy),
        longest_ns as f64 / 1e6,
        policy.dropped
    )
}

/// How often a lock went from one thread to another.
fn hand_overs(policy: &Policy) -> usize {
    let mut holders = vec![None; policy.lanes.len()];
    let mut count = 0;
    for segment in policy.segments.iter().filter(|segment| segment.1 == HOLDS) {
        let before = holders[policy.locks[segment.0]].replace(segment.0);
        count += usize::from(before.is_some_and(|before| before != segment.0));
    }
    count
}

#[test]
fn every_policy_is_in_the_picture_with_its_figures() {
    let picture = draw(&super::lanes::tests::example());
    assert!(picture.contains("60.0 ms, 1 hand-overs, longest wait 0.01 ms, 0 records lost"), "{picture}");
    assert!(picture.contains("gil310 (CPython 3.10-3.12)") && picture.contains("free (PEP 703)"));
    assert!(picture.contains("No global lock"));
    assert!(picture.matches("class=\"hold\"").count() >= 2 && picture.matches("class=\"wait\"").count() >= 2);
}
