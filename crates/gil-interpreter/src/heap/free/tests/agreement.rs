//! Both heaps, driven by the same steps, show the same.

use proptest::prelude::*;

use super::*;
use crate::heap::keys::{self, KeyReader};

/// One step; numbers choose among the values on the stack.
#[derive(Clone, Debug)]
enum Step {
    Text(u8),
    Bytes(u8),
    List(Vec<u8>),
    Tuple(Vec<u8>),
    Dict,
    Class(u8),
    Object(u8, u8),
    Instance(u8, Vec<u8>),
    Cell(u8),
    Bound(u8, u8),
    Slice(u8),
    Enumerate(u8),
    Function(u8),
    Forget(u8),
    Push(u8, u8),
    Pop(u8),
    Insert(u8, u8, u8),
    Remove(u8, u8),
    Clear(u8),
    SetSlot(u8, u8, u8),
    ChangeInstance(u8, u8),
    SetCell(u8, u8),
    SetClass(u8, u8, u8),
    Advance(u8),
    SetGlobal(u8, u8),
    Global(u8),
    Collect,
    Switch,
    Detach,
}

fn step() -> impl Strategy<Value = Step> {
    use Step::*;
    let n = any::<u8>;
    let some = || prop::collection::vec(any::<u8>(), 0..4);
    prop_oneof![
        n().prop_map(Text),
        n().prop_map(Bytes),
        some().prop_map(List),
        some().prop_map(Tuple),
        Just(Dict),
        n().prop_map(Class),
        (n(), 0..8_u8).prop_map(|(a, b)| Object(a, b)),
        (n(), some()).prop_map(|(a, b)| Instance(a, b)),
        n().prop_map(Cell),
        (n(), n()).prop_map(|(a, b)| Bound(a, b)),
        n().prop_map(Slice),
        n().prop_map(Enumerate),
        n().prop_map(Function),
        n().prop_map(Forget),
        (n(), n()).prop_map(|(a, b)| Push(a, b)),
        n().prop_map(Pop),
        (n(), n(), n()).prop_map(|(a, b, c)| Insert(a, b, c)),
        (n(), n()).prop_map(|(a, b)| Remove(a, b)),
        n().prop_map(Clear),
        (n(), 0..12_u8, n()).prop_map(|(a, b, c)| SetSlot(a, b, c)),
        (n(), n()).prop_map(|(a, b)| ChangeInstance(a, b)),
        (n(), n()).prop_map(|(a, b)| SetCell(a, b)),
        (n(), 0..3_u8, n()).prop_map(|(a, b, c)| SetClass(a, b, c)),
        n().prop_map(Advance),
        (0..4_u8, n()).prop_map(|(a, b)| SetGlobal(a, b)),
        (0..4_u8).prop_map(Global),
        Just(Collect),
        Just(Switch),
        Just(Detach),
    ]
}

/// Picks the value that a number chooses, among those that fit.
fn pick<H: Heap, T>(driver: &Driver<H>, at: u8, fits: impl Fn(Value) -> Option<T>) -> Option<T> {
    let all: Vec<T> = driver.stack.iter().filter_map(|&value| fits(value)).collect();
    let count = all.len();
    (count > 0).then(|| all.into_iter().nth(usize::from(at) % count).expect("the remainder is smaller"))
}

macro_rules! pick {
    ($driver:ident, $at:expr, $kind:ident) => {
        match pick($driver, $at, |value| if let Value::$kind(id) = value { Some(id) } else { None }) {
            Some(id) => id,
            None => return String::new(),
        }
    };
}

/// Reads keys through the interface of the heap.
struct Reader<'a, H>(&'a H);

impl<H: Heap> KeyReader for Reader<'_, H> {
    fn key_text(&self, id: Id) -> (&str, u64) {
        let text = self.0.text(id);
        (&text.text, text.hash())
    }

    fn key_bytes(&self, id: Id) -> &[u8] {
        self.0.bytes(id)
    }

    fn key_tuple(&self, id: Id) -> &[Value] {
        self.0.tuple(id)
    }
}

/// What may be a key whose equality does not depend on where it is.
fn key<H: Heap>(driver: &Driver<H>, at: u8) -> Option<(Value, u64)> {
    pick(driver, at, |value| match value {
        Value::Str(_) | Value::Bytes(_) => {
            keys::hash(&Reader(&driver.heap), value).ok().map(|hash| (value, hash))
        }
        _ => None,
    })
}

