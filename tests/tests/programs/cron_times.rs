//! When a job is due, by tables, by a slow count of days, and by what proptest makes up.

use std::time::Duration;

use proptest::prelude::*;

use crate::schedule::{Schedule, Utc, parse};

/// The schedule of a table with this one line.
#[track_caller]
fn schedule(line: &str) -> Schedule {
    let mut entries = parse(&format!("{line} command")).unwrap_or_else(|problems| panic!("{problems:?}"));
    assert_eq!((entries.len(), &*entries[0].command), (1, "command"), "{line}");
    entries.remove(0).schedule
}

/// The next times after the one before, from `from` on.
fn times(line: &str, from: u64, count: usize) -> Vec<String> {
    let schedule = schedule(line);
    let next = |now: &Duration| schedule.next_after(*now);
    let times = std::iter::successors(next(&Duration::from_secs(from)), next);
    times.take(count).map(|due| Utc(due).to_string().replace(".000", "")).collect()
}

/// A Thursday: 2026-01-01 00:00:00.
const NEW_YEAR: u64 = 1_767_225_600;

#[test]
fn lines_are_due_when_crontab_says() {
    for (line, from, expected) in [
        ("every 90s", NEW_YEAR, ["2026-01-01 00:01:30", "2026-01-01 00:03:00"]),
        ("every 1d", NEW_YEAR - 1, ["2026-01-01 00:00:00", "2026-01-02 00:00:00"]),
        ("every 500ms", NEW_YEAR, ["2026-01-01 00:00:00.500", "2026-01-01 00:00:01"]),
        ("* * * * * *", NEW_YEAR, ["2026-01-01 00:00:01", "2026-01-01 00:00:02"]),
        ("*/25 * * * * *", NEW_YEAR, ["2026-01-01 00:00:25", "2026-01-01 00:00:50"]),
        ("0 0 0 * * *", NEW_YEAR - 1, ["2026-01-01 00:00:00", "2026-01-02 00:00:00"]),
        ("5,10 0 12 * * *", NEW_YEAR, ["2026-01-01 12:00:05", "2026-01-01 12:00:10"]),
        ("0 30 8-9 * * 1-5", NEW_YEAR + 86_400, ["2026-01-02 08:30:00", "2026-01-02 09:30:00"]),
        ("0 30 8 * * 1-5", NEW_YEAR + 86_400, ["2026-01-02 08:30:00", "2026-01-05 08:30:00"]),
        // Sunday by both of its numbers.
        ("0 0 0 * * 7", NEW_YEAR, ["2026-01-04 00:00:00", "2026-01-11 00:00:00"]),
        ("0 0 0 * * 0", NEW_YEAR, ["2026-01-04 00:00:00", "2026-01-11 00:00:00"]),
        ("0 0 0 * * 5-7", NEW_YEAR + 86_400, ["2026-01-03 00:00:00", "2026-01-04 00:00:00"]),
        // Months that have no such day are passed over, and leap days come when they come.
        ("59 59 23 31 * *", NEW_YEAR + 2_678_400, ["2026-03-31 23:59:59", "2026-05-31 23:59:59"]),
        ("0 0 0 29 2 *", NEW_YEAR, ["2028-02-29 00:00:00", "2032-02-29 00:00:00"]),
        // The 13th or a Friday; and with a star before the step, both.
        ("0 0 0 13 * 5", NEW_YEAR + 7 * 86_400, ["2026-01-09 00:00:00", "2026-01-13 00:00:00"]),
        ("0 0 0 13 * */5", NEW_YEAR, ["2026-02-13 00:00:00", "2026-03-13 00:00:00"]),
        ("7-59/20 0 0 1 1 *", NEW_YEAR, ["2026-01-01 00:00:07", "2026-01-01 00:00:27"]),
    ] {
        assert_eq!(times(line, from, 2), expected, "{line}");
    }
    // A leap day that is a Sunday comes each 28 years, and here after 40, as 2100 has no leap day.
    let leap_sundays = times("0 0 0 29 2 */7", 3_728_851_200 - 1, 3);
    assert_eq!(leap_sundays, ["2088-02-29 00:00:00", "2128-02-29 00:00:00", "2156-02-29 00:00:00"]);
}

