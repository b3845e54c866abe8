//! A lost update, and its cure.
//!
//! A global lock lets one thread at a time run, and yet updates are lost: between a read and a write, another thread may have
//! its turn. `Variable` behaves like a variable of such an interpreter: after each `read` and each `write` somebody else may run.
//! Mend `Account`:
//!
//! - `deposit` adds to the balance and then prints a receipt. No deposit may be lost.
//! - `withdraw` takes only what is there: two threads must not both be paid from what is enough for one.
//! - Printing takes long. Meanwhile others must be able to use the account: the printer may even wait for them.
//!
//! The grader lets several threads deposit and withdraw under many schedules.
//!
//! `grader::sync` has `Mutex`, whose `lock` returns the guard itself. `Variable` also has `exchange(expected, new)`, which
//! writes only if `expected` is still there. Chapter: the global lock and its policies.

use grader::lost_update::{Account, Printer, Variable};

struct Savings {
    // TODO: what makes a read and the write after it one step?
    balance: Variable,
}

impl Account for Savings {
    fn new(balance: u64) -> Self {
        Savings { balance: Variable::new(balance) }
    }

    fn deposit(&self, amount: u64, printer: &Printer) {
        let balance = self.balance.read();
        // TODO: who else may be here now?
        self.balance.write(balance + amount);
        printer.print(amount);
    }

    fn withdraw(&self, amount: u64) -> bool {
        let balance = self.balance.read();
        if balance < amount {
            return false;
        }
        self.balance.write(balance - amount);
        true
    }

    fn balance(&self) -> u64 {
        self.balance.read()
    }
}

// Below: the grader. Do not edit.
fn main() {
    grader::lost_update::grade::<Savings>();
}

#[cfg(test)]
mod tests {
    #[test]
    fn behaves() {
        super::main();
    }
}
