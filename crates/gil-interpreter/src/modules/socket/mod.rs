//! `socket`: TCP and UDP over IPv4, each call without the lock.
//!
//! # Model
//! ```text
//! blocking, timeout   try; would block -> poll for a slice -> try again; until done, deadline, stop
//! non-blocking        try once, also without the lock, as CPython does; `nonblocking-keeps` takes that away
//! ```
//! The descriptor itself is always non-blocking, so that no thread is ever stuck in the kernel.
//!
//! # Source
//! CPython 3.13.5 `Modules/socketmodule.c`, `sock_call_ex`.

mod host;
mod address;
mod options;
mod calls;
mod transfer;

use crate::heap::Heap;
use crate::native::Registry;
use crate::types;
use crate::value::Value;

pub(super) use host::SocketHost;

pub(super) fn register<H: Heap>(r: &mut Registry<'_, H>) {
    r.module_value("socket", "error", Value::Class(types::OS_ERROR));
    r.module_value("socket", "timeout", Value::Class(types::TIMEOUT_ERROR));
    r.module_class("socket", "gaierror", types::OS_ERROR, &[]);
    options::register_constants(r);
    let class = calls::register(r);
    options::register(r, class);
    transfer::register(r, class);
}
