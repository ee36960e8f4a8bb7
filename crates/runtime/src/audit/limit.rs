//! How many refusals a minute are written.

/// So many refusals are written in a minute. Further ones are counted, and one line says how many
/// there were, so that a hostile page fills no disk.
const A_MINUTE: u32 = 60;

/// The refusals of a minute.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    minute: i64,
    written: u32,
    passed_over: u64,
}

impl Refusals {
    /// Goes on to a minute. Returns how many were passed over in the one before.
    pub(super) fn turn(&mut self, minute: i64) -> Option<u64> {
        // A clock that stepped back has begun another minute too.
        if minute == self.minute {
            return None;
        }
        self.minute = minute;
        self.written = 0;
        self.take()
    }

    /// Returns how many were passed over and not told of yet.
    pub(super) fn take(&mut self) -> Option<u64> {
        Some(std::mem::take(&mut self.passed_over)).filter(|&count| count > 0)
    }

    /// Returns whether one more is written.
    pub(super) fn admit(&mut self) -> bool {
        if self.written < A_MINUTE {
            self.written += 1;
            return true;
        }
        self.passed_over = self.passed_over.saturating_add(1);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_has_sixty_and_the_rest_is_counted() {
        let mut refusals = Refusals::default();
        assert_eq!(refusals.turn(7), None);
        let written = (0..1_000).filter(|_| refusals.admit()).count();
        assert_eq!(written, 60);
        assert_eq!(refusals.turn(7), None, "the minute is not over");
        assert_eq!(refusals.turn(8), Some(940));
        assert!(refusals.admit());
        assert_eq!(refusals.turn(9), None, "nothing was passed over");
    }
}