#[test]
fn lines_that_say_nothing_clear_are_told_with_their_number() {
    let problem = |line: &str| match parse(&format!("# a comment\n\n  {line}\n")) {
        Err(problems) => problems.join("; "),
        Ok(entries) => panic!("{line}: {entries:?}"),
    };
    for (line, expected) in [
        ("every", "\"\" is no period; write 500ms, 2s, 5m, 1h or 1d"),
        ("every 2 echo", "\"2\" is no period; write 500ms, 2s, 5m, 1h or 1d"),
        ("every 0s echo", "the period \"0s\" is not between 1ms and 366d"),
        (
            "every 99999999999999999999s echo",
            "the period \"99999999999999999999s\" is not between 1ms and 366d",
        ),
        ("every 400d echo", "the period \"400d\" is not between 1ms and 366d"),
        ("every 2s", "there is no command"),
        ("* * * * * *", "there is no command"),
        ("* * *", "the day is missing; `every 2s COMMAND`, or six fields and a command"),
        ("60 * * * * * echo", "second: 60 is not in 0 to 59"),
        ("* 75 * * * * echo", "minute: 75 is not in 0 to 59"),
        ("* * 1-24 * * * echo", "hour: 24 is not in 0 to 23"),
        ("* * * 0 * * echo", "day: 0 is not in 1 to 31"),
        ("* * * * JAN * echo", "month: \"JAN\" is no number"),
        ("* * * * * 8 echo", "weekday: 8 is not in 0 to 7"),
        ("5-1 * * * * * echo", "second: \"5-1\" ends before it begins"),
        ("5/2 * * * * * echo", "second: the step of \"5/2\" needs a range or a *"),
        ("*/0 * * * * * echo", "second: the step of \"*/0\" is no number above 0"),
        ("1,,2 * * * * * echo", "second: \"\" is no number"),
        ("-1 * * * * * echo", "second: \"\" is no number"),
        ("0 0 0 30 2 * echo", "such a day never comes"),
        ("@daily echo", "second: \"@daily\" is no number"),
    ] {
        assert_eq!(problem(line), format!("line 3: {expected}"), "{line}");
    }
    let both = parse("every 1s well\nevery 1x\n* *\n").unwrap_err();
    assert!(
        both.len() == 2 && both[0].starts_with("line 2: ") && both[1].starts_with("line 3: "),
        "{both:?}"
    );
    assert_eq!(parse("\n# nothing\n"), Ok(vec![]));
}

/// The days since 1970 counted one by one, with nothing but the lengths of months.
fn calendar() -> impl Iterator<Item = (u64, u64, u64)> {
    let is_leap =
        |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let length = move |year: u64, month: u64| match month {
        2 => 28 + u64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    (1970..).flat_map(move |year| {
        (1..=12).flat_map(move |month| (1..=length(year, month)).map(move |day| (year, month, day)))
    })
}

#[test]
fn days_are_those_of_a_calendar_that_counts() {
    for (days, (year, month, day)) in (0..).zip(calendar()).take_while(|(_, (year, ..))| *year < 2402) {
        let shown = Utc(Duration::from_secs(days * 86_400 + 3_723)).to_string();
        assert_eq!(shown, format!("{year}-{month:02}-{day:02} 01:02:03.000"));
    }
}

/// A field as text, and the values that it means.
fn field(least: u64, most: u64) -> impl Strategy<Value = (String, Vec<u64>)> {
    let all: Vec<u64> = (least..=most).collect();
    let every = all.clone();
    let picked = prop::sample::subsequence(all, 1..=3);
    let listed = picked.prop_map(|values| {
        let words: Vec<String> = values.iter().map(u64::to_string).collect();
        (words.join(","), values)
    });
    let stepped = (1..=most).prop_map(move |step| {
        (format!("*/{step}"), (least..=most).step_by(usize::try_from(step).unwrap()).collect())
    });
    let ranged = (least..=most, least..=most).prop_map(|(one, other)| {
        let (first, last) = (one.min(other), one.max(other));
        (format!("{first}-{last}"), (first..=last).collect())
    });
    prop_oneof![Just(("*".to_owned(), every)), listed, stepped, ranged]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Second by second for a day: none before the next time is one that the fields mean, and that one is.
    #[test]
    fn no_time_is_missed_and_none_is_too_much(
        fields in (field(0, 59), field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 7)),
        now in 0_u64..4_000_000_000,
    ) {
        let (seconds, minutes, hours, days, months, weekdays) = &fields;
        let line = [seconds, minutes, hours, days, months, weekdays].map(|(text, _)| text.as_str()).join(" ");
        // Some combinations never come, as the 31st of June.
        prop_assume!(parse(&format!("{line} command")).is_ok());
        let next = schedule(&line).next_after(Duration::from_secs(now)).unwrap().as_secs();
        prop_assert!(next > now);
        let first_day = now / 86_400;
        let dates: Vec<_> = calendar().skip(usize::try_from(first_day).unwrap()).take(3).collect();
        for time in now + 1..=next.min(now + 86_400) {
            let (_, month, day) = dates[usize::try_from(time / 86_400 - first_day).unwrap()];
            let day = days.1.contains(&day);
            let weekday = (time / 86_400 + 4) % 7;
            let weekday = weekdays.1.iter().any(|given| given % 7 == weekday);
            let is_given = !days.0.starts_with('*') && !weekdays.0.starts_with('*');
            let is_due = (if is_given { day || weekday } else { day && weekday })
                && months.1.contains(&month)
                && hours.1.contains(&(time / 3600 % 24))
                && minutes.1.contains(&(time / 60 % 60))
                && seconds.1.contains(&(time % 60));
            prop_assert_eq!(is_due, time == next, "{} at {}", line, time);
        }
    }

    #[test]
    fn periods_are_whole_multiples(period_ms in 1_u64..=366 * 86_400_000, now_ns in 0_u64..u64::MAX / 4) {
        let (period, now) = (Duration::from_millis(period_ms), Duration::from_nanos(now_ns));
        let next = schedule(&format!("every {period_ms}ms")).next_after(now).unwrap();
        prop_assert!(next > now && next - now <= period && next.as_nanos().is_multiple_of(period.as_nanos()));
    }
}
