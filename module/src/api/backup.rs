//! Backup: the DKEK of a key domain, and keys that leave and come under it. Not of the standard: for the tool.

use crate::backup::description::{self, Description, Kind};
use crate::backup::{Assembly, Container, Import, Material, Status, Unwrapped, blob};
use crate::cryptoki::ids::*;
use crate::cryptoki::vendor::*;
use crate::cryptoki::{Error, Result, Rv, Secret, names};
use crate::emulation::Point;
use crate::object::{Attributes, Birth, Given, Object, Sort, Template, Value, policy};
use crate::token::User;

use super::Call;
use super::operations::no_key;

/// What a wrapped key looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The blob alone.
    Blob,
    /// A file of `sc-hsm-tool --wrap-key`: blob, description, and the certificate when there is one.
    File,
}

/// What a file brought into the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brought {
    /// The private or secret key.
    pub key: u64,
    /// The public key of a private one.
    pub public: Option<u64>,
    pub certificate: Option<u64>,
    /// Why the file's certificate was left out.
    pub left_out: Option<String>,
}

/// Attributes of a key and the bits of its description's usage.
const USAGES: [(CK_ATTRIBUTE_TYPE, u16); 8] = [
    (CKA_ENCRYPT, description::ENCRYPT),
    (CKA_DECRYPT, description::DECRYPT),
    (CKA_SIGN, description::SIGN),
    (CKA_SIGN_RECOVER, description::SIGN_RECOVER),
    (CKA_WRAP, description::WRAP),
    (CKA_UNWRAP, description::UNWRAP),
    (CKA_VERIFY, description::VERIFY),
    (CKA_DERIVE, description::DERIVE),
];

