//! Wrong: the list of members is read anew for each piece, so who joins meanwhile is paid as well.

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
    desk.on("newsletter", move |_lp, club, _| newsletter(&letters.0, &letters.1, club));
    desk.on("bonus", move |lp, club, points| bonus(lp, &bonuses.0, &bonuses.1, club, points));
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

/// Units of work before the loop gets a turn.
const PIECE: usize = 30;

fn bonus(lp: &LoopHandle, desk: &Desk, clubs: &Clubs, club: u32, points: u32) {
    pay(lp, desk.clone(), clubs.clone(), club, points, 0);
}

fn pay(lp: &LoopHandle, desk: Desk, clubs: Clubs, club: u32, points: u32, from: usize) {
    let members = clubs.borrow_mut().entry(club).or_default().members.clone();
    let lucky = if points.is_multiple_of(7) { members.len() } else { members.len().min(10) };
    let to = lucky.min(from + PIECE);
    for member in &members[from.min(to)..to] {
        desk.add_points(*member, points);
    }
    if to < lucky {
        lp.set_immediate(move |lp| pay(lp, desk, clubs, club, points, to));
    }
}

fn main() {
    grader::find_the_culprit::grade(build);
}
