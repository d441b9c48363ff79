//! The token is lost, and three of five custodians bring it back: a share, a backup, a second token, a restore.
//!
//! The module is unloaded meanwhile: all of this is the tool's own work, as `tokentool dkek`, `backup` and `restore` do it.

use tokenkeep::api::{Backup, Call, Module};
use tokenkeep::backup::{Custody, Import, Kcv, ShareFile, Typed, split};
use tokenkeep::crypto::rng;
use tokenkeep::cryptoki::Secret;
use tokenkeep::cryptoki::ids::*;
use tokenkeep::store::NewToken;
use tokenkeep::token::Settings;

use super::steps::Steps;
use crate::commands::init;
use crate::paint::count;
use crate::problem::{Problem, Result};
use crate::progress::bar;

/// How many custodians there are, and how many of them are needed.
const ALL: u8 = 5;
const NEEDED: u8 = 3;
/// Who comes to the restore.
const COME: [usize; 3] = [1, 3, 4];

/// The PINs of the first token; the second one has the same.
pub struct Pins<'a> {
    pub so: &'a str,
    pub user: &'a str,
}

/// What is kept while the token is lost.
struct Kept {
    custody: Custody,
    file: ShareFile,
    kcv: Kcv,
}

/// Plays the story with the token in this slot; the slot of the second token, which is called `spare`.
pub fn play(steps: &mut Steps, slot: u64, pins: &Pins<'_>, spare: &str) -> Result<u64> {
    let settings = Settings::read(None)?;
    let kept = steps.take("five custodians", || share(&settings, slot, pins))?;
    let backup = steps.take("back up", || back_up(&settings, slot, pins))?;
    let other = steps.take("a second token", || second(&settings, slot + 1, pins, spare))?;
    steps.take("three of five", || come(&settings, other, pins, &kept))?;
    steps.take("restore", || restore(&settings, other, pins, &backup))?;
    Ok(other)
}

/// Works with the token in a slot, logged in.
fn logged_in<T>(
    settings: &Settings,
    slot: u64,
    (user, pin): (CK_USER_TYPE, &str),
    work: impl FnOnce(&Call<'_>) -> Result<T>,
) -> Result<T> {
    let module = Module::with(settings.clone())?;
    let session = module.open_session(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION)?;
    let call = module.session(session)?;
    call.login(user, Some(&pin.as_bytes().into()))?;
    work(&call)
}

fn share(settings: &Settings, slot: u64, pins: &Pins<'_>) -> Result<(String, Kept)> {
    let custody = Custody::new(NEEDED, ALL, &rng::system)?;
    let (file, share) = bar("Enciphering the DKEK share", |progress| {
        ShareFile::create(&custody.password, &rng::system, progress)
    })?;
    let status = logged_in(settings, slot, (CKU_SO, pins.so), |call| {
        call.dkek_init(0, 1)?;
        Ok(call.dkek_import(0, &share, Import::default())?)
    })?;
    let kcv = status.kcv.ok_or_else(|| Problem::new("the DKEK is not complete"))?;
    let found = format!("{NEEDED} of {ALL} open the DKEK share; the key check value is {kcv}");
    Ok((found, Kept { custody, file, kcv }))
}

fn back_up(settings: &Settings, slot: u64, pins: &Pins<'_>) -> Result<(String, Backup)> {
    let backup = logged_in(settings, slot, (CKU_USER, pins.user), |call| {
        Ok(bar("Backing up", |progress| call.backup(0, progress))?)
    })?;
    let objects = count(backup.objects as u64, "object", "objects");
    Ok((format!("{objects} in {} bytes under the DKEK; the token is lost now", backup.archive.len()), backup))
}

fn second(settings: &Settings, slot: u64, pins: &Pins<'_>, label: &str) -> Result<(String, u64)> {
    let mut padded = [b' '; 32];
    padded[..label.len()].copy_from_slice(label.as_bytes());
    let new = NewToken {
        so_pin: pins.so.as_bytes().into(),
        user_pin: Some(pins.user.as_bytes().into()),
        ..init::usual(settings, padded, slot)
    };
    let header = init::make_with_dkek(settings, &new, 1)?;
    Ok((format!("slot {slot}, serial {}, waiting for its DKEK share", header.serial), slot))
}

fn come(settings: &Settings, slot: u64, pins: &Pins<'_>, kept: &Kept) -> Result<(String, ())> {
    let sheets: Vec<_> = COME.iter().filter_map(|at| kept.custody.sheets.get(*at)).collect();
    let typed = sheets.iter().map(|sheet| Typed { id: sheet.id.to_string(), value: sheet.value.clone() });
    let typed: Vec<Typed> = typed.collect();
    let prime = Secret::from(sheets.first().map(|sheet| &sheet.prime[..]).unwrap_or_default());
    let passwords = split::passwords(&prime, &typed)?;
    let password = passwords.first().ok_or_else(|| Problem::new("the custodians give no password"))?;
    let cover = bar("Deciphering the DKEK share", |progress| kept.file.cover(password, progress));
    let share = kept.file.open(&cover)?;
    let import = Import { repeated: false, expect: Some(kept.kcv) };
    let who: Vec<String> = typed.iter().map(|typed| typed.id.clone()).collect();
    let status =
        logged_in(settings, slot, (CKU_USER, pins.user), |call| Ok(call.dkek_import(0, &share, import)?))?;
    match status.kcv {
        Some(kcv) => Ok((format!("custodians {} open it; the key check value is {kcv}", who.join(", ")), ())),
        None => Err(Problem::new("the DKEK is not complete")),
    }
}

fn restore(settings: &Settings, slot: u64, pins: &Pins<'_>, backup: &Backup) -> Result<(String, ())> {
    let manifest = logged_in(settings, slot, (CKU_USER, pins.user), |call| {
        Ok(bar("Restoring", |progress| call.restore(&backup.archive, false, progress))?)
    })?;
    let objects = count(manifest.objects.len() as u64, "object", "objects");
    Ok((format!("{objects} of token {} are in the second one, each as it was", manifest.serial), ()))
}
