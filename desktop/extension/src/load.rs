//! One load of an allowed page: its line to the host and its open files. Both go with it.

use std::sync::{Mutex, PoisonError};

use oriel_wire::hostfs::{Code, Flags, HEAD_BYTES, Head, Op};

use crate::line::{Line, MESSAGE_BYTES_MAX};
use crate::memory::Span;
use crate::open::OpenFiles;
use crate::problem::Problem;

/// What a page's functions share.
pub(crate) struct Load {
    /// The line to the host, until it breaks: of an answer that came too late nobody knows where it ends.
    line: Mutex<Option<Line>>,
    pub(crate) files: OpenFiles,
}

impl Load {
    pub(crate) fn new(line: Line) -> Self {
        Self { line: Mutex::new(Some(line)), files: OpenFiles::default() }
    }

    /// Sends the host a message and puts the answer where `room` makes room. A descriptor that comes with
    /// an opened file is kept under its handle, and forgotten when the file was closed.
    pub(crate) fn call<'a>(
        &self,
        message: Span<'_>,
        room: impl FnOnce(usize) -> Result<Span<'a>, Problem>,
    ) -> Result<(), Problem> {
        check(message)?;
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(open) = line.as_ref() else {
            return Err(Problem::new(
                Code::Gone,
                "the host does not answer this page any more; load the page again",
            ));
        };
        let asked = open.ask(message, room);
        let (answer, descriptor) = match asked {
            Ok(answered) => answered,
            Err(problem) => {
                *line = None;
                return Err(problem);
            }
        };
        drop(line);
        let mut head = [0; HEAD_BYTES];
        answer.copy_to(&mut head);
        let Ok(head) = Head::read(&head) else { return Ok(()) };
        match (head.op, descriptor) {
            (Op::Open, Some(descriptor)) if head.flags.has(Flags::DIRECT) => {
                self.files.keep(head.handle, descriptor)
            }
            (Op::Close, _) => {
                self.files.forget(head.handle);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// Refuses a message that is too long to be one, and one that would have the page stand still.
fn check(message: Span<'_>) -> Result<(), Problem> {
    if MESSAGE_BYTES_MAX < message.len() {
        return Err(Problem::new(
            Code::TooLarge,
            format!("a message has at most {MESSAGE_BYTES_MAX} bytes; cut its payload into pieces"),
        ));
    }
    let mut head = [0; HEAD_BYTES];
    if message.copy_to(&mut head) < HEAD_BYTES {
        return Err(Problem::new(
            Code::BadMessage,
            format!("a message has at least {HEAD_BYTES} bytes"),
        ));
    }
    match Head::read(&head) {
        Ok(head) if head.op == Op::Changes && 0 < head.length => Err(Problem::new(
            Code::Unsupported,
            "a page cannot wait here, since it would stand still; ask for changes with a length of 0, or by \
             the command `files_call`",
        )),
        // What is wrong with a message the host says.
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn a_page_never_waits_for_changes() {
        let load = Load::new(Line::new().unwrap().0);
        let head = Head { length: 1, ..Head::of(Op::Changes, 1) };
        assert_eq!(call(&load, &mut head.to_bytes()), Err(Code::Unsupported));
    }

    #[test]
    fn what_is_no_message_is_refused_without_asking() {
        let load = Load::new(Line::new().unwrap().0);
        assert_eq!(call(&load, &mut []), Err(Code::BadMessage));
        assert_eq!(call(&load, &mut [0; HEAD_BYTES - 1]), Err(Code::BadMessage));
        assert_eq!(call(&load, &mut vec![0; MESSAGE_BYTES_MAX + 1]), Err(Code::TooLarge));
    }

    #[test]
    fn a_line_that_broke_is_not_used_again() {
        let (line, host) = Line::new().unwrap();
        let load = Load::new(line);
        let mut message = Head::of(Op::Use, 1).to_bytes();
        std::thread::scope(|scope| {
            scope.spawn(|| answer(host, &[7, 0, 0, 0, 1]));
            assert_eq!(call(&load, &mut message), Err(Code::Gone));
        });
        assert_eq!(call(&load, &mut message), Err(Code::Gone));
        assert!(load.line.lock().unwrap().is_none());
    }

    fn answer(host: OwnedFd, bytes: &[u8]) {
        let mut host = UnixStream::from(host);
        host.read_exact(&mut [0; 4 + HEAD_BYTES]).unwrap();
        host.write_all(bytes).unwrap();
    }

    fn call(load: &Load, message: &mut [u8]) -> Result<(), Code> {
        let mut room = vec![0; 100];
        load.call(Span::of(message), |_| Ok(Span::of(&mut room))).map_err(|problem| problem.code)
    }
}
