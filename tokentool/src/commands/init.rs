//! `tokentool init`: makes a token.

use std::io;

use clap::Args;
use serde::Serialize;
use tokenkeep::api::Module;
use tokenkeep::cryptoki::ids::{CKF_RW_SESSION, CKF_SERIAL_SESSION, CKU_SO};
use tokenkeep::cryptoki::{Error, Rv, Secret};
use tokenkeep::emulation::Emulation;
use tokenkeep::store::{Draft, Header, MAX_ITERATIONS, NewToken, Over, Vault, make_dir, reveal};
use tokenkeep::token::Settings;
use tokenkeep::token::settings::PIN_LENGTH;

use crate::Answer;
use crate::options::Options;
use crate::paint::{GOOD, count, paint, plain};
use crate::pin::{CARD, Rule, SoPin, UserPin};
use crate::problem::{Problem, Result};
use crate::table::facts;
use crate::tokens::{Found, Tokens, quoted};

/// The largest slot id: Java reads it as an int.
const LAST_SLOT: u64 = i32::MAX as u64;

/// Make a token
///
/// A PIN that no option gives is asked for. A PIN on the command line can be seen by everybody on the machine while
/// the command runs: prefer --so-pin-env and --pin-env, or the -file options.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Init {
    /// Its name, at most 32 bytes of UTF-8
    #[arg(long, short)]
    label: String,

    /// Its slot, for ever [default: the lowest that is free]
    #[arg(long, value_parser = clap::value_parser!(u64).range(0..=LAST_SLOT))]
    slot: Option<u64>,

    /// Leave the user without a PIN: `tokentool pin unblock` gives one later
    #[arg(long, conflicts_with = "pin-source")]
    no_pin: bool,

    #[command(flatten)]
    so_pin: SoPin,

    #[command(flatten)]
    pin: UserPin,

    /// PBKDF2 rounds for each PIN: more make guessing, and each login, slower [default: 600000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_ITERATIONS)))]
    kdf_iterations: Option<u32>,

    /// Wrong user PINs until it is locked [default: 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=255))]
    pin_retries: Option<u32>,

    /// Wrong SO PINs until it is locked, which nothing undoes [default: 15]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=255))]
    so_pin_retries: Option<u32>,

    /// Give it a device key encryption key of so many shares, under which keys are backed up; they are imported by
    /// `tokentool dkek import-share`. 0: a random one that nobody else will ever have
    #[arg(long, value_name = "N")]
    dkek_shares: Option<u8>,

    /// PIN rules of a SmartCard-HSM: an SO PIN of 16 hexadecimal digits, a PIN of 6 to 15 characters, and tries by its
    /// length: 3 for 6, 5 for 7, 10 for more
    #[arg(long, conflicts_with_all = ["no_pin", "so_pin_retries"])]
    sc_hsm: bool,
}

const EXAMPLES: &str = "\
Examples:
  tokentool init --label bench
  SO=… PIN=… tokentool init --label bench --so-pin-env SO --pin-env PIN
  tokentool init --label ci --so-pin 12345678 --pin 1234 --kdf-iterations 1000     for tests only";

#[derive(Serialize)]
struct Made {
    label: String,
    serial: String,
    slot: u64,
    file: String,
    user_pin: bool,
    kdf_iterations: u32,
}

impl Init {
    pub fn run(&self, options: &Options) -> Result<Answer> {
        options.without_token("--label NAME: a new token's name")?;
        let tokens = Tokens::open(options)?;
        let all = tokens.all();
        let label = self.label(&all)?;
        let slot = self.slot(&all)?;
        let new = self.plan(&tokens.settings, label, slot)?;
        let header = match self.dkek_shares {
            None => make(&tokens.settings, &new)?,
            Some(shares) => make_with_dkek(&tokens.settings, &new, shares)?,
        };
        answer(&new, header, &tokens.settings)
    }

    /// The label, padded as PKCS#11 wants it.
    fn label(&self, all: &[Found]) -> Result<[u8; 32]> {
        let given = self.label.trim_end();
        let problem = |what: String| {
            Err(Problem::new(what).advise("a label of 1 to 32 bytes, for example --label bench"))
        };
        match given.len() {
            0 => return problem("the label is empty".into()),
            1..=32 => {}
            long => {
                return problem(format!(
                    "the label has {} in UTF-8, 32 are possible",
                    count(long as u64, "byte", "bytes")
                ));
            }
        }
        if given.chars().any(char::is_control) {
            return problem("the label has control characters in it".into());
        }
        let mut label = [b' '; 32];
        label[..given.len()].copy_from_slice(given.as_bytes());
        match all.iter().find(|found| found.token.as_ref().is_ok_and(|chosen| chosen.header.label == label)) {
            None => Ok(label),
            Some(found) => {
                Err(Problem::new(format!("there is a token {given:?} already, in slot {}", found.slot))
                    .advise("another label: programs find their token by it")
                    .advise(format!("`tokentool delete --token {}` if the old one can go", quoted(given))))
            }
        }
    }

