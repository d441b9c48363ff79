//! Bars for what takes seconds; on a terminal only, and not where JSON is asked for.

use indicatif::{ProgressBar, ProgressStyle};

/// Runs a piece of work that tells how far it is, with a bar before which `what` stands.
pub fn bar<T>(what: &'static str, work: impl FnOnce(&mut dyn FnMut(u64, u64)) -> T) -> T {
    let bar = ProgressBar::new(1).with_message(what);
    if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {percent:>3} %  {eta} left") {
        bar.set_style(style);
    }
    let done = work(&mut |at, of| {
        bar.set_length(of);
        bar.set_position(at);
    });
    bar.finish_and_clear();
    done
}
