//! Curves with all their numbers, as formats need them that do not name a curve but spell it out.

use super::awslc::Group;
use super::tlv::trim;
use crate::cryptoki::{Result, Rv, Secret};

/// The domain parameters of a curve y² = x³ + ax + b over a prime field (SEC 1 §3.1.1); the cofactor is 1. Numbers are
/// big-endian; p, a and b have the field's width, n its own.
#[derive(PartialEq, Eq, Debug)]
pub struct Domain {
    /// As SEC 2 or RFC 5639 has it.
    pub name: &'static str,
    /// Its OID in DER: the value of CKA_EC_PARAMS.
    pub oid: &'static [u8],
    pub p: &'static [u8],
    pub a: &'static [u8],
    pub b: &'static [u8],
    pub n: &'static [u8],
    /// The base point, uncompressed.
    pub g: &'static [u8],
}

/// SEC 2 v2 §2 (and secp192k1, secp224k1), RFC 5639 §3: those that smart card HSMs offer.
#[rustfmt::skip]
pub const DOMAINS: &[Domain] = &[
    Domain {
        name: "secp192r1",
        oid: &hex::<10>("06082a8648ce3d030101"),
        p: &hex::<24>("fffffffffffffffffffffffffffffffeffffffffffffffff"),
        a: &hex::<24>("fffffffffffffffffffffffffffffffefffffffffffffffc"),
        b: &hex::<24>("64210519e59c80e70fa7e9ab72243049feb8deecc146b9b1"),
        n: &hex::<24>("ffffffffffffffffffffffff99def836146bc9b1b4d22831"),
        g: &hex::<49>("04188da80eb03090f67cbf20eb43a18800f4ff0afd82ff101207192b95ffc8da78631011ed6b24cdd573f977a11e794811"),
    },
    Domain {
        name: "secp224r1",
        oid: &hex::<7>("06052b81040021"),
        p: &hex::<28>("ffffffffffffffffffffffffffffffff000000000000000000000001"),
        a: &hex::<28>("fffffffffffffffffffffffffffffffefffffffffffffffffffffffe"),
        b: &hex::<28>("b4050a850c04b3abf54132565044b0b7d7bfd8ba270b39432355ffb4"),
        n: &hex::<28>("ffffffffffffffffffffffffffff16a2e0b8f03e13dd29455c5c2a3d"),
        g: &hex::<57>("04b70e0cbd6bb4bf7f321390b94a03c1d356c21122343280d6115c1d21bd376388b5f723fb4c22dfe6cd4375a05a07476444d5819985007e34"),
    },
    Domain {
        name: "secp256r1",
        oid: &hex::<10>("06082a8648ce3d030107"),
        p: &hex::<32>("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"),
        a: &hex::<32>("ffffffff00000001000000000000000000000000fffffffffffffffffffffffc"),
        b: &hex::<32>("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b"),
        n: &hex::<32>("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"),
        g: &hex::<65>("046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"),
    },
    Domain {
        name: "secp384r1",
        oid: &hex::<7>("06052b81040022"),
        p: &hex::<48>("fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff"),
        a: &hex::<48>("fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000fffffffc"),
        b: &hex::<48>("b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aef"),
        n: &hex::<48>("ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973"),
        g: &hex::<97>("04aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab73617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f"),
    },
    Domain {
        name: "secp521r1",
        oid: &hex::<7>("06052b81040023"),
        p: &hex::<66>("01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
        a: &hex::<66>("01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc"),
        b: &hex::<66>("0051953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00"),
        n: &hex::<66>("01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409"),
        g: &hex::<133>("0400c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66011839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e662c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd16650"),
    },
    Domain {
        name: "secp192k1",
        oid: &hex::<7>("06052b8104001f"),
        p: &hex::<24>("fffffffffffffffffffffffffffffffffffffffeffffee37"),
        a: &hex::<24>("000000000000000000000000000000000000000000000000"),
        b: &hex::<24>("000000000000000000000000000000000000000000000003"),
        n: &hex::<24>("fffffffffffffffffffffffe26f2fc170f69466a74defd8d"),
        g: &hex::<49>("04db4ff10ec057e9ae26b07d0280b7f4341da5d1b1eae06c7d9b2f2f6d9c5628a7844163d015be86344082aa88d95e2f9d"),
    },
    Domain {
        name: "secp224k1",
        oid: &hex::<7>("06052b81040020"),
        p: &hex::<28>("fffffffffffffffffffffffffffffffffffffffffffffffeffffe56d"),
        a: &hex::<28>("00000000000000000000000000000000000000000000000000000000"),
        b: &hex::<28>("00000000000000000000000000000000000000000000000000000005"),
        n: &hex::<29>("010000000000000000000000000001dce8d2ec6184caf0a971769fb1f7"),
        g: &hex::<57>("04a1455b334df099df30fc28a169a467e9e47075a90f7e650eb6b7a45c7e089fed7fba344282cafbd6f7e319f7c0b0bd59e2ca4bdb556d61a5"),
    },
    Domain {
        name: "secp256k1",
        oid: &hex::<7>("06052b8104000a"),
        p: &hex::<32>("fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f"),
        a: &hex::<32>("0000000000000000000000000000000000000000000000000000000000000000"),
        b: &hex::<32>("0000000000000000000000000000000000000000000000000000000000000007"),
        n: &hex::<32>("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"),
        g: &hex::<65>("0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"),
    },
    Domain {
        name: "brainpoolP192r1",
        oid: &hex::<11>("06092b2403030208010103"),
        p: &hex::<24>("c302f41d932a36cda7a3463093d18db78fce476de1a86297"),
        a: &hex::<24>("6a91174076b1e0e19c39c031fe8685c1cae040e5c69a28ef"),
        b: &hex::<24>("469a28ef7c28cca3dc721d044f4496bcca7ef4146fbf25c9"),
        n: &hex::<24>("c302f41d932a36cda7a3462f9e9e916b5be8f1029ac4acc1"),
        g: &hex::<49>("04c0a0647eaab6a48753b033c56cb0f0900a2f5c4853375fd614b690866abd5bb88b5f4828c1490002e6773fa2fa299b8f"),
    },
    Domain {
        name: "brainpoolP224r1",
        oid: &hex::<11>("06092b2403030208010105"),
        p: &hex::<28>("d7c134aa264366862a18302575d1d787b09f075797da89f57ec8c0ff"),
        a: &hex::<28>("68a5e62ca9ce6c1c299803a6c1530b514e182ad8b0042a59cad29f43"),
        b: &hex::<28>("2580f63ccfe44138870713b1a92369e33e2135d266dbb372386c400b"),
        n: &hex::<28>("d7c134aa264366862a18302575d0fb98d116bc4b6ddebca3a5a7939f"),
        g: &hex::<57>("040d9029ad2c7e5cf4340823b2a87dc68c9e4ce3174c1e6efdee12c07d58aa56f772c0726f24c6b89e4ecdac24354b9e99caa3f6d3761402cd"),
    },
    Domain {
        name: "brainpoolP256r1",
        oid: &hex::<11>("06092b2403030208010107"),
        p: &hex::<32>("a9fb57dba1eea9bc3e660a909d838d726e3bf623d52620282013481d1f6e5377"),
        a: &hex::<32>("7d5a0975fc2c3057eef67530417affe7fb8055c126dc5c6ce94a4b44f330b5d9"),
        b: &hex::<32>("26dc5c6ce94a4b44f330b5d9bbd77cbf958416295cf7e1ce6bccdc18ff8c07b6"),
        n: &hex::<32>("a9fb57dba1eea9bc3e660a909d838d718c397aa3b561a6f7901e0e82974856a7"),
        g: &hex::<65>("048bd2aeb9cb7e57cb2c4b482ffc81b7afb9de27e1e3bd23c23a4453bd9ace3262547ef835c3dac4fd97f8461a14611dc9c27745132ded8e545c1d54c72f046997"),
    },
    Domain {
        name: "brainpoolP320r1",
        oid: &hex::<11>("06092b2403030208010109"),
        p: &hex::<40>("d35e472036bc4fb7e13c785ed201e065f98fcfa6f6f40def4f92b9ec7893ec28fcd412b1f1b32e27"),
        a: &hex::<40>("3ee30b568fbab0f883ccebd46d3f3bb8a2a73513f5eb79da66190eb085ffa9f492f375a97d860eb4"),
        b: &hex::<40>("520883949dfdbc42d3ad198640688a6fe13f41349554b49acc31dccd884539816f5eb4ac8fb1f1a6"),
        n: &hex::<40>("d35e472036bc4fb7e13c785ed201e065f98fcfa5b68f12a32d482ec7ee8658e98691555b44c59311"),
        g: &hex::<81>("0443bd7e9afb53d8b85289bcc48ee5bfe6f20137d10a087eb6e7871e2a10a599c710af8d0d39e2061114fdd05545ec1cc8ab4093247f77275e0743ffed117182eaa9c77877aaac6ac7d35245d1692e8ee1"),
    },
    Domain {
        name: "brainpoolP384r1",
        oid: &hex::<11>("06092b240303020801010b"),
        p: &hex::<48>("8cb91e82a3386d280f5d6f7e50e641df152f7109ed5456b412b1da197fb71123acd3a729901d1a71874700133107ec53"),
        a: &hex::<48>("7bc382c63d8c150c3c72080ace05afa0c2bea28e4fb22787139165efba91f90f8aa5814a503ad4eb04a8c7dd22ce2826"),
        b: &hex::<48>("04a8c7dd22ce28268b39b55416f0447c2fb77de107dcd2a62e880ea53eeb62d57cb4390295dbc9943ab78696fa504c11"),
        n: &hex::<48>("8cb91e82a3386d280f5d6f7e50e641df152f7109ed5456b31f166e6cac0425a7cf3ab6af6b7fc3103b883202e9046565"),
        g: &hex::<97>("041d1c64f068cf45ffa2a63a81b7c13f6b8847a3e77ef14fe3db7fcafe0cbd10e8e826e03436d646aaef87b2e247d4af1e8abe1d7520f9c2a45cb1eb8e95cfd55262b70b29feec5864e19c054ff99129280e4646217791811142820341263c5315"),
    },
    Domain {
        name: "brainpoolP512r1",
        oid: &hex::<11>("06092b240303020801010d"),
        p: &hex::<64>("aadd9db8dbe9c48b3fd4e6ae33c9fc07cb308db3b3c9d20ed6639cca703308717d4d9b009bc66842aecda12ae6a380e62881ff2f2d82c68528aa6056583a48f3"),
        a: &hex::<64>("7830a3318b603b89e2327145ac234cc594cbdd8d3df91610a83441caea9863bc2ded5d5aa8253aa10a2ef1c98b9ac8b57f1117a72bf2c7b9e7c1ac4d77fc94ca"),
        b: &hex::<64>("3df91610a83441caea9863bc2ded5d5aa8253aa10a2ef1c98b9ac8b57f1117a72bf2c7b9e7c1ac4d77fc94cadc083e67984050b75ebae5dd2809bd638016f723"),
        n: &hex::<64>("aadd9db8dbe9c48b3fd4e6ae33c9fc07cb308db3b3c9d20ed6639cca70330870553e5c414ca92619418661197fac10471db1d381085ddaddb58796829ca90069"),
        g: &hex::<129>("0481aee4bdd82ed9645a21322e9c4c6a9385ed9f70b5d916c1b43b62eef4d0098eff3b1f78e2d0d48d50d1687b93b97d5f7c6d5047406a5e688b352209bcb9f8227dde385d566332ecc0eabfa9cf7822fdf209f70024a57b1aa000c55b881f8111b2dcde494a5f485e5bca4bd88a2763aed1ca2b2fa8f0540678cd1e0f3ad80892"),
    },
];

impl Domain {
    /// The curve of a CKA_EC_PARAMS, which names it by its OID.
    pub fn named(oid: &[u8]) -> Option<&'static Domain> {
        DOMAINS.iter().find(|domain| domain.oid == oid)
    }

    /// The curve of this name.
    pub(super) fn of(name: &str) -> Option<&'static Domain> {
        DOMAINS.iter().find(|domain| domain.name == name)
    }

    /// The curve in aws-lc.
    pub(super) fn group(&self) -> Option<Group> {
        Group::new([self.p, self.a, self.b, self.n], self.g)
    }

    /// The curve with this prime, order and base point; leading zeros do not matter.
    pub fn spelled(p: &[u8], n: &[u8], g: &[u8]) -> Option<&'static Domain> {
        DOMAINS.iter().find(|domain| trim(domain.p) == trim(p) && trim(domain.n) == trim(n) && domain.g == g)
    }

    /// Bytes of a coordinate.
    pub fn size(&self) -> usize {
        self.p.len()
    }

    /// The public point of a private value, uncompressed. `CKR_ATTRIBUTE_VALUE_INVALID` unless 0 < value < n.
    pub fn public_point(&self, value: &Secret) -> Result<Vec<u8>> {
        let value = trim(value.expose());
        let below = value.len() < trim(self.n).len() || (value.len() == self.n.len() && value < self.n);
        if value.is_empty() || !below {
            return Err(Rv::AttributeValueInvalid
                .because("the private value must be above 0 and below the curve's order"));
        }
        self.group()
            .and_then(|group| group.times_generator(value))
            .ok_or_else(|| Rv::FunctionFailed.because("the public point could not be computed"))
    }
}

