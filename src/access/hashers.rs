//! Threads that hash passwords, and do nothing else: each with the memory for one hash, which it keeps.
//!
//! Allocated anew for each hash on whichever thread is free, that memory stays behind with the allocator on each of those
//! threads, however few hash at a time: 24 logins at once took 380 MiB.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use argon2::password_hash::phc::Output;
use argon2::{Argon2, Block};
use tokio::sync::oneshot;

use super::AccessError;
use crate::db::DbError;

/// How long a caller waits for its hash: longer than 200 of them take.
const PATIENCE: Duration = Duration::from_secs(20);

type Job = Box<dyn FnOnce(&mut Memory) + Send>;

/// What one hash needs at a time.
#[derive(Default)]
pub(super) struct Memory(Vec<Block>);

impl Memory {
    /// The hash of `len` bytes of a password with this salt. Nothing of the password stays behind.
    pub fn output(&mut self, argon: &Argon2<'_>, password: &[u8], salt: &[u8], len: usize) -> argon2::Result<Output> {
        let blocks = argon.params().block_count();
        if self.0.len() < blocks {
            self.0.resize(blocks, Block::new());
        }
        let mut bytes = [0; Output::MAX_LENGTH];
        let bytes = bytes.get_mut(..len).ok_or(argon2::Error::OutputTooLong)?;
        let hashed = argon.hash_password_into_with_memory(password, salt, bytes, self.0.as_mut_slice());
        self.0.fill(Block::new());
        hashed?;
        Output::new(bytes).map_err(|_| argon2::Error::OutputTooShort)
    }
}

/// A fixed number of threads, and the queue before them. They end with the last clone.
#[derive(Clone)]
pub(super) struct Hashers {
    jobs: Sender<Job>,
    patience: Duration,
}

impl Hashers {
    pub fn start(threads: usize) -> Result<Self, AccessError> {
        let (jobs, queue) = mpsc::channel();
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..threads {
            let queue = queue.clone();
            let thread = thread::Builder::new().name("password".to_owned());
            thread.spawn(move || serve(&queue)).map_err(|error| AccessError::Hash(error.to_string()))?;
        }
        Ok(Self { jobs, patience: PATIENCE })
    }

    /// Runs `work` when its turn comes; not at all, if its caller has hung up by then.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Memory) -> Result<T, AccessError> + Send + 'static,
    ) -> Result<T, AccessError> {
        let (tell, told) = oneshot::channel();
        let job = move |memory: &mut Memory| {
            if !tell.is_closed() {
                // Whoever hung up meanwhile needs no answer.
                let _hung_up = tell.send(work(memory));
            }
        };
        self.jobs.send(Box::new(job)).map_err(|error| AccessError::Hash(error.to_string()))?;
        match tokio::time::timeout(self.patience, told).await {
            Ok(told) => told.map_err(|error| AccessError::Hash(error.to_string()))?,
            Err(_) => Err(DbError::Busy("passwords are waiting to be hashed").into()),
        }
    }
}

fn serve(queue: &Mutex<Receiver<Job>>) {
    let mut memory = Memory::default();
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        // Its caller is told, for `tell` is dropped; the thread goes on for the others.
        if catch_unwind(AssertUnwindSafe(|| job(&mut memory))).is_err() {
            tracing::error!("hashing a password panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_too_long_is_told_so_and_is_not_worked_for_afterwards() {
        let hashers = Hashers { patience: Duration::from_millis(50), ..Hashers::start(1).expect("a thread") };
        let (go_on, may_go_on) = mpsc::channel();
        let (began, has_begun) = oneshot::channel();
        let first = hashers.run(move |_| {
            began.send(()).expect("somebody listens");
            may_go_on.recv().expect("a word");
            Ok(())
        });
        let (worked, works) = mpsc::channel();
        let second = async {
            has_begun.await.expect("the only thread is taken");
            hashers.run(move |_| Ok(worked.send(()))).await
        };
        let (first, second) = tokio::join!(first, second);
        let busy = |told: &AccessError| matches!(told, AccessError::Db(DbError::Busy(_)));
        assert!(first.is_err_and(|told| busy(&told)), "the one whose hash takes too long");
        assert!(second.is_err_and(|told| busy(&told)), "and the one behind it");
        go_on.send(()).expect("it still waits");
        // The thread is free again, and has passed over the one that hung up.
        let patient = Hashers { patience: PATIENCE, ..hashers };
        patient.run(|_| Ok(())).await.expect("its turn");
        assert!(works.try_recv().is_err(), "nobody waited for it any more");
    }
}
