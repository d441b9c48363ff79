//! Encrypting, decrypting, digesting, signing and verifying (PKCS#11 v3.2 §5.8 – §5.16).

use std::sync::Arc;

use crate::cryptoki::ids::*;
use crate::cryptoki::{Error, Reply, Result, Room, Rv, names};
use crate::emulation::Point;
use crate::mechanism::{Begun, Choice, Mechanism, Start, otp};
use crate::object::{Object, Value};
use crate::session::{Active, KeyName, Kind, Origin, operation};

use super::Call;

/// A key whose type, size, usage and allowed mechanisms fit what it is to be used for.
pub(super) struct Usable {
    pub object: Arc<Object>,
    pub row: &'static Mechanism,
}

impl Call<'_> {
    /// The key behind a handle, checked against the mechanism's row and for the usage it needs.
    ///
    /// # Errors
    /// CKR_KEY_HANDLE_INVALID, CKR_KEY_TYPE_INCONSISTENT, CKR_KEY_SIZE_RANGE, CKR_KEY_FUNCTION_NOT_PERMITTED,
    /// CKR_MECHANISM_INVALID when CKA_ALLOWED_MECHANISMS leaves it out.
    pub(super) fn usable(
        &self,
        handle: u64,
        row: &'static Mechanism,
        usage: CK_ATTRIBUTE_TYPE,
    ) -> Result<Usable> {
        let object = self.session.token.object(handle).map_err(no_key)?;
        if !object.is_key() {
            return Err(Rv::KeyHandleInvalid.because(format!("{} is no key", object.describe())));
        }
        let (kind, key) = (object.sort().kind, object.key()?);
        row.suits(kind, key)?;
        self.session.token.profile().suits(kind, key.bits())?;
        if !object.flag(usage) {
            return Err(Rv::KeyFunctionNotPermitted.because(format!(
                "{} of {} is CK_FALSE",
                names::attribute(usage),
                object.describe()
            )));
        }
        self.session.token.in_time(&object)?;
        allowed(&object, row)?;
        if self.module.emulation.listens() {
            let point = Point::Use { mechanism: &row.name(), object: &object.describe() };
            self.module.emulation.at(point)?;
        }
        Ok(Usable { object, row })
    }

    /// The row of a mechanism for one of its uses, a CKF_.
    ///
    /// # Errors
    /// CKR_MECHANISM_INVALID.
    pub(super) fn row(&self, id: CK_MECHANISM_TYPE, usage: CK_FLAGS) -> Result<&'static Mechanism> {
        self.session.token.profile().find(id, usage)
    }

    /// C_EncryptInit, C_SignInit … and C_DigestInit, which has no key.
    ///
    /// # Errors
    /// CKR_OPERATION_ACTIVE, CKR_MECHANISM_INVALID, CKR_MECHANISM_PARAM_INVALID, and those of the key.
    pub fn begin(&self, kind: Kind, choice: &Choice, key: Option<u64>) -> Result<()> {
        self.begin_as(kind, choice, key, |active| active)
    }

    /// C_VerifySignatureInit: as C_VerifyInit, with the signature told before the data.
    ///
    /// # Errors
    /// As [`Call::begin`].
    pub fn begin_judging(&self, choice: &Choice, key: u64, signature: &[u8]) -> Result<()> {
        self.begin_as(Kind::VerifySignature, choice, Some(key), |active| active.judging(signature))
    }

    /// Whether an operation of a kind could begin: an active one comes before what is wrong with the next.
    ///
    /// # Errors
    /// CKR_OPERATION_ACTIVE.
    pub fn idle(&self, kind: Kind) -> Result<()> {
        self.vacant(kind, self.session.work().slot(kind))
    }

    fn vacant(&self, kind: Kind, slot: &Option<Active>) -> Result<()> {
        match slot.as_ref().is_some_and(|active| self.lives(active)) {
            true => {
                Err(Rv::OperationActive.because(format!("an operation of kind {kind:?} is active already")))
            }
            false => Ok(()),
        }
    }

    fn begin_as(
        &self,
        kind: Kind,
        choice: &Choice,
        key: Option<u64>,
        finish: impl FnOnce(Active) -> Active,
    ) -> Result<()> {
        let mut work = self.session.work();
        let slot = work.slot(kind);
        self.vacant(kind, slot)?;
        let row = self.row(choice.id, kind.flag())?;
        *slot = Some(finish(match (kind, key) {
            (Kind::Digest, _) => self.begin_digest(kind, choice, row)?,
            (_, Some(key)) => self.begin_with_key(kind, choice, row, key)?,
            (_, None) => return Err(Rv::KeyHandleInvalid.because("no key was given")),
        }));
        Ok(())
    }

    pub(super) fn begin_digest(
        &self,
        kind: Kind,
        choice: &Choice,
        row: &'static Mechanism,
    ) -> Result<Active> {
        let digest = row.digest.filter(|_| kind == Kind::Digest).ok_or_else(|| cannot(kind, row))?;
        let origin = Origin { choice: choice.clone(), key: None };
        Ok(Active::new(digest(row, &choice.params)?, origin, None, false))
    }

    pub(super) fn begin_with_key(
        &self,
        kind: Kind,
        choice: &Choice,
        row: &'static Mechanism,
        handle: u64,
    ) -> Result<Active> {
        let begin = kind.begin(row).ok_or_else(|| cannot(kind, row))?;
        self.session.token.profile().permits(kind.flag(), &choice.params)?;
        let epoch = self.session.token.epoch(); // before the key: a logout after it ends the operation
        let Usable { mut object, row } = self.usable(handle, row, kind.usage())?;
        if kind == Kind::Sign && otp::counts(&choice.params, object.key()?) {
            object = self.session.token.count_on(handle)?;
        }
        let start =
            Start { row, params: &choice.params, key: object.key()?, emulation: &self.module.emulation };
        let begun: Begun = begin(&start)?;
        let epoch = object.flag(CKA_PRIVATE).then_some(epoch);
        let unique = object.attributes().bytes(CKA_UNIQUE_ID).unwrap_or_default().to_vec();
        let origin = Origin { choice: choice.clone(), key: Some(KeyName { handle, unique }) };
        Ok(Active::new(begun, origin, epoch, object.flag(CKA_ALWAYS_AUTHENTICATE)))
    }

    /// Whether an operation is still good: one with a private key ends with its login.
    pub(super) fn lives(&self, active: &Active) -> bool {
        self.is_of_now(active.epoch)
    }

    /// Whether what began in a login's epoch, if in any, is still good.
    pub(super) fn is_of_now(&self, epoch: Option<u64>) -> bool {
        epoch.is_none_or(|epoch| epoch == self.session.token.epoch())
    }

    /// Works on the active operation of a kind.
    fn with<T>(&self, kind: Kind, work: impl FnOnce(&mut Option<Active>) -> Result<T>) -> Result<T> {
        let mut session = self.session.work();
        let slot = session.slot(kind);
        if slot.as_ref().is_some_and(|active| !self.lives(active)) {
            *slot = None;
        }
        if slot.as_ref().is_some_and(|active| active.unproven) {
            return Err(Rv::UserNotLoggedIn.because(
                "the key has CKA_ALWAYS_AUTHENTICATE: C_Login with CKU_CONTEXT_SPECIFIC comes before each use",
            ));
        }
        work(slot)
    }

    /// Whether an operation of a kind was begun comes before what is wrong with the arguments.
    ///
    /// # Errors
    /// CKR_OPERATION_NOT_INITIALIZED.
    fn begun(&self, kind: Kind) -> Result<()> {
        self.with(kind, |slot| slot.as_ref().map(drop).ok_or_else(operation::nothing))
    }

    /// Ends the operation of a kind, if there is one.
    ///
    /// # Errors
    /// None of its own.
    pub fn cancel(&self, kind: Kind) -> Result<()> {
        *self.session.work().slot(kind) = None;
        Ok(())
    }

    /// All data in one call: C_Encrypt, C_Decrypt, C_Digest, C_Sign, C_SignRecover, C_VerifyRecover.
    ///
    /// # Errors
    /// Those of [`operation::single`].
    pub fn single(&self, kind: Kind, data: &[u8], room: Room) -> Result<Reply> {
        self.with(kind, |slot| operation::single(slot, data, room))
    }

    /// As [`Call::single`], with the answer straight to where it goes; none where it does not go so.
    ///
    /// # Errors
    /// Those of [`operation::straight`].
    pub fn straight(&self, kind: Kind, data: &[u8], out: &mut [u8]) -> Result<Option<usize>> {
        self.with(kind, |slot| operation::straight(slot, data, out))
    }

    /// More data: C_EncryptUpdate, C_DecryptUpdate, C_DigestUpdate, C_SignUpdate, C_VerifyUpdate.
    ///
    /// # Errors
    /// Those of [`operation::update`].
    pub fn update(&self, kind: Kind, data: &[u8], room: Room) -> Result<Reply> {
        self.with(kind, |slot| operation::update(slot, data, room))
    }

    /// The end: C_EncryptFinal, C_DecryptFinal, C_DigestFinal, C_SignFinal.
    ///
    /// # Errors
    /// Those of [`operation::finish`].
    pub fn finish(&self, kind: Kind, room: Room) -> Result<Reply> {
        self.with(kind, |slot| operation::finish(slot, room))
    }

    /// C_Verify
    ///
    /// # Errors
    /// CKR_SIGNATURE_INVALID, CKR_SIGNATURE_LEN_RANGE, and those of the mechanism.
    pub fn verify(&self, data: &[u8], signature: &[u8]) -> Result<()> {
        self.with(Kind::Verify, |slot| operation::verify(slot, Some(data), signature))
    }

    /// C_VerifyFinal
    ///
    /// # Errors
    /// As [`Call::verify`].
    pub fn verify_final(&self, signature: &[u8]) -> Result<()> {
        self.with(Kind::Verify, |slot| operation::verify(slot, None, signature))
    }

    /// C_VerifySignature (with data) and C_VerifySignatureFinal (without).
    ///
    /// # Errors
    /// As [`Call::verify`].
    pub fn judge(&self, data: Option<&[u8]>) -> Result<()> {
        self.with(Kind::VerifySignature, |slot| operation::verify_given(slot, data))
    }

    /// C_DigestKey: the value of a secret key goes into the digest (§5.12.4).
    ///
    /// # Errors
    /// CKR_OPERATION_NOT_INITIALIZED, CKR_KEY_HANDLE_INVALID, CKR_KEY_INDIGESTIBLE.
    pub fn digest_key(&self, key: u64) -> Result<()> {
        self.begun(Kind::Digest)?;
        let object = self.session.token.object(key).map_err(no_key)?;
        let value = match object.attributes().of(CKA_VALUE) {
            Some(Value::Secret(value)) if object.sort().class == CKO_SECRET_KEY => value,
            _ => return Err(Rv::KeyIndigestible.because("only the value of a secret key can be digested")),
        };
        self.update(Kind::Digest, value.expose(), Room::Of(0)).map(drop)
    }

    /// C_DigestEncryptUpdate, C_DecryptDigestUpdate, C_SignEncryptUpdate, C_DecryptVerifyUpdate: the plaintext goes
    /// into the one operation, the text of the other comes out (§5.17).
    ///
    /// # Errors
    /// CKR_OPERATION_NOT_INITIALIZED unless both are active, and those of both.
    pub fn dual(&self, first: Kind, second: Kind, data: &[u8], room: Room) -> Result<Reply> {
        let (cipher, beside) = match first {
            Kind::Encrypt | Kind::Decrypt => (first, second),
            _ => (second, first),
        };
        self.begun(beside)?;
        let reply = self.update(cipher, data, room)?;
        match (&reply, cipher) {
            (Reply::Data(plain), Kind::Decrypt) => self.update(beside, plain.expose(), Room::Of(0))?,
            (Reply::Data(_), _) => self.update(beside, data, Room::Of(0))?,
            _ => return Ok(reply),
        };
        Ok(reply)
    }
}

