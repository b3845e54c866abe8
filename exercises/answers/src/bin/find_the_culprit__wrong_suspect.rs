//! Wrong: the newsletter was cut, which was never the culprit.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use grader::find_the_culprit::{Desk, LoopHandle};

#[derive(Default)]
struct Club {
    members: Vec<u32>,
    /// How many of the members have had a letter.
    told: usize,
}

type Clubs = Rc<RefCell<HashMap<u32, Club>>>;

fn build(desk: &Desk) {
    let clubs = Clubs::default();
    let [joins, greets, letters, bonuses] = std::array::from_fn(|_| (desk.clone(), clubs.clone()));
    let visits = desk.clone();

    desk.on("join", move |_lp, club, member| join(&joins.1, club, member));
    desk.on("visit", move |_lp, _club, member| visits.add_points(member, 1));
    desk.on("greet", move |_lp, club, _| greet(&greets.0, &greets.1, club));
    desk.on("newsletter", move |lp, club, _| newsletter(lp, &letters.0, &letters.1, club));
    desk.on("bonus", move |lp, club, points| bonus(lp, &bonuses.0, &bonuses.1, club, points));
    desk.on("closing", |lp, _, _| println!("{:#?}", lp.stalls()));
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

fn newsletter(lp: &LoopHandle, desk: &Desk, clubs: &Clubs, club: u32) {
    let mut clubs = clubs.borrow_mut();
    let club = clubs.entry(club).or_default();
    for member in club.members[club.told..].iter().copied() {
        let desk = desk.clone();
        lp.set_immediate(move |_lp| desk.mail(member));
    }
    club.told = club.members.len();
}

fn bonus(_lp: &LoopHandle, desk: &Desk, clubs: &Clubs, club: u32, points: u32) {
    let mut clubs = clubs.borrow_mut();
    let club = clubs.entry(club).or_default();
    let lucky = if points.is_multiple_of(7) { club.members.len() } else { 10 };
    for member in club.members.iter().take(lucky) {
        desk.add_points(*member, points);
    }
}

fn main() {
    grader::find_the_culprit::grade(build);
}
