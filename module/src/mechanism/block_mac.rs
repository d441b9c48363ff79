//! MACs of block ciphers (PKCS#11 v3.2 §6.10, §6.13, §6.14, §6.18, §6.19): CMAC, CBC-MAC and GMAC.

use crate::crypto::cipher::Algorithm;
use crate::crypto::gcm::Gmac;
use crate::crypto::mac::{CbcMac, Cmac};
use crate::cryptoki::Result;
use crate::cryptoki::ids::*;

use super::operation::Tagging;
use super::{Begin, Begun, Mechanism, Params, ROW, Shape, Start, Unit, secret};

const AES: Mechanism = Mechanism { keys: &[CKK_AES], sizes: (16, 32), unit: Unit::Bytes, ..ROW };
const DES: Mechanism = Mechanism { keys: &[CKK_DES], ..ROW };
const DES3: Mechanism = Mechanism { keys: &[CKK_DES2, CKK_DES3], ..ROW };

const fn mac(id: CK_MECHANISM_TYPE, begin: Begin, of: Mechanism) -> Mechanism {
    Mechanism { id, sign: Some(begin), verify: Some(begin), ..of }
}

/// The same with a tag as short as the caller says.
const fn general(id: CK_MECHANISM_TYPE, begin: Begin, of: Mechanism) -> Mechanism {
    Mechanism { shape: Shape::MacGeneral, ..mac(id, begin, of) }
}

pub const ROWS: &[Mechanism] = &[
    mac(CKM_AES_CMAC, cmac, AES),
    general(CKM_AES_CMAC_GENERAL, cmac, AES),
    mac(CKM_AES_MAC, cbc_mac, AES),
    general(CKM_AES_MAC_GENERAL, cbc_mac, AES),
    Mechanism { shape: Shape::Iv(12), ..mac(CKM_AES_GMAC, gmac, AES) },
    mac(CKM_DES_MAC, cbc_mac, DES),
    general(CKM_DES_MAC_GENERAL, cbc_mac, DES),
    mac(CKM_DES3_CMAC, cmac, DES3),
    general(CKM_DES3_CMAC_GENERAL, cmac, DES3),
    mac(CKM_DES3_MAC, cbc_mac, DES3),
    general(CKM_DES3_MAC_GENERAL, cbc_mac, DES3),
];

fn algorithm(start: &Start<'_>) -> Algorithm {
    match start.row.keys {
        [CKK_AES] => Algorithm::Aes,
        _ => Algorithm::Des,
    }
}

/// The length of the tag: the caller's, or that of the mechanism without a parameter.
fn length(start: &Start<'_>, unsaid: usize) -> Result<usize> {
    let block = algorithm(start).block();
    match start.params {
        Params::MacGeneral(len) if (1..=block).contains(len) => Ok(*len),
        Params::MacGeneral(len) => {
            Err(start.wrong_params(format!("a tag of {len} bytes: it has 1 to {block}")))
        }
        _ => Ok(unsaid),
    }
}

fn cmac(start: &Start<'_>) -> Result<Begun> {
    let algorithm = algorithm(start);
    let len = length(start, algorithm.block())?;
    Ok(Tagging::begin(Cmac::new(algorithm, secret::value(start)?)?, len))
}

fn cbc_mac(start: &Start<'_>) -> Result<Begun> {
    let algorithm = algorithm(start);
    let len = length(start, algorithm.block() / 2)?;
    Ok(Tagging::begin(CbcMac::new(algorithm, secret::value(start)?)?, len))
}

fn gmac(start: &Start<'_>) -> Result<Begun> {
    let Params::Iv(iv) = start.params else { return Err(start.wrong_params("an IV is needed")) };
    Ok(Tagging::begin(Gmac::new(secret::value(start)?, iv)?, 16))
}

#[cfg(test)]
mod tests {
    use super::super::trial::{Trial, data, key};
    use super::*;
    use crate::cryptoki::Rv;

    /// From Python's cryptography; CBC-MAC by its definition over that CBC.
    #[test]
    fn macs_agree_with_others() {
        for (id, kind, keys, len, tag) in [
            (CKM_AES_CMAC, CKK_AES, 16, 100, "a35472179ca9ffd9e5030d773097991a"),
            (CKM_AES_CMAC, CKK_AES, 24, 100, "d59e978a496e5d3380f55a3994315157"),
            (CKM_AES_CMAC, CKK_AES, 32, 100, "09c9b0bbd6962841e50d094b2a1ea841"),
            (CKM_DES3_CMAC, CKK_DES2, 16, 100, "fc2e9d95fee2fe17"),
            (CKM_DES3_CMAC, CKK_DES3, 24, 100, "9472ef468aadcdae"),
            (CKM_AES_MAC_GENERAL, CKK_AES, 16, 0, "c6a13b37878f5b826f4f8162a1c8d879"),
            (CKM_AES_MAC_GENERAL, CKK_AES, 16, 5, "26131c5b4390a47f1b258b46487a5c2f"),
            (CKM_AES_MAC_GENERAL, CKK_AES, 16, 16, "dee1f2b1545b5cc3b88189b4d54ec0c9"),
            (CKM_AES_MAC_GENERAL, CKK_AES, 16, 100, "2a4a75e57e7891b166b17d01e7a6199f"),
            (CKM_DES3_MAC_GENERAL, CKK_DES3, 24, 0, "894bc3085426a441"),
            (CKM_DES3_MAC_GENERAL, CKK_DES3, 24, 100, "41bc7188f31833ed"),
            (CKM_DES_MAC_GENERAL, CKK_DES, 8, 5, "4c27caa4f484fae9"),
            (CKM_DES_MAC_GENERAL, CKK_DES, 8, 100, "4d505b99272a0e1c"),
        ] {
            let (key, tag) = (key(keys), hex::decode(tag).unwrap());
            let general = super::super::find(id).unwrap().shape == Shape::MacGeneral;
            let params = if general { Params::MacGeneral(tag.len()) } else { Params::None };
            Trial { kind, key: &key, params }.signs(id, &data(len), &tag);
        }
    }

    #[test]
    fn a_tag_is_as_short_as_asked_and_half_a_block_unasked() {
        let key = key(16);
        let aes = |params| Trial { kind: CKK_AES, key: &key, params };
        let whole = aes(Params::MacGeneral(16)).sign(CKM_AES_MAC_GENERAL, b"data").unwrap();
        assert_eq!(aes(Params::None).sign(CKM_AES_MAC, b"data").unwrap(), whole[..8]);
        let whole = aes(Params::None).sign(CKM_AES_CMAC, b"data").unwrap();
        for len in 1..=16 {
            aes(Params::MacGeneral(len)).signs(CKM_AES_CMAC_GENERAL, b"data", &whole[..len]);
        }
        for (id, len) in [(CKM_AES_CMAC_GENERAL, 0), (CKM_AES_MAC_GENERAL, 17)] {
            let error = aes(Params::MacGeneral(len)).sign(id, b"data").unwrap_err();
            assert_eq!(error.rv(), Rv::MechanismParamInvalid);
        }
    }

    /// From Python's cryptography: AES-GCM of nothing, with data beside it.
    #[test]
    fn gmac_is_gcm_without_text() {
        let key = key(32);
        let params = Params::Iv((0..12).collect());
        let trial = Trial { kind: CKK_AES, key: &key, params };
        // The data are the additional data of that GCM, given as one part or many.
        trial.signs(CKM_AES_GMAC, &data(100), &hex::decode("4e21245a5f0d111a9a26eebcd6a706ea").unwrap());
    }
}
