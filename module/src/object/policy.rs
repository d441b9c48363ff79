//! Judging templates by the policy table: nothing else in the house knows a rule about attributes.

use crate::cryptoki::ids::*;
use crate::cryptoki::{Error, Result, Rv, names};

use super::attributes::{Attributes, Kind, Value};
use super::rules::{self, Change, Give, RULES, Rule, Unsaid};
use super::template::Template;

/// How an object comes to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Birth {
    /// C_CreateObject
    Create,
    /// C_GenerateKey, C_GenerateKeyPair, by this mechanism
    Generate(CK_MECHANISM_TYPE),
    /// C_UnwrapKey
    Unwrap,
    /// C_DeriveKey, from a base key with these CKA_ALWAYS_SENSITIVE and CKA_NEVER_EXTRACTABLE
    Derive { always_sensitive: bool, never_extractable: bool },
}

impl Birth {
    fn column(self, rule: &Rule) -> Give {
        match self {
            Birth::Create => rule.create,
            Birth::Generate(_) => rule.generate,
            Birth::Unwrap => rule.unwrap,
            Birth::Derive { .. } => rule.derive,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Birth::Create => "created",
            Birth::Generate(_) => "generated",
            Birth::Unwrap => "unwrapped",
            Birth::Derive { .. } => "derived",
        }
    }
}

/// What an object is: its class, and its key type or certificate type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    pub class: CK_OBJECT_CLASS,
    /// CKK_ of a key or of domain parameters, CKC_ of a certificate, CKH_ of a feature; 0 for other classes.
    pub kind: CK_ULONG,
}

impl Sort {
    /// What judged attributes say they are.
    pub fn of(attributes: &Attributes) -> Sort {
        let class = attributes.ulong(CKA_CLASS).unwrap_or(CK_UNAVAILABLE_INFORMATION);
        let kind = kind_attribute(class).and_then(|attribute| attributes.ulong(attribute));
        Sort { class, kind: kind.unwrap_or(0) }
    }

    /// What a template says it wants, over what the function knows already.
    ///
    /// # Errors
    /// CKR_TEMPLATE_INCOMPLETE without a class or key type; CKR_ATTRIBUTE_VALUE_INVALID for one
    /// this token has not; CKR_TEMPLATE_INCONSISTENT when template and function disagree.
    pub fn wanted(template: &Template, class: Option<u64>, kind: Option<u64>) -> Result<Sort> {
        let class = agreed(template, CKA_CLASS, class)?;
        if rules::BUILT_IN.contains(&class) {
            return Err(Rv::AttributeValueInvalid.because(format!(
                "objects of {} are the token's own: nobody makes them",
                names::class(class)
            )));
        }
        let kind = match kind_attribute(class) {
            Some(attribute) => agreed(template, attribute, kind)?,
            None => 0,
        };
        let sort = Sort { class, kind };
        if !sort.exists() {
            return Err(Rv::AttributeValueInvalid
                .because(format!("this token has no objects of {}", sort.describe())));
        }
        Ok(sort)
    }

    fn exists(self) -> bool {
        match self.class {
            CKO_DATA | CKO_TRUST => true,
            CKO_CERTIFICATE => matches!(self.kind, CKC_X_509 | CKC_X_509_ATTR_CERT | CKC_WTLS),
            CKO_DOMAIN_PARAMETERS => super::key::DOMAIN_TYPES.contains(&self.kind),
            CKO_PUBLIC_KEY | CKO_PRIVATE_KEY => super::key::PAIR_TYPES.contains(&self.kind),
            CKO_SECRET_KEY => super::key::SECRET_TYPES.contains(&self.kind),
            CKO_OTP_KEY => self.kind == CKK_HOTP,
            _ => false,
        }
    }

    fn describe(self) -> String {
        match self.class {
            CKO_CERTIFICATE => {
                format!("{} {}", names::class(self.class), names::certificate_type(self.kind))
            }
            _ if kind_attribute(self.class) == Some(CKA_KEY_TYPE) => {
                format!("{} {}", names::class(self.class), names::key_type(self.kind))
            }
            _ => names::class(self.class).into_owned(),
        }
    }
}

fn kind_attribute(class: CK_OBJECT_CLASS) -> Option<CK_ATTRIBUTE_TYPE> {
    match class {
        CKO_CERTIFICATE => Some(CKA_CERTIFICATE_TYPE),
        CKO_PUBLIC_KEY | CKO_PRIVATE_KEY | CKO_SECRET_KEY | CKO_OTP_KEY | CKO_DOMAIN_PARAMETERS => {
            Some(CKA_KEY_TYPE)
        }
        CKO_HW_FEATURE => Some(CKA_HW_FEATURE_TYPE),
        _ => None,
    }
}

