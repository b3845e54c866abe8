//! Many collections while threads change the same objects: a limit that is barely enough makes each come soon.

mod support;

use gil_interpreter::gil::Policy;
use support::{HANGS, Limits, Outcome, outcome};

/// Threads that make garbage and keep a little, in every kind of container.
const CHURN: &str = r#"
import queue
import threading

class Node:
    def __init__(self, value, below):
        self.value = value
        self.below = below

    def __eq__(self, other):
        return [self.value] == [other.value]

    def __lt__(self, other):
        return (self.value, "x") < (other.value, "x")

lock = threading.Lock()
shared = {}
inbox = queue.Queue()
results = []

def chain(n):
    node = None
    for i in range(n):
        node = Node("n" + str(i), node)
    return node

def work(me):
    kept = []
    for turn in range(TURNS):
        junk = [str(i) * 3 for i in range(40)]
        pairs = {word: [word, (word, turn)] for word in junk}
        kept.append(sorted([Node(str(i), None) for i in range(9)], key=lambda node: [node.value, str(turn)])[4].value)
        node = chain(20)
        length = 0
        while node is not None:
            length += len([node.value, "|".join(junk)]) - 1
            node = node.below
        text = f"{me}-{turn}-{length}-{len(pairs)}"
        with lock:
            shared[text] = [text, junk[3]]
        inbox.put((text, list(map(lambda word: word + "!", junk))))
        if Node(text, None) != Node(text, None):
            print("not equal")
    with lock:
        results.append("".join(kept))

threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
for t in threads:
    t.start()
got = [inbox.get() for _ in range(4 * TURNS)]
for t in threads:
    t.join()
print(len(shared), sorted(shared.keys())[0], all([value[0] == key for key, value in shared.items()]))
print(len(got), all([words[7] == "777!" for text, words in got]), len(got[0][1]))
print([text == "4" * TURNS for text in results])
"#;

#[test]
fn objects_stay_whole_while_it_is_collected_all_the_time() {
    for policy in [Policy::Free, Policy::Gil32, Policy::Gil310, Policy::Gil313, Policy::Tick] {
        let source = CHURN.replace("TURNS", "25");
        let found = outcome(&source, &Limits { policy, memory_bytes: 6 << 20, time: HANGS });
        let out = "100 0-0-20-40 True\n100 True 40\n[True, True, True, True]\n".into();
        let wanted = Outcome { exit_code: 0, timed_out: false, out, err: String::new() };
        assert_eq!(found, wanted, "under {}", policy.name());
    }
}

/// Classes that come and go in the same places: what a call site remembers of one must not be used for the next.
const CLASSES: &str = r#"
def make(n):
    if n % 2 == 0:
        class A:
            def __init__(self):
                self.y = n
                self.x = str(n)
            def who(self):
                return "A"
        return A()
    class B:
        def __init__(self):
            self.x = str(n)
            self.y = n
        def who(self):
            return "B"
    return B()

def same(thing, n):
    return thing.x == str(n) and thing.y == n and thing.who() == ("A" if n % 2 == 0 else "B")

wrong = 0
for n in range(400):
    thing = make(n)
    if not same(thing, n):
        wrong += 1
    thing = None
    junk = "x" * 100000
print("wrong", wrong)
"#;

#[test]
fn call_sites_forget_classes_that_are_gone() {
    for policy in [Policy::Free, Policy::Gil310] {
        let found = outcome(CLASSES, &Limits { policy, memory_bytes: 1 << 20, time: HANGS });
        assert_eq!((&*found.out, &*found.err), ("wrong 0\n", ""), "under {}", policy.name());
    }
}
