"""Key derivation, by definition over hashlib."""

import hmac as _hmac
import struct as _struct

from .symmetric import _hash, _name, _xor, cmac


def _prf(prf, key, data):
    return cmac("AES", key, data) if prf == "AES-CMAC" else _hmac.new(key, data, _name(prf)).digest()


def sp800_108(mode: str, prf: str, key: bytes, fixed: bytes, size: int, iv: bytes = b"", counter: bool = True):
    """SP 800-108 §4, with a counter of 32 bits before the fixed data."""
    out, i, k, a = b"", 0, iv, fixed
    while len(out) < size:
        i += 1
        number = _struct.pack(">I", i) if counter else b""
        if mode == "COUNTER":
            before = b""
        elif mode == "FEEDBACK":
            before = k
        else:
            a = _prf(prf, key, a)
            before = a
        k = _prf(prf, key, before + number + fixed)
        out += k
    return out[:size]


def concat_kdf(hash: str, secret: bytes, info: bytes, size: int, first: bool):
    """SP 800-56A §5.8.1 (the counter first) and ANSI X9.63 (the secret first)."""
    out, i = b"", 0
    while len(out) < size:
        i += 1
        counter = _struct.pack(">I", i)
        out += _hash(hash, counter + secret + info if first else secret + counter + info)
    return out[:size]


def hkdf(hash: str, key: bytes, salt: bytes, info: bytes, size: int):
    """RFC 5869."""
    secret = _hmac.new(salt or bytes(len(_hash(hash))), key, _name(hash)).digest()
    out = part = b""
    i = 0
    while len(out) < size:
        i += 1
        part = _hmac.new(secret, part + info + bytes([i]), _name(hash)).digest()
        out += part
    return out[:size]


def _p_hash(hash, secret, seed, size):
    out, a = b"", seed
    while len(out) < size:
        a = _hmac.new(secret, a, _name(hash)).digest()
        out += _hmac.new(secret, a + seed, _name(hash)).digest()
    return out[:size]


def tls_prf(hash: str, secret: bytes, label: str, seed: bytes, size: int):
    """RFC 5246 §5; without a hash RFC 2246 §5."""
    seed = label.encode() + seed
    if hash:
        return _p_hash(hash, secret, seed, size)
    half = (len(secret) + 1) // 2
    return _xor(_p_hash("MD5", secret[:half], seed, size), _p_hash("SHA-1", secret[len(secret) - half :], seed, size))


def hotp(key: bytes, counter: int, digits: int):
    """RFC 4226 §5.3."""
    mac = _hmac.new(key, counter.to_bytes(8, "big"), "sha1").digest()
    at = mac[19] & 15
    code = (int.from_bytes(mac[at : at + 4], "big") & 0x7FFFFFFF) % 10**digits
    return str(code).zfill(digits)
