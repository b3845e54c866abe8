//! What every module sees without importing it: functions, types and their methods.

mod output;
mod numeric;
mod folds;
mod introspect;
mod constructors;
mod lazy;
pub(crate) mod sort;
pub(crate) mod arguments;
mod methods_object;
mod methods_str;
mod methods_bytes;
mod methods_list;
mod methods_tuple;
mod methods_dict;
mod methods_number;
mod methods_range;

use crate::heap::Heap;
use crate::native::Registry;

/// Fills the table of builtins.
pub(crate) fn register<H: Heap>(registry: &mut Registry<'_, H>) {
    crate::operators::register_characters(registry);
    constructors::register(registry);
    lazy::register(registry);
    output::register(registry);
    numeric::register(registry);
    folds::register(registry);
    introspect::register(registry);
    methods_range::register(registry);
    methods_object::register(registry);
    methods_str::register(registry);
    methods_bytes::register(registry);
    methods_list::register(registry);
    methods_tuple::register(registry);
    methods_dict::register(registry);
    methods_number::register(registry);
}
