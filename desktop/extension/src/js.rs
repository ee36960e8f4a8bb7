//! JavaScript's values, as far as they are needed here. Nothing here runs a script of the page but
//! [`Js::is_whole`], before which nothing is held that a script could change.

#![expect(unsafe_code, reason = "JavaScriptCore is reached by functions of C")]

use std::ffi::{CStr, CString, c_uint, c_void};
use std::ptr::{null, null_mut};

use oriel_wire::hostfs::Code;

use crate::ffi;
use crate::line::MESSAGE_BYTES_MAX;
use crate::memory::Span;
use crate::problem::Problem;

/// A value, as long as the engine's call lasts in which it came.
pub(crate) type Value = *const ffi::Value;

/// An object, as long as the engine's call lasts.
pub(crate) type Object = *mut ffi::Value;

/// What cannot be done since a script was to run and failed.
#[derive(Debug)]
pub(crate) struct Failed;

/// JavaScript, on the page's own thread, as long as the engine's call lasts.
#[derive(Clone, Copy)]
pub(crate) struct Js(*const ffi::Context);

/// A string of the engine.
struct Text(*mut ffi::JsString);

impl Drop for Text {
    fn drop(&mut self) {
        // SAFETY: the string is ours, and is given back once.
        unsafe { ffi::JSStringRelease(self.0) };
    }
}

/// A text that ends at the first zero, as C wants it.
pub(crate) fn c_string(text: &str) -> CString {
    let end = text.find('\0').unwrap_or(text.len());
    CString::new(&text[..end]).unwrap_or_default()
}

impl Text {
    fn new(text: &str) -> Self {
        let text = c_string(text);
        // SAFETY: the text ends with a zero and lives until the call is over.
        Self(unsafe { ffi::JSStringCreateWithUTF8CString(text.as_ptr()) })
    }

    fn read(&self) -> String {
        // SAFETY: the string is a live one.
        let bytes = unsafe { ffi::JSStringGetMaximumUTF8CStringSize(self.0) };
        let mut into = vec![0_u8; bytes.max(1)];
        // SAFETY: there is room for so many bytes, of which the last one written is a zero.
        unsafe { ffi::JSStringGetUTF8CString(self.0, into.as_mut_ptr().cast(), into.len()) };
        let text = CStr::from_bytes_until_nul(&into).unwrap_or_default();
        text.to_string_lossy().into_owned()
    }
}

impl Js {
    /// Takes a context.
    ///
    /// # Safety
    /// It is live, and this is the thread that it belongs to, as long as what is returned is used.
    pub(crate) unsafe fn of(context: *const ffi::Context) -> Self {
        Self(context)
    }

    pub(crate) fn undefined(self) -> Value {
        // SAFETY: the context is live, as `of` was promised.
        unsafe { ffi::JSValueMakeUndefined(self.0) }
    }

    #[expect(clippy::cast_precision_loss, reason = "no count here comes near to where that begins")]
    pub(crate) fn count(self, count: usize) -> Value {
        // SAFETY: the context is live, as `of` was promised.
        unsafe { ffi::JSValueMakeNumber(self.0, count as f64) }
    }

    fn text(self, text: &str) -> Value {
        let text = Text::new(text);
        // SAFETY: the context and the string are live.
        unsafe { ffi::JSValueMakeString(self.0, text.0) }
    }

    /// Makes the error that a page gets: its message, and in `code` why.
    pub(crate) fn error(self, problem: &Problem) -> Value {
        let message = self.text(&problem.message);
        // SAFETY: the context is live, and so is the one argument.
        let error = unsafe { ffi::JSObjectMakeError(self.0, 1, &raw const message, null_mut()) };
        if error.is_null() {
            return self.undefined();
        }
        // An error that cannot be given a code is one all the same.
        _ = self.set(error, "code", self.text(problem.code.as_str()), 0);
        error
    }

    pub(crate) fn global(self) -> Object {
        // SAFETY: the context is live.
        unsafe { ffi::JSContextGetGlobalObject(self.0) }
    }