/// Takes a step and says what came of it.
fn take<H: Heap>(driver: &mut Driver<H>, step: &Step) -> String {
    let any = |driver: &Driver<H>, at: u8| pick(driver, at, Some).unwrap_or(Value::Int(at.into()));
    let some = |driver: &Driver<H>, all: &[u8]| all.iter().map(|&at| any(driver, at)).collect::<Vec<_>>();
    let made = match *step {
        Step::Text(n) => driver.heap.new_str(format!("text {}", n % 8)),
        Step::Bytes(n) => driver.heap.new_bytes(vec![n % 8]),
        Step::List(ref all) => {
            let items = some(driver, all);
            driver.heap.new_list(items)
        }
        Step::Tuple(ref all) => {
            let items = some(driver, all);
            driver.heap.new_tuple(items)
        }
        Step::Dict => driver.heap.new_dict(Dict::default()),
        Step::Class(n) => driver.heap.new_class(class(&format!("C{n}"))),
        Step::Object(at, room) => {
            let class = pick!(driver, at, Class);
            driver.heap.new_object(class, room.into())
        }
        Step::Instance(at, ref all) => {
            let (class, slots) = (pick!(driver, at, Class), some(driver, all));
            driver.heap.new_instance(Instance { class, slots, trace: None })
        }
        Step::Cell(at) => {
            let inside = any(driver, at);
            driver.heap.new_cell(inside)
        }
        Step::Bound(a, b) => {
            let (receiver, function) = (any(driver, a), any(driver, b));
            driver.heap.new_bound_method(BoundMethod { receiver, function })
        }
        Step::Slice(at) => {
            let start = any(driver, at);
            driver.heap.new_slice(Slice { start, stop: Value::None, step: Value::Int(1) })
        }
        Step::Enumerate(at) => {
            let inner = any(driver, at);
            driver.heap.new_iterator(Iterator::Enumerate { inner, next: 0 })
        }
        Step::Function(at) => {
            let closure = [any(driver, at)].into();
            driver.heap.new_function(Function { code: 0, defaults: [].into(), closure, owner: None })
        }
        Step::Global(slot) => driver.heap.global(slot.into()),
        _ => return change(driver, step),
    };
    driver.stack.push(made);
    show(&mut driver.heap, made, 3)
}

/// A step that makes nothing.
fn change<H: Heap>(driver: &mut Driver<H>, step: &Step) -> String {
    let any = |driver: &Driver<H>, at: u8| pick(driver, at, Some).unwrap_or(Value::Int(at.into()));
    match *step {
        Step::Forget(at) if !driver.stack.is_empty() => {
            let at = usize::from(at) % driver.stack.len();
            driver.stack.remove(at);
        }
        Step::Push(at, item) => {
            let (list, item) = (pick!(driver, at, List), any(driver, item));
            driver.heap.list_mut(list, |list| list.push(item));
        }
        Step::Pop(at) => {
            let list = pick!(driver, at, List);
            let item = driver.heap.list_mut(list, Vec::pop).unwrap_or(Value::Unbound);
            return show(&mut driver.heap, item, 3);
        }
        Step::Insert(at, k, value) => {
            let dict = pick!(driver, at, Dict);
            let Some((key, hash)) = key(driver, k) else { return String::new() };
            let value = any(driver, value);
            return format!("{}", driver.heap.dict_insert(dict, key, hash, value));
        }
        Step::Remove(at, k) => {
            let dict = pick!(driver, at, Dict);
            let Some((key, hash)) = key(driver, k) else { return String::new() };
            let found = driver.heap.dict_find(dict, key, hash).unwrap_or(Value::Unbound);
            let gone = driver.heap.dict_remove(dict, key, hash).map_or(Value::Unbound, |(_, value)| value);
            let length = driver.heap.dict_len(dict);
            return format!(
                "{length} {} {}",
                show(&mut driver.heap, found, 3),
                show(&mut driver.heap, gone, 3)
            );
        }
        Step::Clear(at) => {
            let dict = pick!(driver, at, Dict);
            driver.heap.dict_mut(dict, Dict::clear);
        }
        Step::SetSlot(at, slot, value) => {
            let (object, value) = (pick!(driver, at, Instance), any(driver, value));
            let before = driver.heap.slot(object, slot.into());
            driver.heap.set_slot(object, slot.into(), value);
            assert!(driver.heap.slot(object, slot.into()).is(value));
            return show(&mut driver.heap, before, 3);
        }
        Step::ChangeInstance(at, value) => {
            let (object, value) = (pick!(driver, at, Instance), any(driver, value));
            driver.heap.instance_mut(object, |instance| {
                instance.slots.resize(3.max(instance.slots.len()), Value::Unbound);
                instance.slots[1] = value;
                instance.slots.swap(0, 2);
            });
            let class = driver.heap.instance_class(object);
            return show(&mut driver.heap, Value::Class(class), 2);
        }
        Step::SetCell(at, value) => {
            let (cell, value) = (pick!(driver, at, Cell), any(driver, value));
            driver.heap.set_cell(cell, value);
        }
        Step::SetClass(at, name, value) => {
            let (class, value) = (pick!(driver, at, Class), any(driver, value));
            let epoch = driver.heap.class_epoch();
            driver.heap.class_mut(class, |class| class.attrs.insert(format!("a{name}").into(), value));
            return format!("{}", driver.heap.class_epoch() - epoch);
        }
        Step::Advance(at) => {
            let iterator = pick!(driver, at, Iterator);
            driver.heap.iterator_mut(iterator, |iterator| {
                if let Iterator::Enumerate { next, .. } = iterator {
                    *next += 1;
                }
            });
        }
        Step::SetGlobal(slot, value) => {
            let value = any(driver, value);
            driver.heap.set_global(slot.into(), value);
        }
        Step::Collect => driver.collect().expect("there is room"),
        Step::Switch => driver.switch(),
        Step::Detach => driver.detached(|| ()),
        _ => {}
    }
    String::new()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn fh8_for_one_thread_both_heaps_show_the_same(steps in prop::collection::vec(step(), 0..150)) {
        let mut locked = Driver::locked(PLENTY);
        let (mut free, _heap) = Driver::free(PLENTY);
        for step in &steps {
            prop_assert_eq!(take(&mut locked, step), take(&mut free, step), "{:?}", step);
        }
        prop_assert_eq!(locked.stack.len(), free.stack.len());
        for at in 0..locked.stack.len() {
            let (a, b) = (locked.stack[at], free.stack[at]);
            prop_assert_eq!(show(&mut locked.heap, a, 4), show(&mut free.heap, b, 4));
        }
        locked.leave();
        free.leave();
    }
}
