//! Wrong: it prints the receipt before it adds.

use grader::lost_update::{Account, Printer, Variable};
use grader::sync::Mutex;

struct Savings {
    balance: Variable,
    changing: Mutex<()>,
}

impl Account for Savings {
    fn new(balance: u64) -> Self {
        Savings { balance: Variable::new(balance), changing: Mutex::new(()) }
    }

    fn deposit(&self, amount: u64, printer: &Printer) {
        printer.print(amount);
        let guard = self.changing.lock();
        self.balance.write(self.balance.read() + amount);
        drop(guard);
    }

    fn withdraw(&self, amount: u64) -> bool {
        let _guard = self.changing.lock();
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
