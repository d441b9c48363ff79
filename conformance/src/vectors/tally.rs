//! What the vectors showed: passes and failures by mechanism and source.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// What one source showed of one mechanism.
#[derive(Default, Serialize, Deserialize)]
pub struct Evidence {
    pub passed: usize,
    /// The vectors that failed, each with what was wrong.
    pub failed: Vec<String>,
}

/// What all sources showed.
#[derive(Default, Serialize, Deserialize)]
pub struct Tally {
    /// By mechanism, then by source.
    pub mechanisms: BTreeMap<String, BTreeMap<String, Evidence>>,
    /// Vectors that a token cannot be asked, by reason.
    pub left_out: BTreeMap<String, usize>,
    /// Every mechanism that the module offers, by name.
    pub offered: BTreeSet<String>,
}

impl Tally {
    /// Notes one vector.
    pub fn note(&mut self, mechanism: &str, source: &str, case: &str, verdict: Result<(), String>) {
        let sources = self.mechanisms.entry(mechanism.to_owned()).or_default();
        let evidence = sources.entry(source.to_owned()).or_default();
        match verdict {
            Ok(()) => evidence.passed += 1,
            Err(why) => evidence.failed.push(format!("{case}: {why}")),
        }
    }

    pub fn leave_out(&mut self, why: &str) {
        *self.left_out.entry(why.to_owned()).or_default() += 1;
    }

    /// Adds what was found out elsewhere.
    pub fn add(&mut self, other: Tally) {
        for (mechanism, sources) in other.mechanisms {
            let known = self.mechanisms.entry(mechanism).or_default();
            for (source, evidence) in sources {
                let sum = known.entry(source).or_default();
                sum.passed += evidence.passed;
                sum.failed.extend(evidence.failed);
            }
        }
        for (why, count) in other.left_out {
            *self.left_out.entry(why).or_default() += count;
        }
        self.offered.extend(other.offered);
    }

    fn evidence(&self) -> impl Iterator<Item = &Evidence> {
        self.mechanisms.values().flat_map(BTreeMap::values)
    }

    pub fn passed(&self) -> usize {
        self.evidence().map(|evidence| evidence.passed).sum()
    }

    pub fn failed(&self) -> usize {
        self.evidence().map(|evidence| evidence.failed.len()).sum()
    }

    /// True when something showed that the mechanism is right, and nothing that it is wrong.
    pub fn proven(&self, mechanism: &str) -> bool {
        self.mechanisms.get(mechanism).is_some_and(|sources| {
            let all = || sources.values();
            all().any(|evidence| evidence.passed > 0) && all().all(|evidence| evidence.failed.is_empty())
        })
    }
}

#[cfg(test)]
mod laws {
    use super::*;

    #[test]
    fn a_mechanism_is_proven_by_a_pass_and_no_failure() {
        let mut tally = Tally::default();
        assert!(!tally.proven("CKM_MD5"));
        tally.note("CKM_MD5", "RFC 1321", "abc", Ok(()));
        assert!(tally.proven("CKM_MD5"));
        tally.note("CKM_MD5", "hashlib", "1 byte", Err("another value".into()));
        assert!(!tally.proven("CKM_MD5"));
        assert_eq!((tally.passed(), tally.failed()), (1, 1));
    }
}