/// The number that template and function agree on.
fn agreed(template: &Template, attribute: CK_ATTRIBUTE_TYPE, known: Option<u64>) -> Result<u64> {
    let given = match template.iter().find(|(t, _)| *t == attribute) {
        Some((_, given)) => match Kind::Ulong.read(attribute, given)? {
            Value::Ulong(number) => Some(number),
            _ => None,
        },
        None => None,
    };
    match (given, known) {
        (Some(given), Some(known)) if given != known => Err(Rv::TemplateInconsistent.because(format!(
            "{} is {given:#x} in the template, but this function and mechanism make {known:#x}",
            names::attribute(attribute)
        ))),
        (given, known) => given.or(known).ok_or_else(|| {
            Rv::TemplateIncomplete.because(format!("{} is missing", names::attribute(attribute)))
        }),
    }
}

/// The kind of an attribute, wherever it may stand; `None` when no rule names it.
pub fn kind(attribute: CK_ATTRIBUTE_TYPE) -> Option<Kind> {
    RULES.iter().find(|rule| rule.attribute == attribute).map(|rule| rule.kind)
}

/// The rule for an attribute of an object of this sort.
pub fn rule(attribute: CK_ATTRIBUTE_TYPE, sort: Sort) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.attribute == attribute && applies(rule, sort))
}

fn applies(rule: &Rule, sort: Sort) -> bool {
    rule.on.classes.contains(&sort.class) && (rule.on.types.is_empty() || rule.on.types.contains(&sort.kind))
}

/// The attributes of a template for an object to be born, each of the right kind and allowed here.
/// `officer` is true when the SO is logged in.
///
/// # Errors
/// CKR_ATTRIBUTE_TYPE_INVALID for an attribute the standard does not know, CKR_TEMPLATE_INCONSISTENT for
/// one of another kind of object or given twice with different values, CKR_ATTRIBUTE_READ_ONLY for one
/// that only the token sets, CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCOMPLETE (PKCS#11 v3.2 §4.1.1).
pub fn judge(birth: Birth, sort: Sort, template: &Template, officer: bool) -> Result<Attributes> {
    let mut attributes = Attributes::default();
    for (attribute, given) in template {
        let rule = rule(*attribute, sort).ok_or_else(|| misplaced(*attribute, sort))?;
        if birth.column(rule) == Give::MustNot {
            return Err(forbidden(rule, birth));
        }
        let value = rule.kind.read(*attribute, given)?;
        if rule.change == Change::ByOfficer && value == Value::Bool(true) && !officer {
            return Err(by_officer(*attribute));
        }
        if let Some(before) = attributes.set(*attribute, value)
            && Some(&before) != attributes.of(*attribute)
        {
            return Err(Rv::TemplateInconsistent
                .because(format!("{} is given twice with different values", names::attribute(*attribute))));
        }
    }
    attributes.set(CKA_CLASS, Value::Ulong(sort.class));
    if let Some(attribute) = kind_attribute(sort.class) {
        attributes.set(attribute, Value::Ulong(sort.kind));
    }
    whole(&attributes, birth, sort)?;
    if attributes.flag(CKA_ALWAYS_AUTHENTICATE) && attributes.of(CKA_PRIVATE) == Some(&Value::Bool(false)) {
        return Err(Rv::TemplateInconsistent
            .because("CKA_ALWAYS_AUTHENTICATE can be CK_TRUE only where CKA_PRIVATE is (§4.9)"));
    }
    Ok(attributes)
}

/// Whether everything is there that must be; where rows differ, the more special one says.
fn whole(attributes: &Attributes, birth: Birth, sort: Sort) -> Result<()> {
    let says_so = |attribute| rule(attribute, sort).is_some_and(|rule| birth.column(rule) == Give::Must);
    let missing = RULES.iter().find(|row| {
        birth.column(row) == Give::Must
            && applies(row, sort)
            && says_so(row.attribute)
            && attributes.of(row.attribute).is_none()
    });
    match missing {
        None => Ok(()),
        Some(row) => Err(Rv::TemplateIncomplete.because(format!(
            "{} must be given when {} is {} (PKCS#11 v3.2 §4.1.1)",
            names::attribute(row.attribute),
            sort.describe(),
            birth.word()
        ))),
    }
}

