//! A program that signs with the keys of a token, and openssl to judge it.

#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::process::Command;

use tokenkeep::api::{Kind, Module};
use tokenkeep::crypto::tlv;
use tokenkeep::cryptoki::ids::*;
use tokenkeep::cryptoki::{Error, Reply, Room};
use tokenkeep::mechanism::{Choice, Params};
use tokenkeep::object::{Given, Value};
use tokenkeep::token::Settings;

use crate::bench::{Bench, PIN};

/// Runs openssl; what it prints.
#[track_caller]
pub fn openssl(arguments: &[&str]) -> String {
    let done = Command::new("openssl").args(arguments).output().unwrap();
    let told = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "openssl {}: {told}", arguments.join(" "));
    String::from_utf8_lossy(&done.stdout).into_owned() + &told
}

/// A session of a user who is logged in.
pub struct Signer {
    module: Module,
    session: u64,
    place: std::path::PathBuf,
}

impl Signer {
    pub fn open(bench: &Bench, token: &str) -> Signer {
        let slot = bench.json(&["show", "--token", token])["slot"].as_u64().unwrap();
        let mut settings = Settings::read(Some("dir=.")).unwrap();
        settings.dir = bench.dir();
        let module = Module::with(settings).unwrap();
        let session = module.open_session(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION).unwrap();
        module.session(session).unwrap().login(CKU_USER, Some(&PIN.as_bytes().into())).unwrap();
        Signer { module, session, place: bench.path("") }
    }

    /// A P-256 pair in the token, of which the private half has one more flag.
    pub fn generates(&self, label: &str, flag: CK_ATTRIBUTE_TYPE) {
        let call = self.module.session(self.session).unwrap();
        let named =
            [(CKA_TOKEN, Value::Bool(true).to_given()), (CKA_LABEL, Given::Bytes(label.as_bytes().into()))];
        let curve = [6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
        let params = (CKA_EC_PARAMS, Given::Bytes(curve[..].into()));
        let choice = Choice { id: CKM_EC_KEY_PAIR_GEN, params: Params::None };
        let private = [&named[..], &[(flag, Value::Bool(true).to_given())]].concat();
        call.generate_pair(&choice, &[&[params][..], &named].concat(), &private).unwrap();
    }

    fn key(&self, class: CK_OBJECT_CLASS, label: &str) -> u64 {
        let call = self.module.session(self.session).unwrap();
        let label = (CKA_LABEL, Given::Bytes(label.as_bytes().into()));
        call.find_init(&vec![(CKA_CLASS, Value::Ulong(class).to_given()), label]).unwrap();
        let found = call.find(2).unwrap();
        call.find_final().unwrap();
        assert_eq!(found.len(), 1);
        found[0]
    }

    fn sign(&self, mechanism: CK_MECHANISM_TYPE, label: &str, data: &[u8]) -> Result<Vec<u8>, Error> {
        let call = self.module.session(self.session).unwrap();
        let choice = Choice { id: mechanism, params: Params::None };
        call.begin(Kind::Sign, &choice, Some(self.key(CKO_PRIVATE_KEY, label)))?;
        match call.single(Kind::Sign, data, Room::Of(100_000))? {
            Reply::Data(signature) => Ok(signature.expose().to_vec()),
            _ => unreachable!("there is room"),
        }
    }

    /// The signature.
    pub fn signs(&self, mechanism: CK_MECHANISM_TYPE, label: &str, data: &[u8]) -> Vec<u8> {
        self.sign(mechanism, label, data).unwrap()
    }

    /// Why there is none.
    pub fn refuses(&self, mechanism: CK_MECHANISM_TYPE, label: &str) -> String {
        self.sign(mechanism, label, b"x").unwrap_err().why().to_owned()
    }

    /// What the private key signs the public one verifies.
    pub fn pair_agrees(&self, mechanism: CK_MECHANISM_TYPE, label: &str) {
        let signature = self.signs(mechanism, label, b"x");
        let call = self.module.session(self.session).unwrap();
        let choice = Choice { id: mechanism, params: Params::None };
        call.begin(Kind::Verify, &choice, Some(self.key(CKO_PUBLIC_KEY, label))).unwrap();
        call.verify(b"x", &signature).unwrap();
    }

    /// What the private key signs openssl verifies with a public key in PEM: RSA and ECDSA with SHA-256.
    #[track_caller]
    pub fn verified_by_openssl(&self, mechanism: CK_MECHANISM_TYPE, label: &str, public: &str) {
        let mut signature = self.signs(mechanism, label, b"a message");
        if mechanism == CKM_ECDSA_SHA256 {
            let (r, s) = signature.split_at(signature.len() / 2);
            let parts = [tlv::put_number(r), tlv::put_number(s)];
            signature = tlv::put(tlv::SEQUENCE, &[parts[0].expose(), parts[1].expose()]).expose().to_vec();
        }
        let at = |name: &str| self.place.join(name).display().to_string();
        std::fs::write(at("message"), "a message").unwrap();
        std::fs::write(at("signature"), signature).unwrap();
        openssl(&["dgst", "-sha256", "-verify", public, "-signature", &at("signature"), &at("message")]);
    }
}
