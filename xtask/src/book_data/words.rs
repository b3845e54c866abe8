//! The words of the generated tables in both languages.

const KOREAN: [(&str, &str); 21] = [
    ("max", "최대"),
    ("count", "개수"),
    ("statement", "문장"),
    ("verdict", "판정"),
    ("decided by", "판정의 근거"),
    ("rule", "규칙"),
    ("the run", "실행"),
    ("result", "결과"),
    ("rounds", "라운드"),
    ("seed", "시드"),
    ("numbers", "설정"),
    ("machine", "컴퓨터"),
    ("versions", "버전"),
    ("yes", "예"),
    ("experiment", "실험"),
    ("note", "노트"),
    ("beyond", "노트 밖"),
    ("holds", "맞다"),
    ("fails", "틀리다"),
    ("depends", "조건에 달렸다"),
    ("inconclusive", "가릴 수 없다"),
];

/// A word of the tables in the language of the edition; English where it has no other.
pub(super) fn word<'a>(name: &'a str, edition: &str) -> &'a str {
    let korean = KOREAN.iter().find(|(english, _)| edition == "ko" && *english == name);
    korean.map_or(name, |(_, korean)| korean)
}

/// Conditions of verdicts in Korean, each with the English words that it translates: where an experiment says something
/// else by now, the English words are shown.
const CONDITIONS: [(&str, &str, &str); 13] = [
    (
        "G03",
        "the lock: the one of CPython 2.7 is dropped and taken every 100 ticks",
        "락에 달렸다. CPython 2.7의 락은 100틱마다 놓았다가 다시 잡지만, 그 뒤의 락은 누가 달라고 할 때만 놓는다",
    ),
    (
        "G07",
        "the work: a loop solves waiting",
        "일에 달렸다. 루프는 기다림을 해결하지만 계산을 빠르게 하지는 못한다",
    ),
    (
        "G08",
        "the size of what is hashed: hashlib lets go of the lock from 2048 bytes on",
        "해시할 데이터의 크기에 달렸다. hashlib는 2048바이트부터 락을 놓는다",
    ),
    (
        "G09",
        "the lock: one that is given up only when a waiter has asked after an interval",
        "락에 달렸다. CPython 3.2부터의 락처럼, 기다리는 쪽이 간격만큼 기다린 뒤 달라고 해야만 내주는 락이 그렇다. 2.7의 틱, 인터프리터별 락, 락이 없는 경우에는 아무도 간격만큼 기다리지 않는다",
    ),
    (
        "G10",
        "where the lock is looked at: CPython 3.10 to 3.13 only on jumps back and calls",
        "락을 어디에서 살피는지에 달렸다. CPython 3.10부터 3.13까지는 뒤로 가는 점프와 호출에서만 살피므로 n += 1만으로는 아무것도 잃지 않는다. 2.7부터 3.9까지는 대부분의 명령어 뒤에서 살피고, 프리 스레드 3.13에는 그런 락이 없다",
    ),
    (
        "G13",
        "what a cure is, and the lock: a thread never blocks the loop",
        "무엇을 처방이라고 하는지와 락에 달렸다. 스레드는 루프를 막지 않지만, 시간을 재는 락 아래에서는 루프가 깨어날 때마다 전환 간격을 기다린다. 프로세스나 그런 락이 없는 스레드에서는 그렇지 않다",
    ),
    (
        "L02",
        "whether the pool was used: its threads are started by the first job",
        "풀을 썼는지에 달렸다. 풀의 스레드는 첫 작업이 들어올 때 시작된다. 프로세스가 그 밖에 무엇을 돌리는지에도 달렸다. 루프와 풀만 있으면 다른 스레드는 없다",
    ),
    (
        "L13",
        "jobs that wait, or ",
        "기다리는 작업이거나, 남이 쓰지 않는 프로세서가 스레드 수만큼 있어야 한다. 계산하는 작업은 작업 수 / 프로세서 수만큼의 차례가 걸린다",
    ),
    (
        "L14",
        "slow jobs that the pool does not know as slow",
        "FIFO를 여는 것처럼 느리다는 것을 풀이 모르는 작업이어야 한다. 이름 조회는 스레드의 절반(올림)까지만 차지한다",
    ),
    (
        "L17",
        "the update: one that begins and ends in the same callback needs no mutex",
        "갱신에 달렸다. 한 콜백 안에서 시작해 끝나는 갱신에는 뮤텍스가 필요 없고, 사이에 기다리는 갱신에는 그래도 필요하다",
    ),
    (
        "L18",
        "who runs it: a timer's callback runs on the loop's own thread",
        "누가 실행하는지에 달렸다. 타이머의 콜백은 루프 자신의 스레드에서 실행되고, 풀에서는 풀에 넘긴 것이나 실행기(executor)가 예약한 것만 실행된다. 어느 경우에도 프로세스를 만들지 않고 자기 프로세스와 함께 죽는다",
    ),
    (
        "L20",
        "who does it: pbkdf2, AES and a long read block the loop",
        "누가 하는지에 달렸다. pbkdf2, AES, 긴 읽기는 동기로 부르면 루프를 막고 풀이 하면 막지 않는다. 파싱처럼 결과로 하는 일은 루프의 스레드에서 실행되어 루프를 막는다",
    ),
    (
        "L21",
        "the scheduler: one that polls does look again and again",
        "스케줄러에 달렸다. 폴링하는 스케줄러는 거듭 시계를 보고, 루프는 다음 타이머의 시각을 시스템에 알리고 잠든다",
    ),
];

/// A condition in the language of the edition.
pub(super) fn condition<'a>(id: &str, english: &'a str, edition: &str) -> &'a str {
    let known = CONDITIONS.iter().find(|(known, begin, _)| *known == id && english.starts_with(begin));
    known.filter(|_| edition == "ko").map_or(english, |(_, _, korean)| korean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_conditions_follow_the_edition() {
        assert_eq!((word("holds", "en"), word("holds", "ko"), word("p50", "ko")), ("holds", "맞다", "p50"));
        let english = "the work: a loop solves waiting, and more";
        assert_eq!(condition("G07", english, "en"), english);
        assert!(condition("G07", english, "ko").starts_with("일에"));
        assert_eq!(condition("G07", "something new", "ko"), "something new");
    }
}
