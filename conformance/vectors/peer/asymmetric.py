"""RSA, elliptic curves, DSA and Diffie-Hellman, by the package `cryptography`."""

import os as _os
import random as _random

from cryptography.exceptions import InvalidSignature as _InvalidSignature
from cryptography.hazmat.primitives import hashes as _hashes
from cryptography.hazmat.primitives import serialization as _serialization
from cryptography.hazmat.primitives.asymmetric import dh as _dh
from cryptography.hazmat.primitives.asymmetric import dsa as _dsa
from cryptography.hazmat.primitives.asymmetric import ec as _ec
from cryptography.hazmat.primitives.asymmetric import ed448 as _ed448
from cryptography.hazmat.primitives.asymmetric import ed25519 as _ed25519
from cryptography.hazmat.primitives.asymmetric import padding as _padding
from cryptography.hazmat.primitives.asymmetric import rsa as _rsa
from cryptography.hazmat.primitives.asymmetric import utils as _utils
from cryptography.hazmat.primitives.asymmetric import x448 as _x448
from cryptography.hazmat.primitives.asymmetric import x25519 as _x25519

from .symmetric import _hash, _xor

_HASHES = {
    made.name.replace("sha3-", "SHA3-").replace("sha512-", "SHA-512/").upper().replace("SHA1", "SHA-1"): made
    for made in (_hashes.MD5(), _hashes.SHA1(), _hashes.SHA3_224(), _hashes.SHA3_256(), _hashes.SHA3_384(), _hashes.SHA3_512())
} | {f"SHA-{made.digest_size * 8}": made for made in (_hashes.SHA224(), _hashes.SHA256(), _hashes.SHA384(), _hashes.SHA512())}

_CURVES = {
    made.name: made
    for made in (
        _ec.SECP192R1(), _ec.SECP224R1(), _ec.SECP256R1(), _ec.SECP384R1(), _ec.SECP521R1(), _ec.SECP256K1(),
        _ec.BrainpoolP256R1(), _ec.BrainpoolP384R1(), _ec.BrainpoolP512R1(),
    )
}


