//! `tokentool import softhsm`: every object of a SoftHSM 2 token.

mod object;
mod token;

use std::path::PathBuf;

use clap::{Args, ValueHint};
use tokenkeep::crypto::edwards::Family;
use tokenkeep::crypto::spki::usual_id;
use tokenkeep::crypto::{certificate, edwards};
use tokenkeep::cryptoki::ids::*;
use tokenkeep::cryptoki::{Rv, names};
use tokenkeep::object::rules::{Change, Give};
use tokenkeep::object::{Attributes, Birth, Sort, Value, key, policy};

use self::object::Raw;
use self::token::Token;
use super::item::Item;
use super::plan::Wishes;
use super::{Brought, Mode, import};
use crate::Answer;
use crate::options::Options;
use crate::paint::plain;
use crate::pin::{SoftHsmPin, UserPin};
use crate::problem::{Problem, Result};

/// Import a whole SoftHSM 2 token: keys, certificates and data with their attributes
///
/// The directory is read as it lies there; SoftHSM itself is not needed, and nothing in it is changed. CKA_LOCAL,
/// CKA_ALWAYS_SENSITIVE and CKA_NEVER_EXTRACTABLE are false afterwards: the keys were not made in this token.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct SoftHsm {
    /// The directory of the token, or one with only this token below it
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    directory: PathBuf,

    /// Its user PIN, if it is not the same as --pin
    #[command(flatten)]
    softhsm_pin: SoftHsmPin,

    #[command(flatten)]
    mode: Mode,

    #[command(flatten)]
    pin: UserPin,
}

const EXAMPLES: &str = "\
Examples:
  PIN=… tokentool import softhsm /var/lib/softhsm/tokens --pin-env PIN
  OLD=… NEW=… tokentool import softhsm DIR --softhsm-pin-env OLD --pin-env NEW --dry-run";

/// What the token computes itself.
const COMPUTED: &[CK_ATTRIBUTE_TYPE] = &[CKA_CHECK_VALUE, CKA_PUBLIC_KEY_INFO, CKA_VALUE_LEN];

impl SoftHsm {
    pub fn run(&self, options: &Options) -> Result<Answer> {
        let token = Token::find(&self.directory)?;
        let (own, new) = (self.softhsm_pin.source(), self.pin.source());
        let source = if own.is_given() || !new.is_given() { own } else { new };
        let pin = source.known(&format!(" of the SoftHSM token {:?}", token.label))?;
        let (mut items, mut left_out) = (Vec::new(), Vec::new());
        for (file, raw) in token.objects(&pin)? {
            match item(raw, &mut left_out)? {
                Ok(item) => items.push(Item { file, ..item }),
                Err(why) => left_out.push(format!("{file}: {why}")),
            }
        }
        if items.is_empty() {
            return Err(Problem::new(format!("the SoftHSM token {:?} has no objects", token.label))
                .advise("another directory, if it should have some"));
        }
        let wishes =
            Wishes { label: None, id: None, sensitive: true, extractable: false, force: self.mode.force };
        import(options, &self.pin, Brought { items, left_out }, &wishes, self.mode.dry_run)
    }
}