fn absent(attribute: CK_ATTRIBUTE_TYPE, sort: Sort) -> Error {
    Rv::AttributeTypeInvalid.because(format!(
        "{} is no attribute of {}",
        names::attribute(attribute),
        sort.describe()
    ))
}

fn misplaced(attribute: CK_ATTRIBUTE_TYPE, sort: Sort) -> Error {
    let name = names::attribute(attribute);
    match names::ATTRIBUTES.iter().any(|(number, _)| *number == attribute) {
        true => Rv::TemplateInconsistent.because(format!("{name} is no attribute of {}", sort.describe())),
        false => Rv::AttributeTypeInvalid.because(format!("{name} is no attribute this token knows")),
    }
}

fn forbidden(rule: &Rule, birth: Birth) -> Error {
    let name = names::attribute(rule.attribute);
    match [rule.create, rule.generate, rule.unwrap, rule.derive] {
        [Give::MustNot, Give::MustNot, Give::MustNot, Give::MustNot] => {
            Rv::AttributeReadOnly.because(format!("{name} is set by the token alone"))
        }
        _ => Rv::TemplateInconsistent
            .because(format!("{name} must not be given when the object is {}", birth.word())),
    }
}

fn by_officer(attribute: CK_ATTRIBUTE_TYPE) -> Error {
    Rv::AttributeReadOnly.because(format!(
        "{} can be set to CK_TRUE by the SO only (PKCS#11 v3.2 Table 13, footnote 10)",
        names::attribute(attribute)
    ))
}

/// Fills in what nobody gave: the defaults, and what the birth of a key tells about it.
pub fn complete(attributes: &mut Attributes, birth: Birth) {
    let sort = Sort::of(attributes);
    if matches!(sort.class, CKO_PUBLIC_KEY | CKO_PRIVATE_KEY | CKO_SECRET_KEY | CKO_OTP_KEY) {
        let (local, mechanism) = match birth {
            Birth::Generate(mechanism) => (true, mechanism),
            _ => (false, CK_UNAVAILABLE_INFORMATION),
        };
        attributes.set(CKA_LOCAL, Value::Bool(local));
        attributes.set(CKA_KEY_GEN_MECHANISM, Value::Ulong(mechanism));
    }
    if sort.class == CKO_DOMAIN_PARAMETERS {
        attributes.set(CKA_LOCAL, Value::Bool(matches!(birth, Birth::Generate(_))));
    }
    defaults(attributes, sort, matches!(birth, Birth::Generate(_)) && attributes.flag(CKA_TOKEN));
    if matches!(sort.class, CKO_PRIVATE_KEY | CKO_SECRET_KEY | CKO_OTP_KEY) {
        let (sensitive, locked) = match birth {
            Birth::Generate(_) => (true, true),
            Birth::Derive { always_sensitive, never_extractable } => (always_sensitive, never_extractable),
            Birth::Create | Birth::Unwrap => (false, false),
        };
        let always = sensitive && attributes.flag(CKA_SENSITIVE);
        let never = locked && !attributes.flag(CKA_EXTRACTABLE);
        attributes.set(CKA_ALWAYS_SENSITIVE, Value::Bool(always));
        attributes.set(CKA_NEVER_EXTRACTABLE, Value::Bool(never));
    }
}

fn defaults(attributes: &mut Attributes, sort: Sort, kept: bool) {
    for rule in RULES.iter().filter(|rule| applies(rule, sort)) {
        if attributes.of(rule.attribute).is_some() {
            continue;
        }
        let value = match (rule.default, rule.kind) {
            (Unsaid::Unset, _) => continue,
            (Unsaid::False, _) => Value::Bool(false),
            (Unsaid::True, _) => Value::Bool(true),
            (Unsaid::Kept, _) => Value::Bool(kept),
            (Unsaid::Loose, _) => Value::Bool(!kept),
            (Unsaid::Number(number), _) => Value::Ulong(number),
            (Unsaid::Empty, Kind::Mechanisms) => Value::Ulongs(Vec::new()),
            (Unsaid::Empty, Kind::Template) => Value::Template(Attributes::default()),
            (Unsaid::Empty, Kind::Secret | Kind::SecretNumber) => Value::Secret(Vec::new().into()),
            (Unsaid::Empty, _) => Value::Bytes(Vec::new()),
        };
        attributes.set(rule.attribute, value);
    }
}

