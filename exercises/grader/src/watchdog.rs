//! Ends a program that does not end by itself, and says where its threads stood.

use std::process;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::{explore, standing};

/// How a program ends when its time is up; the code of `timeout` of the GNU tools.
pub const TIME_IS_UP: i32 = 124;

/// Starts the watchdog, a thread that nobody joins: it lives as long as the program.
pub fn start(limit: Duration, repeat: String) {
    let watch = move || {
        // Nobody ever sends, so this is the wait for the limit.
        let (_keep, never) = mpsc::channel::<()>();
        let _ = never.recv_timeout(limit);
        crate::run::say(&format!("{}\n{repeat}", report(limit)));
        process::exit(TIME_IS_UP);
    };
    thread::Builder::new().name("watchdog".to_owned()).spawn(watch).expect("the system has a thread left");
}

/// What the watchdog prints.
fn report(limit: Duration) -> String {
    let mut text = format!("time is up after {} s", limit.as_secs());
    let noted = standing::table();
    text.push_str(if noted.is_empty() { "\n" } else { "; where each thread stood:\n" });
    text.push_str(&noted);
    let system = of_the_system();
    text.push_str(&system);
    if explore::is_on() && system.contains("  sleeps") && !system.contains("  runs") {
        text.push_str(
            "\nThe threads of this exercise take turns within one thread of the system, and that one sleeps: a lock, a channel \
             or a sleep of `std` holds it. Use what `grader::sync` has.",
        );
    }
    if noted.is_empty() {
        text.push_str(
            "\nA thread that runs turns in a loop without end; one that sleeps waits for what never comes.",
        );
    }
    text
}

/// The threads as the kernel knows them: name, state, and the call of the system in which they sleep.
#[cfg(target_os = "linux")]
fn of_the_system() -> String {
    use std::fs;
    let mut text = String::from("as the system sees them:\n");
    for task in fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        let read = |file: &str| fs::read_to_string(task.path().join(file)).unwrap_or_default();
        let name = read("comm").trim().to_owned();
        let stat = read("stat");
        let state = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().next());
        let state = match state {
            Some("R") => "runs",
            Some("S") => "sleeps",
            Some("D") => "waits for a device",
            Some("T" | "t") => "is stopped",
            _ => "is unknown",
        };
        let within = read("wchan");
        let within = if within.is_empty() || within == "0" { String::new() } else { format!(" in {within}") };
        if name != "watchdog" {
            text.push_str(&format!("  {name:<15}  {state}{within}\n"));
        }
    }
    text
}

#[cfg(not(target_os = "linux"))]
fn of_the_system() -> String {
    String::new()
}