/// An object of ours from one of SoftHSM's, or why this token has none of its kind.
fn item(raw: object::Attributes, left_out: &mut Vec<String>) -> Result<std::result::Result<Item, String>> {
    let raw = montgomery(raw);
    let number = |wanted| {
        raw.iter().find_map(|(attribute, value)| match value {
            Raw::Ulong(number) if *attribute == wanted => Some(*number),
            _ => None,
        })
    };
    let given = [CKA_CLASS, CKA_KEY_TYPE, CKA_CERTIFICATE_TYPE]
        .into_iter()
        .filter_map(|attribute| Some((attribute, Value::Ulong(number(attribute)?).to_given())))
        .collect();
    let sort = match Sort::wanted(&given, None, None) {
        Ok(sort) => sort,
        Err(error) => return Ok(Err(error.why().to_owned())),
    };
    let mut attributes = Attributes::default();
    for (attribute, value) in raw {
        match kept(attribute, value, sort) {
            Kept::Yes(value) => _ = attributes.set(attribute, value),
            Kept::ByOfficer => {
                left_out.push(format!("{}, which only the SO sets", names::attribute(attribute)))
            }
            Kept::No => {}
        }
    }
    let label = plain(attributes.bytes(CKA_LABEL).unwrap_or_default());
    let refused = |error: tokenkeep::cryptoki::Error| {
        Problem::new(format!(
            "{} {label:?} of SoftHSM cannot be imported: {}",
            names::class(sort.class),
            error.why()
        ))
        .advise("remove it from a copy of the directory")
    };
    // SoftHSM leaves halves behind where it fails to generate a key.
    let template = attributes.iter().map(|(attribute, value)| (attribute, value.to_given())).collect();
    match policy::judge(Birth::Create, sort, &template, false) {
        Err(error) if error.rv() == Rv::TemplateIncomplete => {
            return Ok(Err(format!("{label:?} is incomplete there: {}", error.why())));
        }
        judged => judged.map_err(refused)?,
    };
    let belongs = match sort.class {
        CKO_CERTIFICATE => {
            let x509 = certificate::check_x509(attributes.bytes(CKA_VALUE).unwrap_or_default());
            x509.map(|x509| usual_id(&x509.spki))
        }
        CKO_PUBLIC_KEY | CKO_PRIVATE_KEY => {
            let mut settled = attributes.clone();
            key::settle(&mut settled, Birth::Create)
                .map(|()| settled.bytes(CKA_PUBLIC_KEY_INFO).and_then(usual_id))
        }
        _ => Ok(None),
    };
    Ok(Ok(Item::whole(attributes, belongs.map_err(refused)?)))
}

/// SoftHSM has X25519 and X448 under CKK_EC_EDWARDS.
fn montgomery(mut raw: object::Attributes) -> object::Attributes {
    let is = raw.iter().any(|(attribute, value)| match value {
        Raw::Bytes(params) if *attribute == CKA_EC_PARAMS => {
            edwards::Curve::from_params(Family::Montgomery, params.expose()).is_ok()
        }
        _ => false,
    });
    for (attribute, value) in &mut raw {
        if is && *attribute == CKA_KEY_TYPE {
            *value = Raw::Ulong(CKK_EC_MONTGOMERY);
        }
    }
    raw
}

enum Kept {
    Yes(Value),
    /// CKA_TRUSTED, which the user cannot give.
    ByOfficer,
    No,
}

/// The value that an attribute gets, if the template of a new object may give it.
fn kept(attribute: CK_ATTRIBUTE_TYPE, value: Raw, sort: Sort) -> Kept {
    let Some(rule) = policy::rule(attribute, sort) else { return Kept::No };
    if rule.create == Give::MustNot || COMPUTED.contains(&attribute) {
        return Kept::No;
    }
    if rule.change == Change::ByOfficer {
        return if value == Raw::Bool(true) { Kept::ByOfficer } else { Kept::No };
    }
    match value {
        // What is empty there is not said; a label and an ID that are empty shall stay so.
        Raw::Bytes(bytes) if bytes.is_empty() && ![CKA_LABEL, CKA_ID].contains(&attribute) => Kept::No,
        Raw::Mechanisms(list) if list.is_empty() => Kept::No,
        Raw::Map(map) if map.is_empty() => Kept::No,
        value => Kept::Yes(ours(value)),
    }
}

fn ours(value: Raw) -> Value {
    match value {
        Raw::Bool(yes) => Value::Bool(yes),
        Raw::Ulong(number) => Value::Ulong(number),
        Raw::Bytes(bytes) => Value::Secret(bytes),
        Raw::Mechanisms(list) => Value::Ulongs(list),
        Raw::Map(map) => {
            let nested = map.into_iter().fold(Attributes::default(), |nested, (attribute, value)| {
                nested.with(attribute, ours(value))
            });
            Value::Template(nested)
        }
    }
}
