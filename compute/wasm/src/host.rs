//! The host's side of the page: one JavaScript object that messages go through.
//!
//! A value of JavaScript belongs to its thread, and RunMat wants its provider to be of none. So the
//! object is kept here, and whoever wants something of it names the attachment that it began with.

use std::cell::{Cell, RefCell};
use std::io::{self, ErrorKind};
use std::rc::Rc;

use js_sys::Reflect;
use oriel_wire::hostfs::{Code, Flags, Head, Message, Op, PAYLOAD_BYTES_MAX};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::*;

use crate::errors::{failed, garbled, kind};

#[wasm_bindgen]
extern "C" {
    /// What the page gives: `window.__orielFiles`, or anything with its functions. Only `call` must be
    /// there; without the other two, bytes go through it as well.
    pub type HostFiles;

    #[wasm_bindgen(method, catch)]
    fn call(this: &HostFiles, message: &[u8]) -> Result<Vec<u8>, JsValue>;

    #[wasm_bindgen(method, catch, js_name = readInto)]
    fn read_into(
        this: &HostFiles,
        upper: u32,
        lower: u32,
        offset: f64,
        view: &mut [u8],
    ) -> Result<f64, JsValue>;

    #[wasm_bindgen(method, catch, js_name = writeFrom)]
    fn write_from(
        this: &HostFiles,
        upper: u32,
        lower: u32,
        offset: f64,
        view: &[u8],
    ) -> Result<f64, JsValue>;
}

/// The most that one call moves.
pub(crate) const CALL_BYTES_MAX: usize = PAYLOAD_BYTES_MAX as usize;

thread_local! {
    static HOST: RefCell<Option<Rc<Host>>> = const { RefCell::new(None) };
    static ATTACHED: Cell<u64> = const { Cell::new(0) };
}

/// The attached workspace.
pub(crate) struct Host {
    files: HostFiles,
    pub(crate) workspace: String,
    /// Whether the page's process reads and writes files itself.
    pub(crate) has_direct: bool,
    /// Which attachment this is. A file of an earlier one is no file of this one.
    pub(crate) attachment: u64,
    requests: Cell<u32>,
}

/// What was answered.
pub(crate) struct Answered {
    pub(crate) head: Head,
    pub(crate) payload: Vec<u8>,
}

/// Attaches a workspace, in the place of the one before.
pub(crate) fn attach(files: HostFiles, workspace: String) {
    let is_function =
        |name: &str| Reflect::get(&files, &name.into()).is_ok_and(|value| value.is_function());
    let has_direct = is_function("readInto") && is_function("writeFrom");
    let attachment = ATTACHED.get() + 1;
    ATTACHED.set(attachment);
    let host = Host { files, workspace, has_direct, attachment, requests: Cell::new(0) };
    HOST.set(Some(Rc::new(host)));
}

/// Lets go of the workspace.
pub(crate) fn detach() {
    HOST.set(None);
}

/// Returns the attached workspace.
pub(crate) fn attached() -> io::Result<Rc<Host>> {
    HOST.with_borrow(Clone::clone).ok_or_else(|| {
        let message = "no workspace is attached to the script; open one and run it again";
        io::Error::new(ErrorKind::NotConnected, message)
    })
}

/// Returns the workspace, where it is still the one that a file was opened in.
pub(crate) fn attached_as(attachment: u64) -> io::Result<Rc<Host>> {
    let host = attached()?;
    if host.attachment == attachment {
        return Ok(host);
    }
    let message = "the workspace of this file is attached no more; open the file again";
    Err(io::Error::new(ErrorKind::InvalidInput, message))
}

impl Host {
    /// Asks something about names: JSON there, JSON back.
    pub(crate) fn ask<A: DeserializeOwned>(&self, op: Op, form: &impl Serialize) -> io::Result<A> {
        let answer = self.tell(op, form)?;
        serde_json::from_slice(&answer.payload)
            .map_err(|error| garbled(&format!("the host's answer cannot be read: {error}")))
    }

    /// Asks something about names whose answer has nothing to read, or more than that.
    pub(crate) fn tell(&self, op: Op, form: &impl Serialize) -> io::Result<Answered> {
        let form = serde_json::to_vec(form).map_err(|error| garbled(&error.to_string()))?;
        self.send(Head::of(op, 0), &form)
    }

    /// Sends a message and returns its answer, unless that says that it failed.
    pub(crate) fn send(&self, head: Head, payload: &[u8]) -> io::Result<Answered> {
        let request = self.requests.get().wrapping_add(1);
        self.requests.set(request);
        let message = Head { request, ..head }.with(payload);
        let bytes = self.files.call(&message).map_err(|error| thrown(&error))?;
        let answer = Message::read_answer(&bytes).map_err(|error| garbled(&error.to_string()))?;
        if answer.head.request != request || answer.head.op != head.op {
            return Err(garbled("the host answered something that was not asked"));
        }
        if answer.head.flags.has(Flags::FAILED) {
            return Err(failed(answer.payload));
        }
        Ok(Answered { head: answer.head, payload: answer.payload.to_vec() })
    }

    /// Reads bytes of a file in the page's own process.
    pub(crate) fn read_directly(
        &self,
        handle: u64,
        offset: u64,
        into: &mut [u8],
    ) -> io::Result<usize> {
        let (upper, lower) = halves(handle);
        let wanted = into.len();
        let came = self.files.read_into(upper, lower, place(offset)?, into);
        count(came.map_err(|error| thrown(&error))?, wanted)
    }

    /// Writes bytes of a file in the page's own process.
    pub(crate) fn write_directly(
        &self,
        handle: u64,
        offset: u64,
        bytes: &[u8],
    ) -> io::Result<usize> {
        let (upper, lower) = halves(handle);
        let went = self.files.write_from(upper, lower, place(offset)?, bytes);
        count(went.map_err(|error| thrown(&error))?, bytes.len())
    }
}

fn halves(handle: u64) -> (u32, u32) {
    ((handle >> 32) as u32, handle as u32)
}

/// Returns a place in a file as JavaScript counts. Up to eight petabytes it does so exactly.
fn place(offset: u64) -> io::Result<f64> {
    const EXACT: u64 = 1 << 53;
    if offset > EXACT {
        return Err(io::Error::new(ErrorKind::InvalidInput, "no file is that long"));
    }
    Ok(offset as f64)
}

fn count(count: f64, most: usize) -> io::Result<usize> {
    if count >= 0.0 && count <= most as f64 {
        return Ok(count as usize);
    }
    Err(garbled(&format!("the host moved {count} bytes, and {most} were asked for")))
}

/// Returns what JavaScript threw as an error: a code of the wire where it has one.
fn thrown(error: &JsValue) -> io::Error {
    let text = |name: &str| Reflect::get(error, &name.into()).ok().and_then(|it| it.as_string());
    let message = text("message").unwrap_or_else(|| format!("{error:?}"));
    let code = text("code");
    let code = Code::ALL.into_iter().find(|known| Some(known.as_str()) == code.as_deref());
    io::Error::new(code.map_or(ErrorKind::Other, kind), message)
}
