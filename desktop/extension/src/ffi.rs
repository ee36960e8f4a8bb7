//! The C functions of the process that this library is loaded into, and no others: as their headers have
//! them, in JavaScriptCore's C API, WebKitGTK 4.1's web-process API, GObject and GLib.

#![expect(unsafe_code, reason = "functions of C are declared")]

use std::ffi::{c_char, c_int, c_uint, c_ulong, c_void};

/// A context of JavaScript.
#[repr(C)]
pub(crate) struct Context([u8; 0]);
/// A value of JavaScript, or an object.
#[repr(C)]
pub(crate) struct Value([u8; 0]);
/// A string of JavaScript.
#[repr(C)]
pub(crate) struct JsString([u8; 0]);
/// A class of objects.
#[repr(C)]
pub(crate) struct Class([u8; 0]);
/// A page of WebKit.
#[repr(C)]
pub(crate) struct Page([u8; 0]);
/// A frame of a page.
#[repr(C)]
pub(crate) struct Frame([u8; 0]);
/// A world of scripts.
#[repr(C)]
pub(crate) struct World([u8; 0]);
/// A message to the host.
#[repr(C)]
pub(crate) struct UserMessage([u8; 0]);
/// A value of GLib.
#[repr(C)]
pub(crate) struct Variant([u8; 0]);
/// Descriptors that go with a message.
#[repr(C)]
pub(crate) struct DescriptorList([u8; 0]);

/// What JavaScript calls.
pub(crate) type Callback = unsafe extern "C" fn(
    context: *const Context,
    function: *mut Value,
    this: *mut Value,
    count: usize,
    arguments: *const *const Value,
    exception: *mut *const Value,
) -> *const Value;

/// What is told of an object that goes.
pub(crate) type Finalize = unsafe extern "C" fn(object: *mut Value);

/// What a class is made of. What is unused here is a pointer to nothing.
#[repr(C)]
pub(crate) struct ClassDefinition {
    pub(crate) version: c_int,
    pub(crate) attributes: c_uint,
    pub(crate) name: *const c_char,
    pub(crate) parent: *const c_void,
    pub(crate) static_values: *const c_void,
    pub(crate) static_functions: *const c_void,
    pub(crate) initialize: *const c_void,
    pub(crate) finalize: Option<Finalize>,
    pub(crate) has_property: *const c_void,
    pub(crate) get_property: *const c_void,
    pub(crate) set_property: *const c_void,
    pub(crate) delete_property: *const c_void,
    pub(crate) get_property_names: *const c_void,
    pub(crate) call_as_function: Option<Callback>,
    pub(crate) call_as_constructor: *const c_void,
    pub(crate) has_instance: *const c_void,
    pub(crate) convert_to_type: *const c_void,
}

/// A typed array of bytes.
pub(crate) const UINT8_ARRAY: c_uint = 3;
/// A buffer, which is no view.
pub(crate) const ARRAY_BUFFER: c_uint = 9;
/// No typed array at all.
pub(crate) const NO_TYPED_ARRAY: c_uint = 10;

/// A property that stays as it is and is not listed.
pub(crate) const FIXED: c_uint = 1 << 1 | 1 << 2 | 1 << 3;
/// A property that stays as it is.
pub(crate) const READ_ONLY: c_uint = 1 << 1 | 1 << 3;

/// The class makes no prototype of its own.
pub(crate) const NO_AUTOMATIC_PROTOTYPE: c_uint = 1 << 1;

