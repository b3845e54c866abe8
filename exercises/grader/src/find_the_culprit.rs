//! Judges `find_the_culprit`: the program's results must stay, and nothing may hold the loop for long.
//!
//! # Model
//! Events of a club house arrive at set times on a real loop in a scripted world. What the learner's callbacks do to members
//! goes through the [`Desk`], which counts it and moves the clock; so the work cannot be hidden, and the loop's own report
//! of stalls names who held it, to a learner who asks for it. Results are compared with those of a plain run, event after event.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;

pub use event_loop::{LoopHandle, yield_now};
use event_loop::{RunMode, Script, SpanSite};

use crate::meter::{self, Meter};
use crate::seed::Rng;
use crate::standing;

/// The most units of work between two polls of the loop.
pub const LIMIT: u64 = 100;
const WORLDS: usize = 4;
/// From event to event, in milliseconds or units, once the clubs are full.
const PACE_MS: u64 = 40;
const BIG_CLUB: u32 = 2;

/// The callback of this name is called once, when all events are over.
const CLOSING: &str = "closing";

type Handler = Box<dyn FnMut(&LoopHandle, u32, u32)>;

/// The house: where callbacks are registered and where they do their work. Clones are the same desk.
#[derive(Clone)]
pub struct Desk(Rc<Inner>);

struct Inner {
    meter: Meter,
    handlers: RefCell<HashMap<&'static str, Registered>>,
    done: RefCell<Done>,
    late_ms: Cell<u64>,
}

/// A callback, and where it was registered.
struct Registered {
    site: SpanSite,
    location: &'static Location<'static>,
    handler: Handler,
}

/// What was done to the members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Done {
    points: BTreeMap<u32, u64>,
    mails: BTreeMap<u32, u64>,
    greetings: BTreeMap<u32, u64>,
}

impl Desk {
    /// Calls `handler` with a club and a number for each event of this kind.
    #[track_caller]
    pub fn on(&self, event: &'static str, handler: impl FnMut(&LoopHandle, u32, u32) + 'static) {
        let location = Location::caller();
        let registered =
            Registered { site: SpanSite::at(event, location), location, handler: Box::new(handler) };
        self.0.handlers.borrow_mut().insert(event, registered);
    }

    /// Gives a member points: one unit of work.
    pub fn add_points(&self, member: u32, points: u32) {
        self.0.meter.spend(1);
        *self.0.done.borrow_mut().points.entry(member).or_default() += u64::from(points);
    }

    /// Writes a letter to a member: one unit of work.
    pub fn mail(&self, member: u32) {
        self.0.meter.spend(1);
        *self.0.done.borrow_mut().mails.entry(member).or_default() += 1;
    }

    /// Greets a member: one unit of work.
    pub fn greet(&self, member: u32) {
        self.0.meter.spend(1);
        *self.0.done.borrow_mut().greetings.entry(member).or_default() += 1;
    }

    fn dispatch(&self, lp: &LoopHandle, event: Event, due_ms: u64) {
        lp.update_time();
        let late_ms = lp.elapsed().as_millis() as u64 - due_ms;
        self.0.late_ms.set(self.0.late_ms.get().max(late_ms));
        // Out of the table while it runs, so that it may register another one.
        let Some(mut registered) = self.0.handlers.borrow_mut().remove(event.kind) else { return };
        standing::note("main", &format!("the callback `{}`", event.kind), registered.location);
        lp.in_span(&registered.site, || (registered.handler)(lp, event.club, event.number));
        self.0.handlers.borrow_mut().entry(event.kind).or_insert(registered);
    }
}

/// Something that happens in the house.
#[derive(Clone, Copy)]
struct Event {
    kind: &'static str,
    club: u32,
    number: u32,
}

/// Grades the program that `build` registers, and ends the process.
pub fn grade(build: fn(&Desk)) {
    crate::run::grade("find_the_culprit", |seed| judge(build, seed));
}

fn judge(build: fn(&Desk), seed: u64) -> Result<String, String> {
    let mut rng = Rng::new(seed);
    let mut longest = 0;
    for _ in 0..WORLDS {
        let events = random_events(&mut rng);
        longest = longest.max(run(build, &events)?);
    }
    Ok(format!("{WORLDS} random worlds, results unchanged, at most {longest} units between two polls"))
}

fn run(build: fn(&Desk), events: &[(u64, Event)]) -> Result<u64, String> {
    let script = Script::new();
    let event_loop = meter::loop_with_limit(&script, LIMIT);
    let lp = event_loop.handle();
    let desk = Desk(Rc::new(Inner {
        meter: Meter::new(&script, &lp),
        handlers: RefCell::default(),
        done: RefCell::default(),
        late_ms: Cell::default(),
    }));
    build(&desk);
    for (at_ms, event) in events.iter().copied() {
        let desk = desk.clone();
        lp.set_timeout(Duration::from_millis(at_ms), move |lp| desk.dispatch(lp, event, at_ms));
    }
    event_loop
        .run(RunMode::Default)
        .map_err(|error| crate::run::why(&format!("the loop ended early: {error}")))?;
    let closing = desk.0.handlers.borrow_mut().remove(CLOSING);
    if let Some(mut closing) = closing {
        (closing.handler)(&lp, 0, 0);
    }
    // The handlers hold the desk, which holds them.
    desk.0.handlers.borrow_mut().clear();
    let done = desk.0.done.borrow();
    if let Some(difference) = difference(&done, &expected(events)) {
        return Err(format!("the results are not those of the program as it was.\n{difference}"));
    }
    let longest = desk.0.meter.longest();
    if longest > LIMIT {
        return Err(format!(
            "the results are right, but for {longest} units of work nobody else was served; the limit is {LIMIT}.\n\
             Events waited for up to {} units meanwhile.\n\n\
             {}",
            desk.0.late_ms.get(),
            where_to_look(&lp)
        ));
    }
    Ok(longest)
}

