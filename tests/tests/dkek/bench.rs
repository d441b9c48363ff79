//! A token through the safe API, and what tests do with it.

use tokenkeep::api::{Call, Module};
use tokenkeep::backup::Import;
use tokenkeep::cryptoki::ids::*;
use tokenkeep::cryptoki::{Reply, Result, Room, Rv, Secret};
use tokenkeep::mechanism::{Choice, Params};
use tokenkeep::object::{Given, Template, Value};
use tokenkeep::session::Kind;
use tokenkeep::token::Settings;

pub const SO_PIN: &[u8] = b"3537363231383830";
pub const PIN: &[u8] = b"648219";

/// A fresh token in a directory of its own.
pub struct Bench {
    pub module: Module,
    pub slot: u64,
    _dir: tempfile::TempDir,
}

impl Bench {
    pub fn new() -> Bench {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = Settings::read(Some("dir=. kdf-iterations=10")).unwrap();
        settings.dir = dir.path().to_owned();
        let module = Module::with(settings).unwrap();
        let slot = module.slots(false, false).unwrap()[0];
        module.init_token(slot, &SO_PIN.into(), *b"bench                           ").unwrap();
        let bench = Bench { module, slot, _dir: dir };
        bench.officer(|call| call.init_pin(Some(&PIN.into())).unwrap());
        bench
    }

    /// With a DKEK of these shares.
    pub fn with_dkek(shares: &[u8]) -> Bench {
        let bench = Bench::new();
        bench.officer(|call| {
            call.dkek_init(0, shares.len() as u8).unwrap();
            shares.iter().for_each(|byte| _ = call.dkek_import(0, &share(*byte), Import::default()).unwrap());
        });
        bench
    }

    pub fn session<T>(&self, user: CK_USER_TYPE, pin: &[u8], work: impl FnOnce(&Call<'_>) -> T) -> T {
        let session = self.module.open_session(self.slot, CKF_SERIAL_SESSION | CKF_RW_SESSION).unwrap();
        let call = self.module.session(session).unwrap();
        call.login(user, Some(&pin.into())).unwrap();
        let done = work(&call);
        self.module.close_session(session).unwrap();
        done
    }

    pub fn officer<T>(&self, work: impl FnOnce(&Call<'_>) -> T) -> T {
        self.session(CKU_SO, SO_PIN, work)
    }

    pub fn user<T>(&self, work: impl FnOnce(&Call<'_>) -> T) -> T {
        self.session(CKU_USER, PIN, work)
    }

    pub fn nobody<T>(&self, work: impl FnOnce(&Call<'_>) -> T) -> T {
        let session = self.module.open_session(self.slot, CKF_SERIAL_SESSION | CKF_RW_SESSION).unwrap();
        let done = work(&self.module.session(session).unwrap());
        self.module.close_session(session).unwrap();
        done
    }
}

pub fn share(byte: u8) -> Secret {
    Secret::from(&[byte; 32][..])
}

pub fn given(value: Value) -> Given {
    value.to_given()
}

pub fn text(text: &str) -> Given {
    Given::Bytes(text.as_bytes().into())
}

pub fn p256() -> Given {
    Given::Bytes([6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7][..].into())
}

pub fn yes(attribute: CK_ATTRIBUTE_TYPE) -> (CK_ATTRIBUTE_TYPE, Given) {
    (attribute, given(Value::Bool(true)))
}

pub fn choice(id: CK_MECHANISM_TYPE) -> Choice {
    Choice { id, params: Params::None }
}

/// A P-256 pair that the token generates to keep.
pub fn pair(call: &Call<'_>, label: &str) -> (u64, u64) {
    let named = |mut template: Template| {
        template.extend([yes(CKA_TOKEN), (CKA_LABEL, text(label)), (CKA_ID, text(label))]);
        template
    };
    let (public, private) = (named(vec![(CKA_EC_PARAMS, p256())]), named(vec![]));
    call.generate_pair(&choice(CKM_EC_KEY_PAIR_GEN), &public, &private).unwrap()
}

/// All objects but those that the token says of itself.
pub fn everything(call: &Call<'_>) -> Vec<u64> {
    call.find_init(&Vec::new()).unwrap();
    let mut found = call.find(1000).unwrap();
    call.find_final().unwrap();
    let built_in = of_class(call, CKO_PROFILE);
    found.retain(|handle| !built_in.contains(handle));
    found
}

pub fn of_class(call: &Call<'_>, class: CK_OBJECT_CLASS) -> Vec<u64> {
    call.find_init(&vec![(CKA_CLASS, given(Value::Ulong(class)))]).unwrap();
    let found = call.find(1000).unwrap();
    call.find_final().unwrap();
    found
}

pub fn attribute(call: &Call<'_>, object: u64, attribute: CK_ATTRIBUTE_TYPE) -> Result<Given> {
    call.attributes(object, &[attribute]).unwrap().remove(0)
}

pub fn sign(call: &Call<'_>, key: u64, data: &[u8]) -> Vec<u8> {
    call.begin(Kind::Sign, &choice(CKM_ECDSA), Some(key)).unwrap();
    match call.single(Kind::Sign, data, Room::Of(200)).unwrap() {
        Reply::Data(signature) => signature.expose().to_vec(),
        other => panic!("{other:?}"),
    }
}

pub fn verifies(call: &Call<'_>, key: u64, data: &[u8], signature: &[u8]) -> bool {
    call.begin(Kind::Verify, &choice(CKM_ECDSA), Some(key)).unwrap();
    call.verify(data, signature).is_ok()
}

pub fn refused<T: std::fmt::Debug>(result: Result<T>, rv: Rv, word: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.rv(), rv, "{error}");
    assert!(error.why().contains(word), "{error}");
}
