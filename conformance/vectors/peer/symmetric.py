"""Digests, MACs and ciphers. Modes are by their definition over single blocks of `cryptography`."""

import hashlib
import hmac as _hmac

from cryptography.hazmat.primitives import keywrap as _keywrap
from cryptography.hazmat.primitives.ciphers import Cipher as _Cipher
from cryptography.hazmat.primitives.ciphers import algorithms as _algorithms
from cryptography.hazmat.primitives.ciphers import modes as _modes

try:
    from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES as _TripleDES
except ImportError:
    from cryptography.hazmat.primitives.ciphers.algorithms import TripleDES as _TripleDES


def _name(hash):
    """hashlib's name of SHA-512/256 and its like."""
    return hash.lower().replace("sha-", "sha").replace("-", "_").replace("/", "_")


def _hash(hash, data=b"", size=None):
    made = hashlib.new(_name(hash), data)
    return made.digest(size) if hash.startswith("SHAKE") else made.digest()


def digest(hash: str, data: bytes, size: int = None):
    return _hash(hash, data, size)


def hmac(hash: str, key: bytes, data: bytes):
    return _hmac.new(key, data, _name(hash)).digest()


class _Block:
    """A block cipher. A key of DES is taken three times, one of two-key DES goes on with its beginning."""

    def __init__(self, key, algorithm):
        if algorithm == "AES":
            cipher, self.size = _algorithms.AES(key), 16
        else:
            cipher, self.size = _TripleDES((key * 3)[:24]), 8
        self._ecb = _Cipher(cipher, _modes.ECB())

    def encrypt(self, data):
        return self._ecb.encryptor().update(data)

    def decrypt(self, data):
        return self._ecb.decryptor().update(data)

    def split(self, data):
        return [data[at : at + self.size] for at in range(0, len(data), self.size)]


def _xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def _cbc(block, iv, data):
    out = []
    for part in block.split(data):
        iv = block.encrypt(_xor(part, iv))
        out.append(iv)
    return b"".join(out)


def _cfb(block, iv, data, bits):
    """SP 800-38A §6.3, for segments of any number of bits that divides 8 or is whole bytes."""
    size = block.size * 8
    mask, register, whole = (1 << size) - 1, int.from_bytes(iv, "big"), int.from_bytes(data, "big")
    total, out = len(data) * 8, 0
    for at in range(0, total, bits):
        width = min(bits, total - at)
        stream = int.from_bytes(block.encrypt(register.to_bytes(block.size, "big")), "big") >> (size - width)
        segment = (whole >> (total - at - width)) & ((1 << width) - 1)
        sealed = stream ^ segment
        out = out << width | sealed
        register = (register << width | sealed) & mask
    return out.to_bytes(len(data), "big")


def _stream(block, iv, data, following):
    out = b""
    while len(out) < len(data):
        iv, part = following(iv)
        out += part
    return _xor(data, out)


def encrypt(algorithm: str, mode: str, key: bytes, data: bytes, iv: bytes = b"", bits: int = 128):
    """SP 800-38A and its addendum on stealing (CS1); `bits` are those of a segment of CFB or of CTR's counter."""
    if mode == "XTS":
        return _Cipher(_algorithms.AES(key), _modes.XTS(iv)).encryptor().update(data)
    block = _Block(key, algorithm)
    pad = block.size - len(data) % block.size

    def next_counter(at):
        number = int.from_bytes(at, "big")
        low = (1 << bits) - 1
        return ((number & ~low) | (number + 1) & low).to_bytes(block.size, "big"), block.encrypt(at)

    def fed_back(at):
        made = block.encrypt(at)
        return made, made

    if mode == "ECB":
        return block.encrypt(data)
    if mode == "CBC":
        return _cbc(block, iv, data)
    if mode == "CBC_PAD":
        return _cbc(block, iv, data + bytes([pad]) * pad)
    if mode == "CFB":
        return _cfb(block, iv, data, bits)
    if mode == "OFB":
        return _stream(block, iv, data, fed_back)
    if mode == "CTR":
        return _stream(block, iv, data, next_counter)
    if mode == "CTS":
        whole = _cbc(block, iv, data + bytes(pad % block.size))
        return whole[: len(data) - block.size] + whole[-block.size :]
    raise ValueError(mode)


def cbc_mac(algorithm: str, key: bytes, data: bytes):
    """FIPS 113, over data filled up with zeros; nothing counts as one block of them."""
    block = _Block(key, algorithm)
    filled = data + bytes(-len(data) % block.size) or bytes(block.size)
    return _cbc(block, bytes(block.size), filled)[-block.size :]


def cmac(algorithm: str, key: bytes, data: bytes):
    """SP 800-38B §6."""
    block = _Block(key, algorithm)
    size, poly = block.size * 8, 0x87 if block.size == 16 else 0x1B

    def doubled(number):
        number <<= 1
        return number ^ (1 << size | poly) if number >> size else number

    last = doubled(int.from_bytes(block.encrypt(bytes(block.size)), "big"))
    if not data or len(data) % block.size:
        data += b"\x80"
        data += bytes(-len(data) % block.size)
        last = doubled(last)
    end = _xor(data[-block.size :], last.to_bytes(block.size, "big"))
    return _cbc(block, bytes(block.size), data[: -block.size] + end)[-block.size :]


def chacha20(key: bytes, nonce: bytes, counter: int, data: bytes):
    """RFC 8439 §2.4; with a nonce of 8 bytes the counter has 64 bits."""
    words = lambda part: [int.from_bytes(part[at : at + 4], "little") for at in range(0, len(part), 4)]
    turn = lambda x, by: (x << by | x >> (32 - by)) & 0xFFFFFFFF

    def quarter(s, a, b, c, d):
        for x, y, z, by in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            s[x] = (s[x] + s[y]) & 0xFFFFFFFF
            s[z] = turn(s[z] ^ s[x], by)

    out = b""
    while len(out) < len(data):
        head = words(counter.to_bytes(16 - len(nonce), "little"))
        start = words(b"expand 32-byte k") + words(key) + head + words(nonce)
        s = list(start)
        for _ in range(10):
            for column in ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15)):
                quarter(s, *column)
            for diagonal in ((0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)):
                quarter(s, *diagonal)
        out += b"".join(((a + b) & 0xFFFFFFFF).to_bytes(4, "little") for a, b in zip(s, start))
        counter += 1
    return _xor(data, out)


def poly1305(key: bytes, data: bytes):
    """RFC 8439 §2.5."""
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    sum = 0
    for at in range(0, len(data), 16):
        sum = (sum + int.from_bytes(data[at : at + 16] + b"\x01", "little")) * r % ((1 << 130) - 5)
    return ((sum + int.from_bytes(key[16:], "little")) & (1 << 128) - 1).to_bytes(16, "little")


def wrap(how: str, key: bytes, data: bytes):
    """RFC 3394, RFC 5649, and RFC 3394 of data padded as PKCS #7 pads."""
    if how == "KWP":
        return _keywrap.aes_key_wrap_with_padding(key, data)
    if how == "PKCS7":
        data += bytes([8 - len(data) % 8]) * (8 - len(data) % 8)
    return _keywrap.aes_key_wrap(key, data)


def unwrap(how: str, key: bytes, data: bytes):
    if how == "KWP":
        return _keywrap.aes_key_unwrap_with_padding(key, data)
    plain = _keywrap.aes_key_unwrap(key, data)
    return plain[: -plain[-1]] if how == "PKCS7" else plain