/// The refusal of a handle that should have been a key's.
pub(super) fn no_key(error: Error) -> Error {
    match error.rv() {
        Rv::ObjectHandleInvalid => Rv::KeyHandleInvalid.because(error.why().to_owned()),
        _ => error,
    }
}

pub(super) fn cannot(kind: Kind, row: &Mechanism) -> Error {
    Rv::MechanismInvalid.because(format!("{} does not {kind:?}", row.name()))
}

/// CKA_ALLOWED_MECHANISMS, when it lists any, must list this one (§4.7).
fn allowed(object: &Object, row: &Mechanism) -> Result<()> {
    match object.attributes().of(CKA_ALLOWED_MECHANISMS) {
        Some(Value::Ulongs(list)) if !list.is_empty() && !list.contains(&row.id) => Err(Rv::MechanismInvalid
            .because(format!("CKA_ALLOWED_MECHANISMS of {} leaves out {}", object.describe(), row.name()))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use crate::api::Module;
    use crate::cryptoki::Secret;
    use crate::mechanism::{self, Params};
    use crate::object::Given;

    use super::*;

    /// The module of the test, and a session for whoever comes between.
    static HERE: OnceLock<(Module, u64)> = OnceLock::new();

    /// Begins as HMAC does, and somebody logs out meanwhile.
    fn interrupted(start: &Start<'_>) -> Result<Begun> {
        let (module, session) = HERE.get().unwrap();
        module.session(*session)?.logout()?;
        mechanism::find(CKM_SHA256_HMAC)?.sign.unwrap()(start)
    }

    #[test]
    fn an_operation_that_is_begun_while_somebody_logs_out_is_void() {
        let home = tempfile::tempdir().unwrap();
        let module = Module::start(Some(&format!("dir={} kdf_iterations=1", home.path().display()))).unwrap();
        let (slot, pin) = (module.slots(true, true).unwrap()[0], Secret::from(&b"1234"[..]));
        module.init_token(slot, &pin, [b' '; 32]).unwrap();
        let session = module.open_session(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION).unwrap();
        let call = HERE.get_or_init(|| (module, session)).0.session(session).unwrap();
        call.login(CKU_SO, Some(&pin)).and_then(|()| call.init_pin(Some(&pin))).unwrap();
        call.logout().and_then(|()| call.login(CKU_USER, Some(&pin))).unwrap();
        let secret = [CKO_SECRET_KEY, CKK_GENERIC_SECRET].map(|id| Given::Bytes(id.to_ne_bytes()[..].into()));
        let [class, kind] = secret;
        let value = Given::Bytes([7; 32][..].into());
        let key = call.create(&vec![(CKA_CLASS, class), (CKA_KEY_TYPE, kind), (CKA_VALUE, value)]).unwrap();
        let row = mechanism::find(CKM_SHA256_HMAC).unwrap();
        let choice = Choice { id: row.id, params: Params::None };
        let begun = |row| call.begin_with_key(Kind::Sign, &choice, row, key).unwrap();
        assert!(call.lives(&begun(row)));
        let row: &Mechanism = Box::leak(Box::new(Mechanism { sign: Some(interrupted), ..*row }));
        assert!(!call.lives(&begun(row)));
    }
}
