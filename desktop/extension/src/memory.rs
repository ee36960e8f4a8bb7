//! A part of a page's memory, and the system's calls that move bytes into and out of it.
//!
//! A page may share its memory with threads of its own, which write it at any moment. So no reference to
//! it is ever made: the system alone touches it, by its address.

#![expect(
    unsafe_code,
    reason = "the system reads and writes memory that belongs to no value of Rust"
)]

use std::ffi::{c_int, c_void};
use std::io::Error;
use std::marker::PhantomData;
use std::os::fd::{AsRawFd as _, BorrowedFd};

unsafe extern "C" {
    fn pread64(descriptor: c_int, into: *mut c_void, bytes: usize, offset: i64) -> isize;
    fn pwrite64(descriptor: c_int, from: *const c_void, bytes: usize, offset: i64) -> isize;
    fn send(socket: c_int, from: *const c_void, bytes: usize, flags: c_int) -> isize;
    fn recv(socket: c_int, into: *mut c_void, bytes: usize, flags: c_int) -> isize;
}

/// A socket whose other end is closed is an error and no signal.
const NO_SIGNAL: c_int = 0x4000;

/// So many bytes from an address on, which stay there as long as this lives.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span<'a> {
    at: *mut u8,
    bytes: usize,
    owner: PhantomData<&'a mut [u8]>,
}

impl<'a> Span<'a> {
    /// Takes memory of a page.
    ///
    /// # Safety
    /// The bytes from the address on can be read and written as long as `'a` lasts, and no reference of
    /// Rust leads to them. Where there are none, the address does not matter.
    #[cfg(not(test))]
    pub(crate) unsafe fn of_page(at: *mut u8, bytes: usize) -> Self {
        Self { at, bytes, owner: PhantomData }
    }

    /// Takes memory of ours.
    #[cfg(test)]
    pub(crate) fn of(bytes: &'a mut [u8]) -> Self {
        Self { at: bytes.as_mut_ptr(), bytes: bytes.len(), owner: PhantomData }
    }

    /// Returns how many bytes there are.
    pub(crate) fn len(self) -> usize {
        self.bytes
    }

    /// Returns what comes after the first bytes, which is nothing where there are no more.
    #[must_use]
    pub(crate) fn after(self, bytes: usize) -> Self {
        let bytes = bytes.min(self.bytes);
        // It stays within what there is, or just behind it.
        Self { at: self.at.wrapping_add(bytes), bytes: self.bytes - bytes, owner: PhantomData }
    }

    /// Copies the first bytes to ours, as many as there are and fit, and returns how many.
    pub(crate) fn copy_to(self, ours: &mut [u8]) -> usize {
        let bytes = self.bytes.min(ours.len());
        // SAFETY: so many bytes can be read here and written there, and ours are nobody else's.
        unsafe { std::ptr::copy_nonoverlapping(self.at, ours.as_mut_ptr(), bytes) };
        bytes
    }

    /// Copies bytes of ours to the front, as many as fit, and returns how many.
    pub(crate) fn copy_from(self, ours: &[u8]) -> usize {
        let bytes = self.bytes.min(ours.len());
        // SAFETY: so many bytes can be read there and written here, and ours are not the page's.
        unsafe { std::ptr::copy_nonoverlapping(ours.as_ptr(), self.at, bytes) };
        bytes
    }

    /// Reads a file at a place.
    pub(crate) fn read_from(self, file: BorrowedFd<'_>, offset: i64) -> Result<usize, Error> {
        again(|| {
            // SAFETY: so many bytes can be written here.
            unsafe { pread64(file.as_raw_fd(), self.at.cast(), self.bytes, offset) }
        })
    }

    /// Writes a file at a place, or at its end where it was opened so.
    pub(crate) fn write_to(self, file: BorrowedFd<'_>, offset: i64) -> Result<usize, Error> {
        again(|| {
            // SAFETY: so many bytes can be read here.
            unsafe { pwrite64(file.as_raw_fd(), self.at.cast(), self.bytes, offset) }
        })
    }

    /// Sends as much as a socket takes.
    pub(crate) fn send_to(self, socket: BorrowedFd<'_>) -> Result<usize, Error> {
        again(|| {
            // SAFETY: so many bytes can be read here.
            unsafe { send(socket.as_raw_fd(), self.at.cast(), self.bytes, NO_SIGNAL) }
        })
    }

    /// Takes as much as a socket has.
    pub(crate) fn receive_from(self, socket: BorrowedFd<'_>) -> Result<usize, Error> {
        again(|| {
            // SAFETY: so many bytes can be written here.
            unsafe { recv(socket.as_raw_fd(), self.at.cast(), self.bytes, 0) }
        })
    }
}

/// Calls again where a signal came in between.
fn again(call: impl Fn() -> isize) -> Result<usize, Error> {
    loop {
        if let Ok(bytes) = usize::try_from(call()) {
            return Ok(bytes);
        }
        let error = Error::last_os_error();
        if error.kind() != std::io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}
