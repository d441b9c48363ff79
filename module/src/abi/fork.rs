//! Forked children: a value that a child does not have, and a store that is at rest while a fork happens.

use std::cell::UnsafeCell;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use crate::cryptoki::{Result, Rv};

use super::gate;

/// A value of this process, never freed. A forked child finds none and makes its own, its parent's untouched:
/// the pointer to it lies in a page that the kernel wipes at fork, or beside the process id.
pub struct PerProcess<T: 'static> {
    page: AtomicPtr<AtomicPtr<Born<T>>>,
}

struct Born<T> {
    /// The process that made it, if the page is not one that the kernel wipes.
    process: Option<libc::pid_t>,
    value: T,
}

impl<T: Send + Sync + 'static> PerProcess<T> {
    pub const fn new() -> PerProcess<T> {
        PerProcess { page: AtomicPtr::new(ptr::null_mut()) }
    }

    /// The value, if this process has made it. Two loads; no lock.
    pub fn here(&self) -> Option<&'static T> {
        // SAFETY: a page is never unmapped nor freed once it is in `self.page`.
        let page = unsafe { self.page.load(Ordering::Acquire).as_ref() }?;
        // SAFETY: what a page points to is never freed; in a child, a page not wiped shows its parent's value,
        // which lies in the child's own copy of the memory and is only asked for its (never changed) `process`.
        let born = unsafe { page.load(Ordering::Acquire).as_ref() }?;
        born.process.is_none_or(|process| process == this_process()).then_some(&born.value)
    }

    /// The value, made if need be: `make` is told whether a parent of this process had one.
    pub fn here_or(&self, make: impl Fn(bool) -> T) -> &'static T {
        loop {
            if let Some(value) = self.here() {
                return value;
            }
            let page = self.page.load(Ordering::Acquire);
            if page.is_null() {
                self.first(make(false));
            } else {
                // SAFETY: as in `here`.
                self.again(unsafe { &*page }, make(true));
            }
        }
    }

    /// Makes the page, with the value already in it, so that an empty page means a forked child.
    fn first(&self, value: T) {
        let (page, wiped) = match wiped_page() {
            Some(page) => (page.cast::<AtomicPtr<Born<T>>>(), true),
            None => (Box::into_raw(Box::<AtomicPtr<Born<T>>>::default()), false),
        };
        let born = Box::into_raw(Box::new(Born { process: (!wiped).then(this_process), value }));
        // SAFETY: the page is ours alone, zeroed, aligned and large enough for one pointer.
        unsafe { page.write(AtomicPtr::new(born)) };
        // Another thread may have been first: then this page and this value are left unused, once in a life.
        let _ = self.page.compare_exchange(ptr::null_mut(), page, Ordering::AcqRel, Ordering::Acquire);
    }

    /// Puts the child's value where its parent's pointer was; the parent's value is leaked, locks and all.
    fn again(&self, page: &AtomicPtr<Born<T>>, value: T) {
        let old = page.load(Ordering::Acquire);
        // SAFETY: as in `here`.
        let process = unsafe { old.as_ref() }.map(|_| this_process());
        if process.is_some() && self.here().is_some() {
            return; // another thread of this child was first
        }
        let born = Box::into_raw(Box::new(Born { process, value }));
        let _ = page.compare_exchange(old, born, Ordering::AcqRel, Ordering::Acquire);
    }
}

fn this_process() -> libc::pid_t {
    // SAFETY: getpid has no precondition.
    unsafe { libc::getpid() }
}

/// A zeroed page that a forked child finds zeroed, where the kernel can do that (Linux 4.14).
#[cfg(target_os = "linux")]
fn wiped_page() -> Option<*mut libc::c_void> {
    const SIZE: usize = 4096; // madvise takes the whole page, however large
    let (read_write, private) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: a new anonymous mapping, at no chosen address, disturbs nothing.
    let page = unsafe { libc::mmap(ptr::null_mut(), SIZE, read_write, private, -1, 0) };
    if page == libc::MAP_FAILED {
        return None;
    }
    // SAFETY: the page just mapped. Some emulators say yes to all advice: one that takes -1 is not believed.
    let wiped = unsafe {
        libc::madvise(page, SIZE, -1) != 0 && libc::madvise(page, SIZE, libc::MADV_WIPEONFORK) == 0
    };
    if wiped {
        return Some(page);
    }
    // SAFETY: the page just mapped, which nothing points into.
    unsafe { libc::munmap(page, SIZE) };
    None
}

#[cfg(not(target_os = "linux"))]
fn wiped_page() -> Option<*mut libc::c_void> {
    None
}

