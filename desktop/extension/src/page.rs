//! What a page sees: `__orielFiles`, with three functions. Each reads its arguments, does one thing, and
//! returns a value or throws an `Error` with a `code`.

#![expect(unsafe_code, reason = "JavaScriptCore calls these functions, and keeps what they share")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{null, null_mut};
use std::sync::{Arc, OnceLock};

use oriel_wire::hostfs::Code;

use crate::ffi;
use crate::js::{Failed, Js, Value};
use crate::load::Load;
use crate::problem::Problem;

/// The name of the object.
const NAME: &str = "__orielFiles";

/// Beyond this not every whole number has a place among JavaScript's.
const OFFSET_MAX: f64 = 9_007_199_254_740_991.0;

/// The upper and the lower half of a handle are at most this.
const HALF_MAX: f64 = 4_294_967_295.0;

/// A function of the object: its name, and what the engine calls.
const FUNCTIONS: [(&str, ffi::Callback); 3] =
    [("call", on_call), ("readInto", on_read_into), ("writeFrom", on_write_from)];

/// The classes of the functions, which live as long as the process.
struct Classes([*mut ffi::Class; 3]);

// SAFETY: the engine's classes may be used from any thread.
unsafe impl Send for Classes {}
// SAFETY: the same; they are only ever read.
unsafe impl Sync for Classes {}

/// Gives a page its object. The page's scripts have not run yet.
pub(crate) fn give(js: Js, load: &Arc<Load>) -> Result<(), Failed> {
    static CLASSES: OnceLock<Classes> = OnceLock::new();
    let Classes(classes) =
        CLASSES.get_or_init(|| Classes(FUNCTIONS.map(|(_, called)| class(called))));
    let global = js.global();
    let object_class = js.as_object(js.get(global, "Object")?).ok_or(Failed)?;
    let freeze = js.get(object_class, "freeze")?;
    // A constructor is a function, so what is behind it is behind every function.
    let function_prototype = js.prototype(object_class);

    // SAFETY: a plain object has no functions of its own.
    let files = unsafe { js.object(null_mut(), null_mut()) };
    for ((name, _), class) in FUNCTIONS.iter().zip(classes) {
        let shared = Box::into_raw(Box::new(Arc::clone(load)));
        // SAFETY: the class's functions expect just this, and it is taken back when the object goes.
        let function = unsafe { js.object(*class, shared.cast()) };
        js.set_prototype(function, function_prototype);
        js.call(freeze, object_class, &[function])?;
        js.set(files, name, function, ffi::READ_ONLY)?;
    }
    js.call(freeze, object_class, &[files])?;
    js.set(global, NAME, files, ffi::FIXED)
}

fn class(called: ffi::Callback) -> *mut ffi::Class {
    let definition = ffi::ClassDefinition {
        version: 0,
        attributes: ffi::NO_AUTOMATIC_PROTOTYPE,
        name: c"Function".as_ptr(),
        parent: null(),
        static_values: null(),
        static_functions: null(),
        initialize: null(),
        finalize: Some(on_finalize),
        has_property: null(),
        get_property: null(),
        set_property: null(),
        delete_property: null(),
        get_property_names: null(),
        call_as_function: Some(called),
        call_as_constructor: null(),
        has_instance: null(),
        convert_to_type: null(),
    };
    // SAFETY: the definition is one of version 0, and is copied.
    unsafe { ffi::JSClassCreate(&raw const definition) }
}

unsafe extern "C" fn on_finalize(object: *mut ffi::Value) {
    // SAFETY: every object of these classes was made with such a box, which is taken back here only.
    // The engine may call this on any thread, and a load may be dropped on any.
    let shared = unsafe { ffi::JSObjectGetPrivate(object) };
    if !shared.is_null() {
        // SAFETY: see above.
        drop(unsafe { Box::from_raw(shared.cast::<Arc<Load>>()) });
    }
}

/// What the engine hands to a function.
struct Called {
    context: *const ffi::Context,
    function: *mut ffi::Value,
    count: usize,
    arguments: *const Value,
    exception: *mut Value,
}

