//! Key management (PKCS#11 v3.2 §5.18): generating, wrapping, unwrapping and deriving.

use std::sync::Arc;

use crate::cryptoki::ids::*;
use crate::cryptoki::{Error, Reply, Result, Room, Rv, Secret, names};
use crate::mechanism::message::{self, Message};
use crate::mechanism::params::Piece;
use crate::mechanism::{self, Choice, Heir, Making, Mechanism, Params, Start, Transform};
use crate::object::{Attributes, Birth, Key, Object, Sort, Template, Value, key, policy};

use super::Call;
use super::operations::no_key;

impl Call<'_> {
    /// C_GenerateKey
    ///
    /// # Errors
    /// CKR_MECHANISM_INVALID, and those of the template and of making the object.
    pub fn generate(&self, choice: &Choice, template: &Template) -> Result<u64> {
        let row = self.row(choice.id, CKF_GENERATE)?;
        let generate = row.generate.ok_or_else(|| no_such_use(choice.id, "generate a key"))?;
        let (birth, sort) = (Birth::Generate(row.id), self.sort(template, row.class, row.keys)?);
        let mut attributes = policy::judge(birth, sort, template, self.officer())?;
        self.session.token.profile().admits(&attributes)?;
        let mut fill = |bytes: &mut [u8]| self.module.emulation.fill(bytes);
        let (params, none) = (&choice.params, Attributes::default());
        let mut making = Making { row, params, template: &attributes, private: &none, fill: &mut fill };
        let made = generate(&mut making)?;
        attributes.absorb(made);
        self.session.token.make(self.session.access(), attributes, birth)
    }

    /// C_GenerateKeyPair: the handles of the public and of the private key; both are made, or none.
    ///
    /// # Errors
    /// As [`Call::generate`].
    pub fn generate_pair(
        &self,
        choice: &Choice,
        public: &Template,
        private: &Template,
    ) -> Result<(u64, u64)> {
        let row = self.row(choice.id, CKF_GENERATE_KEY_PAIR)?;
        let pair = row.pair.ok_or_else(|| no_such_use(choice.id, "generate a key pair"))?;
        let birth = Birth::Generate(row.id);
        let judged = |class, template| {
            policy::judge(birth, self.sort(template, class, row.keys)?, template, self.officer())
        };
        let (mut public, mut private) = (judged(CKO_PUBLIC_KEY, public)?, judged(CKO_PRIVATE_KEY, private)?);
        // What cannot be kept is not worth the work of generating.
        let access = self.session.access();
        for template in [&public, &private] {
            self.session.token.profile().admits(template)?;
            let mut draft = template.clone();
            policy::complete(&mut draft, birth);
            self.session.token.may_write(access, &Object::new(draft))?;
        }
        let mut fill = |bytes: &mut [u8]| self.module.emulation.fill(bytes);
        let params = &choice.params;
        let mut making = Making { row, params, template: &public, private: &private, fill: &mut fill };
        let made = pair(&mut making)?;
        public.absorb(made.0);
        private.absorb(made.1);
        self.session.token.make_pair(access, (public, private), birth)
    }

    /// What is to be generated: the class is the function's, the type one of the mechanism's.
    fn sort(&self, template: &Template, class: CK_OBJECT_CLASS, types: &[CK_KEY_TYPE]) -> Result<Sort> {
        let given = template.iter().any(|(attribute, _)| *attribute == CKA_KEY_TYPE);
        let sort = Sort::wanted(template, Some(class), types.first().copied().filter(|_| !given))?;
        match types.contains(&sort.kind) {
            true => Ok(sort),
            false => Err(Rv::TemplateInconsistent.because(format!(
                "CKA_KEY_TYPE is {}, which this mechanism does not make",
                names::key_type(sort.kind)
            ))),
        }
    }

    /// C_WrapKey
    ///
    /// # Errors
    /// CKR_WRAPPING_KEY_HANDLE_INVALID, CKR_WRAPPING_KEY_TYPE_INCONSISTENT, CKR_WRAPPING_KEY_SIZE_RANGE,
    /// CKR_KEY_HANDLE_INVALID also for a key that CKA_WRAP_TEMPLATE keeps out, CKR_KEY_UNEXTRACTABLE,
    /// CKR_KEY_NOT_WRAPPABLE, CKR_KEY_SIZE_RANGE, CKR_MECHANISM_INVALID.
    pub fn wrap(&self, choice: &Choice, wrapping: u64, key: u64, room: Room) -> Result<Reply> {
        let row = self.row(choice.id, CKF_WRAP)?;
        if row.whole {
            return self.wrap_whole(row, wrapping, key, room);
        }
        let (row, wrap) = self.wraps(choice.id)?;
        let (with, bytes) = self.wrappable(row, wrapping, key)?;
        let start =
            Start { row, params: &choice.params, key: with.key()?, emulation: &self.module.emulation };
        Ok(Reply::fit(wrap(&start, bytes.expose()).map_err(of_wrapped_key)?, room))
    }

    /// C_WrapKeyAuthenticated: the IV that the token generates, and the tag, are set in the message.
    ///
    /// # Errors
    /// As [`Call::wrap`].
    pub fn wrap_authenticated(
        &self,
        id: CK_MECHANISM_TYPE,
        message: &mut Message,
        aad: &[u8],
        (wrapping, key): (u64, u64),
        room: Room,
    ) -> Result<Reply> {
        let (row, wrap) = self.wraps(id)?;
        let (with, bytes) = self.wrappable(row, wrapping, key)?;
        match room {
            Room::Query => return Ok(Reply::Length(bytes.len())),
            Room::Of(size) if size < bytes.len() => return Ok(Reply::TooSmall(bytes.len())),
            Room::Of(_) => {}
        }
        let mut fill = |bytes: &mut [u8]| self.module.emulation.fill(bytes);
        self.session.work().wrapping.next(message, &mut fill)?;
        let params = message::params(row.shape, &Message { data_len: bytes.len(), ..message.clone() }, aad)?;
        let start = Start { row, params: &params, key: with.key()?, emulation: &self.module.emulation };
        let wrapped = wrap(&start, bytes.expose()).map_err(of_wrapped_key)?;
        let (body, tag) = wrapped.expose().split_at(wrapped.len().saturating_sub(message.tag.len()));
        message.tag = tag.to_vec();
        Ok(Reply::Data(body.into()))
    }

    /// The row of a mechanism that wraps, and how it does.
    fn wraps(&self, id: CK_MECHANISM_TYPE) -> Result<(&'static Mechanism, Transform)> {
        let row = self.row(id, CKF_WRAP)?;
        Ok((row, row.wrap.ok_or_else(|| no_such_use(id, "wrap a key"))?))
    }

    /// The wrapping key, and the bytes of the key to wrap by it, when all rules let it leave so.
    fn wrappable(&self, row: &'static Mechanism, with: u64, key: u64) -> Result<(Arc<Object>, Secret)> {
        let with = self.usable(with, row, CKA_WRAP).map_err(of_wrapping_key)?.object;
        let object = self.session.token.object(key).map_err(no_key)?;
        may_leave(&object, &with)?;
        let bytes = key::encode(object.attributes())?;
        Ok((with, bytes))
    }

    /// C_UnwrapKey
    ///
    /// # Errors
    /// CKR_UNWRAPPING_KEY_HANDLE_INVALID, CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT, CKR_WRAPPED_KEY_INVALID,
    /// CKR_WRAPPED_KEY_LEN_RANGE, CKR_MECHANISM_INVALID, and those of the template.
    pub fn unwrap(
        &self,
        choice: &Choice,
        unwrapping: u64,
        wrapped: &[u8],
        template: &Template,
    ) -> Result<u64> {
        let row = self.row(choice.id, CKF_UNWRAP)?;
        if row.whole {
            return self.unwrap_whole(row, unwrapping, wrapped, template);
        }
        let unwrap = row.unwrap.ok_or_else(|| no_such_use(choice.id, "unwrap a key"))?;
        let with = self.usable(unwrapping, row, CKA_UNWRAP).map_err(of_unwrapping_key)?.object;
        let template = imposed(template.clone(), &with, CKA_UNWRAP_TEMPLATE)?;
        let sort = Sort::wanted(&template, None, None)?;
        let mut attributes = policy::judge(Birth::Unwrap, sort, &template, self.officer())?;
        let start =
            Start { row, params: &choice.params, key: with.key()?, emulation: &self.module.emulation };
        let bytes = unwrap(&start, wrapped)?;
        let bytes = shortened(bytes, row.fill, sort, &attributes)?;
        attributes.absorb(key::decode(sort, bytes)?);
        self.session.token.make(self.session.access(), attributes, Birth::Unwrap).map_err(|error| match error
            .rv()
        {
            Rv::AttributeValueInvalid => Rv::WrappedKeyInvalid.because(error.why().to_owned()),
            _ => error,
        })
    }

    /// C_UnwrapKeyAuthenticated
    ///
    /// # Errors
    /// As [`Call::unwrap`]; CKR_WRAPPED_KEY_INVALID for a wrong tag.
    pub fn unwrap_authenticated(
        &self,
        id: CK_MECHANISM_TYPE,
        message: &Message,
        aad: &[u8],
        (unwrapping, wrapped): (u64, &[u8]),
        template: &Template,
    ) -> Result<u64> {
        let row = mechanism::find(id)?;
        let message = Message { data_len: wrapped.len(), ..message.clone() };
        let choice = Choice { id, params: message::params(row.shape, &message, aad)? };
        self.unwrap(&choice, unwrapping, &[wrapped, &message.tag].concat(), template)
    }

    /// C_DeriveKey: the keys in the mechanism's order, and what goes back through its parameter; all are made, or none.
    ///
    /// # Errors
    /// CKR_KEY_HANDLE_INVALID, CKR_KEY_TYPE_INCONSISTENT, CKR_MECHANISM_PARAM_INVALID, and those of the template.
    pub fn derive(&self, choice: &Choice, base: u64, template: &Template) -> Result<Derived> {
        let row = self.row(choice.id, CKF_DERIVE)?;
        if row.gives == CKO_PUBLIC_KEY {
            return self.public_half(row, base, template);
        }
        if row.derive.is_none() && row.brood.is_none() {
            return Err(no_such_use(choice.id, "derive a key"));
        }
        let base = self.usable(base, row, CKA_DERIVE)?.object;
        let mut bases = vec![base.clone()];
        let params = self.looked_up(choice, row, &mut bases)?;
        let start = Start { row, params: &params, key: base.key()?, emulation: &self.module.emulation };
        let templates = match row.brood {
            Some(brood) => (brood.templates)(&params, template)?,
            None => vec![template.clone()],
        };
        let birth = Birth::Derive {
            always_sensitive: bases.iter().all(|base| base.flag(CKA_ALWAYS_SENSITIVE)),
            never_extractable: bases.iter().all(|base| base.flag(CKA_NEVER_EXTRACTABLE)),
        };
        let heirs = templates.iter().map(|template| self.heir(row, birth, template, &bases));
        let mut heirs = heirs.collect::<Result<Vec<_>>>()?;
        let lengths: Vec<_> = heirs.iter().map(|heir| heir.len).collect();
        let given = match (row.brood, row.derive, &lengths[..]) {
            (Some(brood), ..) => (brood.work)(&start, &lengths)?,
            (None, Some(derive), [len]) => derive(&start, *len)?.into(),
            _ => return Err(no_such_use(choice.id, "derive a key")),
        };
        for (heir, bytes) in heirs.iter_mut().zip(given.keys) {
            let kind = heir.sort.kind;
            heir.attributes.absorb(key::decode(heir.sort, key::with_parity(kind, bytes))?);
        }
        let all = heirs.into_iter().map(|heir| heir.attributes).collect();
        let handles = self.session.token.make_all(self.session.access(), all, birth)?;
        Ok(Derived { handles, back: given.back })
    }

    /// CKM_PUB_KEY_FROM_PRIV_KEY: what it gives is public, so that CKA_DERIVE is not asked.
    fn public_half(&self, row: &'static Mechanism, base: u64, template: &Template) -> Result<Derived> {
        let base = self.session.token.object(base).map_err(no_key)?;
        if base.sort().class != CKO_PRIVATE_KEY {
            return Err(Rv::KeyTypeInconsistent.because(format!("{} is no private key", base.describe())));
        }
        let kind = base.sort().kind;
        row.suits(kind, base.key()?)?;
        let birth = Birth::Derive { always_sensitive: false, never_extractable: false };
        let sort = Sort::wanted(template, Some(row.gives), Some(kind))?;
        let mut attributes = policy::judge(birth, sort, template, self.officer())?;
        key::public_half(&mut attributes, base.attributes());
        let handle = self.session.token.make(self.session.access(), attributes, birth)?;
        Ok(Derived { handles: vec![handle], back: Vec::new() })
    }

    /// The parameter with the values of the keys that it names.
    fn looked_up(
        &self,
        choice: &Choice,
        row: &'static Mechanism,
        bases: &mut Vec<Arc<Object>>,
    ) -> Result<Params> {
        let mut params = choice.params.clone();
        for piece in params.pieces() {
            let Piece::Key(handle) = *piece else { continue };
            let object = self.usable(handle, row, CKA_DERIVE)?.object;
            let Key::Secret(value) = object.key()? else {
                return Err(Rv::KeyTypeInconsistent.because("the key in the parameter is no secret key"));
            };
            *piece = Piece::Bytes(value.clone());
            bases.push(object);
        }
        Ok(params)
    }

    /// A key to be derived, as its template and its bases want it.
    fn heir(
        &self,
        row: &Mechanism,
        birth: Birth,
        template: &Template,
        bases: &[Arc<Object>],
    ) -> Result<Wanted> {
        let impose = |template, base: &Arc<Object>| imposed(template, base, CKA_DERIVE_TEMPLATE);
        let template = bases.iter().try_fold(template.clone(), impose)?;
        let kind = template.iter().all(|(t, _)| *t != CKA_KEY_TYPE).then_some(CKK_GENERIC_SECRET);
        let sort = Sort::wanted(&template, Some(row.gives), kind)?;
        let mut attributes = policy::judge(birth, sort, &template, self.officer())?;
        if row.gives == CKO_SECRET_KEY {
            bases.iter().try_for_each(|base| inherit(row.heir, &mut attributes, base))?;
        }
        Ok(Wanted { sort, len: key::wanted_length(sort.kind, &attributes)?, attributes })
    }
}