/// Hexadecimal digits as bytes, when the table is compiled.
pub(super) const fn hex<const N: usize>(text: &str) -> [u8; N] {
    let digits = text.as_bytes();
    assert!(digits.len() == 2 * N);
    let (mut out, mut at) = ([0; N], 0);
    while at < N {
        out[at] = digit(digits[2 * at]) << 4 | digit(digits[2 * at + 1]);
        at += 1;
    }
    out
}

const fn digit(c: u8) -> u8 {
    match c {
        b'0'..=b'9' => c - b'0',
        b'a'..=b'f' => c - b'a' + 10,
        _ => panic!("no hexadecimal digit"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{ec, rng};

    #[test]
    fn the_base_point_is_one_times_itself_and_n_less_one_its_mirror() {
        for domain in DOMAINS {
            let one = Secret::from(&[1][..]);
            assert_eq!(domain.public_point(&one).unwrap(), domain.g, "{}", domain.name);
            let mut last = domain.n.to_vec();
            *last.last_mut().unwrap() -= 1;
            let mirror = domain.public_point(&last.into()).unwrap();
            assert_eq!(mirror[..=domain.size()], domain.g[..=domain.size()], "{}", domain.name);
            assert_ne!(mirror, domain.g);
            for out in [&[][..], &[0], domain.n] {
                let error = domain.public_point(&out.into()).unwrap_err();
                assert_eq!(error.rv(), Rv::AttributeValueInvalid);
            }
        }
    }

    #[test]
    fn points_are_those_of_the_keys() {
        for curve in ec::Curve::ALL {
            let Some(domain) = Domain::named(curve.params()) else { continue };
            let (scalar, point) = ec::generate(*curve, &mut rng::system).unwrap();
            assert_eq!(domain.public_point(&scalar).unwrap(), point, "{}", domain.name);
            assert_eq!(Domain::spelled(domain.p, domain.n, domain.g), Some(domain));
        }
    }
}
