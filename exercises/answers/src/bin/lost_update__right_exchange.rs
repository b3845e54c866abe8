//! Right in another way: without a lock, try again until nobody came in between.

use grader::lost_update::{Account, Printer, Variable};

struct Savings(Variable);

impl Savings {
    fn change(&self, change: impl Fn(u64) -> Option<u64>) -> bool {
        loop {
            let balance = self.0.read();
            let Some(new) = change(balance) else { return false };
            if self.0.exchange(balance, new) {
                return true;
            }
        }
    }
}

impl Account for Savings {
    fn new(balance: u64) -> Self {
        Savings(Variable::new(balance))
    }

    fn deposit(&self, amount: u64, printer: &Printer) {
        self.change(|balance| Some(balance + amount));
        printer.print(amount);
    }

    fn withdraw(&self, amount: u64) -> bool {
        self.change(|balance| balance.checked_sub(amount))
    }

    fn balance(&self) -> u64 {
        self.0.read()
    }
}

fn main() {
    grader::lost_update::grade::<Savings>();
}