/// An object to be derived.
struct Wanted {
    sort: Sort,
    /// Its length in bytes, where the template says one.
    len: Option<usize>,
    attributes: Attributes,
}

/// What C_DeriveKey made.
#[derive(Debug)]
pub struct Derived {
    pub handles: Vec<u64>,
    /// Answers through the parameter, in the order of its fields.
    pub back: Vec<Secret>,
}

/// What a derived key must have of its base (§6.43, §6.40.6), or has unasked (§6.42.7). CKA_WRAP_WITH_TRUSTED goes with
/// them, or a copy of the value would leave by any key.
fn inherit(heir: Heir, attributes: &mut Attributes, base: &Object) -> Result<()> {
    for (attribute, strict) in
        [(CKA_SENSITIVE, true), (CKA_EXTRACTABLE, false), (CKA_WRAP_WITH_TRUSTED, true)]
    {
        let of_base = base.flag(attribute);
        if attribute == CKA_WRAP_WITH_TRUSTED && !of_base {
            continue;
        }
        let (given, bound) = (attributes.of(attribute).is_some(), of_base == strict);
        match heir {
            Heir::Free => continue,
            Heir::Like if given => continue,
            Heir::Bound if !bound => continue,
            _ => {}
        }
        if let Some(Value::Bool(given)) = attributes.of(attribute)
            && *given != of_base
        {
            return Err(Rv::TemplateInconsistent.because(format!(
                "{} must be as it is in {}, which the derived key would reveal",
                names::attribute(attribute),
                base.describe()
            )));
        }
        attributes.set(attribute, Value::Bool(of_base));
    }
    Ok(())
}