/// What the learner can ask the loop. Its report would name the culprit, so it is not printed here.
fn where_to_look(lp: &LoopHandle) -> String {
    let held: u64 = lp.stalls().iter().map(|stall| stall.count).sum();
    if held == 0 {
        return "No single callback ran that long, but many short ones ran in one pass. Ticks and microtasks run before the loop \
                goes on, and immediates that are set together run together."
            .to_owned();
    }
    format!(
        "The loop was held {held} times, and it knows by whom: `lp.stalls()` is its report, with name and place of what held \
         it, how often, and for how long. Put this into `build` to read it when the house closes:\n\n  \
         desk.on(\"{CLOSING}\", |lp, _, _| println!(\"{{:#?}}\", lp.stalls()));"
    )
}

/// Small clubs and a big one fill up, then events of all kinds arrive at a quiet pace.
fn random_events(rng: &mut Rng) -> Vec<(u64, Event)> {
    let mut events = Vec::new();
    let (mut at_ms, mut next_member) = (0, 100 + rng.below(100) as u32);
    let mut push = |events: &mut Vec<_>, pace_ms, kind, club, number| {
        at_ms += pace_ms;
        events.push((at_ms, Event { kind, club, number }));
    };
    let members = 400 + rng.below(300) as u32;
    for number in 0..members {
        let club = if number % 40 < 4 { number % 4 } else { BIG_CLUB };
        next_member += 1;
        push(&mut events, 3, "join", club, next_member);
        if number % 10 == 9 {
            push(&mut events, 20, "newsletter", club, 0);
        }
    }
    for number in 0..120 {
        let club = rng.below(4) as u32;
        let (kind, club, value) = match rng.below(6) {
            0 | 1 => {
                next_member += 1;
                ("join", BIG_CLUB, next_member)
            }
            2 => ("visit", club, 101 + rng.below(100) as u32),
            3 => ("greet", club, 0),
            4 => ("newsletter", club, 0),
            _ => ("bonus", club, not_lucky(rng)),
        };
        // Three times the condition is met: seven-fold points for the big club.
        let (kind, club, value) = if number % 40 == 10 {
            ("bonus", BIG_CLUB, 7 * (1 + rng.below(3) as u32))
        } else {
            (kind, club, value)
        };
        push(&mut events, PACE_MS, kind, club, value);
    }
    events
}

fn not_lucky(rng: &mut Rng) -> u32 {
    let points = 1 + rng.below(30) as u32;
    if points.is_multiple_of(7) { points + 1 } else { points }
}

/// What the program does when each event has the world for itself.
fn expected(events: &[(u64, Event)]) -> Done {
    let mut done = Done::default();
    let mut clubs: HashMap<u32, (Vec<u32>, usize)> = HashMap::new();
    for (_, Event { kind, club, number }) in events.iter().copied() {
        let (members, told) = clubs.entry(club).or_default();
        match kind {
            "join" => members.push(number),
            "visit" => *done.points.entry(number).or_default() += 1,
            "greet" => {
                members.iter().take(10).for_each(|member| *done.greetings.entry(*member).or_default() += 1);
            }
            "newsletter" => {
                members[*told..].iter().for_each(|member| *done.mails.entry(*member).or_default() += 1);
                *told = members.len();
            }
            _ => {
                let lucky = if number.is_multiple_of(7) { members.len() } else { 10 };
                for member in members.iter().take(lucky) {
                    *done.points.entry(*member).or_default() += u64::from(number);
                }
            }
        }
    }
    done
}

fn difference(yours: &Done, right: &Done) -> Option<String> {
    let kinds = [
        ("points", &yours.points, &right.points),
        ("letters", &yours.mails, &right.mails),
        ("greetings", &yours.greetings, &right.greetings),
    ];
    for (what, yours, right) in kinds {
        let mut members: Vec<&u32> = yours.keys().chain(right.keys()).collect();
        members.sort();
        members.dedup();
        let get = |of: &BTreeMap<u32, u64>, member| of.get(member).copied().unwrap_or(0);
        let mut wrong = members.into_iter().filter(|member| get(yours, member) != get(right, member));
        if let Some(member) = wrong.next() {
            let others = wrong.count();
            return Some(format!(
                "member {member} has {} {what} instead of {}; the same is wrong for {others} others.\n\
                 A member gets the bonuses of the clubs that it is in at the moment of the event, each once.",
                get(yours, member),
                get(right, member)
            ));
        }
    }
    None
}