impl Call<'_> {
    /// How it stands with the DKEK of a key domain; `None` when it has none. Needs no login.
    ///
    /// # Errors
    /// Those of the store.
    pub fn dkek_status(&self, domain: u64) -> Result<Option<Status>> {
        self.session.token.dkek_status(domain)
    }

    /// Gives a key domain a DKEK of so many shares, which are to be imported; of none: a random one that is of use to
    /// this token only. The SO does it.
    ///
    /// # Errors
    /// CKR_USER_NOT_LOGGED_IN, CKR_ACTION_PROHIBITED when there is a complete one, CKR_SESSION_READ_ONLY.
    pub fn dkek_init(&self, domain: u64, shares: u8) -> Result<Status> {
        let assembly = match shares {
            0 => Assembly::random(&|bytes: &mut [u8]| self.module.emulation.fill(bytes))?,
            _ => Assembly::of_shares(shares)?,
        };
        self.session.token.begin_dkek(self.session.access(), domain, &assembly)
    }

    /// Imports a share of a domain's DKEK.
    ///
    /// # Errors
    /// CKR_USER_NOT_LOGGED_IN, CKR_KEY_NEEDED when the domain has no DKEK, CKR_ACTION_PROHIBITED for a share too many,
    /// CKR_DATA_INVALID for a repeated one and for a DKEK that is not the expected one: nothing has changed then.
    pub fn dkek_import(&self, domain: u64, share: &Secret, import: Import) -> Result<Status> {
        self.session.token.import_dkek_share(self.session.access(), domain, share, import)
    }

    /// A key under the DKEK of its domain (CKA_TOKENKEEP_KEY_DOMAIN), if it may leave so (CKA_TOKENKEEP_BACKUP).
    ///
    /// # Errors
    /// CKR_USER_NOT_LOGGED_IN, CKR_KEY_HANDLE_INVALID, CKR_KEY_UNEXTRACTABLE, CKR_KEY_NOT_WRAPPABLE,
    /// CKR_KEY_NEEDED while the DKEK is not complete.
    pub fn dkek_wrap(&self, key: u64, form: Form) -> Result<Vec<u8>> {
        let token = &self.session.token;
        self.user_only()?;
        let object = token.object(key).map_err(no_key)?;
        let attributes = object.attributes();
        may_be_backed_up(&object)?;
        let dkek = token.dkek(attributes.ulong(CKA_TOKENKEEP_KEY_DOMAIN).unwrap_or(0))?;
        let material = Material::of(attributes)?;
        self.module.emulation.at(Point::Use { mechanism: "DKEK wrap", object: &object.describe() })?;
        let fill = |bytes: &mut [u8]| self.module.emulation.fill(bytes);
        let blob = blob::wrap(&dkek, &material, attributes.bytes(CKA_TOKENKEEP_CARD_ALGORITHMS), &fill)?;
        match form {
            Form::Blob => Ok(blob),
            Form::File => {
                let certificate = self.certificate_of(attributes)?;
                Container::write(&blob, Some(&describe(&material, attributes)), certificate.as_deref())
            }
        }
    }

    /// The certificate with the key's CKA_ID and public key, if there is one.
    fn certificate_of(&self, key: &Attributes) -> Result<Option<Vec<u8>>> {
        let (Some(id), Some(info)) = (key.bytes(CKA_ID), key.bytes(CKA_PUBLIC_KEY_INFO)) else {
            return Ok(None);
        };
        for handle in self.of_class(CKO_CERTIFICATE, id)? {
            let object = self.session.token.object(handle)?;
            if object.attributes().bytes(CKA_PUBLIC_KEY_INFO) == Some(info) {
                return Ok(object.attributes().bytes(CKA_VALUE).map(<[u8]>::to_vec));
            }
        }
        Ok(None)
    }

    /// The key in a file (or blob alone, when the file is one) becomes a token object, with its public key and
    /// certificate. The DKEK is told by its check value. What the template says of the key goes before what the file
    /// says; with `replace` a key of the same CKA_ID gives way.
    ///
    /// # Errors
    /// CKR_USER_NOT_LOGGED_IN, CKR_WRAPPED_KEY_INVALID, CKR_WRAPPED_KEY_LEN_RANGE, CKR_KEY_NEEDED, CKR_ACTION_PROHIBITED
    /// when there is a key of that CKA_ID, CKR_CURVE_NOT_SUPPORTED, and those of the template. Nothing has changed then.
    pub fn dkek_unwrap(&self, file: &[u8], template: &Template, replace: bool) -> Result<Brought> {
        self.user_only()?;
        let container = Container::read(file)?;
        let (domain, dkek) = self.session.token.dkek_of(blob::kcv(container.blob))?;
        let opened = blob::unwrap(&dkek, container.blob)?;
        let said = container.description.as_ref();
        let common = Attributes::default()
            .with(CKA_TOKEN, Value::Bool(true))
            .with(CKA_LABEL, Value::Bytes(said.map(|said| said.label.clone()).unwrap_or_default()))
            .with(CKA_ID, Value::Bytes(id_of(said, &opened.key)));
        let public = opened.key.public_attributes();
        let key = self.born(opened, domain, common, template)?;
        let (label, id) =
            (key.attributes().of(CKA_LABEL), key.attributes().bytes(CKA_ID).unwrap_or_default());
        let common = [(CKA_LABEL, label.cloned()), (CKA_ID, Some(Value::Bytes(id.to_vec())))];
        let beside = |mut attributes: Attributes| {
            attributes.set(CKA_TOKEN, Value::Bool(true));
            for (attribute, value) in &common {
                value.iter().for_each(|value| _ = attributes.set(*attribute, value.clone()));
            }
            Object::born(attributes, Birth::Create)
        };
        let public = public.map(beside).transpose()?;
        let (certificate, left_out) = match container.certificate.map(x509).map(beside) {
            Some(Ok(object)) => of_key(object, &key),
            Some(Err(error)) => (None, Some(error.why().to_owned())),
            None => (None, None),
        };
        self.keep(key, public, certificate, replace).map(|brought| Brought { left_out, ..brought })
    }

    /// The key as an object. The template goes before `common`, and must not contradict the key.
    pub(super) fn born(
        &self,
        opened: Unwrapped,
        domain: u64,
        common: Attributes,
        template: &Template,
    ) -> Result<Object> {
        let made = opened.key.attributes();
        let made = made
            .with(CKA_TOKENKEEP_KEY_DOMAIN, Value::Ulong(domain))
            .with(CKA_TOKENKEEP_CARD_ALGORITHMS, Value::Bytes(opened.allowed));
        let mut wanted = template.clone();
        let closed = common.with(CKA_SENSITIVE, Value::Bool(true)).with(CKA_EXTRACTABLE, Value::Bool(false));
        for (attribute, value) in closed.iter() {
            if wanted.iter().all(|(given, _)| *given != attribute) {
                wanted.push((attribute, value.to_given()));
            }
        }
        let sort = Sort::wanted(&wanted, made.ulong(CKA_CLASS), made.ulong(CKA_KEY_TYPE))?;
        let mut attributes = policy::judge(Birth::Unwrap, sort, &wanted, self.officer())?;
        for (attribute, value) in made.iter() {
            if attributes.of(attribute).is_some_and(|given| given != value) {
                let name = names::attribute(attribute);
                return Err(
                    Rv::TemplateInconsistent.because(format!("{name} is not that of the wrapped key"))
                );
            }
        }
        attributes.absorb(made);
        Object::born(attributes, Birth::Unwrap)
    }

    /// All of them in one transaction, in the place of those that they replace.
    fn keep(
        &self,
        key: Object,
        public: Option<Object>,
        certificate: Option<Object>,
        replace: bool,
    ) -> Result<Brought> {
        let id = key.attributes().bytes(CKA_ID).unwrap_or_default().to_vec();
        let objects = [Some(key), public, certificate];
        let there = objects.each_ref().map(Option::is_some);
        let mut places = Vec::new();
        for object in objects.into_iter().flatten() {
            let class = object.sort().class;
            let before = if id.is_empty() { None } else { self.of_class(class, &id)?.first().copied() };
            if let (Some(handle), false) = (before, replace) {
                let other = self.session.token.object(handle)?.describe();
                return Err(Rv::ActionProhibited.because(format!(
                    "{other} has the CKA_ID of the wrapped key: replace it, or choose another ID"
                )));
            }
            places.push((object, before));
        }
        let mut handles = self.session.token.put_all(self.session.access(), places)?.into_iter();
        let [key, public, certificate] = there.map(|there| if there { handles.next() } else { None });
        let key = key.ok_or_else(|| Error::from(Rv::GeneralError))?;
        Ok(Brought { key, public, certificate, left_out: None })
    }

    fn of_class(&self, class: CK_OBJECT_CLASS, id: &[u8]) -> Result<Vec<u64>> {
        let class = Value::Ulong(class).to_given();
        let template = vec![
            (CKA_TOKEN, Value::Bool(true).to_given()),
            (CKA_CLASS, class),
            (CKA_ID, Given::Bytes(id.into())),
        ];
        self.session.token.find(&template)
    }

    fn user_only(&self) -> Result<()> {
        match self.session.token.user_now()? {
            Some(User::User) => Ok(()),
            _ => Err(Rv::UserNotLoggedIn.because("keys are wrapped and unwrapped by the user, logged in")),
        }
    }
}