pub(super) fn no_such_use(id: CK_MECHANISM_TYPE, verb: &str) -> Error {
    Rv::MechanismInvalid.because(format!("{} does not {verb}", names::mechanism(id)))
}

/// What the refusal of data is called when they were a key to wrap.
fn of_wrapped_key(error: Error) -> Error {
    match error.rv() {
        Rv::DataLenRange => Rv::KeySizeRange.because(format!("the key to wrap: {}", error.why())),
        _ => error,
    }
}

/// Whether a key may leave the token wrapped by another (§5.18.3).
fn may_leave(object: &Object, with: &Object) -> Result<()> {
    if !object.is_key() || object.sort().class == CKO_PUBLIC_KEY {
        return Err(Rv::KeyNotWrappable.because(format!("{} is no secret or private key", object.describe())));
    }
    if !object.flag(CKA_EXTRACTABLE) {
        return Err(
            Rv::KeyUnextractable.because(format!("CKA_EXTRACTABLE of {} is CK_FALSE", object.describe()))
        );
    }
    if object.flag(CKA_WRAP_WITH_TRUSTED) && !with.flag(CKA_TRUSTED) {
        return Err(Rv::KeyNotWrappable.because(format!(
            "CKA_WRAP_WITH_TRUSTED of {} is CK_TRUE, CKA_TRUSTED of {} is not",
            object.describe(),
            with.describe()
        )));
    }
    for (attribute, wanted) in nested(with, CKA_WRAP_TEMPLATE) {
        if object.attributes().of(attribute) != Some(&wanted) {
            return Err(Rv::KeyHandleInvalid.because(format!(
                "{} of {} is not what CKA_WRAP_TEMPLATE of {} wants (§5.18.3)",
                names::attribute(attribute),
                object.describe(),
                with.describe()
            )));
        }
    }
    Ok(())
}