    fn slot(&self, all: &[Found]) -> Result<u64> {
        let takes = |found: &Found, slot| {
            found.slot == slot || found.token.as_ref().is_ok_and(|chosen| chosen.header.slot == slot)
        };
        let taken = |slot: u64| all.iter().find(|found| takes(found, slot));
        let free = (0..=LAST_SLOT).find(|slot| taken(*slot).is_none()).unwrap_or(LAST_SLOT);
        let Some(slot) = self.slot else { return Ok(free) };
        match taken(slot) {
            None => Ok(slot),
            Some(found) => {
                let who = found.token.as_ref().map_or_else(
                    |_| found.path.display().to_string(),
                    |chosen| format!("token {:?}", chosen.label()),
                );
                Err(Problem::new(format!("slot {slot} belongs to {who}"))
                    .advise(format!("--slot {free}, or no --slot")))
            }
        }
    }

    /// What the token is made from; the settings say what the line does not.
    fn plan(&self, settings: &Settings, label: [u8; 32], slot: u64) -> Result<NewToken> {
        let usual = usual(settings, label, slot);
        let user_tries = self.pin_retries.unwrap_or(usual.user_tries);
        let length = Rule::Length(PIN_LENGTH.0, PIN_LENGTH.1);
        let ((so_rule, rule), (pin_min, pin_max)) = match self.sc_hsm {
            true => ((Rule::CardOfficer, Rule::CardUser(user_tries)), CARD),
            false => ((length, length), PIN_LENGTH),
        };
        Ok(NewToken {
            so_pin: self.so_pin.source().chosen(so_rule)?,
            user_pin: (!self.no_pin).then(|| self.pin.source().chosen(rule)).transpose()?,
            kdf_iterations: self.kdf_iterations.unwrap_or(usual.kdf_iterations),
            so_tries: self.so_pin_retries.unwrap_or(usual.so_tries),
            user_tries,
            pin_min,
            pin_max,
            ..usual
        })
    }
}

/// A token as the settings want it; its PINs are not chosen yet.
pub fn usual(settings: &Settings, label: [u8; 32], slot: u64) -> NewToken {
    NewToken {
        label,
        slot,
        created: Emulation::new(None).now().0,
        so_pin: Secret::default(),
        user_pin: None,
        kdf_iterations: settings.kdf_iterations,
        so_tries: settings.so_pin_retries,
        user_tries: settings.pin_retries,
        pin_min: PIN_LENGTH.0,
        pin_max: PIN_LENGTH.1,
    }
}

fn make(settings: &Settings, new: &NewToken) -> Result<Header> {
    let emulation = Emulation::new(None);
    let vault = Vault::create(&settings.dir, new, &|bytes| emulation.fill(bytes)).map_err(elsewhere)?;
    Ok(vault.header()?)
}

fn elsewhere(error: Error) -> Problem {
    match error.rv() {
        Rv::DeviceError | Rv::TokenWriteProtected | Rv::TokenNotPresent => {
            Problem::from(error).advise("--dir DIR: a directory in which you may write")
        }
        _ => error.into(),
    }
}

/// A token that has its DKEK from the moment it is there: it is made in a directory that nobody looks into.
pub fn make_with_dkek(settings: &Settings, new: &NewToken, shares: u8) -> Result<Header> {
    make_dir(&settings.dir).map_err(elsewhere)?;
    let told = |error: io::Error| Problem::file("write", &settings.dir, &error);
    let draft = Draft::of(&settings.dir.join("token")).map_err(told)?;
    // Below the draft's own directory: who logs in locks the token's.
    let hidden = Settings { dir: draft.path(), ..settings.clone() };
    let made = make(&hidden, new).and_then(|header| {
        begin_dkek(&hidden, &header, &new.so_pin, shares)?;
        Ok(header)
    });
    let header = made.map_err(|problem| problem.elsewhere(&hidden.dir, &settings.dir))?;
    let name = format!("{}.token", header.serial);
    reveal(&hidden.dir.join(&name), &settings.dir.join(&name), Over::Nothing).map_err(told)?;
    Ok(header)
}

/// The SO of the new token gives it its DKEK.
fn begin_dkek(settings: &Settings, header: &Header, so_pin: &Secret, shares: u8) -> Result<()> {
    let module = Module::with(settings.clone())?;
    let session = module.open_session(header.slot, CKF_SERIAL_SESSION | CKF_RW_SESSION)?;
    let call = module.session(session)?;
    call.login(CKU_SO, Some(so_pin))?;
    call.dkek_init(0, shares)?;
    Ok(())
}

fn answer(new: &NewToken, header: Header, settings: &Settings) -> Result<Answer> {
    let file = settings.dir.join(format!("{}.token", header.serial));
    let made = Made {
        label: plain(header.label.trim_ascii_end()),
        serial: header.serial,
        slot: header.slot,
        file: file.display().to_string(),
        user_pin: new.user_pin.is_some(),
        kdf_iterations: header.kdf_iterations,
    };
    let text = format!("{} Token {:?} is ready.\n", paint(GOOD, "✓"), made.label)
        + &facts([
            ("slot", made.slot.to_string().into()),
            ("serial", made.serial.as_str().into()),
            ("file", made.file.as_str().into()),
        ]);
    Answer::new(text, &made)
}
