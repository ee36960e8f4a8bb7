//! Those who perform tasks: some threads, each with a queue of its own. Tasks about the same go to the same
//! thread, so they are performed in their order; others at once.
#![forbid(unsafe_code)]

use std::hash::{BuildHasher as _, Hash, RandomState};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

/// Performs what it is handed. It is called by several threads at once.
type Perform<T> = dyn Fn(T) + Send + Sync;

/// Some threads that work.
pub(crate) struct Crew<T> {
    queues: Vec<Sender<T>>,
    threads: Vec<JoinHandle<()>>,
    open: Arc<Open>,
    hasher: RandomState,
}

/// How much is still to be done.
#[derive(Default)]
struct Open {
    count: Mutex<usize>,
    done: Condvar,
}

impl<T: Send + 'static> Crew<T> {
    /// Gathers so many threads.
    ///
    /// # Errors
    /// Where the system allows no more threads.
    pub(crate) fn gather(
        name: &str,
        threads: usize,
        perform: impl Fn(T) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let perform: Arc<Perform<T>> = Arc::new(perform);
        let open = Arc::new(Open::default());
        let mut crew = Self {
            queues: Vec::new(),
            threads: Vec::new(),
            open: Arc::clone(&open),
            hasher: RandomState::new(),
        };
        for _ in 0..threads {
            let (sender, tasks) = channel::<T>();
            let (perform, open) = (Arc::clone(&perform), Arc::clone(&open));
            let work = move || {
                for task in tasks {
                    let _end = End(&open);
                    // The panic hook has told of it; what others asked for is done all the same.
                    _ = catch_unwind(AssertUnwindSafe(|| perform(task)));
                }
            };
            let thread = Builder::new().name(name.to_owned()).spawn(work)?;
            crew.queues.push(sender);
            crew.threads.push(thread);
        }
        Ok(crew)
    }

    /// Hands on a task. It is performed after those about the same that were handed on before it.
    pub(crate) fn hand_on(&self, about: &impl Hash, task: T) {
        let count = self.queues.len().max(1) as u64;
        let at = usize::try_from(self.hasher.hash_one(about) % count).unwrap_or_default();
        let Some(queue) = self.queues.get(at) else { return };
        self.open.begin();
        if queue.send(task).is_err() {
            self.open.end();
        }
    }

    /// Waits until all that was handed on is done.
    pub(crate) fn finish(&self) {
        let mut count = self.open.count.lock().unwrap_or_else(PoisonError::into_inner);
        while *count != 0 {
            count = self.open.done.wait(count).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl<T> Drop for Crew<T> {
    fn drop(&mut self) {
        self.queues.clear();
        for thread in self.threads.drain(..) {
            // One that panicked has said so.
            _ = thread.join();
        }
    }
}

impl Open {
    fn begin(&self) {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner) += 1;
    }

    fn end(&self) {
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        *count -= 1;
        if *count == 0 {
            self.done.notify_all();
        }
    }
}

/// Counts a task as done however it ends.
struct End<'a>(&'a Open);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_about_the_same_is_done_in_its_order() {
        let done = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&done);
        let crew = Crew::gather("crew", 8, move |task: (u8, u32)| seen.lock().unwrap().push(task));
        let crew = crew.unwrap();
        for count in 0..500 {
            for about in 0..20u8 {
                crew.hand_on(&about, (about, count));
            }
        }
        crew.finish();
        let done = done.lock().unwrap();
        assert_eq!(done.len(), 10_000);
        for about in 0..20u8 {
            let counts: Vec<_> =
                done.iter().filter(|(it, _)| *it == about).map(|(_, n)| *n).collect();
            assert!(counts.is_sorted(), "{about}");
        }
    }

    #[test]
    fn all_that_was_handed_on_is_done_before_the_crew_goes() {
        let done = Arc::new(Mutex::new(0));
        let seen = Arc::clone(&done);
        let crew = Crew::gather("crew", 3, move |_: ()| *seen.lock().unwrap() += 1).unwrap();
        (0..100).for_each(|about: u32| crew.hand_on(&about, ()));
        drop(crew);
        assert_eq!(*done.lock().unwrap(), 100);
    }
}