unsafe extern "C" {
    pub(crate) fn JSContextGetGlobalObject(context: *const Context) -> *mut Value;
    pub(crate) fn JSStringCreateWithUTF8CString(text: *const c_char) -> *mut JsString;
    pub(crate) fn JSStringRelease(string: *mut JsString);
    pub(crate) fn JSStringGetMaximumUTF8CStringSize(string: *mut JsString) -> usize;
    pub(crate) fn JSStringGetUTF8CString(
        string: *mut JsString,
        into: *mut c_char,
        bytes: usize,
    ) -> usize;
    pub(crate) fn JSValueIsNumber(context: *const Context, value: *const Value) -> bool;
    pub(crate) fn JSValueIsString(context: *const Context, value: *const Value) -> bool;
    pub(crate) fn JSValueIsObject(context: *const Context, value: *const Value) -> bool;
    pub(crate) fn JSValueMakeNumber(context: *const Context, number: f64) -> *const Value;
    pub(crate) fn JSValueMakeString(context: *const Context, string: *mut JsString)
    -> *const Value;
    pub(crate) fn JSValueMakeUndefined(context: *const Context) -> *const Value;
    pub(crate) fn JSValueToNumber(
        context: *const Context,
        value: *const Value,
        exception: *mut *const Value,
    ) -> f64;
    pub(crate) fn JSValueToStringCopy(
        context: *const Context,
        value: *const Value,
        exception: *mut *const Value,
    ) -> *mut JsString;
    pub(crate) fn JSValueGetTypedArrayType(
        context: *const Context,
        value: *const Value,
        exception: *mut *const Value,
    ) -> c_uint;
    pub(crate) fn JSObjectMake(
        context: *const Context,
        class: *mut Class,
        data: *mut c_void,
    ) -> *mut Value;
    pub(crate) fn JSObjectMakeError(
        context: *const Context,
        count: usize,
        arguments: *const *const Value,
        exception: *mut *const Value,
    ) -> *mut Value;
    pub(crate) fn JSObjectMakeTypedArray(
        context: *const Context,
        kind: c_uint,
        length: usize,
        exception: *mut *const Value,
    ) -> *mut Value;
    pub(crate) fn JSObjectGetTypedArrayByteLength(
        context: *const Context,
        object: *mut Value,
        exception: *mut *const Value,
    ) -> usize;
    pub(crate) fn JSObjectGetTypedArrayByteOffset(
        context: *const Context,
        object: *mut Value,
        exception: *mut *const Value,
    ) -> usize;
    pub(crate) fn JSObjectGetTypedArrayBytesPtr(
        context: *const Context,
        object: *mut Value,
        exception: *mut *const Value,
    ) -> *mut c_void;
    pub(crate) fn JSObjectGetPrivate(object: *mut Value) -> *mut c_void;
    pub(crate) fn JSObjectGetPrototype(context: *const Context, object: *mut Value)
    -> *const Value;
    pub(crate) fn JSObjectSetPrototype(
        context: *const Context,
        object: *mut Value,
        prototype: *const Value,
    );
    pub(crate) fn JSObjectGetProperty(
        context: *const Context,
        object: *mut Value,
        name: *mut JsString,
        exception: *mut *const Value,
    ) -> *const Value;
    pub(crate) fn JSObjectSetProperty(
        context: *const Context,
        object: *mut Value,
        name: *mut JsString,
        value: *const Value,
        attributes: c_uint,
        exception: *mut *const Value,
    );
    pub(crate) fn JSObjectCallAsFunction(
        context: *const Context,
        function: *mut Value,
        this: *mut Value,
        count: usize,
        arguments: *const *const Value,
        exception: *mut *const Value,
    ) -> *const Value;
    pub(crate) fn JSObjectIsFunction(context: *const Context, object: *mut Value) -> bool;
    pub(crate) fn JSClassCreate(definition: *const ClassDefinition) -> *mut Class;

    pub(crate) fn webkit_script_world_get_default() -> *mut World;
    pub(crate) fn webkit_frame_is_main_frame(frame: *mut Frame) -> c_int;
    pub(crate) fn webkit_frame_get_uri(frame: *mut Frame) -> *const c_char;
    pub(crate) fn webkit_frame_get_javascript_context_for_script_world(
        frame: *mut Frame,
        world: *mut World,
    ) -> *mut Context;
    pub(crate) fn webkit_user_message_new_with_fd_list(
        name: *const c_char,
        parameters: *mut Variant,
        descriptors: *mut DescriptorList,
    ) -> *mut UserMessage;
    pub(crate) fn webkit_web_page_send_message_to_view(
        page: *mut Page,
        message: *mut UserMessage,
        cancellable: *mut c_void,
        callback: *const c_void,
        data: *mut c_void,
    );

    pub(crate) fn jsc_options_set_boolean(name: *const c_char, value: c_int) -> c_int;
    pub(crate) fn g_signal_connect_data(
        instance: *mut c_void,
        signal: *const c_char,
        handler: *const c_void,
        data: *mut c_void,
        destroy: *const c_void,
        flags: c_uint,
    ) -> c_ulong;
    pub(crate) fn g_object_unref(object: *mut c_void);
    pub(crate) fn g_variant_new_string(text: *const c_char) -> *mut Variant;
    pub(crate) fn g_variant_get_type_string(variant: *const Variant) -> *const c_char;
    pub(crate) fn g_variant_get_child_value(variant: *const Variant, index: usize) -> *mut Variant;
    pub(crate) fn g_variant_get_string(
        variant: *const Variant,
        length: *mut usize,
    ) -> *const c_char;
    pub(crate) fn g_variant_unref(variant: *mut Variant);
    pub(crate) fn g_unix_fd_list_new_from_array(
        descriptors: *const c_int,
        count: c_int,
    ) -> *mut DescriptorList;
}