/// The attributes after a change by C_SetAttributeValue, or by C_CopyObject (`copy`).
///
/// # Errors
/// CKR_ACTION_PROHIBITED for an object that is not modifiable or copyable, CKR_ATTRIBUTE_READ_ONLY for a
/// change the table forbids, and those of [`judge`].
pub fn change(before: &Attributes, template: &Template, copy: bool, officer: bool) -> Result<Attributes> {
    let sort = Sort::of(before);
    let (needs, verb) = if copy { (CKA_COPYABLE, "copied") } else { (CKA_MODIFIABLE, "modified") };
    if !before.flag(needs) {
        return Err(Rv::ActionProhibited
            .because(format!("{} of the object is CK_FALSE: it cannot be {verb}", names::attribute(needs))));
    }
    let trusted = sort.class == CKO_CERTIFICATE && before.flag(CKA_TRUSTED) && !officer;
    if trusted && !copy {
        return Err(only_officer_changes());
    }
    let mut after = before.clone();
    let mut touched = Attributes::default();
    for (attribute, given) in template {
        let rule = rule(*attribute, sort).ok_or_else(|| absent(*attribute, sort))?;
        let value = rule.kind.read(*attribute, given)?;
        if touched.set(*attribute, value.clone()).is_some_and(|twice| twice != value) {
            return Err(Rv::TemplateInconsistent
                .because(format!("{} is given twice with different values", names::attribute(*attribute))));
        }
        if before.of(*attribute) == Some(&value) && (copy || rule.change != Change::Never) {
            continue; // no change
        }
        permit(rule, &value, copy, officer)?;
        // A copy may lie elsewhere, but says the same.
        if trusted && !STORAGE.contains(attribute) {
            return Err(only_officer_changes());
        }
        after.set(*attribute, value);
    }
    if sort.class == CKO_TRUST {
        super::key::settle(&mut after, Birth::Create)?;
    }
    Ok(after)
}

/// How an object is kept, whatever it says; and that it may be trusted no more.
const STORAGE: [CK_ATTRIBUTE_TYPE; 6] =
    [CKA_TOKEN, CKA_PRIVATE, CKA_MODIFIABLE, CKA_COPYABLE, CKA_DESTROYABLE, CKA_TRUSTED];

fn only_officer_changes() -> Error {
    Rv::ActionProhibited.because("CKA_TRUSTED of the certificate is CK_TRUE: only the SO changes it (§4.6.2)")
}

/// Whether the table lets this attribute change to this value.
fn permit(rule: &Rule, value: &Value, copy: bool, officer: bool) -> Result<()> {
    let to = matches!(value, Value::Bool(true));
    let (allowed, because) = match rule.change {
        Change::Never => (false, "it never changes after the object is made"),
        Change::Free => (true, ""),
        Change::ToTrue => (to, "once CK_TRUE it stays CK_TRUE"),
        Change::ToFalse => (!to, "once CK_FALSE it stays CK_FALSE"),
        Change::Copy => (copy, "it changes in C_CopyObject only"),
        Change::CopyToTrue => (copy && to, "it changes in C_CopyObject only, and only to CK_TRUE"),
        Change::ByOfficer if to && !officer => return Err(by_officer(rule.attribute)),
        Change::ByOfficer => (true, ""),
    };
    match allowed {
        true => Ok(()),
        false => {
            Err(Rv::AttributeReadOnly.because(format!("{}: {because}", names::attribute(rule.attribute))))
        }
    }
}

/// The value of an attribute for the caller's eyes.
///
/// # Errors
/// CKR_ATTRIBUTE_TYPE_INVALID when the object has no such attribute, CKR_ATTRIBUTE_SENSITIVE when it
/// cannot be revealed (PKCS#11 v3.2 §5.7.5).
pub fn read(attributes: &Attributes, attribute: CK_ATTRIBUTE_TYPE) -> Result<&Value> {
    let sort = Sort::of(attributes);
    let rule = rule(attribute, sort).ok_or_else(|| {
        Rv::AttributeTypeInvalid.because(format!(
            "{} is no attribute of {}",
            names::attribute(attribute),
            sort.describe()
        ))
    })?;
    if !rule.open && (attributes.flag(CKA_SENSITIVE) || !attributes.flag(CKA_EXTRACTABLE)) {
        return Err(Rv::AttributeSensitive.because(format!(
            "{} cannot be revealed: the key is sensitive or not extractable",
            names::attribute(attribute)
        )));
    }
    attributes.of(attribute).ok_or_else(|| {
        Rv::AttributeTypeInvalid.because(format!("{} has no value here", names::attribute(attribute)))
    })
}
