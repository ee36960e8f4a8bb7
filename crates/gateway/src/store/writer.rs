//! The thread that writes.

use std::sync::mpsc::Receiver;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{Base, StoreError, open};
use crate::folders::Folders;

/// How many databases the writer keeps open. Beyond it the one that was not needed for the longest time
/// is closed.
const OPEN_MAX: usize = 32;

/// How much work is taken at once. What is more waits for the next group.
const GROUP_MAX: usize = 256;

/// What the writer is asked.
pub(super) enum Job {
    /// Do some work.
    Write {
        /// Where.
        base: Base,
        /// What.
        task: Box<dyn Task>,
    },
    /// Close a database.
    Forget {
        /// Which.
        base: Base,
        /// Told when it is closed.
        done: oneshot::Sender<()>,
    },
    /// Nothing more will come.
    Close,
}

/// Work whose result waits for its transaction.
pub(super) trait Task: Send {
    /// Does the work.
    fn run(&mut self, connection: &Connection) -> rusqlite::Result<()>;
    /// Hands the result to whoever asked.
    fn finish(self: Box<Self>, outcome: Result<(), StoreError>);
}

/// Work with the type of its result.
pub(super) struct Typed<T, F> {
    work: Option<F>,
    result: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Typed<T, F> {
    pub(super) fn new(work: F, reply: oneshot::Sender<Result<T, StoreError>>) -> Self {
        Self { work: Some(work), result: None, reply }
    }
}

impl<T, F> Task for Typed<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> rusqlite::Result<T> + Send,
{
    fn run(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        if let Some(work) = self.work.take() {
            self.result = Some(work(connection)?);
        }
        Ok(())
    }

    fn finish(self: Box<Self>, outcome: Result<(), StoreError>) {
        if let Err(error) = &outcome {
            tracing::error!(%error, "the gateway could not write");
        }
        let Self { result, reply, .. } = *self;
        // Whoever asked may have gone; what is written stays written.
        _ = reply.send(outcome.and_then(|()| result.ok_or(StoreError::Closed)));
    }
}

/// The databases that are open for writing, the one that was needed last at the end.
pub(super) struct Writer {
    folders: Folders,
    open: Vec<(Base, Connection)>,
}

impl Writer {
    pub(super) fn new(folders: Folders) -> Self {
        Self { folders, open: vec![] }
    }

    /// Opens the registry, so that whoever starts the gateway hears of what is wrong with it.
    pub(super) fn open_registry(&mut self) -> Result<(), StoreError> {
        self.connection(&Base::Registry).map(drop)
    }

    /// Writes until it is told to close.
    pub(super) fn run(&mut self, jobs: &Receiver<Job>) {
        while let Ok(first) = jobs.recv() {
            let mut next = Some(first);
            let mut group: Vec<(Base, Vec<Box<dyn Task>>)> = vec![];
            let mut taken = 0;
            let mut last = None;
            while let Some(job) = next.take() {
                match job {
                    Job::Write { base, task } => {
                        match group.iter_mut().find(|(known, _)| *known == base) {
                            Some((_, tasks)) => tasks.push(task),
                            None => group.push((base, vec![task])),
                        }
                        taken += 1;
                    }
                    // Neither overtakes what was asked before it.
                    other => {
                        last = Some(other);
                        break;
                    }
                }
                if taken < GROUP_MAX {
                    next = jobs.try_recv().ok();
                }
            }
            for (base, tasks) in group {
                self.write(&base, tasks);
            }
            match last {
                Some(Job::Forget { base, done }) => {
                    self.open.retain(|(known, _)| *known != base);
                    // Whoever asked may have gone.
                    _ = done.send(());
                }
                Some(Job::Close) => break,
                Some(Job::Write { .. }) | None => {}
            }
        }
    }

    /// Does the work of one database in one transaction. Work that fails leaves nothing, and the rest of
    /// its group is kept.
    fn write(&mut self, base: &Base, mut tasks: Vec<Box<dyn Task>>) {
        let path = open::path(&self.folders, base);
        let outcomes = match self.connection(base) {
            Ok(connection) => {
                transact(connection, &mut tasks).map_err(|error| open::sqlite(&path, error))
            }
            Err(error) => Err(error),
        };
        match outcomes {
            Ok(outcomes) => {
                for (task, outcome) in tasks.into_iter().zip(outcomes) {
                    task.finish(outcome.map_err(|error| open::sqlite(&path, error)));
                }
            }
            Err(error) => {
                // Nobody knows in what state the connection is. The next work opens another one.
                self.open.retain(|(known, _)| known != base);
                for task in tasks {
                    task.finish(Err(error.clone()));
                }
            }
        }
    }

    fn connection(&mut self, base: &Base) -> Result<&mut Connection, StoreError> {
        if let Some(at) = self.open.iter().position(|(known, _)| known == base) {
            let found = self.open.remove(at);
            self.open.push(found);
        } else {
            let connection = open::writer(&self.folders, base)?;
            if self.open.len() >= OPEN_MAX {
                self.open.remove(0);
            }
            self.open.push((base.clone(), connection));
        }
        let (_, connection) = self.open.last_mut().expect("one was just put there");
        Ok(connection)
    }
}

/// Does work in one transaction and returns what came of each.
fn transact(
    connection: &mut Connection,
    tasks: &mut [Box<dyn Task>],
) -> rusqlite::Result<Vec<rusqlite::Result<()>>> {
    let mut transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let mut outcomes = vec![];
    for task in tasks {
        // A point that is dropped without a commit is rolled back to.
        let point = transaction.savepoint()?;
        let outcome = task.run(&point);
        match &outcome {
            Ok(()) => point.commit()?,
            Err(_) => point.finish()?,
        }
        outcomes.push(outcome);
    }
    transaction.commit()?;
    Ok(outcomes)
}
