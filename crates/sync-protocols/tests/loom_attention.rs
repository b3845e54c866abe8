//! Every interleaving of raising a hand and looking, under `--cfg loom`.
#![cfg(loom)]

use loom::sync::{Arc, Mutex};
use loom::thread;
use sync_protocols::Attention;

/// Two leave something; a third looks twice in between. In the end what was left is taken, or the flag is up.
fn model(look: impl Fn(&Attention, &Mutex<Vec<u32>>) -> usize + Send + Sync + Copy + 'static) {
    loom::model(move || {
        let flag = Arc::new(Attention::default());
        let left = Arc::new(Mutex::new(Vec::new()));
        let leavers = [1, 2].map(|item| {
            let (flag, left) = (flag.clone(), left.clone());
            thread::spawn(move || {
                left.lock().unwrap().push(item);
                flag.raise();
            })
        });
        let taken = look(&flag, &left) + look(&flag, &left);
        for leaver in leavers {
            leaver.join().unwrap();
        }
        assert!(taken == 2 || flag.is_raised(), "something was left and nobody is told");
    });
}

#[test]
fn a1_what_is_left_is_taken_or_the_flag_is_up() {
    model(|flag, left| if flag.lower() { left.lock().unwrap().drain(..).count() } else { 0 });
}

#[test]
#[should_panic(expected = "nobody is told")]
fn loom_finds_a_look_that_lowers_the_flag_afterwards() {
    model(|flag, left| {
        if !flag.is_raised() {
            return 0;
        }
        let taken = left.lock().unwrap().drain(..).count();
        flag.lower();
        taken
    });
}