/// Whether a key may leave the token under the DKEK.
fn may_be_backed_up(object: &Object) -> Result<()> {
    if !matches!(object.sort().class, CKO_PRIVATE_KEY | CKO_SECRET_KEY) {
        return Err(Rv::KeyNotWrappable.because(format!("{} is no secret or private key", object.describe())));
    }
    match object.attributes().of(CKA_TOKENKEEP_BACKUP) {
        Some(Value::Bool(false)) => Err(Rv::KeyUnextractable
            .because(format!("CKA_TOKENKEEP_BACKUP of {} is CK_FALSE", object.describe()))),
        _ => Ok(()),
    }
}

pub(super) fn describe(material: &Material, attributes: &Attributes) -> Description {
    let (kind, bits) = match material {
        Material::Rsa(key) => (Kind::Rsa, 8 * key.modulus.len()),
        Material::Ec { domain, .. } => {
            let spare = domain.p.first().map_or(0, |first| first.leading_zeros() as usize);
            (Kind::Ec, 8 * domain.size() - spare)
        }
        Material::Aes(key) => (Kind::Secret, 8 * key.len()),
    };
    let used = USAGES.iter().filter(|(attribute, _)| attributes.flag(*attribute));
    Description {
        kind,
        label: attributes.bytes(CKA_LABEL).unwrap_or_default().to_vec(),
        id: attributes.bytes(CKA_ID).unwrap_or_default().to_vec(),
        usage: used.fold(0, |usage, (_, bit)| usage | bit),
        bits: bits as u16,
    }
}

fn id_of(said: Option<&Description>, key: &Material) -> Vec<u8> {
    let said = said.map(|said| said.id.clone()).filter(|id| !id.is_empty());
    said.unwrap_or_else(|| key.usual_id())
}

fn x509(der: &[u8]) -> Attributes {
    Attributes::default()
        .with(CKA_CLASS, Value::Ulong(CKO_CERTIFICATE))
        .with(CKA_CERTIFICATE_TYPE, Value::Ulong(CKC_X_509))
        .with(CKA_VALUE, Value::Bytes(der.to_vec()))
}

/// A certificate, if it is the key's: nothing in the file vouches for it.
fn of_key(certificate: Object, key: &Object) -> (Option<Object>, Option<String>) {
    let info = |object: &Object| object.attributes().bytes(CKA_PUBLIC_KEY_INFO).map(<[u8]>::to_vec);
    match info(&certificate) == info(key) {
        true => (Some(certificate), None),
        false => (None, Some("the certificate in the file is not the key's".to_owned())),
    }
}
