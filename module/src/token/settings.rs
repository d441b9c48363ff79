//! Where the tokens are and how the module behaves: from C_Initialize's string, the environment, or a file.

use std::env;
use std::path::PathBuf;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::cryptoki::{Result, Rv};
use crate::mechanism::Profile;

/// The settings, each from the first place that says it: `pReserved`, environment, `tokenkeep.toml`, default.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The directory with the token files.
    pub dir: PathBuf,
    /// A file to trace to.
    pub trace: Option<PathBuf>,
    /// Whether an uninitialised slot is offered beside the tokens.
    pub spare_slot: bool,
    /// How CKA_EC_POINT of Edwards and Montgomery keys is given to callers.
    pub edwards_point: EdwardsPoint,
    /// PBKDF2 rounds of tokens made by C_InitToken.
    pub kdf_iterations: u32,
    /// Wrong user PINs until it locks, of tokens made by C_InitToken.
    pub pin_retries: u32,
    /// Wrong SO PINs until it locks, of tokens made by C_InitToken.
    pub so_pin_retries: u32,
    /// Whether keys work only from CKA_START_DATE to CKA_END_DATE. The standard leaves that to the application
    /// (§4.8); a device that keeps to the dates is what tests of expiry need.
    pub enforce_dates: bool,
    /// Whether ECDSA, ML-DSA and SLH-DSA sign without randomness where the caller does not ask for it (RFC 6979,
    /// FIPS 204 §3.4): for files that must come out the same.
    pub deterministic_signatures: bool,
    /// Which mechanisms and keys are off.
    pub profile: &'static Profile,
    /// Sessions that an application may have open with a token, if there is a limit.
    pub max_sessions: Option<u32>,
    /// Read-write sessions among them.
    pub max_rw_sessions: Option<u32>,
    /// Keys of the string in pReserved that are not ours.
    pub unknown: Vec<String>,
}

/// How CKA_EC_POINT of Edwards and Montgomery keys is given to callers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EdwardsPoint {
    /// Bare through the function lists of 3.x, in a DER OCTET STRING through the one of 2.40.
    #[default]
    Auto,
    /// Always bare.
    Raw,
    /// Always in a DER OCTET STRING.
    Der,
}

/// Default PBKDF2-HMAC-SHA256 rounds.
pub const KDF_ITERATIONS: u32 = 600_000;
/// Default tries of the user PIN.
pub const PIN_RETRIES: u32 = 3;
/// Default tries of the SO PIN.
pub const SO_PIN_RETRIES: u32 = 15;
/// Default shortest and longest PIN, in bytes.
pub const PIN_LENGTH: (usize, usize) = (4, 255);

/// What one place says; the names are those of `tokenkeep.toml`, with `-` for `_` also accepted in strings.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    dir: Option<PathBuf>,
    trace: Option<PathBuf>,
    spare_slot: Option<bool>,
    edwards_point: Option<EdwardsPoint>,
    kdf_iterations: Option<u32>,
    pin_retries: Option<u32>,
    so_pin_retries: Option<u32>,
    enforce_dates: Option<bool>,
    deterministic_signatures: Option<bool>,
    #[serde(default, deserialize_with = "profile")]
    profile: Option<&'static Profile>,
    max_sessions: Option<u32>,
    max_rw_sessions: Option<u32>,
    #[serde(skip)]
    unknown: Vec<String>,
}

impl Settings {
    /// Reads the settings; `reserved` is the string that came in C_Initialize's pReserved.
    ///
    /// # Errors
    /// CKR_ARGUMENTS_BAD when a value cannot be read, CKR_GENERAL_ERROR when the file cannot.
    pub fn read(reserved: Option<&str>) -> Result<Settings> {
        let places = [string(reserved.unwrap_or(""))?, environment(), file()?];
        let dir = places.iter().find_map(|said| said.dir.clone()).or_else(default_dir).ok_or_else(|| {
            Rv::GeneralError.because("no directory for tokens: set TOKENKEEP_DIR, or `dir` in tokenkeep.toml")
        })?;
        fn first<T>(places: &[Said], take: impl Fn(&Said) -> Option<T>) -> Option<T> {
            places.iter().find_map(take)
        }
        Ok(Settings {
            dir,
            deterministic_signatures: first(&places, |said| said.deterministic_signatures).unwrap_or(false),
            profile: first(&places, |said| said.profile).map_or_else(|| Profile::named("open"), Ok)?,
            trace: first(&places, |said| said.trace.clone()),
            spare_slot: first(&places, |said| said.spare_slot).unwrap_or(false),
            edwards_point: first(&places, |said| said.edwards_point).unwrap_or_default(),
            kdf_iterations: first(&places, |said| said.kdf_iterations).unwrap_or(KDF_ITERATIONS),
            pin_retries: first(&places, |said| said.pin_retries).unwrap_or(PIN_RETRIES),
            so_pin_retries: first(&places, |said| said.so_pin_retries).unwrap_or(SO_PIN_RETRIES),
            enforce_dates: first(&places, |said| said.enforce_dates).unwrap_or(true),
            max_sessions: first(&places, |said| said.max_sessions).filter(|limit| *limit > 0),
            max_rw_sessions: first(&places, |said| said.max_rw_sessions).filter(|limit| *limit > 0),
            unknown: places.into_iter().flat_map(|said| said.unknown).collect(),
        })
    }
}

