//! `in`: is an item inside a container?

use std::ops::ControlFlow;

use crate::heap::{DictPart, Heap, keys};
use crate::machine::{Machine, Unwind};
use crate::value::{Id, Value};

impl<H: Heap> Machine<H> {
    /// item in container
    pub(crate) fn contains(&mut self, container: Value, item: Value) -> Result<bool, Unwind> {
        match container {
            Value::Dict(id) => Ok(self.dict_get(id, item)?.is_some()),
            Value::List(_) | Value::Tuple(_) => Ok(self.position(container, item, 0)?.is_some()),
            Value::Str(id) => self.text_contains(id, item),
            Value::Bytes(id) => self.bytes_contain(id, item),
            Value::Range(id) => match item {
                Value::Int(_) | Value::Bool(_) | Value::Float(_) => {
                    let number = match item {
                        Value::Float(number) => keys::exact_int(number),
                        _ => self.index_of(item)?,
                    };
                    let range = self.heap.range(id);
                    Ok(number.is_some_and(|number| range.position(number).is_some()))
                }
                _ => self.iteration_contains(container, item),
            },
            Value::DictView(id) => {
                let view = self.heap.dict_view(id);
                match view.part {
                    DictPart::Keys => Ok(self.dict_get(view.dict, item)?.is_some()),
                    DictPart::Values => self.iteration_contains(container, item),
                    DictPart::Items => self.items_contain(view.dict, item),
                }
            }
            Value::Instance(_) => match self.special(container, "__contains__") {
                Some(method) if method != Value::None => {
                    let found = self.call_special(method, container, &[item])?;
                    self.truth(found)
                }
                _ => self.iteration_contains(container, item),
            },
            _ => self.iteration_contains(container, item),
        }
    }

    /// Where an item stands in a list or tuple, from an index on.
    pub(crate) fn position(
        &mut self,
        sequence: Value,
        item: Value,
        from: usize,
    ) -> Result<Option<usize>, Unwind> {
        let (mut at, found) = match sequence {
            Value::List(id) => self.heap.list(id, |items| scan::<H>(items, item, from)),
            Value::Tuple(id) => scan::<H>(self.heap.tuple(id), item, from),
            _ => (from, ControlFlow::Continue(())),
        };
        if let ControlFlow::Break(found) = found {
            return Ok(found.then_some(at));
        }
        self.rooted(&[sequence, item], |m| {
            while let Some(other) = m.item_at(sequence, at) {
                if other.is(item) || m.equal(other, item)? {
                    return Ok(Some(at));
                }
                at += 1;
            }
            Ok(None)
        })
    }

    fn text_contains(&mut self, text: Id, item: Value) -> Result<bool, Unwind> {
        let Value::Str(item) = item else {
            let kind = self.type_name(item);
            return Err(self.type_error(format!("'in <string>' requires string as left operand, not {kind}")));
        };
        Ok(self.heap.text(text).text.contains(&*self.heap.text(item).text))
    }

    fn bytes_contain(&mut self, bytes: Id, item: Value) -> Result<bool, Unwind> {
        if let Value::Bytes(item) = item {
            let (bytes, item) = (self.heap.bytes(bytes), self.heap.bytes(item));
            return Ok(item.is_empty() || bytes.windows(item.len()).any(|window| window == item));
        }
        let Some(number) = self.index_of(item)? else {
            let kind = self.type_name(item);
            return Err(self.type_error(format!("a bytes-like object is required, not '{kind}'")));
        };
        match u8::try_from(number) {
            Ok(byte) => Ok(self.heap.bytes(bytes).contains(&byte)),
            Err(_) => Err(self.value_error("byte must be in range(0, 256)")),
        }
    }

    fn items_contain(&mut self, dict: Id, item: Value) -> Result<bool, Unwind> {
        let Value::Tuple(pair) = item else { return Ok(false) };
        let &[key, value] = self.heap.tuple(pair) else { return Ok(false) };
        self.rooted(&[item], |m| match m.dict_get(dict, key)? {
            Some(other) => m.same_or_equal(other, value),
            None => Ok(false),
        })
    }

    fn iteration_contains(&mut self, container: Value, item: Value) -> Result<bool, Unwind> {
        if !self.is_iterable(container) {
            let kind = self.type_name(container);
            return Err(self.type_error(format!("argument of type '{kind}' is not iterable")));
        }
        let iterator = self.rooted(&[item], |m| m.iterator(container))?;
        self.rooted(&[iterator, item], |m| {
            while let Some(other) = m.next(iterator)? {
                if other.is(item) || m.equal(other, item)? {
                    return Ok(true);
                }
            }
            Ok(false)
        })
    }
}

/// Looks at items as long as that needs neither the heap nor Python: where it stopped, and the answer if it is known.
fn scan<H: Heap>(items: &[Value], item: Value, from: usize) -> (usize, ControlFlow<bool>) {
    for (at, &other) in items.iter().enumerate().skip(from) {
        match Machine::<H>::simply_equal(item, other) {
            Some(true) => return (at, ControlFlow::Break(true)),
            Some(false) => {}
            None => return (at, ControlFlow::Continue(())),
        }
    }
    (items.len(), ControlFlow::Break(false))
}
