//! The tables that all code of a program shares: constants, names, inline caches.

use std::collections::HashMap;

use crate::code::Const;

/// Tables in the making.
#[derive(Debug, Default)]
pub(super) struct Pool {
    pub(super) consts: Vec<Const>,
    /// By the constant's debug text, which tells 0.0 from -0.0 and 1 from True.
    const_index: HashMap<String, u32>,
    pub(super) names: Vec<Box<str>>,
    name_index: HashMap<String, u32>,
    pub(super) caches: u32,
}

impl Pool {
    pub(super) fn constant(&mut self, constant: Const) -> u32 {
        let next = self.consts.len() as u32;
        let index = *self.const_index.entry(format!("{constant:?}")).or_insert(next);
        if index == next {
            self.consts.push(constant);
        }
        index
    }

    pub(super) fn name(&mut self, name: &str) -> u32 {
        if let Some(&index) = self.name_index.get(name) {
            return index;
        }
        let index = self.names.len() as u32;
        self.names.push(name.into());
        self.name_index.insert(name.to_owned(), index);
        index
    }

    /// The next inline cache, or `u16::MAX` for none when they are used up.
    pub(super) fn cache(&mut self) -> u16 {
        match u16::try_from(self.caches) {
            Ok(u16::MAX) | Err(_) => u16::MAX,
            Ok(cache) => {
                self.caches += 1;
                cache
            }
        }
    }
}
