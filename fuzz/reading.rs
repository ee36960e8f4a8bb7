//! What every history keeps to, whatever bytes it is made of.

use std::path::Path;

use oriel_sources::{Format, Parsed};

/// The longest state that the longest names can make.
const STATE_BYTES_MAX: usize = 64 * 1024;

/// Reads bytes as a history, in one go and with a new reader for each line.
pub(crate) fn check(format: &dyn Format, file: &str, bytes: &[u8]) {
    let file = Path::new(file);
    let lines: Vec<_> = bytes.split(|&byte| byte == b'\n').filter(|it| !it.is_empty()).collect();
    let (mut one, mut many) = (Parsed::default(), Parsed::default());
    let mut reader = format.reader(file, None);
    let mut state: Option<String> = None;
    for line in &lines {
        reader.line(line, &mut one);
        let mut anew = format.reader(file, state.as_deref());
        anew.line(line, &mut many);
        anew.pause(&mut many);
        let next = anew.state();
        assert!(next.len() <= STATE_BYTES_MAX, "the state has {} bytes", next.len());
        state = Some(next);
    }
    reader.pause(&mut one);
    for out in [&one, &many] {
        assert!(out.tally.adds_up(), "{:?}", out.tally);
        assert_eq!(out.tally.records, lines.len() as u64);
        assert!(out.events.iter().all(|event| event.event_id.is_some()), "an event without an id");
    }
}
