//! Wrapping under the DKEK of a key domain: see [`CKM_TOKENKEEP_DKEK`]. The work is in `api/dkek.rs`.

use crate::cryptoki::vendor::{CKK_TOKENKEEP_DKEK, CKM_TOKENKEEP_DKEK};

use super::{Mechanism, ROW};

pub const ROWS: &[Mechanism] =
    &[Mechanism { id: CKM_TOKENKEEP_DKEK, keys: &[CKK_TOKENKEEP_DKEK], whole: true, ..ROW }];