/// From now on no fork happens while the store is at work. Called under the turn of C_Initialize.
pub fn close_store_while_forking() -> Result<()> {
    static WATCHING: AtomicBool = AtomicBool::new(false);
    if WATCHING.swap(true, Ordering::AcqRel) {
        return Ok(()); // handlers are inherited
    }
    // SAFETY: the three functions live as long as this library: its handlers are dropped when it is unloaded.
    match unsafe { libc::pthread_atfork(Some(before), Some(after), Some(after)) } {
        0 => Ok(()),
        _ => {
            WATCHING.store(false, Ordering::Release);
            Err(Rv::HostMemory.because("pthread_atfork"))
        }
    }
}

/// The closed gate between the handlers.
struct Held(UnsafeCell<Option<gate::Closed>>);

// SAFETY: the cell is written only by a thread that holds the gate's write lock, which is one at a time; `before`
// and `after` run on the forking thread, and `after` in the child on its only one (POSIX, pthread_atfork).
unsafe impl Sync for Held {}

static HELD: Held = Held(UnsafeCell::new(None));

extern "C" fn before() {
    let gate = gate::close();
    // SAFETY: this thread holds the gate, see `Held`.
    unsafe { *HELD.0.get() = Some(gate) };
}

extern "C" fn after() {
    // SAFETY: this thread holds the gate since `before`, see `Held`; it is taken out before it is opened.
    let gate = unsafe { (*HELD.0.get()).take() };
    drop(gate);
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Runs the work in a forked child, which must not print nor panic, and answers what it answered.
    pub fn in_child(work: impl FnOnce() -> bool) -> bool {
        // SAFETY: the child only runs `work` and leaves by _exit.
        match unsafe { libc::fork() } {
            0 => {
                let status = if work() { 0 } else { 1 };
                // SAFETY: ends the child without destructors.
                unsafe { libc::_exit(status) }
            }
            child => {
                let mut status = -1;
                // SAFETY: our own child, our own variable.
                unsafe { libc::waitpid(child, &raw mut status, 0) };
                status == 0
            }
        }
    }

    #[test]
    fn a_child_has_no_value_until_it_makes_its_own() {
        static VALUE: PerProcess<bool> = PerProcess::new();
        assert!(VALUE.here().is_none());
        assert!(!VALUE.here_or(|inherited| inherited));
        assert!(in_child(|| VALUE.here().is_none() && *VALUE.here_or(|inherited| inherited)));
        assert_eq!(VALUE.here(), Some(&false));
    }

    #[test]
    fn a_grandchild_has_none_either() {
        static VALUE: PerProcess<bool> = PerProcess::new();
        VALUE.here_or(|inherited| inherited);
        assert!(in_child(|| {
            VALUE.here_or(|inherited| inherited);
            in_child(|| VALUE.here().is_none() && *VALUE.here_or(|inherited| inherited))
        }));
    }

    #[test]
    fn without_a_wiped_page_the_process_id_tells() {
        static VALUE: PerProcess<bool> = PerProcess::new();
        let born = Box::leak(Box::new(Born { process: Some(this_process()), value: false }));
        let page = Box::leak(Box::new(AtomicPtr::new(ptr::from_mut(born))));
        VALUE.page.store(page, Ordering::Release);
        assert_eq!(VALUE.here(), Some(&false));
        assert!(in_child(|| {
            let fresh = VALUE.here().is_none() && *VALUE.here_or(|inherited| inherited);
            fresh && in_child(|| VALUE.here().is_none() && *VALUE.here_or(|inherited| inherited))
        }));
    }

    #[test]
    fn a_lock_held_at_the_fork_does_not_stop_the_child() {
        static VALUE: PerProcess<std::sync::Mutex<()>> = PerProcess::new();
        let held = VALUE.here_or(|_| std::sync::Mutex::new(())).lock().unwrap();
        assert!(in_child(|| VALUE.here_or(|_| std::sync::Mutex::new(())).try_lock().is_ok()));
        drop(held);
    }

    #[test]
    fn threads_that_make_it_at_once_get_the_same() {
        static VALUE: PerProcess<bool> = PerProcess::new();
        let all: Vec<usize> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..16).map(|_| scope.spawn(|| ptr::from_ref(VALUE.here_or(|_| true)).addr())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(all.iter().all(|address| *address == all[0]));
    }

    #[test]
    fn the_gate_is_open_again_on_both_sides_of_a_fork() {
        close_store_while_forking().unwrap();
        assert!(in_child(|| {
            drop(gate::close());
            true
        }));
        drop(gate::close());
    }
}