def _bytes(number, size=None):
    return number.to_bytes(size or (number.bit_length() + 7) // 8, "big")


def _verified(check):
    try:
        check()
        return True
    except _InvalidSignature:
        return False


# ── RSA ──


def _rsa_private(key):
    n = {name: int(value, 16) for name, value in key.items()}
    public = _rsa.RSAPublicNumbers(n["publicExponent"], n["modulus"])
    return _rsa.RSAPrivateNumbers(
        n["prime1"], n["prime2"], n["privateExponent"], n["exponent1"], n["exponent2"], n["coefficient"], public
    ).private_key()


def _rsa_public(key):
    return _rsa.RSAPublicNumbers(int(key["publicExponent"], 16), int(key["modulus"], 16)).public_key()


def rsa_key(bits: int):
    key = _rsa.generate_private_key(65537, bits).private_numbers()
    return {
        "modulus": _bytes(key.public_numbers.n), "publicExponent": _bytes(key.public_numbers.e),
        "privateExponent": _bytes(key.d), "prime1": _bytes(key.p), "prime2": _bytes(key.q),
        "exponent1": _bytes(key.dmp1), "exponent2": _bytes(key.dmq1), "coefficient": _bytes(key.iqmp),
    }


def _signing(hash, salt, mgf, digested):
    pad = _padding.PKCS1v15()
    if salt is not None:
        pad = _padding.PSS(_padding.MGF1(_HASHES[mgf or hash]), salt)
    return pad, _utils.Prehashed(_HASHES[hash]) if digested else _HASHES[hash]


def rsa_sign(key: dict, hash: str, data: bytes, salt: int = None, mgf: str = None, digested: bool = False):
    return _rsa_private(key).sign(data, *_signing(hash, salt, mgf, digested))


def rsa_verify(key: dict, hash: str, data: bytes, signature: bytes, salt: int = None, mgf: str = None, digested: bool = False):
    return _verified(lambda: _rsa_public(key).verify(signature, data, *_signing(hash, salt, mgf, digested)))


def _mask(hash, seed, size):
    """MGF1 (RFC 8017 B.2.1)."""
    return b"".join(_hash(hash, seed + i.to_bytes(4, "big")) for i in range(-(-size // len(_hash(hash)))))[:size]


def rsa_encrypt(key: dict, data: bytes, hash: str = "", mgf: str = "", label: bytes = b""):
    """PKCS #1 v1.5, or OAEP (RFC 8017 §7.1.1), of which the library knows no SHA-3."""
    if not hash:
        return _rsa_public(key).encrypt(data, _padding.PKCS1v15())
    head, size = _hash(hash, label), len(key["modulus"]) // 2
    block = head + bytes(size - len(data) - 2 * len(head) - 2) + b"\x01" + data
    seed = _os.urandom(len(head))
    block = _xor(block, _mask(mgf or hash, seed, len(block)))
    return rsa_power(key, b"\0" + _xor(seed, _mask(mgf or hash, block, len(seed))) + block, False)


def rsa_decrypt(key: dict, data: bytes, hash: str = "", mgf: str = "", label: bytes = b""):
    if not hash:
        return _rsa_private(key).decrypt(data, _padding.PKCS1v15())
    head, whole = _hash(hash, label), rsa_power(key, data, True)
    seed, block = whole[1 : 1 + len(head)], whole[1 + len(head) :]
    seed = _xor(seed, _mask(mgf or hash, block, len(seed)))
    block = _xor(block, _mask(mgf or hash, seed, len(block)))
    zeros, one, message = block[len(head) :].partition(b"\x01")
    if whole[0] or block[: len(head)] != head or any(zeros) or not one:
        raise ValueError("no OAEP")
    return message


def rsa_power(key: dict, data: bytes, private: bool):
    """RFC 8017 §5: the number to the power of an exponent."""
    n = int(key["modulus"], 16)
    exponent = int(key["privateExponent" if private else "publicExponent"], 16)
    return _bytes(pow(int.from_bytes(data, "big"), exponent, n), (n.bit_length() + 7) // 8)


# ── elliptic curves ──


def _raw(key):
    form = _serialization.PublicFormat.Raw
    return key.public_key().public_bytes(_serialization.Encoding.Raw, form)


def _ec_private(curve, scalar):
    return _ec.derive_private_key(int.from_bytes(scalar, "big"), _CURVES[curve])


def _point(key):
    form = _serialization.PublicFormat.UncompressedPoint
    return key.public_key().public_bytes(_serialization.Encoding.X962, form)


def ec_curves():
    return sorted(_CURVES)


def ec_key(curve: str):
    key = _ec.generate_private_key(_CURVES[curve])
    size = (_CURVES[curve].key_size + 7) // 8
    return {"value": _bytes(key.private_numbers().private_value, size), "point": _point(key)}


def ec_public(curve: str, value: bytes):
    return _point(_ec_private(curve, value))


def ecdsa_sign(curve: str, value: bytes, hash: str, data: bytes, digested: bool = False):
    made = _utils.Prehashed(_HASHES[hash]) if digested else _HASHES[hash]
    r, s = _utils.decode_dss_signature(_ec_private(curve, value).sign(data, _ec.ECDSA(made)))
    size = (_CURVES[curve].key_size + 7) // 8
    return _bytes(r, size) + _bytes(s, size)


def _in_der(signature):
    half = len(signature) // 2
    return _utils.encode_dss_signature(int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big"))


def ecdsa_verify(curve: str, point: bytes, hash: str, data: bytes, signature: bytes, digested: bool = False):
    made = _utils.Prehashed(_HASHES[hash]) if digested else _HASHES[hash]
    key = _ec.EllipticCurvePublicKey.from_encoded_point(_CURVES[curve], point)
    return _verified(lambda: key.verify(_in_der(signature), data, _ec.ECDSA(made)))


def ecdh(curve: str, value: bytes, point: bytes):
    peer = _ec.EllipticCurvePublicKey.from_encoded_point(_CURVES[curve], point)
    return _ec_private(curve, value).exchange(_ec.ECDH(), peer)


_EDWARDS = {"Ed25519": (_ed25519.Ed25519PrivateKey, _ed25519.Ed25519PublicKey), "Ed448": (_ed448.Ed448PrivateKey, _ed448.Ed448PublicKey)}
_MONTGOMERY = {"X25519": (_x25519.X25519PrivateKey, _x25519.X25519PublicKey), "X448": (_x448.X448PrivateKey, _x448.X448PublicKey)}


def curve25519_key(curve: str):
    key = (_EDWARDS | _MONTGOMERY)[curve][0].generate()
    own = _serialization.PrivateFormat.Raw, _serialization.NoEncryption()
    return {"value": key.private_bytes(_serialization.Encoding.Raw, *own), "point": _raw(key)}


def curve25519_public(curve: str, value: bytes):
    return _raw((_EDWARDS | _MONTGOMERY)[curve][0].from_private_bytes(value))


def eddsa_sign(curve: str, value: bytes, data: bytes):
    return _EDWARDS[curve][0].from_private_bytes(value).sign(data)


def eddsa_verify(curve: str, point: bytes, data: bytes, signature: bytes):
    return _verified(lambda: _EDWARDS[curve][1].from_public_bytes(point).verify(signature, data))


def xdh(curve: str, value: bytes, point: bytes):
    private, public = _MONTGOMERY[curve]
    return private.from_private_bytes(value).exchange(public.from_public_bytes(point))


# ── DSA and Diffie-Hellman ──


def dsa_key(bits: int):
    key = _dsa.generate_private_key(bits).private_numbers()
    group = key.public_numbers.parameter_numbers
    numbers = {"p": group.p, "q": group.q, "g": group.g, "y": key.public_numbers.y, "x": key.x}
    return {name: _bytes(number) for name, number in numbers.items()}


def _dsa_public(key):
    group = _dsa.DSAParameterNumbers(*(int(key[name], 16) for name in "pqg"))
    return _dsa.DSAPublicNumbers(int(key["y"], 16), group)


def dsa_sign(key: dict, hash: str, data: bytes, digested: bool = False):
    made = _utils.Prehashed(_HASHES[hash]) if digested else _HASHES[hash]
    private = _dsa.DSAPrivateNumbers(int(key["x"], 16), _dsa_public(key)).private_key()
    r, s = _utils.decode_dss_signature(private.sign(data, made))
    size = (int(key["q"], 16).bit_length() + 7) // 8
    return _bytes(r, size) + _bytes(s, size)


def dsa_verify(key: dict, hash: str, data: bytes, signature: bytes, digested: bool = False):
    made = _utils.Prehashed(_HASHES[hash]) if digested else _HASHES[hash]
    return _verified(lambda: _dsa_public(key).public_key().verify(_in_der(signature), data, made))


def _prime(n):
    """Miller and Rabin, forty times."""
    if n < 4 or n % 2 == 0:
        return n in (2, 3)
    twos = (n - 1 & 1 - n).bit_length() - 1
    for _ in range(40):
        x = pow(_random.randrange(2, n - 1), n - 1 >> twos, n)
        if x in (1, n - 1):
            continue
        for _ in range(twos - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True


def dsa_group(p: bytes, q: bytes, g: bytes, bits: int, sub_bits: int):
    """FIPS 186-4 A.1 and A.2: primes of the right sizes, and a generator of the subgroup."""
    p, q, g = (int.from_bytes(number, "big") for number in (p, q, g))
    sizes = p.bit_length() == bits and q.bit_length() == sub_bits
    return sizes and _prime(p) and _prime(q) and (p - 1) % q == 0 and 1 < g < p and pow(g, q, p) == 1


def dh_group(p: bytes, g: bytes, bits: int):
    """A safe prime, and a generator that is not of a small subgroup."""
    p, g = int.from_bytes(p, "big"), int.from_bytes(g, "big")
    return p.bit_length() == bits and _prime(p) and _prime(p // 2) and 1 < g < p - 1


def dh_power(p: bytes, base: bytes, exponent: bytes):
    """PKCS #3: a public value, or the shared secret with all its leading zeros."""
    p, base, exponent = (int.from_bytes(number, "big") for number in (p, base, exponent))
    return _bytes(pow(base, exponent, p), (p.bit_length() + 7) // 8)


def dh_key(p: bytes, g: bytes):
    group = _dh.DHParameterNumbers(int.from_bytes(p, "big"), int.from_bytes(g, "big")).parameters()
    key = group.generate_private_key().private_numbers()
    return {"x": _bytes(key.x), "y": _bytes(key.public_numbers.y)}
