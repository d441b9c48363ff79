//! The place of the one module: taken and left by C_Initialize and C_Finalize, shared by every other call.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use crate::cryptoki::{Result, Rv};

/// As many shards as threads that should not meet; a power of two.
const SHARDS: usize = 32;

/// A share of the module. Each shard counts its own shares, so that threads do not fight for one counter; the
/// module ends with the last share, be it C_Finalize's or that of a call still at work.
pub type Share<M> = Arc<Arc<M>>;

/// Room for one module.
pub struct Seat<M> {
    turn: Mutex<Turn>,
    shards: [Shard<M>; SHARDS],
}

/// Held by C_Initialize and C_Finalize, one at a time.
struct Turn {
    /// This process is a forked child whose parent had a module, and nothing was done about it yet.
    inherited: bool,
}

#[repr(align(128))] // two cache lines, since processors fetch them in pairs
struct Shard<M>(RwLock<Option<Share<M>>>);

impl<M> Seat<M> {
    pub fn new(inherited: bool) -> Seat<M> {
        Seat {
            turn: Mutex::new(Turn { inherited }),
            shards: std::array::from_fn(|_| Shard(RwLock::new(None))),
        }
    }

    /// Starts a module and lets the others in. `start` is told once whether a parent's module was inherited.
    pub fn take(&self, start: impl FnOnce(bool) -> Result<M>) -> Result<()> {
        let mut turn = self.turn();
        if self.share().is_ok() {
            return Err(Rv::CryptokiAlreadyInitialized.into());
        }
        let module = Arc::new(start(mem::take(&mut turn.inherited))?);
        for shard in &self.shards {
            shard.put(Some(Arc::new(Arc::clone(&module))));
        }
        Ok(())
    }

    /// Lets nobody in any more, and stops the module; the calls still at work are not waited for.
    pub fn leave(&self, stop: impl FnOnce(&M)) -> Result<()> {
        let _turn = self.turn();
        let module = self.share()?;
        for shard in &self.shards {
            shard.put(None);
        }
        stop(&module);
        Ok(())
    }

    /// The module for one call.
    pub fn share(&self) -> Result<Share<M>> {
        let shard = self.shards[shard_of_this_thread()].0.read().unwrap_or_else(PoisonError::into_inner);
        shard.as_ref().map(Arc::clone).ok_or_else(|| Rv::CryptokiNotInitialized.into())
    }

    fn turn(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<M> Shard<M> {
    /// What was there is dropped after the lock.
    fn put(&self, share: Option<Share<M>>) {
        let mut place = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let before = mem::replace(&mut *place, share);
        drop(place);
        drop(before);
    }
}

/// Threads are told apart by the address of their control block, spread by Fibonacci hashing.
fn shard_of_this_thread() -> usize {
    // SAFETY: pthread_self has no precondition.
    let thread = unsafe { libc::pthread_self() } as u64;
    (thread.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (u64::BITS - SHARDS.ilog2())) as usize
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use std::thread;

    use super::*;

    /// A module that counts how many of it are alive.
    struct Probe<'a>(&'a AtomicUsize);

    impl<'a> Probe<'a> {
        fn start(alive: &'a AtomicUsize) -> Result<Probe<'a>> {
            alive.fetch_add(1, SeqCst);
            Ok(Probe(alive))
        }
    }

    impl Drop for Probe<'_> {
        fn drop(&mut self) {
            self.0.fetch_sub(1, SeqCst);
        }
    }

    #[test]
    fn of_many_threads_that_initialise_at_once_one_wins() {
        let (alive, seat, barrier) = (AtomicUsize::new(0), Seat::new(false), Barrier::new(16));
        let won = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    barrier.wait();
                    match seat.take(|_| Probe::start(&alive)) {
                        Ok(()) => _ = won.fetch_add(1, SeqCst),
                        Err(error) => assert_eq!(error.rv(), Rv::CryptokiAlreadyInitialized),
                    }
                    assert!(seat.share().is_ok(), "whoever lost the race may call at once");
                });
            }
        });
        assert_eq!((won.load(SeqCst), alive.load(SeqCst)), (1, 1));
    }

    #[test]
    fn the_module_ends_with_its_last_share_and_leaving_does_not_wait() {
        let (alive, seat) = (AtomicUsize::new(0), Seat::new(false));
        seat.take(|_| Probe::start(&alive)).unwrap();
        let share = seat.share().unwrap();
        seat.leave(|_| ()).unwrap();
        assert_eq!(alive.load(SeqCst), 1, "a call is still at work");
        assert_eq!(seat.share().err().map(|e| e.rv()), Some(Rv::CryptokiNotInitialized));
        drop(share);
        assert_eq!(alive.load(SeqCst), 0);
        assert_eq!(seat.leave(|_| ()).map_err(|e| e.rv()), Err(Rv::CryptokiNotInitialized));
    }

    #[test]
    fn a_start_that_fails_leaves_the_seat_free() {
        let (alive, seat) = (AtomicUsize::new(0), Seat::<Probe>::new(true));
        assert!(
            seat.take(|inherited| Err(if inherited { Rv::FunctionFailed } else { Rv::Ok }.into())).is_err()
        );
        seat.take(|inherited| {
            assert!(!inherited, "told once");
            Probe::start(&alive)
        })
        .unwrap();
    }

    #[test]
    fn calls_race_with_leaving_and_taking() {
        let (alive, calls) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let seat: Seat<Probe> = Seat::new(false);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while calls.load(SeqCst) < 20_000 {
                        if let Ok(module) = seat.share() {
                            assert!(module.0.load(SeqCst) > 0);
                        }
                        calls.fetch_add(1, SeqCst);
                    }
                });
            }
            scope.spawn(|| {
                while calls.load(SeqCst) < 20_000 {
                    seat.take(|_| Probe::start(&alive)).unwrap();
                    seat.leave(|_| ()).unwrap();
                }
            });
        });
        assert_eq!(alive.load(SeqCst), 0);
    }
}