/// A profile by its name, so that the file and the line are told where there is none.
fn profile<'de, D: Deserializer<'de>>(name: D) -> std::result::Result<Option<&'static Profile>, D::Error> {
    let named = Profile::named(&String::deserialize(name)?);
    named.map(Some).map_err(|error| D::Error::custom(error.why()))
}

fn environment() -> Said {
    let path = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    Said { dir: path("TOKENKEEP_DIR"), trace: path("TOKENKEEP_TRACE"), ..Said::default() }
}

/// `TOKENKEEP_CONF`, or `tokenkeep/tokenkeep.toml` where configuration lies; a file that is not there says nothing.
fn file() -> Result<Said> {
    let named = env::var_os("TOKENKEEP_CONF").filter(|value| !value.is_empty()).map(PathBuf::from);
    let Some(path) =
        named.clone().or_else(|| Some(base("XDG_CONFIG_HOME", ".config")?.join("tokenkeep.toml")))
    else {
        return Ok(Said::default());
    };
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(_) if named.is_none() => return Ok(Said::default()),
        Err(error) => {
            return Err(Rv::GeneralError.because(format!("cannot read {}: {error}", path.display())));
        }
    };
    toml::from_str(&text).map_err(|error| Rv::GeneralError.because(format!("{}: {error}", path.display())))
}

fn default_dir() -> Option<PathBuf> {
    base("XDG_DATA_HOME", ".local/share")
}

/// The directory `tokenkeep` in an XDG base directory, or in its place below the home directory.
fn base(variable: &str, below_home: &str) -> Option<PathBuf> {
    let named = env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = named.or_else(|| Some(env::home_dir()?.join(below_home)))?;
    Some(base.join("tokenkeep"))
}

/// `key=value` pairs apart by blanks or `;`; values may be quoted. Keys that are not ours belong to somebody
/// else (NSS passes its own there) and are passed over; the trace tells of them.
fn string(text: &str) -> Result<Said> {
    let mut said = Said::default();
    for (key, value) in pairs(text) {
        let bad = |_| Rv::ArgumentsBad.because(format!("pReserved: {key} is no number"));
        let number = || value.parse::<u32>().map_err(bad);
        let yes = matches!(value.as_str(), "1" | "true" | "yes");
        match key.replace('-', "_").as_str() {
            "dir" => said.dir = Some(value.into()),
            "trace" => said.trace = Some(value.into()),
            "spare_slot" => said.spare_slot = Some(yes),
            "edwards_point" => {
                said.edwards_point = Some(match value.as_str() {
                    "auto" => EdwardsPoint::Auto,
                    "raw" => EdwardsPoint::Raw,
                    "der" => EdwardsPoint::Der,
                    _ => return Err(Rv::ArgumentsBad.because("pReserved: edwards_point is auto, raw or der")),
                });
            }
            "kdf_iterations" => said.kdf_iterations = Some(number()?),
            "pin_retries" => said.pin_retries = Some(number()?),
            "so_pin_retries" => said.so_pin_retries = Some(number()?),
            "enforce_dates" => said.enforce_dates = Some(yes),
            "deterministic_signatures" => said.deterministic_signatures = Some(yes),
            "profile" => said.profile = Some(Profile::named(&value)?),
            "max_sessions" => said.max_sessions = Some(number()?),
            "max_rw_sessions" => said.max_rw_sessions = Some(number()?),
            _ => said.unknown.push(key),
        }
    }
    Ok(said)
}

fn pairs(text: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut rest = text;
    while let Some((key, after)) = rest.split_once('=') {
        let key = key.rsplit(|c: char| c.is_whitespace() || c == ';').next().unwrap_or("");
        let (value, after) = match after.chars().next() {
            Some(quote @ ('"' | '\'')) => after[1..].split_once(quote).unwrap_or((&after[1..], "")),
            _ => after.split_once(|c: char| c.is_whitespace() || c == ';').unwrap_or((after, "")),
        };
        pairs.push((key.to_owned(), value.to_owned()));
        rest = after;
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_that_is_none_is_told_with_its_line() {
        let said = |text| toml::from_str::<Said>(text).map(|said| said.profile.map(|profile| profile.name));
        assert_eq!(said("profile = \"modern\""), Ok(Some("modern")));
        assert_eq!(said("dir = \"/tokens\""), Ok(None));
        let told = said("dir = \"/tokens\"\nprofile = \"x\"").unwrap_err().to_string();
        assert!(told.contains("line 2") && told.contains("there is no profile \"x\""), "{told}");
    }

    #[test]
    fn pairs_may_be_quoted_and_strange() {
        let said = string("configdir='sql:/x y' dir=\"/a b\";kdf-iterations=10000 flags=readOnly").unwrap();
        assert_eq!(said.dir, Some("/a b".into()));
        assert_eq!(said.kdf_iterations, Some(10_000));
        assert_eq!(said.unknown, ["configdir", "flags"]);
        assert!(string("kdf_iterations=many").is_err());
        assert_eq!(string("edwards-point=der").unwrap().edwards_point, Some(EdwardsPoint::Der));
        assert!(string("edwards_point=round").is_err());
        assert!(string("dir='/open").unwrap().dir.is_some());
        assert!(string("====").is_ok());
    }
}
