//! What is owed: each request once to its callback, unless the call itself has refused it.

use std::cell::RefCell;
use std::rc::Rc;

/// One debt for each request; clones share them.
#[derive(Clone, Default)]
pub(crate) struct Ledger(Rc<RefCell<Vec<Debt>>>);

struct Debt {
    what: &'static str,
    owed: usize,
    paid: usize,
}

/// The debt of one request.
pub(crate) struct Due {
    ledger: Ledger,
    number: usize,
}

impl Ledger {
    /// A callback is owed from now on.
    pub(crate) fn due(&self, what: &'static str) -> Due {
        let mut debts = self.0.borrow_mut();
        debts.push(Debt { what, owed: 1, paid: 0 });
        Due { ledger: self.clone(), number: debts.len() - 1 }
    }

    /// The requests that were not told as often as is owed.
    pub(crate) fn wrong(&self) -> Vec<String> {
        let debts = self.0.borrow();
        let wrong = debts.iter().filter(|debt| debt.owed != debt.paid);
        wrong.map(|debt| format!("{} {} times", debt.what, debt.paid)).collect()
    }
}

impl Due {
    /// The same debt once more, for whoever finds out that the call refuses.
    pub(crate) fn shared(&self) -> Due {
        Due { ledger: self.ledger.clone(), number: self.number }
    }

    /// The callback has come.
    pub(crate) fn told(self) {
        self.ledger.0.borrow_mut()[self.number].paid += 1;
    }

    /// The call has refused, so the callback must not come.
    pub(crate) fn refused(self) {
        self.ledger.0.borrow_mut()[self.number].owed = 0;
    }
}
