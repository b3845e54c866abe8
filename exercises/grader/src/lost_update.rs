//! Judges `lost_update`: sums are exact, and nobody is kept out while a receipt is written.

use std::sync::Arc;

use crate::explore::{Wrong, check, explore};
use crate::run;
use crate::seed::Rng;
use crate::standing::{self, happened};
use crate::sync::{AtomicBool, AtomicU64, thread};

const SCHEDULES: usize = 300;

/// A variable as an interpreter with a global lock has it: between a read and a write, another thread may have its turn.
#[derive(Debug)]
pub struct Variable(AtomicU64);

impl Variable {
    /// Begins with `value`.
    pub fn new(value: u64) -> Variable {
        Variable(AtomicU64::new(value))
    }

    /// Reads it. Afterwards somebody else may run.
    #[track_caller]
    pub fn read(&self) -> u64 {
        self.0.load()
    }

    /// Writes it. Afterwards somebody else may run.
    #[track_caller]
    pub fn write(&self, value: u64) {
        self.0.store(value);
    }

    /// Writes `new` if `expected` is still there, in one step, and says whether it was.
    #[track_caller]
    pub fn exchange(&self, expected: u64, new: u64) -> bool {
        self.0.compare_exchange(expected, new).is_ok()
    }
}

/// Writes receipts, slowly: it may wait for a thread that asks for the balance.
#[derive(Clone, Debug)]
pub struct Printer {
    goes: Arc<AtomicBool>,
    /// The sum of all receipts.
    printed: Arc<AtomicU64>,
}

impl Printer {
    /// Writes a receipt, and waits until that is done.
    #[track_caller]
    pub fn print(&self, amount: u64) {
        happened(format!("a receipt of {amount} was begun"));
        while !self.goes.load() {
            thread::yield_now();
        }
        self.printed.fetch_add(amount);
    }
}

/// What the learner writes.
pub trait Account: Send + Sync + 'static {
    /// An account with this balance.
    fn new(balance: u64) -> Self;
    /// Adds to the balance and then prints a receipt.
    fn deposit(&self, amount: u64, printer: &Printer);
    /// Takes from the balance if it has so much, and says whether it had.
    fn withdraw(&self, amount: u64) -> bool;
    /// How much there is.
    fn balance(&self) -> u64;
}

/// Judges it.
pub fn grade<A: Account>() {
    run::grade("lost_update", |seed| {
        let mut random = Rng::new(seed);
        for _ in 0..3 {
            let amounts = [1 + random.below(90), 100 + random.below(90), 200 + random.below(90)];
            explore(random.next(), SCHEDULES, move || deposits_add_up::<Told<A>>(&amounts))?;
            let balance = 10 + random.below(9);
            explore(random.next(), SCHEDULES, move || nobody_overdraws::<Told<A>>(balance))?;
            explore(random.next(), SCHEDULES, deposit_beside_withdrawal::<Told<A>>)?;
        }
        explore(seed, SCHEDULES, receipts_keep_nobody_out::<Told<A>>).map_err(receipt_without_end)?;
        Ok("deposits, withdrawals, receipts; under some thousand schedules".to_owned())
    });
}

/// A receipt of the last scene was begun, as its table says.
const BEGUN: &str = "a receipt of 2 was begun";
/// Whoever asked for the balance after that got the one without the deposit.
const OLD: &str = "the balance was asked for after the receipt was begun, and was still 5";
/// The deposit was seen, and the receipt can be finished.
const SEEN: &str = "the balance was 7";

/// Why the receipt was not finished, as far as what has happened shows it. The advice about asking again and again is not for
/// a scene in which the printer and who asks for the balance are meant to do it.
fn receipt_without_end(wrong: Wrong) -> String {
    let is_endless = matches!(wrong, Wrong::Deadlock | Wrong::Endless);
    if !is_endless || standing::has_happened(SEEN) || !standing::has_happened(BEGUN) {
        return wrong.into();
    }
    let why = if standing::has_happened(OLD) {
        "the receipt was begun before the deposit could be seen, and the printer waits until somebody sees it"
    } else {
        "the balance cannot be asked for while a receipt is printed, so both wait for ever"
    };
    format!("{why}. Where each thread stood:\n{}", standing::table())
}

