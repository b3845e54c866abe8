//! Right, another way: Node's own way with timers, one list for each length, the list that is due first goes first.

use std::collections::{BTreeMap, VecDeque};

use grader::who_waits::{Task, When};

#[derive(Default)]
struct World {
    out: Vec<char>,
    now_ms: u64,
    /// Ticks and microtasks.
    soon: [VecDeque<Task>; 2],
    immediates: Vec<Task>,
    /// By length: when each was set, in the order in which they were set.
    lists: BTreeMap<u64, VecDeque<(u64, Task)>>,
}

impl World {
    fn step(&mut self, tasks: Vec<Task>) {
        for task in tasks {
            match task.when {
                When::Tick => self.soon[0].push_back(task),
                When::Microtask => self.soon[1].push_back(task),
                When::Immediate => self.immediates.push(task),
                When::Timer(ms) => self.lists.entry(ms.max(1)).or_default().push_back((self.now_ms, task)),
            }
        }
        self.now_ms += 20;
    }

    fn callback(&mut self, task: Task) {
        self.out.push(task.label);
        self.step(task.then);
        self.soon();
    }

    fn soon(&mut self) {
        let mut kind = 0;
        let mut empty = 0;
        while empty < 2 {
            match self.soon[kind].pop_front() {
                Some(task) => {
                    empty = 0;
                    self.out.push(task.label);
                    self.step(task.then);
                }
                None => {
                    empty += 1;
                    kind = 1 - kind;
                }
            }
        }
    }

    fn timers(&mut self) {
        let now_ms = self.now_ms;
        while let Some(length) = self.first_list(now_ms) {
            while let Some((_, task)) = self.pop(length, now_ms) {
                self.callback(task);
            }
        }
    }

    fn first_list(&self, now_ms: u64) -> Option<u64> {
        let due = |(length, list): (&u64, &VecDeque<(u64, Task)>)| Some((list.front()?.0 + length, *length));
        let (deadline, length) = self.lists.iter().filter_map(due).min()?;
        (deadline <= now_ms).then_some(length)
    }

    fn pop(&mut self, length: u64, now_ms: u64) -> Option<(u64, Task)> {
        let list = self.lists.get_mut(&length)?;
        if list.front()?.0 + length <= now_ms { list.pop_front() } else { None }
    }
}

fn order(program: &[Task]) -> Vec<char> {
    let mut world = World::default();
    world.step(program.to_vec());
    world.soon();
    loop {
        let immediates = std::mem::take(&mut world.immediates);
        if immediates.is_empty() && world.lists.values().all(VecDeque::is_empty) {
            return world.out;
        }
        for task in immediates {
            world.callback(task);
        }
        world.timers();
    }
}

fn main() {
    grader::who_waits::grade(order);
}
