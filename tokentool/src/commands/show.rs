//! `tokentool show`: one token whole.

use std::fs;

use clap::Args;
use serde::Serialize;
use tokenkeep::cryptoki::ids::*;
use tokenkeep::emulation::Timestamp;
use tokenkeep::token::{TokenInfo, User};

use super::dkek::State;
use super::pin::state::{self, PinFacts, cell};
use crate::Answer;
use crate::options::Options;
use crate::paint::{HEAD, count, paint, plain};
use crate::pin::UserPin;
use crate::problem::Result;
use crate::table::{Cell, facts};
use crate::tokens::{Chosen, Tokens};

/// Show one token whole
///
/// Private objects are counted when a PIN option is given; nothing is asked.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Show {
    #[command(flatten)]
    pin: UserPin,
}

const EXAMPLES: &str = "\
Examples:
  tokentool show --token bench
  PIN=… tokentool show --pin-env PIN --json | jq .objects";

#[derive(Serialize)]
struct Facts {
    label: String,
    serial: String,
    slot: u64,
    manufacturer: String,
    model: String,
    version: String,
    created: String,
    initialised: u64,
    flags: Vec<&'static str>,
    user_pin: PinFacts,
    so_pin: PinFacts,
    pin_length: (usize, usize),
    kdf_iterations: u32,
    users: Vec<String>,
    dkek: Option<State>,
    objects: Objects,
    file: String,
    size: u64,
}

#[derive(Serialize)]
struct Objects {
    public: usize,
    /// Known to who is logged in only.
    private: Option<usize>,
}

/// Flags of CK_TOKEN_INFO (PKCS#11 v3.2 §3.2); those of the PINs are shown as counters.
const FLAGS: &[(CK_FLAGS, &str)] = &[
    (CKF_RNG, "RNG"),
    (CKF_WRITE_PROTECTED, "WRITE_PROTECTED"),
    (CKF_LOGIN_REQUIRED, "LOGIN_REQUIRED"),
    (CKF_USER_PIN_INITIALIZED, "USER_PIN_INITIALIZED"),
    (CKF_TOKEN_INITIALIZED, "TOKEN_INITIALIZED"),
    (CKF_USER_PIN_COUNT_LOW, "USER_PIN_COUNT_LOW"),
    (CKF_USER_PIN_FINAL_TRY, "USER_PIN_FINAL_TRY"),
    (CKF_USER_PIN_LOCKED, "USER_PIN_LOCKED"),
    (CKF_SO_PIN_COUNT_LOW, "SO_PIN_COUNT_LOW"),
    (CKF_SO_PIN_FINAL_TRY, "SO_PIN_FINAL_TRY"),
    (CKF_SO_PIN_LOCKED, "SO_PIN_LOCKED"),
];

impl Show {
    pub fn run(&self, options: &Options) -> Result<Answer> {
        let tokens = Tokens::open(options)?;
        let chosen = tokens.one()?;
        let info = tokens.module().token_info(chosen.slot)?;
        let objects = self.objects(&tokens, &chosen)?;
        // A login may have filled the counter.
        let chosen = Chosen { header: chosen.token.vault().header()?, ..chosen };
        let session = tokens.module().open_session(chosen.slot, CKF_SERIAL_SESSION)?;
        let dkek = tokens.module().session(session)?.dkek_status(0)?.map(State::from);
        let facts = gather(&chosen, &info, dkek, objects)?;
        Answer::new(text(&facts), &facts)
    }

    fn objects(&self, tokens: &Tokens, chosen: &Chosen) -> Result<Objects> {
        let pin = self.pin.source();
        let session = match pin.is_given() {
            true => chosen.enter(tokens, User::User, &pin, 0)?,
            false => tokens.module().open_session(chosen.slot, CKF_SERIAL_SESSION)?,
        };
        let call = tokens.module().session(session)?;
        let handles = super::objects::stored(&call)?;
        let mut private = 0;
        for handle in &handles {
            private += usize::from(super::objects::flag(&call, *handle, CKA_PRIVATE)?);
        }
        Ok(Objects { public: handles.len() - private, private: pin.is_given().then_some(private) })
    }
}

