//! A file's pages as memory, and what happens when the file under them is cut short.
//!
//! A read of a page that is no longer in the file raises SIGBUS, which ends a process that does not
//! expect it. This module does: it knows the address ranges of its own mappings, puts zeros in the place
//! of the pages that are gone and marks the mapping as cut. Whoever copies looks at the mark after the
//! copy, and throws the bytes away when it is set. Signals about other addresses go on to whoever had
//! the signal before.

#![expect(
    unsafe_code,
    reason = "memory that follows a file, and the signal of its pages, have no safe form"
)]

use std::fs::File;
use std::io;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering, fence};

use rustix::mm::{MapFlags, ProtFlags};

/// How many files can be mapped at once. Another one is read without.
pub(crate) const REGIONS_MAX: usize = 256;

/// What the signal handler knows of a mapping. It is written when a mapping is made and when it goes; a
/// handler that looks meanwhile sees an odd or another version, and leaves the slot alone. The slot of
/// the mapping that a fault is about stays as it is, since its reader holds the mapping.
struct Slot {
    is_taken: AtomicBool,
    version: AtomicU32,
    start: AtomicUsize,
    end: AtomicUsize,
    is_cut: AtomicBool,
}

static SLOTS: [Slot; REGIONS_MAX] = [const { Slot::free() }; REGIONS_MAX];

/// What had the signal before.
static EARLIER: OnceLock<libc::sigaction> = OnceLock::new();

/// Whether the signal is taken care of; nothing is mapped otherwise.
static IS_HANDLED: OnceLock<bool> = OnceLock::new();

static PAGE_BYTES: AtomicUsize = AtomicUsize::new(0);

/// A mapped file, from its first byte on.
#[derive(Debug)]
pub(crate) struct Region {
    start: usize,
    length: usize,
    slot: &'static Slot,
}

impl Region {
    /// Maps the first bytes of a file. There is nothing where all places are taken.
    pub(crate) fn map(file: &File, length: usize) -> io::Result<Option<Self>> {
        if length == 0 || !*IS_HANDLED.get_or_init(handle_signal) {
            return Ok(None);
        }
        let Some(slot) = SLOTS.iter().find(|slot| slot.take()) else { return Ok(None) };
        // SAFETY: the system chooses where the new mapping lies, so it replaces no memory in use. It is
        // only ever read, through `copy`, which allows for its bytes to change at any time.
        let start = unsafe {
            rustix::mm::mmap(ptr::null_mut(), length, ProtFlags::READ, MapFlags::SHARED, file, 0)
        };
        let start = start.inspect_err(|_| slot.release())?.expose_provenance();
        slot.cover(start, start + length);
        Ok(Some(Self { start, length, slot }))
    }

    /// How many bytes of the file are mapped.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// Whether the file was seen to be shorter than the mapping.
    pub(crate) fn is_cut(&self) -> bool {
        self.slot.is_cut.load(Ordering::Relaxed)
    }

    /// Copies bytes at an offset, and returns whether they are the file's. Where they are not, the
    /// file is shorter now, and what was copied means nothing.
    #[must_use]
    pub(crate) fn copy(&self, offset: usize, into: &mut [u8]) -> bool {
        if offset.checked_add(into.len()).is_none_or(|end| self.length < end) || self.is_cut() {
            return false;
        }
        let from = ptr::with_exposed_provenance::<u8>(self.start + offset);
        // SAFETY: the range was checked to lie in the mapping, which lives as long as `self`, and
        // `into` is memory of ours beside it. Another process may write the file meanwhile, so these
        // are just bytes; a page that is gone raises the signal that `on_bus_error` answers.
        unsafe { ptr::copy_nonoverlapping(from, into.as_mut_ptr(), into.len()) };
        // The mark is read after the bytes, never before.
        fence(Ordering::Acquire);
        !self.is_cut()
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        self.slot.uncover();
        let start = ptr::with_exposed_provenance_mut(self.start);
        // SAFETY: this is the range that `map` got, nobody else unmaps it, and no copy runs, since a
        // copy borrows the region. Pages that the handler replaced lie in the same range.
        let gone = unsafe { rustix::mm::munmap(start, self.length) };
        debug_assert!(gone.is_ok(), "a mapping of ours is unmapped once");
        self.slot.release();
    }
}

