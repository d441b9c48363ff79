//! The one seam between the token and the world it pretends to live in: clock, randomness, and the points
//! at which something happens.

mod trace;

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::crypto::rng;
use crate::cryptoki::{Error, Result};

use trace::Trace;

/// Something is about to happen, or has happened.
#[derive(Clone, Copy, Debug)]
pub enum Point<'a> {
    /// A Cryptoki function is about to begin.
    Enter(&'static str),
    /// A Cryptoki function is done, or refuses.
    Leave(&'static str, Option<&'a Error>),
    /// The string of C_Initialize has a key that is no setting of ours.
    Unknown(&'a str),
    /// A key is about to be used with a mechanism.
    Use { mechanism: &'a str, object: &'a str },
}

/// Seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// `YYYYMMDDhhmmss00`, the utcTime of CK_TOKEN_INFO (PKCS#11 v3.2 §3.2).
    pub fn utc(self) -> [u8; 16] {
        let (year, month, day) = civil((self.0 / 86_400) as i64);
        let seconds = self.0 % 86_400;
        let text = format!(
            "{year:04}{month:02}{day:02}{:02}{:02}{:02}00",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60
        );
        let mut utc = [b'0'; 16];
        utc.iter_mut().zip(text.bytes()).for_each(|(to, from)| *to = from);
        utc
    }

    /// `YYYYMMDD`, comparable with a CK_DATE.
    pub fn date(self) -> [u8; 8] {
        let utc = self.utc();
        [utc[0], utc[1], utc[2], utc[3], utc[4], utc[5], utc[6], utc[7]]
    }
}

/// Year, month and day of a day since the epoch, in the proleptic Gregorian calendar.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468; // to 0000-03-01, so that leap days end a year
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

/// The seam. Faults, latency and trace listen here; nothing else knows about them.
pub struct Emulation {
    trace: Option<Trace>,
    /// Whether signatures have no randomness in them, where the caller does not ask for it.
    deterministic: bool,
}

impl Emulation {
    /// The real world, traced to a file when one is named.
    pub fn new(trace: Option<&Path>) -> Emulation {
        Emulation { trace: trace.map(Trace::new), deterministic: false }
    }

    /// The same with signatures that are always the same for the same data, or with the usual ones.
    pub fn signing(self, deterministic: bool) -> Emulation {
        Emulation { deterministic, ..self }
    }

    /// Whether signatures are always the same for the same data.
    pub fn deterministic(&self) -> bool {
        self.deterministic
    }

    /// Something is about to happen, or has happened.
    ///
    /// # Errors
    /// An injected fault.
    #[inline]
    pub fn at(&self, point: Point<'_>) -> Result<()> {
        if let Some(trace) = &self.trace {
            trace.write(self.now(), point);
        }
        Ok(())
    }

    /// A Cryptoki function from its entry to its answer. Whoever listens hears both, and may put a fault in the
    /// place of either.
    ///
    /// # Errors
    /// Those of the work, or an injected fault.
    #[inline]
    pub fn around<T>(&self, function: &'static str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        if !self.listens() {
            return work();
        }
        let answer = self.at(Point::Enter(function)).and_then(|()| work());
        self.at(Point::Leave(function, answer.as_ref().err())).and(answer)
    }

    /// True when somebody listens, so that what is told may cost something to tell.
    #[inline]
    pub fn listens(&self) -> bool {
        self.trace.is_some()
    }

    /// The time.
    #[allow(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    pub fn now(&self) -> Timestamp {
        Timestamp(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
    }

    /// Random bytes.
    ///
    /// # Errors
    /// CKR_DEVICE_ERROR when the system gives none.
    pub fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        rng::system(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cryptoki::Rv;

    #[test]
    fn a_function_is_done_once_and_its_answer_stays_as_it_is() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("trace");
        for emulation in [Emulation::new(None), Emulation::new(Some(&path))] {
            let mut done = 0;
            let mut call = |answer: Result<()>| {
                emulation.around("C_Sign", || {
                    done += 1;
                    answer
                })
            };
            assert_eq!(call(Ok(())), Ok(()));
            let refusal = Rv::DataLenRange.because("33 bytes do not fit");
            assert_eq!(call(Err(refusal.clone())), Err(refusal));
            assert_eq!(done, 2);
        }
        let text = std::fs::read_to_string(path).unwrap();
        assert_eq!(text.lines().count(), 1, "a call that went well is not told: {text}");
        assert!(text.contains("33 bytes"), "{text}");
    }

    #[test]
    fn times_are_written_as_the_standard_says() {
        assert_eq!(&Timestamp(0).utc(), b"1970010100000000");
        assert_eq!(&Timestamp(951_782_400).utc(), b"2000022900000000");
        assert_eq!(&Timestamp(1_795_219_199).utc(), b"2026112023595900");
        assert_eq!(&Timestamp(4_107_542_400).date(), b"21000301");
    }
}
