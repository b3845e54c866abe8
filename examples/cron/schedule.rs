//! When a job is due: how a line of the table says it, and the next such time.
//!
//! # Model
//! ```text
//! every 90s COMMAND                              at whole multiples of 90 s since 1970: ms, s, m, h, d
//! SECOND MINUTE HOUR DAY MONTH WEEKDAY COMMAND   in UTC; Sunday is 0 or 7
//! # a comment
//! ```
//! A field is `*`, a number, a range `1-5`, either of `*/2` and `1-5/2`, or several of these with commas. As in the
//! cron of Vixie, when both day and weekday are given (neither begins with `*`), one of them is enough. There are no
//! names, no `@daily`, no time zones: without them there is no hour that comes twice or not at all.
//!
//! Times are durations since 1970 in UTC, and nothing here reads a clock: so the tests need none.
//!
//! # Source
//! crontab(5) of Vixie cron; Howard Hinnant, "chrono-compatible low-level date algorithms", for the calendar.

use std::fmt;
use std::time::Duration;

const DAY_SECONDS: u64 = 24 * 60 * 60;
/// Leap days and weekdays together repeat after 28 years, or after 40 where a century has no leap day.
const SEARCHED_DAYS: u64 = 41 * 366;

/// A line of the table.
#[derive(Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) line: usize,
    pub(crate) schedule: Schedule,
    pub(crate) command: String,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Schedule {
    Every(Duration),
    At(Calendar),
}

/// For each field the set of its values, as bits.
#[derive(Debug, PartialEq)]
pub(crate) struct Calendar {
    seconds: u64,
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Day and weekday are both given, so one of them is enough.
    either_day: bool,
}

/// All jobs of a table, or one message for each line that says nothing clear.
pub(crate) fn parse(table: &str) -> Result<Vec<Entry>, Vec<String>> {
    let lines = (1..).zip(table.lines().map(str::trim));
    let meant = lines.filter(|(_, text)| !text.is_empty() && !text.starts_with('#'));
    let parsed = meant.map(|(line, text)| {
        let (schedule, command) =
            Schedule::parse(text).map_err(|problem| format!("line {line}: {problem}"))?;
        Ok(Entry { line, schedule, command: command.to_owned() })
    });
    let (entries, problems): (Vec<_>, Vec<_>) = parsed.partition(Result::is_ok);
    let problems: Vec<String> = problems.into_iter().filter_map(Result::err).collect();
    if problems.is_empty() { Ok(entries.into_iter().filter_map(Result::ok).collect()) } else { Err(problems) }
}

impl Schedule {
    /// The schedule at the beginning of a line, and the command after it.
    fn parse(text: &str) -> Result<(Schedule, &str), String> {
        let (first, rest) = word(text);
        let (schedule, command) = if first == "every" {
            let (period, command) = word(rest);
            (Schedule::Every(parse_period(period)?), command)
        } else {
            let (calendar, command) = Calendar::parse(text)?;
            (Schedule::At(calendar), command)
        };
        if command.is_empty() {
            return Err("there is no command".to_owned());
        }
        if schedule.next_after(Duration::ZERO).is_none() {
            return Err("such a day never comes".to_owned());
        }
        Ok((schedule, command))
    }

    /// The first time after `now`, which is not `now` itself.
    pub(crate) fn next_after(&self, now: Duration) -> Option<Duration> {
        match self {
            Schedule::Every(period) => {
                let periods = now.as_nanos() / period.as_nanos() + 1;
                Some(Duration::from_nanos(u64::try_from(periods * period.as_nanos()).ok()?))
            }
            Schedule::At(calendar) => calendar.next_from(now.as_secs() + 1).map(Duration::from_secs),
        }
    }
}

impl Calendar {
    fn parse(text: &str) -> Result<(Calendar, &str), String> {
        let mut rest = text;
        let mut field = |name: &str, least: u32, most: u32| -> Result<(u64, bool), String> {
            let (field, after) = word(rest);
            rest = after;
            if field.is_empty() {
                return Err(format!(
                    "the {name} is missing; `every 2s COMMAND`, or six fields and a command"
                ));
            }
            let set = parse_field(field, least, most).map_err(|problem| format!("{name}: {problem}"))?;
            Ok((set, !field.starts_with('*')))
        };
        let (seconds, _) = field("second", 0, 59)?;
        let (minutes, _) = field("minute", 0, 59)?;
        let (hours, _) = field("hour", 0, 23)?;
        let (days, day_given) = field("day", 1, 31)?;
        let (months, _) = field("month", 1, 12)?;
        let (weekdays, weekday_given) = field("weekday", 0, 7)?;
        // Sunday has two numbers.
        let weekdays = weekdays | weekdays >> 7 & 1;
        let either_day = day_given && weekday_given;
        Ok((Calendar { seconds, minutes, hours, days, months, weekdays, either_day }, rest))
    }

