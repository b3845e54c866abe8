//! `lab exercise` as a learner uses it: what it lists, how it judges, what it hints, and what it keeps.

use serde_json::Value;

mod exercise_set;
mod support;
use exercise_set::{EXERCISES, FIRST_SUM, TestSet};

#[test]
fn the_list_shows_what_is_done_what_is_next_and_what_to_type() {
    let set = TestSet::new();
    set.write("progress.toml", "first_sum = \"2026-01-02\"\nrenamed_since = \"2026-01-01\"\n");
    let said = set.run("list");
    assert_eq!(said.code, Some(0), "{said:?}");
    let lines: Vec<&str> = said.out.lines().collect();
    assert!(
        lines[0].contains("first_sum") && lines[0].contains("10 min") && lines[0].ends_with("done"),
        "{lines:?}"
    );
    assert!(lines[1].contains("Title second_sum") && lines[1].ends_with("next"), "{lines:?}");
    assert!(lines[2].ends_with("open") && said.out.contains("1 of 7 done"), "{}", said.out);
    let said = set.run("");
    assert!(said.out.contains("lab exercise watch second_sum"), "{}", said.out);
    assert!(said.out.contains("\n  exercises/exercises/01_plain/second_sum.rs\n"), "{}", said.out);
    let korean = set.run("list --ko");
    assert!(
        korean.out.contains("제목 first_sum") && korean.out.contains("7개 가운데 1개 완료"),
        "{}",
        korean.out
    );
    let json: Value = serde_json::from_str(&set.run("list --json").out).expect("JSON");
    assert_eq!((&json["done"], &json["of"]), (&1.into(), &7.into()));
    assert_eq!(
        (&json["exercises"][0]["state"], &json["exercises"][0]["since"]),
        (&"done".into(), &"2026-01-02".into())
    );
}

#[test]
fn the_set_is_found_from_below_and_by_its_folder_and_a_missing_one_is_told() {
    let set = TestSet::new();
    let mut below = set.command("list");
    below.current_dir(set.path("exercises/01_plain"));
    assert!(below.output().expect("it starts").status.success());
    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    for (dir, code) in [(Some(set.top().to_owned()), 0), (Some(set.path("")), 0), (None, 2)] {
        let mut command = set.command("list");
        command.current_dir(elsewhere.path());
        if let Some(dir) = dir {
            command.arg("--dir").arg(dir);
        }
        let said = support::Ended::from(command.output().expect("it starts"));
        assert_eq!(said.code, Some(code), "{said:?}");
        assert_eq!(said.err.contains("--dir DIR"), code == 2, "{said:?}");
    }
}

#[test]
fn a_right_answer_is_recorded_and_a_wrong_one_is_taken_back() {
    let set = TestSet::new();
    let said = set.run("check --seed 41");
    assert_eq!(said.code, Some(1), "{said:?}");
    for part in
        ["the sum is wrong", "failed: first_sum (seed 41", "check first_sum --seed 41", "hint first_sum"]
    {
        assert!(said.out.contains(part), "{part} in {}", said.out);
    }
    assert!(!set.path("progress.toml").exists());

    set.solve_first_sum();
    let said = set.run("check first_sum");
    assert_eq!(said.code, Some(0), "{said:?}");
    for part in
        ["passed: first_sum (seed ", "solutions/01_plain/first_sum.rs", "Next (2 of 7)", "watch second_sum"]
    {
        assert!(said.out.contains(part), "{part} in {}", said.out);
    }
    assert!(!said.out.contains("graded "), "the token is for programs: {}", said.out);
    assert!(set.read("progress.toml").contains("\nfirst_sum = \"2"), "{}", set.read("progress.toml"));
    assert_eq!(set.run("check").code, Some(0), "the next one passes as it is");

    set.write(FIRST_SUM, &set.read(FIRST_SUM).replace("{ 3 }", "{ 4 }"));
    let said = set.run("check 1 --ko");
    assert!(said.out.contains("실패: first_sum") && said.out.contains("다시 남은 문제"), "{}", said.out);
    assert!(!set.read("progress.toml").contains("first_sum"), "{}", set.read("progress.toml"));
}