/// The learner's account, which tells what happened to it.
struct Told<A>(A);

impl<A: Account> Account for Told<A> {
    fn new(balance: u64) -> Self {
        happened(format!("an account with {balance} was opened"));
        Told(A::new(balance))
    }

    fn deposit(&self, amount: u64, printer: &Printer) {
        self.0.deposit(amount, printer);
        happened(format!("deposit({amount}) has returned"));
    }

    fn withdraw(&self, amount: u64) -> bool {
        let was_paid = self.0.withdraw(amount);
        happened(format!("withdraw({amount}) has returned {was_paid}"));
        was_paid
    }

    fn balance(&self) -> u64 {
        let balance = self.0.balance();
        happened(format!("balance() has returned {balance}"));
        balance
    }
}

fn printer(goes: bool) -> Printer {
    Printer { goes: Arc::new(AtomicBool::new(goes)), printed: Arc::new(AtomicU64::new(0)) }
}

fn deposits_add_up<A: Account>(amounts: &[u64; 3]) {
    let account = Arc::new(A::new(1_000));
    let threads: Vec<_> = amounts
        .iter()
        .map(|amount| {
            let (account, amount) = (account.clone(), *amount);
            thread::spawn(&format!("deposit of {amount}"), move || account.deposit(amount, &printer(true)))
        })
        .collect();
    threads.into_iter().for_each(|one| one.join());
    let (expected, found) = (1_000 + amounts.iter().sum::<u64>(), account.balance());
    check(found == expected, || {
        format!(
            "three threads deposit {amounts:?} into an account with 1000: the balance is {found} instead of {expected}. \
             One read, another wrote, and the first wrote over it"
        )
    });
}

fn nobody_overdraws<A: Account>(balance: u64) {
    let account = Arc::new(A::new(balance));
    let threads: Vec<_> = (1..=3)
        .map(|number| {
            let account = account.clone();
            thread::spawn(&format!("withdrawal {number}"), move || account.withdraw(balance / 2))
        })
        .collect();
    let paid = threads.into_iter().map(|one| one.join()).filter(|was_paid| *was_paid).count() as u64;
    let left = account.balance();
    check(paid == 2 && left == balance - 2 * (balance / 2), || {
        format!(
            "three threads withdraw {} from an account with {balance}: {paid} were paid and {left} is left, instead of 2 \
             and {}. What was checked must still be so when it is acted upon",
            balance / 2,
            balance - 2 * (balance / 2)
        )
    });
}

fn deposit_beside_withdrawal<A: Account>() {
    let account = Arc::new(A::new(100));
    let putting = {
        let account = account.clone();
        thread::spawn("deposit", move || account.deposit(30, &printer(true)))
    };
    let taking = {
        let account = account.clone();
        thread::spawn("withdrawal", move || account.withdraw(20))
    };
    putting.join();
    let was_paid = taking.join();
    let found = account.balance();
    check(was_paid && found == 110, || {
        format!(
            "100, a deposit of 30 beside a withdrawal of 20: paid: {was_paid}, balance {found} instead of 110. Both change \
             the same balance, so the same thing must guard both"
        )
    });
}

fn receipts_keep_nobody_out<A: Account>() {
    let account = Arc::new(A::new(5));
    let printer = printer(false);
    let depositing = {
        let (account, printer) = (account.clone(), printer.clone());
        thread::spawn("deposit", move || account.deposit(2, &printer))
    };
    // Only who sees the deposit lets the printer go on.
    let seen = loop {
        let was_begun = standing::has_happened(BEGUN);
        let seen = account.balance();
        if seen != 5 {
            break seen;
        }
        if was_begun {
            happened(OLD);
        }
        thread::yield_now();
    };
    happened(format!("the balance was {seen}"));
    check(seen == 7, || format!("5 and a deposit of 2 make {seen}"));
    printer.goes.store(true);
    depositing.join();
    let printed = printer.printed.load();
    check(printed == 2, || {
        format!("a deposit of 2 needs one receipt of 2; receipts of {printed} in all were printed")
    });
}