impl Slot {
    const fn free() -> Self {
        Self {
            is_taken: AtomicBool::new(false),
            version: AtomicU32::new(0),
            start: AtomicUsize::new(0),
            end: AtomicUsize::new(0),
            is_cut: AtomicBool::new(false),
        }
    }

    fn take(&self) -> bool {
        self.is_taken.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    fn release(&self) {
        self.is_taken.store(false, Ordering::Release);
    }

    fn cover(&self, start: usize, end: usize) {
        self.is_cut.store(false, Ordering::SeqCst);
        self.set(start, end);
    }

    fn uncover(&self) {
        self.set(0, 0);
    }

    fn set(&self, start: usize, end: usize) {
        self.version.fetch_add(1, Ordering::SeqCst);
        self.start.store(start, Ordering::SeqCst);
        self.end.store(end, Ordering::SeqCst);
        self.version.fetch_add(1, Ordering::SeqCst);
    }

    /// Returns the end of the mapping, where the address lies in it.
    fn end_around(&self, address: usize) -> Option<usize> {
        let version = self.version.load(Ordering::SeqCst);
        let (start, end) = (self.start.load(Ordering::SeqCst), self.end.load(Ordering::SeqCst));
        let is_whole = version.is_multiple_of(2) && version == self.version.load(Ordering::SeqCst);
        (is_whole && (start..end).contains(&address)).then_some(end)
    }
}

impl std::fmt::Debug for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Slot").field("is_cut", &self.is_cut).finish_non_exhaustive()
    }
}

/// Takes the signal over, and returns whether that worked.
fn handle_signal() -> bool {
    PAGE_BYTES.store(rustix::param::page_size(), Ordering::SeqCst);
    // SAFETY: an action of zeros is a valid one, which the calls below fill in. The earlier action is
    // kept before the new one is there, so the handler finds it whenever it runs. The handler calls only
    // what a handler may call: it reads atomics and makes system calls. It runs on the alternate stack
    // where a thread has one.
    unsafe {
        let mut earlier: libc::sigaction = std::mem::zeroed();
        if libc::sigaction(libc::SIGBUS, ptr::null(), &raw mut earlier) != 0 {
            return false;
        }
        EARLIER.get_or_init(|| earlier);
        let mut ours: libc::sigaction = std::mem::zeroed();
        let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) =
            on_bus_error;
        ours.sa_sigaction = handler as usize;
        ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        libc::sigemptyset(&raw mut ours.sa_mask);
        libc::sigaction(libc::SIGBUS, &raw const ours, ptr::null_mut()) == 0
    }
}

extern "C" fn on_bus_error(
    signal: libc::c_int,
    about: *mut libc::siginfo_t,
    context: *mut libc::c_void,
) {
    // SAFETY: the system passes a valid description, and this signal's has an address.
    let (code, address) = unsafe { ((*about).si_code, (*about).si_addr() as usize) };
    if code == libc::BUS_ADRERR && replace_with_zeros(address) {
        return;
    }
    pass_on(signal, about, context);
}

/// Marks the mapping that has this address as cut and puts zeros from its page on to the mapping's end.
/// All of that at once: page by page, a large copy would be a signal and a mapping for each.
fn replace_with_zeros(address: usize) -> bool {
    let around = |slot: &'static Slot| slot.end_around(address).map(|end| (slot, end));
    let Some((slot, end)) = SLOTS.iter().find_map(around) else { return false };
    slot.is_cut.store(true, Ordering::SeqCst);
    let start = address & !(PAGE_BYTES.load(Ordering::SeqCst) - 1);
    let flags = MapFlags::PRIVATE | MapFlags::FIXED;
    // SAFETY: the range begins at the page of an address inside a mapping of ours and ends where that
    // ends, and the mapping stays while its reader is stopped here. Only copies read it, and they see
    // the mark afterwards.
    unsafe {
        let start = ptr::with_exposed_provenance_mut(start);
        let length = end - start as usize;
        rustix::mm::mmap_anonymous(start, length, ProtFlags::READ, flags).is_ok()
    }
}