#[test]
fn all_are_checked_with_a_table_and_for_programs() {
    let set = TestSet::new();
    set.write("progress.toml", "edited_main = 2026-01-02\n");
    let said = set.run("check --all --limit 1");
    assert_eq!(said.code, Some(1), "{said:?}");
    let row =
        |name: &str| said.out.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("{said:?}"));
    for (name, verdict) in [
        ("first_sum", "failed"),
        ("second_sum", "passed"),
        ("busy_loop", "timed out"),
        ("left_behind", "timed out"),
        ("mistyped", "did not compile"),
        ("edited_main", "main was edited (was done before; open again)"),
        ("odd_output", "failed"),
    ] {
        assert!(row(name).ends_with(verdict), "{name}: {}", row(name));
    }
    assert!(said.out.contains("1 of 7 pass") && said.out.contains("watch first_sum"), "{}", said.out);
    let progress = set.read("progress.toml");
    assert!(progress.contains("second_sum") && !progress.contains("edited_main"), "{progress}");
    let json: Value = serde_json::from_str(&set.run("check second_sum --json --seed 9").out).expect("JSON");
    assert_eq!(
        (&json["verdict"], &json["seed"], &json["next"]),
        (&"passed".into(), &9.into(), &"first_sum".into())
    );
    assert_eq!(json["output"], "passed: second_sum (seed 9)");
}

#[test]
fn what_does_not_compile_is_shown_with_its_first_error_and_an_edited_main_is_told() {
    let set = TestSet::new();
    let said = set.run("check mistyped");
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("expected `u32`, found `&str`"), "the compiler speaks: {}", said.err);
    for part in [
        "did not compile: mistyped",
        "exercises/03_text/mistyped.rs:2:19: mismatched types",
        "rustc --explain E0308",
    ] {
        assert!(said.out.contains(part), "{part} in {}", said.out);
    }
    let said = set.run("check edited_main");
    assert_eq!(said.code, Some(1), "{said:?}");
    for part in ["main was edited: edited_main", "grader was never called", "lab exercise reset edited_main"]
    {
        assert!(said.out.contains(part), "{part} in {}", said.out);
    }
    set.write("exercises/03_text/edited_main.rs", "fn no_main() {}\n");
    let said = set.run("check edited_main");
    assert!(
        said.out.contains("did not compile") && said.out.contains("lab exercise reset edited_main"),
        "{said:?}"
    );
    set.write("Cargo.toml", "[package]\nname = \"broken");
    let said = set.run("check first_sum");
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("cargo could not build first_sum"), "an error of the set: {said:?}");
    assert!(said.err.contains("Cargo.toml:2"), "cargo's own words: {said:?}");
}

#[test]
fn a_program_knows_no_secrets_moves_no_cursor_and_gets_no_end_of_memory() {
    let set = TestSet::new();
    let mut command = set.command("check odd_output --seed 5");
    let said = support::Ended::from(command.env("LAB_TEST_SECRET", "x").output().expect("it starts"));
    assert_eq!(said.code, Some(1));
    assert!(said.out.starts_with("secret: None, seed: Some(\"5\")\n^[[2Jcleared\n"), "{}", &said.out[..80]);
    assert!(said.out.len() < 200_000 && said.out.contains("bytes left out"), "{} bytes", said.out.len());
    assert!(said.out.contains("the end\n"), "the end is kept, whatever the middle");
    if cfg!(target_os = "linux") {
        assert!(said.out.contains("memory allocation of"), "{}", &said.out[said.out.len() - 600..]);
        assert!(said.out.contains("ended by signal 6") && said.out.contains("more memory than the 4 GiB"));
    }
}

#[test]
fn a_program_that_its_own_watchdog_ended_needs_no_second_table() {
    let set = TestSet::new();
    set.write(
        "exercises/03_text/edited_main.rs",
        "fn main() { println!(\"time is up\"); std::process::exit(124) }\n",
    );
    let said = set.run("check edited_main --seed 3");
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.out.starts_with("time is up\n\ntimed out: edited_main (seed 3, "), "{}", said.out);
}

