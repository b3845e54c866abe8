//! What `lab py` says to its user: help, bad usage, programs that are refused, listings, colours.

mod support;

use support::Case;

#[test]
fn help_has_examples_and_every_policy() {
    let case = Case::new("");
    let ended = case.run("py --help");
    assert_eq!(ended.code, Some(0));
    for part in
        ["Examples:", "Exit codes:", "tick", "gil32", "gil310", "gil313", "per-interp", "free", "io-priority"]
    {
        assert!(ended.out.contains(part), "{part} in {}", ended.out);
    }
    let ended = case.run("--help");
    assert!(ended.out.contains("lab py examples/py/countdown.py"), "{}", ended.out);
    assert!(!ended.out.contains("py-child"), "the role of children is not for people: {}", ended.out);
}

#[test]
fn bad_usage_ends_with_2_before_anything_runs() {
    let case = Case::new("import sys\nsys.exit(7)\n");
    for (words, part) in [
        ("py", "FILE.py"),
        ("py --gil gil27 a.py", "gil310"),
        ("py a.py --gil tick --interval 100", "--check-interval"),
        ("py a.py -o picture.png", ".svg"),
        ("unknown", "unknown"),
    ] {
        let ended = case.run(words);
        assert_eq!(ended.code, Some(2), "{words}: {ended:?}");
        assert!(ended.err.contains(part), "{words}: {}", ended.err);
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let case = Case::new("");
    let ended = case.run("py missing.py");
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("cannot read missing.py"), "{}", ended.err);
    std::fs::write(case.path("latin.py"), b"# caf\xe9\n").expect("written");
    let ended = case.run("py latin.py");
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("latin.py is not UTF-8"), "{}", ended.err);
    let ended = case.run("py .");
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("cannot read .: Is a directory"), "{}", ended.err);
    std::fs::write(case.path("huge.py"), vec![b'#'; (16 << 20) + 1]).expect("written");
    let ended = case.run("py huge.py");
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("huge.py is larger than 16 MiB"), "{}", ended.err);
}

#[test]
fn a_refused_program_is_shown_with_its_place_and_does_not_start() {
    let case = Case::new("import sys\nsys.exit(7)\ndef f():\n    yield 1\n");
    let ended = case.run("py a.py");
    assert_eq!((ended.code, ended.out.as_str()), (Some(2), ""));
    let lines: Vec<&str> = ended.err.lines().collect();
    assert!(lines[0].starts_with("a.py:4:5: "), "{}", ended.err);
    assert_eq!((lines[1], lines[2]), ("    yield 1", "    ^"));
    assert!(lines[3].starts_with("write instead: "), "{}", ended.err);
    assert!(ended.err.contains("refused: the program was not started: 1 place to change"), "{}", ended.err);
}

#[test]
fn a_misspelt_option_behind_the_file_is_hinted_at() {
    let case = Case::new("import sys\nsys.exit(7)\n");
    let ended = case.run("py a.py --gill tick");
    assert_eq!(ended.code, Some(7), "it goes to the program");
    assert!(
        ended.err.contains("note: --gill goes to the program; lab's own option is --gil"),
        "{}",
        ended.err
    );
    assert_eq!(case.run("py a.py --turns 5").err, "");
}

#[test]
fn the_listing_shows_our_instructions_by_line_and_does_not_run() {
    let case = Case::new("import sys\nn = 0\nn += 1\nsys.exit(7)\n");
    let ended = case.run("py a.py --dis");
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let at = |part: &str| ended.out.find(part).unwrap_or_else(|| panic!("{part} in {}", ended.out));
    assert!(at("   3 | n += 1") < at("LOAD_GLOBAL n"));
    assert!(at("LOAD_GLOBAL n") < at("   4 | sys.exit(7)"));
    // Beside CPython's, or a kind word when there is none.
    assert!(ended.out.contains("CPython 3.") || ended.err.contains("note: "), "{ended:?}");
}

#[test]
fn without_python3_the_listing_stands_alone_and_says_so() {
    let case = Case::new("n = 0\n");
    let output = case.command("py a.py --dis").env("PATH", case.path("")).output().expect("it starts");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && out.contains("STORE_GLOBAL n") && !out.contains("CPython"), "{out}");
    assert!(err.contains("no python3 is on the PATH"), "{err}");
}

#[test]
fn colours_are_for_terminals_and_no_color_is_respected() {
    let case = Case::new("{1}\n");
    let coloured = |name: &str, value: &str| {
        let mut command = case.command("py a.py");
        let output = command.env("CLICOLOR_FORCE", "1").env(name, value).output().expect("it starts");
        output.stderr.contains(&0x1b)
    };
    assert!(!case.run("py a.py").err.contains('\u{1b}'), "a pipe is no terminal");
    assert!(coloured("LAB_TEST", "1"), "colours can be forced");
    let output = case.command("py a.py").env("NO_COLOR", "1").output().expect("it starts");
    assert!(!output.stderr.contains(&0x1b));
}