    /// Makes an object of a class, or a plain one.
    ///
    /// # Safety
    /// What the class's functions expect to find behind `data` is there as long as the object is.
    pub(crate) unsafe fn object(self, class: *mut ffi::Class, data: *mut c_void) -> Object {
        // SAFETY: the context is live, and the caller answers for the rest.
        unsafe { ffi::JSObjectMake(self.0, class, data) }
    }

    pub(crate) fn get(self, object: Object, name: &str) -> Result<Value, Failed> {
        let name = Text::new(name);
        let mut exception = null();
        // SAFETY: the context, the object and the string are live.
        let value = unsafe { ffi::JSObjectGetProperty(self.0, object, name.0, &raw mut exception) };
        if exception.is_null() && !value.is_null() { Ok(value) } else { Err(Failed) }
    }

    pub(crate) fn set(
        self,
        object: Object,
        name: &str,
        value: Value,
        attributes: c_uint,
    ) -> Result<(), Failed> {
        let name = Text::new(name);
        let mut exception = null();
        // SAFETY: the context, the object, the string and the value are live.
        unsafe {
            ffi::JSObjectSetProperty(self.0, object, name.0, value, attributes, &raw mut exception);
        }
        if exception.is_null() { Ok(()) } else { Err(Failed) }
    }

    pub(crate) fn prototype(self, object: Object) -> Value {
        // SAFETY: the context and the object are live.
        unsafe { ffi::JSObjectGetPrototype(self.0, object) }
    }

    pub(crate) fn set_prototype(self, object: Object, prototype: Value) {
        // SAFETY: the context, the object and the prototype are live.
        unsafe { ffi::JSObjectSetPrototype(self.0, object, prototype) };
    }

    /// Returns an object, where the value is one.
    pub(crate) fn as_object(self, value: Value) -> Option<Object> {
        // SAFETY: the context and the value are live.
        let is_one = !value.is_null() && unsafe { ffi::JSValueIsObject(self.0, value) };
        is_one.then_some(value.cast_mut())
    }

    /// Calls a function, which may be the page's own.
    pub(crate) fn call(
        self,
        function: Value,
        this: Object,
        arguments: &[Value],
    ) -> Result<Value, Failed> {
        let function = self.as_object(function).ok_or(Failed)?;
        // SAFETY: the context and the object are live.
        if !unsafe { ffi::JSObjectIsFunction(self.0, function) } {
            return Err(Failed);
        }
        let (count, first) = (arguments.len(), arguments.as_ptr());
        let mut exception = null();
        // SAFETY: the context, the function and its arguments are live, and there are so many.
        let value = unsafe {
            ffi::JSObjectCallAsFunction(self.0, function, this, count, first, &raw mut exception)
        };
        if exception.is_null() { Ok(value) } else { Err(Failed) }
    }

    /// Returns a string, where the value is one.
    pub(crate) fn string(self, value: Value) -> Option<String> {
        // SAFETY: the context and the value are live.
        if !unsafe { ffi::JSValueIsString(self.0, value) } {
            return None;
        }
        // SAFETY: the context and the value are live; of a string a copy is made without any script.
        let copy = unsafe { ffi::JSValueToStringCopy(self.0, value, null_mut()) };
        (!copy.is_null()).then(|| Text(copy).read())
    }

