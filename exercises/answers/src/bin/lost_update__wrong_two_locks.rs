//! Wrong: deposits and withdrawals have a lock each, and both change the same balance.

use grader::lost_update::{Account, Printer, Variable};
use grader::sync::Mutex;

struct Savings {
    balance: Variable,
    /// Who changes the balance has this from the read to the write, and no longer.
    changing: Mutex<()>,
    paying: Mutex<()>,
}

impl Account for Savings {
    fn new(balance: u64) -> Self {
        Savings { balance: Variable::new(balance), changing: Mutex::new(()), paying: Mutex::new(()) }
    }

    fn deposit(&self, amount: u64, printer: &Printer) {
        let guard = self.changing.lock();
        self.balance.write(self.balance.read() + amount);
        drop(guard);
        printer.print(amount);
    }

    fn withdraw(&self, amount: u64) -> bool {
        let _guard = self.paying.lock();
        let balance = self.balance.read();
        if balance < amount {
            return false;
        }
        self.balance.write(balance - amount);
        true
    }

    fn balance(&self) -> u64 {
        let _guard = self.changing.lock();
        self.balance.read()
    }
}

fn main() {
    grader::lost_update::grade::<Savings>();
}
