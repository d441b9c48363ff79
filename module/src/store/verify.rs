//! Is the token whole? What was dropped, swapped, rolled back or rewritten outside shows here.

use super::envelope::Sum;
use super::*;

/// What a look through a whole token found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Rows in all.
    pub rows: u64,
    /// Private rows among them; without keys they are only counted.
    pub private: u64,
    /// Public rows that nobody with the token key has vouched for.
    pub unvouched: Vec<u64>,
    /// Ids of vouched public rows that were changed or removed without login, and not accepted yet.
    pub removed: Vec<Id>,
    /// Rows that do not open or whose vouch is wrong.
    pub damaged: Vec<(u64, String)>,
    /// What is wrong with the file or the ledger.
    pub complaints: Vec<String>,
    /// Whether the rows are the set that was written; none without keys.
    pub whole: Option<bool>,
}

impl Report {
    /// Nothing was changed outside, as far as could be seen. What is unvouched or removed was changed without
    /// login, which is allowed: look at these lists too.
    pub fn is_sound(&self) -> bool {
        self.damaged.is_empty() && self.complaints.is_empty() && self.whole != Some(false)
    }
}

impl Vault {
    /// Reads everything and compares it with the digest, when there are keys. Changes nothing.
    ///
    /// Errors: only what prevents the look; what is found is in the report.
    pub fn verify(&self, keys: Option<&Keys>) -> Result<Report> {
        self.look(keys, &mut |_, _| {}).map(|(report, _)| report)
    }

    /// Accepts what was written without login: vouches for every unvouched public row and forgets the
    /// tombstones. Answers how many rows and tombstones.
    ///
    /// Errors: `DeviceError` when the token is not whole (it accepts no damage), `FunctionFailed` when somebody
    /// writes meanwhile: try again.
    pub fn vouch_all(&self, keys: &Keys, fill: &Fill) -> Result<usize> {
        let mut changes = Vec::new();
        let (report, ledger) = self.look(Some(keys), &mut |row, _| {
            if !row.private && row.vouch.is_none() {
                let vouch = keys.vouch(&row.id, row.revision, &row.body);
                changes.push(Change::Vouch { handle: row.handle, revision: row.revision, vouch });
            }
        })?;
        if !report.is_sound() {
            return Err(Rv::DeviceError.because("the token was changed outside Tokenkeep: verify it first"));
        }
        changes.extend(ledger.removed.into_iter().map(|item| Change::Forget { item }));
        self.change(Some(keys), keys.generation, &changes, fill)?;
        Ok(changes.len())
    }

    fn look(&self, keys: Option<&Keys>, seen: &mut dyn FnMut(&Row, &Mark)) -> Result<(Report, Ledger)> {
        let mut report = Report::default();
        let mut sum = Sum::default();
        let seed = self.store.seed()?;
        if let Some(keys) = keys {
            envelope::same(keys, seed.generation)?;
        }
        let public = self.face(seed.generation)?;
        let ledger = self.store.survey(&mut |row, mark| {
            report.rows += 1;
            let opened = match (row.private, keys) {
                (true, None) => Ok(()),
                (true, Some(keys)) => keys.face().open(&row).map(drop),
                (false, keys) => {
                    public.open(&row).and_then(|_| keys.map_or(Ok(false), |k| k.vouched(&row))).map(drop)
                }
            };
            match (opened, row.private) {
                (Err(error), _) => report.damaged.push((row.handle, error.why().to_owned())),
                (Ok(()), true) => report.private += 1,
                (Ok(()), false) if row.vouch.is_none() => report.unvouched.push(row.handle),
                (Ok(()), false) => {}
            }
            if let Some(keys) = keys {
                sum.put_mark(keys, &mark);
            }
            seen(&row, &mark);
            Ok(())
        })?;
        if ledger.generation != seed.generation {
            return Err(rows::renewed());
        }
        report.complaints.clone_from(&ledger.complaints);
        self.tombs(&ledger, &mut report, keys.map(|keys| (keys, sum)));
        Ok((report, ledger))
    }

    /// Adds the tombstones to the sum, and compares it.
    fn tombs(&self, ledger: &Ledger, report: &mut Report, counted: Option<(&Keys, Sum)>) {
        for item in &ledger.removed {
            match item.split_first_chunk::<16>() {
                // The byte after id and revision tells private rows, which only change with the key.
                Some((id, rest)) if rest.get(8) == Some(&0) => report.removed.push(*id),
                _ => report.complaints.push("a tombstone that Tokenkeep does not write".into()),
            }
        }
        if let Some((keys, mut sum)) = counted {
            ledger.removed.iter().for_each(|item| sum.put(keys, item));
            report.whole = Some(keys.open_sum(&ledger.digest).is_ok_and(|digest| digest == sum));
        }
    }
}