fn gather(chosen: &Chosen, info: &TokenInfo, dkek: Option<State>, objects: Objects) -> Result<Facts> {
    let header = &chosen.header;
    let flags = FLAGS.iter().filter(|(flag, _)| info.flags & flag != 0).map(|(_, name)| *name);
    Ok(Facts {
        label: chosen.label(),
        serial: header.serial.clone(),
        slot: chosen.slot,
        manufacturer: info.manufacturer.clone(),
        model: info.model.clone(),
        version: format!("{}.{}", info.firmware.0, info.firmware.1),
        created: written(Timestamp(header.created)),
        initialised: header.generation,
        flags: flags.collect(),
        user_pin: PinFacts::of(header, User::User),
        so_pin: PinFacts::of(header, User::Officer),
        pin_length: (header.pin_min, header.pin_max),
        kdf_iterations: header.kdf_iterations,
        users: chosen.token.users()?.into_iter().map(|user| user.name).collect(),
        dkek,
        objects,
        file: chosen.token.path().display().to_string(),
        size: fs::metadata(chosen.token.path()).map_or(0, |data| data.len()),
    })
}

/// `2026-01-31 23:59:59 UTC`
fn written(time: Timestamp) -> String {
    let utc = time.utc();
    let part = |from, to| String::from_utf8_lossy(&utc[from..to]).into_owned();
    let (date, clock) = ([part(0, 4), part(4, 6), part(6, 8)], [part(8, 10), part(10, 12), part(12, 14)]);
    format!("{} {} UTC", date.join("-"), clock.join(":"))
}

fn text(show: &Facts) -> String {
    let private = match show.objects.private {
        Some(private) => format!("{private} private"),
        None => "private ones not counted without --pin".into(),
    };
    let initialised = match show.initialised {
        1 => show.created.clone(),
        times => format!("{}, initialised {}", show.created, count(times, "time", "times")),
    };
    let names = show.users.iter().map(|name| plain(name.as_bytes())).collect::<Vec<_>>().join(", ");
    let named = if names.is_empty() { "none".into() } else { names };
    let head = paint(HEAD, format!("Token {:?}", show.label));
    let pairs: Vec<(&'static str, Cell)> = vec![
        ("slot", show.slot.to_string().into()),
        ("serial", show.serial.as_str().into()),
        ("model", format!("{} {}, {}", show.model, show.version, show.manufacturer).into()),
        ("made", initialised.into()),
        ("flags", show.flags.join(" ").into()),
        ("user PIN", counter(&show.user_pin)),
        ("SO PIN", counter(&show.so_pin)),
        ("PIN length", format!("{} to {} bytes", show.pin_length.0, show.pin_length.1).into()),
        ("PIN hashing", format!("PBKDF2-HMAC-SHA256, {} rounds", grouped(show.kdf_iterations.into())).into()),
        ("named users", named.into()),
        ("DKEK", show.dkek.as_ref().map_or("none".into(), State::short).into()),
        ("objects", format!("{} public, {private}", show.objects.public).into()),
        ("file", show.file.as_str().into()),
        ("size", format!("{} bytes", grouped(show.size)).into()),
    ];
    format!("{head}\n{}", facts(pairs))
}

fn counter(pin: &PinFacts) -> Cell {
    match (pin.state, pin.tries_max) {
        (state::State::Ok, Some(max)) => {
            Cell::styled(crate::paint::GOOD, format!("ok, {}", count(max.into(), "try", "tries")))
        }
        _ => cell(pin),
    }
}

/// A number with its thousands apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let apart = |(at, digit): (usize, char)| {
        let gap = at > 0 && (digits.len() - at).is_multiple_of(3);
        gap.then_some(' ').into_iter().chain([digit])
    };
    digits.chars().enumerate().flat_map(apart).collect()
}
