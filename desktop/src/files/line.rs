//! A socket to a page's own process: messages come, and each is answered before the next one is read. It
//! has a thread to itself, so nobody else waits while the page does.
//!
//! A message and an answer have their length in front, in four bytes; a descriptor goes with the first
//! byte of an answer. What comes from there is a page's, and so may be anything.

use std::io::{self, IoSlice, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use oriel_hostfs::{Answer, Surface};
use oriel_wire::hostfs::{HEAD_BYTES, PAYLOAD_BYTES_MAX};
use rustix::net::sockopt::{socket_domain, socket_type};
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketType, sendmsg,
};

/// A longer message is none, and ends the line: whoever sends it is not our extension.
const MESSAGE_BYTES_MAX: usize = HEAD_BYTES + PAYLOAD_BYTES_MAX as usize;

const LENGTH_BYTES: usize = 4;

/// A line that is served. Dropping it ends it, whatever the page is doing.
pub(super) struct Line(UnixStream);

impl Drop for Line {
    fn drop(&mut self) {
        // It fails only where the other end is gone already.
        _ = self.0.shutdown(Shutdown::Both);
    }
}

/// Answers what comes over a socket until it ends.
pub(super) fn serve(socket: OwnedFd, surface: Arc<Surface>) -> io::Result<Line> {
    let is_ours = socket_domain(&socket)? == AddressFamily::UNIX
        && socket_type(&socket)? == SocketType::STREAM;
    if !is_ours {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut socket = UnixStream::from(socket);
    let line = Line(socket.try_clone()?);
    std::thread::Builder::new().name("files".to_owned()).spawn(move || {
        let mut message = Vec::new();
        // It ends with the page, which is how every line does.
        while let Ok(true) = read(&mut socket, &mut message) {
            if write(&mut socket, &surface.answer(&message)).is_err() {
                break;
            }
        }
        // The page is told at once, though the load still has the socket too.
        _ = socket.shutdown(Shutdown::Both);
    })?;
    Ok(line)
}

/// Reads a message. Returns whether there was one.
fn read(socket: &mut UnixStream, message: &mut Vec<u8>) -> io::Result<bool> {
    let mut length = [0; LENGTH_BYTES];
    socket.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if MESSAGE_BYTES_MAX < length {
        return Ok(false);
    }
    message.resize(length, 0);
    socket.read_exact(message)?;
    Ok(true)
}

fn write(socket: &mut UnixStream, answer: &Answer) -> io::Result<()> {
    let length = u32::try_from(answer.bytes.len()).map_err(io::Error::other)?.to_le_bytes();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut along = SendAncillaryBuffer::new(&mut space);
    let descriptor = answer.descriptor.as_ref().map(|descriptor| [descriptor.as_fd()]);
    if let Some(descriptor) = &descriptor {
        along.push(SendAncillaryMessage::ScmRights(descriptor));
    }
    let parts = [IoSlice::new(&length), IoSlice::new(&answer.bytes)];
    let sent = loop {
        match sendmsg(&*socket, &parts, &mut along, SendFlags::NOSIGNAL) {
            Err(rustix::io::Errno::INTR) => {}
            sent => break sent?,
        }
    };
    // A socket takes the length whole, or nothing.
    let rest = answer.bytes.get(sent.saturating_sub(LENGTH_BYTES)..).unwrap_or_default();
    socket.write_all(rest)
}

#[cfg(test)]
mod tests {
    use oriel_hostfs::{Config, Files, Grants, Limits};
    use oriel_wire::hostfs::{Flags, Head, Op};

    use super::*;

    #[test]
    fn what_is_asked_is_answered_and_what_is_no_message_ends_it() {
        let (mut page, _line) = line();
        let asked = Head::of(Op::Close, 7).to_bytes();
        page.write_all(&length(asked.len())).unwrap();
        page.write_all(&asked).unwrap();
        let mut came = [0; 4 + HEAD_BYTES];
        page.read_exact(&mut came).unwrap();
        let head = Head::read(&came[4..]).unwrap();
        assert!(head.request == 7 && head.flags.has(Flags::FAILED));
        let mut rest = vec![0; head.length as usize];
        page.read_exact(&mut rest).unwrap();

        page.write_all(&length(MESSAGE_BYTES_MAX + 1)).unwrap();
        assert_eq!(page.read(&mut [0]).unwrap(), 0);
    }

    #[test]
    fn a_line_that_is_dropped_ends_at_once() {
        let (mut page, line) = line();
        drop(line);
        assert_eq!(page.read(&mut [0]).unwrap(), 0);
    }

    #[test]
    fn only_a_socket_is_taken() {
        let file = OwnedFd::from(tempfile::tempfile().unwrap());
        assert!(serve(file, Arc::new(surface())).is_err());
    }

    fn line() -> (UnixStream, Line) {
        let (page, host) = UnixStream::pair().unwrap();
        (page, serve(host.into(), Arc::new(surface())).unwrap())
    }

    fn surface() -> Surface {
        let config = Config { grants: Grants::fixed(Vec::new()), limits: Limits::default() };
        Files::new(config).surface("workbench")
    }

    fn length(bytes: usize) -> [u8; 4] {
        u32::try_from(bytes).unwrap().to_le_bytes()
    }
}