#[test]
fn hints_come_in_levels_and_in_both_languages() {
    let set = TestSet::new();
    let said = set.run("hint first_sum");
    assert!(
        said.out.contains("Hint 1 of 3") && said.out.contains("\none\n") && !said.out.contains("two"),
        "{said:?}"
    );
    assert!(said.out.contains("hint first_sum --level 2"), "{}", said.out);
    let said = set.run("hint first_sum --level 3");
    assert!(said.out.contains("\nthree\n") && !said.out.contains("More:"), "{}", said.out);
    for level in [0, 4] {
        let said = set.run(&format!("hint first_sum --level {level}"));
        assert_eq!(said.code, Some(2));
        assert!(said.err.contains("first_sum has 3 hints"), "{}", said.err);
    }
    let mut korean = set.command("hint second_sum");
    let said = support::Ended::from(korean.env("LANG", "ko_KR.UTF-8").output().expect("it starts"));
    assert!(said.out.contains("\n하나\n"), "{}", said.out);
}

#[test]
fn reset_brings_the_original_back_and_keeps_every_version() {
    let set = TestSet::new();
    let original = set.read(FIRST_SUM);
    assert!(set.run("reset first_sum").out.contains("is the original already"));
    for number in 1..=2 {
        set.write(FIRST_SUM, &format!("version {number}\n"));
        set.write("progress.toml", "first_sum = \"2026-01-02\"\n");
        let said = set.run("reset exercises/exercises/01_plain/first_sum.rs");
        assert_eq!(said.code, Some(0), "{said:?}");
        let backup = format!("exercises/.backups/first_sum.rs.bak-{number}");
        assert!(said.out.contains(&backup), "{}", said.out);
        assert_eq!(set.read(FIRST_SUM), original);
        assert!(!set.read("progress.toml").contains("first_sum"), "it is to be solved again");
    }
    assert_eq!(set.read(".backups/first_sum.rs.bak-1"), "version 1\n");
    std::fs::remove_dir_all(set.path("exercises/01_plain")).expect("it is there");
    assert_eq!(set.run("reset first_sum").code, Some(0));
    assert_eq!(set.read(FIRST_SUM), original, "also a file that was lost with its folder");
    std::fs::remove_dir_all(set.path("originals")).expect("it is there");
    set.write(FIRST_SUM, "mine\n");
    let said = set.run("reset first_sum");
    assert_eq!((said.code, set.read(FIRST_SUM).as_str()), (Some(1), "mine\n"));
    assert!(said.err.contains("nothing was changed"), "{}", said.err);
}

#[test]
fn a_broken_progress_file_is_told_and_left_alone() {
    let set = TestSet::new();
    let broken = "first_sum = \"2026-01-02\"\nsecond_sum = \n";
    set.write("progress.toml", broken);
    for words in ["", "list", "check second_sum", "check --all", "watch second_sum"] {
        let said = set.run(words);
        assert_eq!(said.code, Some(1), "{words}: {said:?}");
        assert!(said.err.contains("progress.toml") && said.err.contains("line 2"), "{words}: {}", said.err);
        assert_eq!(set.read("progress.toml"), broken, "{words}");
    }
}

#[test]
fn a_verdict_is_told_even_when_it_cannot_be_written_down() {
    let set = TestSet::new();
    // The program itself does what another one might do at that moment.
    let breaks = "fn main() { std::fs::write(\"progress.toml\", \"x = \\n\").unwrap(); \
                  grader::grade(\"first_sum\", true); }\n";
    set.write(FIRST_SUM, breaks);
    for (words, part) in [("check first_sum", "passed: first_sum"), ("check --all --limit 1", "2 of 7 pass")]
    {
        let said = set.run(words);
        assert_eq!(said.code, Some(1), "{words}: {said:?}");
        assert!(said.out.contains(part), "{words}: {said:?}");
        assert!(said.err.contains("progress.toml cannot be understood"), "{words}: {}", said.err);
        assert_eq!(set.read("progress.toml"), "x = \n", "{words}");
        std::fs::remove_file(set.path("progress.toml")).expect("it is there");
    }
}

#[test]
fn what_takes_the_place_of_a_file_with_an_old_time_is_built_nevertheless() {
    let set = TestSet::new();
    assert_eq!(set.run("check first_sum").code, Some(1), "it is built");
    set.solve_first_sum();
    let file = std::fs::File::options().append(true).open(set.path(FIRST_SUM)).expect("it is there");
    file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_hours(300_000)).expect("it is ours");
    let said = set.run("check first_sum");
    assert!(said.out.contains("passed: first_sum"), "as `mv` and `cp -p` of a backup: {said:?}");
}