/// Gives the signal to whoever had it before. Where that was nobody, the process ends by it, as it would
/// have without this module.
fn pass_on(signal: libc::c_int, about: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let earlier = EARLIER.get();
    let action = earlier.map_or(libc::SIG_DFL, |earlier| earlier.sa_sigaction);
    let with_about = earlier.is_some_and(|it| it.sa_flags & libc::SA_SIGINFO != 0);
    // SAFETY: the system passes a valid description.
    let is_sent = unsafe { (*about).si_code } <= 0;
    if action == libc::SIG_IGN && is_sent {
        // Somebody sent it, and whoever had it before does not care. A fault comes again if it is
        // passed over, so it ends the process, as the system has it.
        return;
    }
    // SAFETY: an action that is neither of the two constants is a function that was installed for
    // this signal, in the one of two forms that its flags tell. To install the default action and to
    // raise a signal is allowed in a handler; the raised one comes once this handler returns.
    unsafe {
        if action == libc::SIG_DFL || action == libc::SIG_IGN {
            let mut default: libc::sigaction = std::mem::zeroed();
            default.sa_sigaction = libc::SIG_DFL;
            libc::sigaction(signal, &raw const default, ptr::null_mut());
            libc::raise(signal);
        } else if with_about {
            type WithAbout = extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void);
            std::mem::transmute::<usize, WithAbout>(action)(signal, about, context);
        } else {
            std::mem::transmute::<usize, extern "C" fn(libc::c_int)>(action)(signal);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt as _;
    use std::sync::atomic::AtomicU64;
    use std::sync::{Arc, Mutex};

    use super::*;

    const PAGES: usize = 16;

    #[test]
    fn a_file_cut_short_under_its_readers_is_noticed_and_kills_nobody() {
        let file = tempfile::tempfile().unwrap();
        let page = rustix::param::page_size();
        let whole = vec![7; PAGES * page];
        file.write_all_at(&whole, 0).unwrap();
        let map = || Arc::new(Region::map(&file, whole.len()).unwrap().unwrap());
        let shared = Mutex::new(map());
        let (cuts, copies) = (AtomicU64::new(0), AtomicU64::new(0));
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for reader in 0..4 {
                let (shared, is_over, cuts, copies) = (&shared, &is_over, &cuts, &copies);
                scope.spawn(move || {
                    let mut into = vec![0; 3 * page];
                    let mut at = reader;
                    while !is_over.load(Ordering::Relaxed) {
                        let region = Arc::clone(&shared.lock().unwrap());
                        at = (at + 13) % (PAGES - 3);
                        // A page may turn to zeros just before it goes, also for `pread`.
                        if region.copy(at * page, &mut into) && into.last() != Some(&0) {
                            assert!(into.iter().all(|&byte| byte == 7), "true bytes or none");
                            copies.fetch_add(1, Ordering::Relaxed);
                        } else {
                            cuts.fetch_add(1, Ordering::Relaxed);
                            std::thread::yield_now();
                        }
                    }
                });
            }
            for round in 0..10_000 {
                let region = Arc::clone(&shared.lock().unwrap());
                file.set_len((round % PAGES * page) as u64).unwrap();
                let mut last = vec![0; page];
                assert!(!region.copy((PAGES - 1) * page, &mut last) && region.is_cut());
                file.write_all_at(&whole, 0).unwrap();
                assert!(!region.copy(0, &mut last), "what was cut once is not trusted again");
                *shared.lock().unwrap() = map();
            }
            is_over.store(true, Ordering::Relaxed);
        });
        assert!(0 < cuts.into_inner() && 0 < copies.into_inner());
    }

    /// What the child below has the signal do before this module takes it.
    const EARLIER_IS: &str = "ORIEL_HOSTFS_EARLIER_IS";

    #[test]
    fn a_signal_that_is_not_ours_goes_to_who_had_it_before() {
        use std::os::unix::process::ExitStatusExt as _;
        for (earlier, code, signal) in [
            ("default", None, Some(libc::SIGBUS)),
            ("ignored", None, Some(libc::SIGBUS)),
            ("about", Some(42), None),
            ("plain", Some(43), None),
            ("ignored and sent", Some(44), None),
            ("default and sent", None, Some(libc::SIGBUS)),
        ] {
            let child = std::process::Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "mapped::region::tests::the_child_with_a_signal", "--ignored"])
                .env(EARLIER_IS, earlier)
                .stdout(std::process::Stdio::null())
                .status()
                .unwrap();
            assert_eq!((child.code(), child.signal()), (code, signal), "{earlier}");
        }
    }

    extern "C" fn with_about(_: libc::c_int, about: *mut libc::siginfo_t, _: *mut libc::c_void) {
        // SAFETY: the system, or who passes the signal on, gives a valid description; to end the
        // process is allowed in a handler.
        unsafe { libc::_exit(if (*about).si_addr().is_null() { 1 } else { 42 }) }
    }

    extern "C" fn plain(_: libc::c_int) {
        // SAFETY: to end the process is allowed in a handler.
        unsafe { libc::_exit(43) }
    }

    #[test]
    #[ignore = "it is started by the test above and ends by a signal"]
    #[expect(clippy::disallowed_methods, reason = "a test has no other arguments")]
    fn the_child_with_a_signal() {
        let Ok(earlier) = std::env::var(EARLIER_IS) else { return };
        let about: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) = with_about;
        let told: extern "C" fn(libc::c_int) = plain;
        let (action, flags) = match earlier.split(' ').next().unwrap() {
            "about" => (about as usize, libc::SA_SIGINFO),
            "plain" => (told as usize, 0),
            "ignored" => (libc::SIG_IGN, 0),
            _ => (libc::SIG_DFL, 0),
        };
        // SAFETY: an action of zeros is a valid one, and the functions are of the forms that are told.
        // No core is left of a process that is to end so.
        unsafe {
            let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
            libc::setrlimit(libc::RLIMIT_CORE, &raw const none);
            let mut first: libc::sigaction = std::mem::zeroed();
            (first.sa_sigaction, first.sa_flags) = (action, flags);
            assert_eq!(libc::sigaction(libc::SIGBUS, &raw const first, ptr::null_mut()), 0);
        }
        let page = rustix::param::page_size();
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(&vec![7; 2 * page], 0).unwrap();
        let region = Region::map(&file, 2 * page).unwrap().unwrap();
        file.set_len(0).unwrap();
        assert!(!region.copy(0, &mut [0; 8]), "ours is answered here");
        if earlier.ends_with("sent") {
            // SAFETY: the process sends itself a signal.
            unsafe { libc::raise(libc::SIGBUS) };
            std::process::exit(44);
        }
        // Somebody else's mapping, of a file that is cut as well.
        let other = tempfile::tempfile().unwrap();
        other.set_len(page as u64).unwrap();
        // SAFETY: the system chooses where the mapping lies; it is read once, and the signal ends it.
        unsafe {
            let start = rustix::mm::mmap(
                ptr::null_mut(),
                page,
                ProtFlags::READ,
                MapFlags::SHARED,
                &other,
                0,
            );
            let start = start.unwrap().cast::<u8>();
            other.set_len(0).unwrap();
            std::hint::black_box(start.read_volatile());
        }
        unreachable!("the read ends the process");
    }

    #[test]
    fn a_place_is_free_again_once_its_mapping_went() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(5).unwrap();
        for _ in 0..2 * REGIONS_MAX {
            let region = Region::map(&file, 5).unwrap().unwrap();
            let mut into = [1; 5];
            assert!(region.copy(0, &mut into) && into == [0; 5]);
            assert!(!region.copy(1, &mut into) && !region.copy(usize::MAX, &mut into));
        }
    }
}