    /// The first second that is not before `from`.
    fn next_from(&self, from: u64) -> Option<u64> {
        let today = from / DAY_SECONDS;
        let days = (today..today + SEARCHED_DAYS).filter(|day| self.has_day(*day));
        let mut found = days.filter_map(|day| {
            let earliest = if day == today { from % DAY_SECONDS } else { 0 };
            let second = (earliest..DAY_SECONDS).find(|second| self.has_second(*second))?;
            Some(day * DAY_SECONDS + second)
        });
        found.next()
    }

    fn has_day(&self, days_since_1970: u64) -> bool {
        let date = Date::of(days_since_1970);
        let day = has(self.days, date.day);
        // The first of January 1970 was a Thursday.
        let weekday = has(self.weekdays, (days_since_1970 + 4) % 7);
        has(self.months, date.month) && if self.either_day { day || weekday } else { day && weekday }
    }

    fn has_second(&self, second_of_day: u64) -> bool {
        let (hour, minute, second) = (second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60);
        has(self.hours, hour) && has(self.minutes, minute) && has(self.seconds, second)
    }
}

fn has(set: u64, value: u64) -> bool {
    set >> value & 1 == 1
}

/// The first word, and what comes after it.
fn word(text: &str) -> (&str, &str) {
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (first, rest.trim_start())
}

fn parse_field(text: &str, least: u32, most: u32) -> Result<u64, String> {
    let number = |text: &str| {
        let number = text.parse::<u32>().map_err(|_| format!("{text:?} is no number"))?;
        if (least..=most).contains(&number) {
            Ok(number)
        } else {
            Err(format!("{number} is not in {least} to {most}"))
        }
    };
    let mut set = 0;
    for part in text.split(',') {
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (least, most),
            Some((first, last)) => (number(first)?, number(last)?),
            None if step.is_some() => return Err(format!("the step of {part:?} needs a range or a *")),
            None => (number(range)?, number(range)?),
        };
        if first > last {
            return Err(format!("{range:?} ends before it begins"));
        }
        let step = step.map_or(Ok(1), str::parse::<usize>).ok().filter(|step| *step > 0);
        let step = step.ok_or_else(|| format!("the step of {part:?} is no number above 0"))?;
        set |= (first..=last).step_by(step).fold(0, |set, value| set | 1 << value);
    }
    Ok(set)
}

fn parse_period(text: &str) -> Result<Duration, String> {
    let digits = text.find(|sign: char| !sign.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(format!("{text:?} is no period; write 500ms, 2s, 5m, 1h or 1d")),
    };
    let ms = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit_ms));
    // Longer ones would be due when nobody is there any more.
    match ms {
        Some(ms) if (1..=366 * 86_400_000).contains(&ms) => Ok(Duration::from_millis(ms)),
        _ => Err(format!("the period {text:?} is not between 1ms and 366d")),
    }
}

/// A day of the calendar.
pub(crate) struct Date {
    year: u64,
    month: u64,
    day: u64,
}

impl Date {
    fn of(days_since_1970: u64) -> Date {
        // Years that begin in March have their leap day at the end; 400 of them always have as many days.
        let days = days_since_1970 + 719_468;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let months_since_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * months_since_march + 2) / 5 + 1;
        let month = if months_since_march < 10 { months_since_march + 3 } else { months_since_march - 9 };
        Date { year: era * 400 + year_of_era + u64::from(month <= 2), month, day }
    }
}

/// A time as people write it.
pub(crate) struct Utc(pub(crate) Duration);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Date { year, month, day } = Date::of(self.0.as_secs() / DAY_SECONDS);
        let second = self.0.as_secs() % DAY_SECONDS;
        let (hour, minute, second, ms) =
            (second / 3600, second / 60 % 60, second % 60, self.0.subsec_millis());
        write!(f, "{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{ms:03}")
    }
}