/// The template with the attributes that a key wants of keys that come to be by it: added, to be judged like the caller's
/// own, and never contradicted (§4.9, §4.10).
pub(super) fn imposed(mut template: Template, by: &Object, name: CK_ATTRIBUTE_TYPE) -> Result<Template> {
    for (attribute, wanted) in nested(by, name) {
        let given = template.iter().find(|(given, _)| *given == attribute);
        let Some((_, given)) = given else {
            template.push((attribute, wanted.to_given()));
            continue;
        };
        if policy::kind(attribute).is_none_or(|kind| kind.read(attribute, given) != Ok(wanted)) {
            return Err(Rv::TemplateInconsistent.because(format!(
                "{} is not what {} of {} wants",
                names::attribute(attribute),
                names::attribute(name),
                by.describe()
            )));
        }
    }
    Ok(template)
}

fn nested(object: &Object, template: CK_ATTRIBUTE_TYPE) -> Vec<(CK_ATTRIBUTE_TYPE, Value)> {
    match object.attributes().of(template) {
        Some(Value::Template(nested)) => nested.iter().map(|(t, v)| (t, v.clone())).collect(),
        _ => Vec::new(),
    }
}

/// Wrapping that fills up the last block with zeros loses the length of the key: the type of a secret key, CKA_VALUE_LEN, or
/// the DER of a private key says where it ends (§6.10.4, §6.16.3.1). Nothing else is ever cut off: a key whose beginning
/// could be had by itself could be guessed piece by piece.
fn shortened(bytes: Secret, fill: usize, sort: Sort, attributes: &Attributes) -> Result<Secret> {
    let len = match sort.class {
        CKO_SECRET_KEY | CKO_OTP_KEY => key::wanted_length(sort.kind, attributes)?,
        _ => key::encoded_length(bytes.expose()),
    };
    Ok(match len.and_then(|len| bytes.expose().split_at_checked(len)) {
        Some((key, filling)) if filling.len() < fill && filling.iter().all(|byte| *byte == 0) => key.into(),
        _ => bytes,
    })
}

/// What the refusal of a key is called when the key was to wrap.
pub(super) fn of_wrapping_key(error: Error) -> Error {
    renamed(error, Rv::WrappingKeyHandleInvalid, Rv::WrappingKeyTypeInconsistent, Rv::WrappingKeySizeRange)
}

/// What the refusal of a key is called when the key was to unwrap.
pub(super) fn of_unwrapping_key(error: Error) -> Error {
    renamed(
        error,
        Rv::UnwrappingKeyHandleInvalid,
        Rv::UnwrappingKeyTypeInconsistent,
        Rv::UnwrappingKeySizeRange,
    )
}

fn renamed(error: Error, handle: Rv, key_type: Rv, size: Rv) -> Error {
    let rv = match error.rv() {
        Rv::KeyHandleInvalid => handle,
        Rv::KeyTypeInconsistent => key_type,
        Rv::KeySizeRange => size,
        _ => return error,
    };
    rv.because(error.why().to_owned())
}
