//! The socket to the host: one message goes, and one answer comes, with a descriptor where the host sends
//! one along. Both have their length in front, in four bytes.

use std::io::{Error, ErrorKind};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::Duration;

use oriel_wire::hostfs::{Code, HEAD_BYTES, PAYLOAD_BYTES_MAX};
use rustix::io::IoSliceMut;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendFlags, SocketFlags,
    SocketType, recvmsg, send, socketpair,
};

use crate::memory::Span;
use crate::problem::Problem;

/// The longest message, and the longest answer.
pub(crate) const MESSAGE_BYTES_MAX: usize = HEAD_BYTES + PAYLOAD_BYTES_MAX as usize;

/// The page stands still while it waits. An answer that is not there by then comes to nobody.
const ANSWERS_WITHIN: Duration = Duration::from_secs(60);

/// So much goes and comes with the length at once, which is all of most messages.
const FIRST_BYTES: usize = 4096;

const LENGTH_BYTES: usize = 4;

/// This end of the socket. After an error it is of no more use.
pub(crate) struct Line(OwnedFd);

/// An answer has come, up to what is still on its way.
struct First {
    bytes: [u8; FIRST_BYTES],
    came: usize,
    descriptor: Option<OwnedFd>,
}

impl Line {
    /// Makes a socket: this end and the host's.
    pub(crate) fn new() -> std::io::Result<(Self, OwnedFd)> {
        let flags = SocketFlags::CLOEXEC;
        let (ours, hosts) = socketpair(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        set_socket_timeout(&ours, Timeout::Recv, Some(ANSWERS_WITHIN))?;
        set_socket_timeout(&ours, Timeout::Send, Some(ANSWERS_WITHIN))?;
        Ok((Self(ours), hosts))
    }

    /// Sends a message, and puts its answer where `room` makes room for so many bytes. Returns the
    /// descriptor that came along.
    pub(crate) fn ask<'a>(
        &self,
        message: Span<'_>,
        room: impl FnOnce(usize) -> Result<Span<'a>, Problem>,
    ) -> Result<(Span<'a>, Option<OwnedFd>), Problem> {
        self.send(message).map_err(|error| broken(&error))?;
        let first = self.first().map_err(|error| broken(&error))?;
        let Some(length) = first.bytes.first_chunk::<LENGTH_BYTES>() else { return Err(odd()) };
        let length = u32::from_le_bytes(*length) as usize;
        let begun = &first.bytes[LENGTH_BYTES..first.came];
        if MESSAGE_BYTES_MAX < length || length < begun.len() {
            return Err(odd());
        }
        let answer = room(length)?;
        let mut done = answer.copy_from(begun);
        while done < length {
            match answer.after(done).receive_from(self.0.as_fd()) {
                Ok(0) => return Err(broken(&ErrorKind::UnexpectedEof.into())),
                Ok(bytes) => done += bytes,
                Err(error) => return Err(broken(&error)),
            }
        }
        Ok((answer, first.descriptor))
    }

    fn send(&self, message: Span<'_>) -> std::io::Result<()> {
        let mut first = [0; FIRST_BYTES];
        let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
        first[..LENGTH_BYTES].copy_from_slice(&length.to_le_bytes());
        let copied = message.copy_to(&mut first[LENGTH_BYTES..]);
        let mut front = &first[..LENGTH_BYTES + copied];
        while !front.is_empty() {
            match send(&self.0, front, SendFlags::NOSIGNAL) {
                Ok(bytes) => front = &front[bytes..],
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let mut done = copied;
        while done < message.len() {
            done += message.after(done).send_to(self.0.as_fd())?;
        }
        Ok(())
    }

    /// Takes the beginning of an answer: at least its length, and with it the descriptor, which comes
    /// with the first byte.
    fn first(&self) -> std::io::Result<First> {
        let mut first = First { bytes: [0; FIRST_BYTES], came: 0, descriptor: None };
        while first.came < LENGTH_BYTES {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut along = RecvAncillaryBuffer::new(&mut space);
            let mut into = [IoSliceMut::new(&mut first.bytes[first.came..])];
            match recvmsg(&self.0, &mut into, &mut along, RecvFlags::CMSG_CLOEXEC) {
                Ok(message) if message.bytes == 0 => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(message) => first.came += message.bytes,
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            }
            for message in along.drain() {
                if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                    first.descriptor = descriptors.last().or(first.descriptor);
                }
            }
        }
        Ok(first)
    }
}

fn broken(error: &Error) -> Problem {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => Problem::new(
            Code::Busy,
            format!(
                "the host did not answer within {} s; load the page again",
                ANSWERS_WITHIN.as_secs()
            ),
        ),
        _ => Problem::new(
            Code::Gone,
            "the host does not answer this page any more; load the page again",
        ),
    }
}

fn odd() -> Problem {
    Problem::new(Code::System, "what the host answered is no answer; load the page again")
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn what_is_asked_comes_back_whatever_its_length() {
        for bytes in [0, 1, 32, 4091, 4092, 4093, 5000, 300_000, MESSAGE_BYTES_MAX] {
            let (line, host) = Line::new().unwrap();
            let echo = std::thread::spawn(move || {
                let mut host = UnixStream::from(host);
                let mut length = [0; 4];
                host.read_exact(&mut length).unwrap();
                let mut message = vec![0; u32::from_le_bytes(length) as usize];
                host.read_exact(&mut message).unwrap();
                message.reverse();
                host.write_all(&length).unwrap();
                host.write_all(&message).unwrap();
            });
            let mut message: Vec<u8> = (0..bytes).map(|at| (at % 251) as u8).collect();
            let mut answer = vec![0; bytes];
            let (span, descriptor) =
                line.ask(Span::of(&mut message), |_| Ok(Span::of(&mut answer))).unwrap();
            assert_eq!((span.len(), descriptor.is_none()), (bytes, true));
            message.reverse();
            assert!(message == answer, "{bytes} bytes");
            echo.join().unwrap();
        }
    }

    #[test]
    fn a_host_that_is_gone_is_told_so() {
        let (line, host) = Line::new().unwrap();
        drop(host);
        assert_eq!(code(&line), Code::Gone);
        assert_eq!(code(&line), Code::Gone, "and again");
    }

    #[test]
    fn an_answer_that_is_none_or_breaks_off_is_an_error() {
        for (answer, expected) in [
            (&[0xff, 0xff, 0xff, 0xff, 1][..], Code::System),
            (&[1, 0, 0, 0, 1, 2][..], Code::System),
            (&[9, 0, 0, 0, 1][..], Code::Gone),
            (&[9, 0][..], Code::Gone),
        ] {
            let (line, host) = Line::new().unwrap();
            let mut host = UnixStream::from(host);
            host.write_all(answer).unwrap();
            host.shutdown(std::net::Shutdown::Write).unwrap();
            assert_eq!(code(&line), expected, "{answer:?}");
        }
    }

    fn code(line: &Line) -> Code {
        let mut room = vec![0; 100];
        let came = line.ask(Span::of(&mut [0; 32]), |_| Ok(Span::of(&mut room)));
        came.err().unwrap().code
    }
}
