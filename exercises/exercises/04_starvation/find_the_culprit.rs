//! Find the culprit: one of these callbacks sometimes holds the loop.
//!
//! A club house runs on an event loop. Members join clubs, visit, are greeted, get letters and bonus points; `build`
//! registers one callback for each kind of event. Everything that is done to a member goes through the `desk` and is one
//! unit of work. Most of the time all is well. Now and then every event waits for hundreds of units.
//!
//! 1. Find out which callback holds the loop, and under which condition. The loop keeps a report of who held it longer
//!    than the limit: `lp.stalls()`. A callback for the event `closing` is called once, when all other events are over.
//!    Register one in `build`, print the report there, and run this file. Each entry has the name of a callback, the
//!    place where it was registered, how often it held the loop, and for how long; a unit takes a millisecond here.
//! 2. Mend that callback, so that between two polls of the loop at most `LIMIT` (100) units of work are done.
//!    Other events need room as well: a piece of 30 units is a good size.
//!
//! The results must stay: each member ends with the same points, letters and greetings. Members may join while your
//! callback is not done yet: an event is for those who were members when it came.
//!
//! On the `lp` that each callback gets, a `&grader::find_the_culprit::LoopHandle`, you have `set_immediate`,
//! `set_timeout`, `next_tick`, `microtask` and `spawn`; not all of them let the loop go on to its next poll. The grader
//! counts units, not time.
//!
//! Chapters: run starvation, read the picture; for the cure, starvation and its cures.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use grader::find_the_culprit::Desk;

#[derive(Default)]
struct Club {
    members: Vec<u32>,
    /// How many of the members have had a letter.
    told: usize,
}

type Clubs = Rc<RefCell<HashMap<u32, Club>>>;

// TODO: one of these holds the loop. Which one? And when?
fn build(desk: &Desk) {
    let clubs = Clubs::default();
    let [joins, greets, letters, bonuses] = std::array::from_fn(|_| (desk.clone(), clubs.clone()));
    let visits = desk.clone();

    desk.on("join", move |_lp, club, member| join(&joins.1, club, member));
    desk.on("visit", move |_lp, _club, member| visits.add_points(member, 1));
    desk.on("greet", move |_lp, club, _| greet(&greets.0, &greets.1, club));
    desk.on("newsletter", move |_lp, club, _| newsletter(&letters.0, &letters.1, club));
    desk.on("bonus", move |_lp, club, points| bonus(&bonuses.0, &bonuses.1, club, points));
}

fn join(clubs: &Clubs, club: u32, member: u32) {
    clubs.borrow_mut().entry(club).or_default().members.push(member);
}

fn greet(desk: &Desk, clubs: &Clubs, club: u32) {
    let mut clubs = clubs.borrow_mut();
    for member in clubs.entry(club).or_default().members.iter().take(10) {
        desk.greet(*member);
    }
}

fn newsletter(desk: &Desk, clubs: &Clubs, club: u32) {
    let mut clubs = clubs.borrow_mut();
    let club = clubs.entry(club).or_default();
    for member in &club.members[club.told..] {
        desk.mail(*member);
    }
    club.told = club.members.len();
}

fn bonus(desk: &Desk, clubs: &Clubs, club: u32, points: u32) {
    let mut clubs = clubs.borrow_mut();
    let club = clubs.entry(club).or_default();
    let lucky = if points.is_multiple_of(7) { club.members.len() } else { 10 };
    for member in club.members.iter().take(lucky) {
        desk.add_points(*member, points);
    }
}

// Below: the grader. Do not edit.
fn main() {
    grader::find_the_culprit::grade(build);
}

#[cfg(test)]
mod tests {
    #[test]
    fn behaves() {
        super::main();
    }
}