/// Runs a function for the engine: whatever happens in it, the engine gets a value or an error.
///
/// # Safety
/// All of this is just as the engine handed it over.
unsafe fn run(called: &Called, work: fn(Js, &Load, &[Value]) -> Result<Value, Problem>) -> Value {
    // SAFETY: the engine calls with a live context, on its own thread.
    let js = unsafe { Js::of(called.context) };
    // SAFETY: a function of these classes was made with such a box, and lives while it is called.
    let load = unsafe { ffi::JSObjectGetPrivate(called.function).cast::<Arc<Load>>().as_ref() };
    let arguments = if called.count == 0 {
        &[]
    } else {
        // SAFETY: the engine hands over so many arguments, which live as long as the call.
        unsafe { std::slice::from_raw_parts(called.arguments, called.count) }
    };
    let gone = || Problem::new(Code::Gone, "the page that this belongs to is gone");
    let done = catch_unwind(AssertUnwindSafe(|| {
        work(js, load.map(Arc::as_ref).ok_or_else(gone)?, arguments)
    }));
    let done = done.unwrap_or_else(|_| {
        Err(Problem::new(Code::System, "something is wrong with Oriel itself; load the page again"))
    });
    done.unwrap_or_else(|problem| {
        // SAFETY: the engine hands over a place for an exception.
        unsafe { *called.exception = js.error(&problem) };
        js.undefined()
    })
}

/// Makes what the engine calls of what is done.
macro_rules! callback {
    ($name:ident, $work:expr) => {
        unsafe extern "C" fn $name(
            context: *const ffi::Context,
            function: *mut ffi::Value,
            _: *mut ffi::Value,
            count: usize,
            arguments: *const Value,
            exception: *mut Value,
        ) -> Value {
            let called = Called { context, function, count, arguments, exception };
            // SAFETY: all of it is from the engine, as it came.
            unsafe { run(&called, $work) }
        }
    };
}

callback!(on_call, call);
callback!(on_read_into, read_into);
callback!(on_write_from, write_from);

/// `call(message)`: sends the host a message, and returns its answer in a fresh array.
fn call(js: Js, load: &Load, arguments: &[Value]) -> Result<Value, Problem> {
    let message = js.span(argument(js, arguments, 0))?;
    let mut array = js.undefined();
    load.call(message, |length| {
        let (made, memory) = js.bytes(length)?;
        array = made;
        Ok(memory)
    })?;
    Ok(array)
}

/// `readInto(hi, lo, offset, view)`: fills the view from the file, and returns how many bytes came.
fn read_into(js: Js, load: &Load, arguments: &[Value]) -> Result<Value, Problem> {
    let (handle, offset) = place(js, arguments)?;
    let memory = js.span(argument(js, arguments, 3))?;
    load.files.read(handle, offset, memory).map(|bytes| js.count(bytes))
}

/// `writeFrom(hi, lo, offset, view)`: writes the view to the file, and returns how many bytes went.
fn write_from(js: Js, load: &Load, arguments: &[Value]) -> Result<Value, Problem> {
    let (handle, offset) = place(js, arguments)?;
    let memory = js.span(argument(js, arguments, 3))?;
    load.files.write(handle, offset, memory).map(|bytes| js.count(bytes))
}

/// Reads the handle, in two halves, and the place in the file.
fn place(js: Js, arguments: &[Value]) -> Result<(u64, u64), Problem> {
    let high = js.whole(argument(js, arguments, 0), "the upper half of the handle", HALF_MAX)?;
    let low = js.whole(argument(js, arguments, 1), "the lower half of the handle", HALF_MAX)?;
    let offset = js.whole(argument(js, arguments, 2), "the place in the file", OFFSET_MAX)?;
    Ok((high << 32 | low, offset))
}

fn argument(js: Js, arguments: &[Value], nth: usize) -> Value {
    arguments.get(nth).copied().unwrap_or_else(|| js.undefined())
}