#[test]
fn what_is_needed_and_not_there_is_named_with_what_to_do() {
    let set = TestSet::new();
    set.write("progress.toml", "first_sum = \"2026-01-02\"\n");
    std::fs::create_dir(set.path("target")).expect("a folder of builds");
    let cargo = set.path("cargo");
    let check = || {
        let mut command = set.command("check first_sum");
        let said = support::Ended::from(command.env("CARGO", &cargo).output().expect("it starts"));
        assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "it is no verdict: {said:?}");
        said.err
    };
    let said = check();
    assert!(said.contains("cannot start") && said.contains("https://rustup.rs"), "{said}");

    let built = r#"{"reason":"compiler-artifact","target":{"name":"first_sum","kind":["bin"]},"executable":"/no/such"}"#;
    set.write_program("cargo", &format!("echo '{built}'"));
    let said = check();
    assert!(said.contains("cannot start /no/such") && said.contains("folder of the builds"), "{said}");

    std::fs::remove_file(set.path(FIRST_SUM)).expect("it is there");
    let said = check();
    assert!(said.contains("there is no file exercises/exercises/01_plain/first_sum.rs"), "{said}");
    assert!(said.contains("lab exercise reset first_sum"), "{said}");
    assert!(set.read("progress.toml").contains("first_sum"), "nothing is taken back");

    std::fs::remove_file(set.path("cargo")).expect("it is there");
    let error = r#"{"reason":"compiler-message","message":{"level":"error","message":"no","spans":[]}}"#;
    set.write_program("cargo", &format!("echo '{error}'; exit 1"));
    set.write(FIRST_SUM, "");
    std::fs::remove_file(set.path("exercises/01_plain/second_sum.rs")).expect("it is there");
    let mut command = set.command("check --all");
    let said = support::Ended::from(command.env("CARGO", &cargo).output().expect("it starts"));
    assert!(
        said.out.contains("first_sum  did not compile (was done before"),
        "what was checked is told: {said:?}"
    );
    assert!(said.code == Some(1) && said.err.contains("second_sum.rs"), "{said:?}");
}

/// Elsewhere such a name cannot be given.
#[cfg(target_os = "linux")]
#[test]
fn a_folder_whose_name_is_no_text_is_listed_for_programs() {
    use std::os::unix::ffi::OsStrExt;
    let set = TestSet::new();
    let odd = set.top().join(std::ffi::OsStr::from_bytes(b"odd-\xff"));
    std::fs::rename(set.path(""), &odd).expect("renamed");
    let said = support::Ended::from(set.command("list --json --dir").arg(&odd).output().expect("it starts"));
    let json: Value = serde_json::from_str(&said.out).expect("JSON");
    assert!(json["dir"].as_str().is_some_and(|dir| dir.ends_with("odd-\u{fffd}")), "{said:?}");
}

#[test]
fn bad_usage_ends_with_2_and_says_what_there_is() {
    let set = TestSet::new();
    for (words, part) in [
        ("check frist_sum", "did you mean first_sum"),
        ("check exercises/01_plain/frist_sum.rs", "did you mean first_sum"),
        ("check FIRST_SUM", "did you mean first_sum"),
        ("check sum", "first_sum, second_sum"),
        ("check zzz", "lab exercise list"),
        ("check 0", "lab exercise list"),
        ("check first_sum --all", "cannot be used with"),
        ("check --limit 0", "0 is not in 1..=3600"),
        ("check --seed x", "invalid digit"),
        ("reset", "<NAME>"),
        ("solve", "unrecognized subcommand"),
    ] {
        let said = set.run(words);
        assert_eq!(said.code, Some(2), "{words}: {said:?}");
        assert!(said.err.contains(part), "{words}: {}", said.err);
    }
    let none = support::Ended::from(set.command("check").arg("").output().expect("it starts"));
    assert!(none.err.contains("lab exercise list"), "no name is near to nothing: {}", none.err);
    assert!(set.run("check frist_sum --ko").err.contains("혹시 first_sum"), "in Korean");
    let help = set.run("--help").out;
    assert!(help.contains("Examples:") && help.contains("Exit codes:"), "{help}");
    assert_eq!(EXERCISES.len(), 7, "the counts above are of seven");
}