    /// Returns a whole number up to a limit. Nothing is converted, so no script runs.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it was checked that the number is whole and within 0 and the limit"
    )]
    pub(crate) fn whole(self, value: Value, what: &str, max: f64) -> Result<u64, Problem> {
        let number = {
            // SAFETY: the context and the value are live.
            let is_one = !value.is_null() && unsafe { ffi::JSValueIsNumber(self.0, value) };
            // SAFETY: the same; of a number it is that number, without any script.
            is_one.then(|| unsafe { ffi::JSValueToNumber(self.0, value, null_mut()) })
        };
        match number {
            Some(number) if (0.0..=max).contains(&number) && number.fract() == 0.0 => {
                Ok(number as u64)
            }
            _ => Err(Problem::new(
                Code::BadMessage,
                format!("{what} has to be a whole number from 0 to {max}"),
            )),
        }
    }

    /// Returns the memory of a typed array. It stays where it is: the engine does not let go of it any
    /// more, and no script runs before it is used.
    pub(crate) fn span<'a>(self, view: Value) -> Result<Span<'a>, Problem> {
        let wrong = || {
            Problem::new(
                Code::BadMessage,
                "a typed array is wanted here, such as a Uint8Array; make one over a buffer or a DataView",
            )
        };
        let object = self.as_object(view).ok_or_else(wrong)?;
        // SAFETY: the context and the value are live.
        let kind = unsafe { ffi::JSValueGetTypedArrayType(self.0, view, null_mut()) };
        if matches!(kind, ffi::NO_TYPED_ARRAY | ffi::ARRAY_BUFFER) {
            return Err(wrong());
        }
        // SAFETY: the context is live, and the object is a typed array.
        let bytes = unsafe { ffi::JSObjectGetTypedArrayByteLength(self.0, object, null_mut()) };
        if bytes == 0 {
            return self.is_whole(object).map(|()| nothing());
        }
        if MESSAGE_BYTES_MAX < bytes {
            return Err(Problem::new(
                Code::TooLarge,
                format!(
                    "a view has at most {MESSAGE_BYTES_MAX} bytes here; give one piece after another"
                ),
            ));
        }
        // SAFETY: the context is live, and the object is a typed array.
        let (offset, start) = unsafe {
            (
                ffi::JSObjectGetTypedArrayByteOffset(self.0, object, null_mut()),
                ffi::JSObjectGetTypedArrayBytesPtr(self.0, object, null_mut()),
            )
        };
        if start.is_null() {
            return Err(detached());
        }
        // SAFETY: the engine says that so many bytes of the view lie at that offset of its buffer. The
        // page's own thread is in this call, so the view stays; a buffer that other threads have too is
        // never made shorter.
        Ok(unsafe { Span::of_page(start.cast::<u8>().add(offset), bytes) })
    }

    /// Makes a fresh array of bytes, and returns it with its memory.
    pub(crate) fn bytes<'a>(self, length: usize) -> Result<(Value, Span<'a>), Problem> {
        let full = || Problem::new(Code::System, "the page has no memory for the answer");
        let mut exception = null();
        // SAFETY: the context is live.
        let array = unsafe {
            ffi::JSObjectMakeTypedArray(self.0, ffi::UINT8_ARRAY, length, &raw mut exception)
        };
        if array.is_null() || !exception.is_null() {
            return Err(full());
        }
        if length == 0 {
            return Ok((array, nothing()));
        }
        // SAFETY: the context is live, and the object is a typed array.
        let start = unsafe { ffi::JSObjectGetTypedArrayBytesPtr(self.0, array, null_mut()) };
        if start.is_null() {
            return Err(full());
        }
        // SAFETY: the array was made with so many bytes, and nobody else knows of it.
        Ok((array, unsafe { Span::of_page(start.cast(), length) }))
    }

    /// Refuses a view without bytes that has none because its buffer is gone or became too short. The
    /// engine's C functions cannot tell, so a function of the language is asked, which a page may have
    /// replaced; it then deceives itself only.
    fn is_whole(self, view: Object) -> Result<(), Problem> {
        let asked = || {
            let class = self.as_object(self.get(self.global(), "Uint8Array").ok()?)?;
            let arrays = self.as_object(self.prototype(class))?;
            let prototype = self.as_object(self.get(arrays, "prototype").ok()?)?;
            let values = self.get(prototype, "values").ok()?;
            self.call(values, view, &[]).ok()
        };
        asked().map(|_| ()).ok_or_else(detached)
    }
}

fn detached() -> Problem {
    Problem::new(
        Code::BadMessage,
        "the view's buffer was given away or became too short; make a view over one that is there",
    )
}

fn nothing<'a>() -> Span<'a> {
    // SAFETY: there are no bytes at all.
    unsafe { Span::of_page(std::ptr::dangling_mut(), 0) }
}
