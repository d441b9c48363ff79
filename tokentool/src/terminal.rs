//! The terminal while a PIN is typed: unseen, and as it was before whatever ends it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::thread;

use rustix::termios::{LocalModes, OptionalActions::Now, Termios, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use tokenkeep::cryptoki::Secret;

/// The longest line that is read; a terminal gives no longer one.
const LONGEST: u64 = 4096;

/// What ends a prompt, or holds it up.
const SIGNALS: [i32; 5] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP];

/// The terminal that shows nothing now, and how it was.
static UNSEEN: Mutex<Option<(File, Termios)>> = Mutex::new(None);

/// The line that is typed after a prompt, without its end.
///
/// Errors: `UnexpectedEof` when ^D is typed instead, or the terminal is gone.
pub fn ask(prompt: &str) -> io::Result<Secret> {
    let mut terminal = File::options().read(true).write(true).open("/dev/tty")?;
    watch()?;
    let unseen = Unseen::begin(&terminal)?;
    terminal.write_all(prompt.as_bytes())?;
    let mut typed = Vec::with_capacity(LONGEST as usize);
    BufReader::with_capacity(1, &terminal).take(LONGEST).read_until(b'\n', &mut typed)?;
    drop(unseen);
    let line = Secret::from(typed);
    match line.expose() {
        [] => {
            terminal.write_all(b"\n")?;
            Err(ErrorKind::UnexpectedEof.into())
        }
        typed => Ok(typed.strip_suffix(b"\n").unwrap_or(typed).into()),
    }
}

/// As long as it lives, what is typed is not shown.
struct Unseen;

impl Unseen {
    fn begin(terminal: &File) -> io::Result<Unseen> {
        let before = tcgetattr(terminal)?;
        let mut unseen = unseen();
        hide(terminal, &before)?;
        *unseen = Some((terminal.try_clone()?, before));
        Ok(Unseen)
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        if let Some((terminal, before)) = unseen().take() {
            show(&terminal, &before);
        }
    }
}

fn unseen() -> MutexGuard<'static, Option<(File, Termios)>> {
    UNSEEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Only the echo goes: lines are still edited, and ^C, ^\ and ^Z are still signals.
fn hide(terminal: &File, before: &Termios) -> io::Result<()> {
    let mut modes = before.clone();
    modes.local_modes.remove(LocalModes::ECHO);
    modes.local_modes.insert(LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG);
    Ok(tcsetattr(terminal, Now, &modes)?)
}

fn show(terminal: &File, before: &Termios) {
    // A terminal that is gone has no echo to give back.
    let _ = tcsetattr(terminal, Now, before);
}

/// From the first prompt on, a signal does what it always does, after the terminal is as it was.
fn watch() -> io::Result<()> {
    static ONCE: Once = Once::new();
    let mut signals = None;
    ONCE.call_once(|| signals = Some(Signals::new(SIGNALS)));
    let Some(signals) = signals else { return Ok(()) };
    let mut signals = signals?;
    thread::spawn(move || {
        for signal in signals.forever() {
            // Kept meanwhile: no prompt hides anything between now and the end.
            let unseen = unseen();
            unseen.iter().for_each(|(terminal, before)| show(terminal, before));
            let _ = emulate_default_handler(signal);
            // It was ^Z, and the tool goes on.
            unseen.iter().for_each(|(terminal, before)| drop(hide(terminal, before)));
        }
    });
    Ok(())
}
