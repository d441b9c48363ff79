#!/usr/bin/env python3
"""DKEK shares, wrapped keys and Tokenkeep's archives, written from their description and from nothing else of Tokenkeep.

    dkek.py create-share FILE --password PASSWORD            a random share; prints it
    dkek.py open-share FILE --password PASSWORD              prints the share
    dkek.py open-share FILE --prime HEX --share ID:HEX …     the same from password shares
    dkek.py kcv SHARE …                                      prints the key check value of the shares together
    dkek.py wrap FILE --dkek HEX --key PEM|HEX [--type 5|6|12|15] [--label L] [--id HEX] [--certificate DER]
    dkek.py unwrap FILE --dkek HEX [--out PEM]               prints what is in it, as JSON
    dkek.py open-backup FILE|DIR --dkek HEX                  checks every seal and MAC, prints the objects, as JSON
    dkek.py fixtures DIRECTORY [--rounds]                    judges every file of manifest.toml or manifest.json
"""

import argparse
import ctypes
import ctypes.util
import hashlib
import hmac
import json
import os
import struct
import sys
from math import gcd
from pathlib import Path

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import cmac, hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

ROUNDS = 10_000_000


class Refused(Exception):
    """The file is not to be believed; the first word is the reason's kind, as the manifests have it."""


# ── shares ───────────────────────────────────────────────────────────────────────────────────────────────────


def cover(password, salt):
    """EVP_BytesToKey with MD5: 48 bytes. libcrypto's own when there is one, since thirty million rounds take Python long."""
    name = ctypes.util.find_library("crypto")
    if name:
        lib = ctypes.CDLL(name)
        lib.EVP_md5.restype = lib.EVP_aes_256_cbc.restype = ctypes.c_void_p
        key, iv = ctypes.create_string_buffer(32), ctypes.create_string_buffer(16)
        if lib.EVP_BytesToKey(
            ctypes.c_void_p(lib.EVP_aes_256_cbc()), ctypes.c_void_p(lib.EVP_md5()), salt, password, len(password),
            ROUNDS, key, iv,
        ) == 32:  # fmt: skip
            return key.raw + iv.raw
    out, last = b"", b""
    while len(out) < 48:
        last += password + salt
        for _ in range(ROUNDS):
            last = hashlib.md5(last).digest()
        out += last
    return out[:48]


def cbc(key, iv, data, encrypt=False):
    cipher = Cipher(algorithms.AES(key), modes.CBC(iv))
    run = cipher.encryptor() if encrypt else cipher.decryptor()
    return run.update(data) + run.finalize()


def create_share(password):
    share, salt = os.urandom(32), os.urandom(8)
    key = cover(password, salt)
    return b"Salted__" + salt + cbc(key[:32], key[32:], share + b"\x10" * 16, encrypt=True), share


def open_share(file, covers):
    """The share, with the first of these covers (or functions that give one) that fits."""
    if len(file) < 64 or file[:8] != b"Salted__":
        raise Refused("fail: no share file")
    for given in covers:
        key = given(file[8:16]) if callable(given) else given
        plain = cbc(key[:32], key[32:], file[16:64])
        if plain[32:] == b"\x10" * 16:
            return plain[:32]
    raise Refused("fail: wrong password or damaged")


def number(text):
    return int(text.replace(":", "").replace(" ", ""), 16)


def passwords(prime, shares):
    """The passwords that typed shares may stand for: IDs in decimal, then in hexadecimal, each trimmed, then padded."""
    found = []
    for base in (10, 16):
        try:
            points = [(int(name, base), number(value)) for name, value in shares]
        except ValueError:
            continue
        secret = 0
        for x, y in points:
            above = below = 1
            for other, _ in points:
                if other != x:
                    above, below = above * other % prime, below * (other - x) % prime
            secret += y * above * pow(below, -1, prime)
        secret %= prime
        short = secret.to_bytes((secret.bit_length() + 7) // 8, "big")
        found += [form for form in (short, short.rjust(8, b"\0")) if form not in found]
    return found


# ── the DKEK ─────────────────────────────────────────────────────────────────────────────────────────────────


class Dkek:
    def __init__(self, key):
        self.key = key
        self.kcv = hashlib.sha256(key).digest()[:8]
        self.enc = hashlib.sha256(key + b"\0\0\0\1").digest()
        self.mac = hashlib.sha256(key + b"\0\0\0\2").digest()

    def tag(self, data):
        mac = cmac.CMAC(algorithms.AES(self.mac))
        mac.update(data)
        return mac

    def derive(self, salt, what):
        return HKDF(algorithm=hashes.SHA256(), length=32, salt=salt, info=what.encode()).derive(self.key)


def joined(shares):
    total = 0
    for share in shares:
        total ^= int.from_bytes(share, "big")
    return total.to_bytes(32, "big")


# ── key blobs ────────────────────────────────────────────────────────────────────────────────────────────────

OIDS = {
    5: bytes.fromhex("04007f00070202020102"),
    6: bytes.fromhex("04007f00070202020102"),
    12: bytes.fromhex("04007f00070202020203"),
    15: bytes.fromhex("6086480165030401"),
}

# p, a, b and n of each curve, as `openssl ecparam -param_enc explicit` tells them.
CURVES = {
    "secp192r1": (
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFFFFFFFFFFFF,
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFFFFFFFFFFFC,
        0x64210519E59C80E70FA7E9AB72243049FEB8DEECC146B9B1,
        0xFFFFFFFFFFFFFFFFFFFFFFFF99DEF836146BC9B1B4D22831,
    ),
    "secp224r1": (
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF000000000000000000000001,
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFE,
        0xB4050A850C04B3ABF54132565044B0B7D7BFD8BA270B39432355FFB4,
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFF16A2E0B8F03E13DD29455C5C2A3D,
    ),
    "secp256r1": (
        0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF,
        0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFC,
        0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
        0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    ),
    "secp384r1": (
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFFFF0000000000000000FFFFFFFF,
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFFFF0000000000000000FFFFFFFC,
        0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
    ),
    "secp521r1": (
        0x1FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF,
        0x1FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC,
        0x51953EB9618E1C9A1F929A21A0B68540EEA2DA725B99B315F3B8B489918EF109E156193951EC7E937B1652C0BD3BB1BF073573DF883D2C34F1EF451FD46B503F00,
        0x1FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFA51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409,
    ),
    "secp192k1": (
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFEE37,
        0x0,
        0x3,
        0xFFFFFFFFFFFFFFFFFFFFFFFE26F2FC170F69466A74DEFD8D,
    ),
    "secp224k1": (
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFE56D,
        0x0,
        0x5,
        0x10000000000000000000000000001DCE8D2EC6184CAF0A971769FB1F7,
    ),
    "secp256k1": (
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFC2F,
        0x0,
        0x7,
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141,
    ),
    "brainpoolP192r1": (
        0xC302F41D932A36CDA7A3463093D18DB78FCE476DE1A86297,
        0x6A91174076B1E0E19C39C031FE8685C1CAE040E5C69A28EF,
        0x469A28EF7C28CCA3DC721D044F4496BCCA7EF4146FBF25C9,
        0xC302F41D932A36CDA7A3462F9E9E916B5BE8F1029AC4ACC1,
    ),
    "brainpoolP224r1": (
        0xD7C134AA264366862A18302575D1D787B09F075797DA89F57EC8C0FF,
        0x68A5E62CA9CE6C1C299803A6C1530B514E182AD8B0042A59CAD29F43,
        0x2580F63CCFE44138870713B1A92369E33E2135D266DBB372386C400B,
        0xD7C134AA264366862A18302575D0FB98D116BC4B6DDEBCA3A5A7939F,
    ),
    "brainpoolP256r1": (
        0xA9FB57DBA1EEA9BC3E660A909D838D726E3BF623D52620282013481D1F6E5377,
        0x7D5A0975FC2C3057EEF67530417AFFE7FB8055C126DC5C6CE94A4B44F330B5D9,
        0x26DC5C6CE94A4B44F330B5D9BBD77CBF958416295CF7E1CE6BCCDC18FF8C07B6,
        0xA9FB57DBA1EEA9BC3E660A909D838D718C397AA3B561A6F7901E0E82974856A7,
    ),
    "brainpoolP320r1": (
        0xD35E472036BC4FB7E13C785ED201E065F98FCFA6F6F40DEF4F92B9EC7893EC28FCD412B1F1B32E27,
        0x3EE30B568FBAB0F883CCEBD46D3F3BB8A2A73513F5EB79DA66190EB085FFA9F492F375A97D860EB4,
        0x520883949DFDBC42D3AD198640688A6FE13F41349554B49ACC31DCCD884539816F5EB4AC8FB1F1A6,
        0xD35E472036BC4FB7E13C785ED201E065F98FCFA5B68F12A32D482EC7EE8658E98691555B44C59311,
    ),
    "brainpoolP384r1": (
        0x8CB91E82A3386D280F5D6F7E50E641DF152F7109ED5456B412B1DA197FB71123ACD3A729901D1A71874700133107EC53,
        0x7BC382C63D8C150C3C72080ACE05AFA0C2BEA28E4FB22787139165EFBA91F90F8AA5814A503AD4EB04A8C7DD22CE2826,
        0x4A8C7DD22CE28268B39B55416F0447C2FB77DE107DCD2A62E880EA53EEB62D57CB4390295DBC9943AB78696FA504C11,
        0x8CB91E82A3386D280F5D6F7E50E641DF152F7109ED5456B31F166E6CAC0425A7CF3AB6AF6B7FC3103B883202E9046565,
    ),
    "brainpoolP512r1": (
        0xAADD9DB8DBE9C48B3FD4E6AE33C9FC07CB308DB3B3C9D20ED6639CCA703308717D4D9B009BC66842AECDA12AE6A380E62881FF2F2D82C68528AA6056583A48F3,
        0x7830A3318B603B89E2327145AC234CC594CBDD8D3DF91610A83441CAEA9863BC2DED5D5AA8253AA10A2EF1C98B9AC8B57F1117A72BF2C7B9E7C1AC4D77FC94CA,
        0x3DF91610A83441CAEA9863BC2DED5D5AA8253AA10A2EF1C98B9AC8B57F1117A72BF2C7B9E7C1AC4D77FC94CADC083E67984050B75EBAE5DD2809BD638016F723,
        0xAADD9DB8DBE9C48B3FD4E6AE33C9FC07CB308DB3B3C9D20ED6639CCA70330870553E5C414CA92619418661197FAC10471DB1D381085DDADDB58796829CA90069,
    ),
}
KNOWN = {name.lower(): curve for name, curve in vars(ec).items() if isinstance(curve, type) and issubclass(curve, ec.EllipticCurve)}


def lv(data):
    return struct.pack(">H", len(data)) + data


def bytes_of(value, length=0):
    return value.to_bytes(max(length, (value.bit_length() + 7) // 8), "big")


def body_of(key, kind):
    if kind == 15:
        return struct.pack(">H", len(key)) + key
    if kind == 12:
        p, a, b, n = CURVES[key.curve.name]
        size, private = (p.bit_length() + 7) // 8, key.private_numbers().private_value
        point = lambda public: public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
        base = point(ec.derive_private_key(1, key.curve).public_key())
        fields = [bytes_of(value, size) for value in (a, b, p)]
        fields += [bytes_of(n, size), base, bytes_of(private, size), point(key.public_key())]
        return struct.pack(">H", 8 * size) + b"".join(map(lv, fields))
    numbers = key.private_numbers()
    n, e = numbers.public_numbers.n, numbers.public_numbers.e
    size = (n.bit_length() + 7) // 8
    if kind == 5:
        fields = [bytes_of(numbers.d), bytes_of(n), bytes_of(e)]
    else:
        half = [numbers.dmp1, numbers.dmq1, numbers.p, numbers.iqmp, numbers.q]
        fields = [bytes_of(value, size // 2) for value in half] + [bytes_of(n), bytes_of(e)]
    return struct.pack(">H", 8 * size) + b"".join(map(lv, fields))


def wrap(dkek, key, kind, allowed=b""):
    header = dkek.kcv + bytes([kind]) + lv(OIDS[kind]) + lv(allowed) + lv(b"") + lv(b"")
    plain = os.urandom(8) + body_of(key, kind) + b"\x80"
    plain += b"\0" * (-len(plain) % 16)
    body = header + cbc(dkek.enc, bytes(16), plain, encrypt=True)
    return body + dkek.tag(body).finalize()


def unwrap(dkek, blob):
    """Type, allowed algorithms, and the key: of `cryptography`, a tuple for curves that it does not know, or bytes."""
    if len(blob) < 49:
        raise Refused("fail:mac too short")
    if blob[:8] != dkek.kcv:
        raise Refused("fail:kcv another DKEK")
    try:
        dkek.tag(blob[:-16]).verify(blob[-16:])
    except InvalidSignature:
        raise Refused("fail:mac damaged or forged") from None
    kind, rest, fields = blob[8], blob[9:-16], []
    for _ in range(4):
        (length,) = struct.unpack(">H", rest[:2])
        fields.append(rest[2 : 2 + length])
        rest = rest[2 + length :]
    if kind not in OIDS or fields[0][1:] != OIDS[kind][1:] or (kind != 15 and fields[0] != OIDS[kind]):
        raise Refused("fail:format type or algorithm")
    if not rest or len(rest) % 16:
        raise Refused("fail:format ciphertext")
    return kind, fields[1], key_of(kind, cbc(dkek.enc, bytes(16), rest)[8:])


def key_of(kind, body):
    (bits,), rest, fields = struct.unpack(">H", body[:2]), body[2:], []
    if kind == 15:
        key, rest = rest[:bits], rest[bits:]
        if len(key) not in (16, 24, 32):
            raise Refused("fail:key AES length")
    for _ in range({5: 3, 6: 7, 12: 7, 15: 0}[kind]):
        (length,) = struct.unpack(">H", rest[:2])
        fields.append(rest[2 : 2 + length])
        rest = rest[2 + length :]
    if rest and (rest[0] != 0x80 or any(rest[1:]) or len(rest) > 16):
        raise Refused("fail:format padding")
    if kind == 15:
        return key
    if kind == 12:
        return ec_key(fields)
    numbers = [int.from_bytes(field, "big") for field in fields]
    if kind == 5:
        d, n, e = numbers
        p, q = rsa.rsa_recover_prime_factors(n, e, d)
    else:
        dp, dq, p, pq, q, n, e = numbers
        d = pow(e, -1, (p - 1) * (q - 1) // gcd(p - 1, q - 1))
        if (dp, dq, pq) != (d % (p - 1), d % (q - 1), pow(q, -1, p)):
            raise Refused("fail:key CRT numbers")
    if p * q != n or (d * e - 1) % ((p - 1) * (q - 1) // gcd(p - 1, q - 1)):
        raise Refused("fail:key RSA numbers")
    public = rsa.RSAPublicNumbers(e, n)
    private = rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), public)
    return private.private_key()


def ec_key(fields):
    a, b, p, n, base, d, point = fields
    a, b, p, n, d = (int.from_bytes(field, "big") for field in (a, b, p, n, d))
    # The point belongs to the scalar: by the schoolbook, on the numbers in the blob, for any curve.
    size = len(base) // 2
    split = lambda raw: (int.from_bytes(raw[1 : 1 + size], "big"), int.from_bytes(raw[1 + size :], "big"))
    for name, (known_p, known_a, known_b, known_n) in CURVES.items():
        if (known_p, known_n) == (p, n):
            if (fields[0] and a != known_a % p) or b != known_b:
                raise Refused("fail:key not the curve's coefficients")
            a = known_a % p
            break
    else:
        name = None
    if not 0 < d < n or times(d, split(base), a, p) != split(point):
        raise Refused("fail:key the point is not the scalar's")
    return ec.derive_private_key(d, KNOWN[name.lower()]()) if name and name.lower() in KNOWN else (p, n, d)


def times(scalar, point, a, p):
    total = None
    for bit in bin(scalar)[2:]:
        total = add(total, total, a, p)
        if bit == "1":
            total = add(total, point, a, p)
    return total


def add(one, two, a, p):
    if one is None or two is None:
        return one or two
    if one[0] == two[0] and (one[1] + two[1]) % p == 0:
        return None
    if one == two:
        slope = (3 * one[0] ** 2 + a) * pow(2 * one[1], -1, p)
    else:
        slope = (two[1] - one[1]) * pow(two[0] - one[0], -1, p)
    x = (slope * slope - one[0] - two[0]) % p
    return x, (slope * (one[0] - x) - one[1]) % p


# ── containers ───────────────────────────────────────────────────────────────────────────────────────────────


def elements(data):
    while data:
        at, tag = 1, data[0]
        if tag & 0x1F == 0x1F:
            tag, at = tag << 8 | data[1], 2
        length, at = data[at], at + 1
        if length & 0x80:
            count = length & 0x7F
            length, at = int.from_bytes(data[at : at + count], "big"), at + count
        if at + length > len(data):
            raise Refused("fail: cut")
        yield tag, data[at : at + length], data[: at + length]
        data = data[at + length :]


def der(tag, *parts):
    data = b"".join(parts)
    length = bytes([len(data)]) if len(data) < 128 else (lambda n: bytes([0x80 | len(n)]) + n)(bytes_of(len(data)))
    return bytes([tag]) + length + data


def open_file(file):
    """Blob, label, ID and X.509 certificate of a wrapped key."""
    try:
        tag, value, _ = next(elements(file))
        if tag != 0x30:
            raise Refused("fail: no SEQUENCE")
        members = list(elements(value))
        if members[0][0] != 4:
            raise Refused("fail: no OCTET STRING")
    except (IndexError, StopIteration):
        raise Refused("fail: no wrapped key") from None
    label = name = certificate = None
    for tag, value, whole in members[1:]:
        tags = [part[0] for part in elements(value)]
        if tag == 0x30 and tags == [0x30, 0x30, 0x03]:
            certificate = whole
        elif tag in (0x30, 0xA0, 0xA8):
            common, key = [list(elements(part[1])) for part in list(elements(value))[:2]]
            label = next((part[1].decode() for part in common if part[0] == 0x0C), None)
            name = next((part[1] for part in key if part[0] == 4), None)
    return members[0][1], label, name, certificate


def write_file(blob, kind, label, name, bits, certificate):
    if label is None:
        return der(0x30, der(4, blob))
    common, key = der(0x30, der(0x0C, label.encode())), der(0x30, der(4, name), bytes.fromhex("03020274"))
    size = der(2, b"\0" * (bits >> 7 & 1 and bits < 256), bytes_of(bits))
    attributes = der(0xA0, der(0x30, size)) if kind == 15 else der(0xA1, der(0x30, der(0x30, der(4)), size))
    described = der({5: 0x30, 6: 0x30, 12: 0xA0, 15: 0xA8}[kind], common, key, attributes)
    return der(0x30, der(4, blob), described, certificate or b"")


# ── archives of whole tokens ─────────────────────────────────────────────────────────────────────────────────


def open_backup(dkek, read):
    """Every object of an archive: class, and attribute types with the lengths of their values; `read` gives files."""
    text, _, rest = read("manifest").partition(b"mac ")
    lines = [line.split(" ") for line in text.decode().splitlines()]
    head = {line[0]: line[1] for line in lines[1:7]}
    if lines[0] != ["tokenkeep", "backup", "1"] or head["kcv"] != dkek.kcv.hex().upper():
        raise Refused("fail:kcv no archive, or of another DKEK")
    salt = bytes.fromhex(head["salt"])
    mac = hmac.new(dkek.derive(salt, "tokenkeep 1 backup manifest"), text, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(mac, rest[:64].decode()):
        raise Refused("fail:mac of the manifest")
    sealer, objects = AESGCM(dkek.derive(salt, "tokenkeep 1 backup objects")), []
    for at, line in enumerate(lines[7:], 1):
        sealed = read(f"{at:04}.sealed")
        check(sealed, line[3:5])
        try:
            plain = sealer.decrypt(sealed[:12], sealed[12:], bytes.fromhex(line[1]))
        except InvalidTag:
            raise Refused("fail:mac of an object") from None
        key = None
        if len(line) > 5:
            file = read(f"{at:04}.wrapped")
            check(file, line[6:8])
            key = describe(*unwrap(dkek, open_file(file)[0]))
        objects.append({"class": line[2], "attributes": attributes(plain[1:]), "key": key})
    return {"token": head["token"], "objects": objects}


def check(member, part):
    if len(member) != int(part[0]) or hashlib.sha256(member).hexdigest() != part[1]:
        raise Refused("fail:mac of a member")


def attributes(data):
    found = {}
    while data:
        kind, _, length = struct.unpack(">QBI", data[:13])
        found[f"{kind:#x}"] = data[13 : 13 + length].hex()
        data = data[13 + length :]
    return found


def files_of(path):
    """How to read the files of an archive, which may be one file."""
    if path.is_dir():
        return lambda name: (path / name).read_bytes()
    head, _, members = path.read_bytes().partition(b"\n\n")
    files, at = {"manifest": head + b"\n"}, 0
    for count, line in enumerate(head.decode().splitlines()[7:-1], 1):
        words = line.split(" ")
        for name, size in [("sealed", words[3])] + ([("wrapped", words[6])] if len(words) > 5 else []):
            files[f"{count:04}.{name}"] = members[at : at + int(size)]
            at += int(size)
    return files.__getitem__


# ── fixtures ─────────────────────────────────────────────────────────────────────────────────────────────────


def fixtures(directory, rounds):
    if (directory / "manifest.toml").exists():
        import tomllib

        manifest = tomllib.loads((directory / "manifest.toml").read_text())
        shares, blobs = manifest["share"], manifest["blob"]
    else:
        manifest = json.loads((directory / "manifest.json").read_text())
        shares = [entry for entry in manifest["entries"] if entry["kind"] == "share"]
        blobs = [entry for entry in manifest["entries"] if entry["kind"] == "blob"]
    for known in manifest.get("dkek", manifest.get("dkeks")):
        assert Dkek(joined(map(bytes.fromhex, known["shares"]))).kcv.hex().upper() == known["kcv"], known["name"]
    for entry in shares:
        judge(entry, lambda: share_of(directory, entry, rounds).hex(), entry.get("share"))
    for entry in blobs:
        judge(entry, lambda: blob_of(directory, entry), recorded(directory, entry))
    print(f"{len(shares)} share files and {len(blobs)} wrapped keys as recorded")


def judge(entry, work, wanted):
    try:
        found = work()
    except Refused as error:
        assert entry["expect"] != "ok" and str(error).startswith(entry["expect"]), (entry["file"], error)
    else:
        assert entry["expect"] == "ok", (entry["file"], "must be refused")
        assert wanted is None or found == wanted, (entry["file"], found, wanted)


def share_of(directory, entry, rounds):
    file = (directory / entry["file"]).read_bytes()
    sheets = entry.get("sheets") or entry.get("pwd_shares", {}).get("use")
    if sheets:
        prime = number(entry.get("prime") or entry["pwd_shares"]["prime"])
        use = sheets[: entry.get("threshold", len(sheets))] if "sheets" in entry else sheets
        found = passwords(prime, [(str(sheet["id"]), sheet["value"]) for sheet in use])
    else:
        found = [entry["password"].encode()]
    known = {known["password"]: bytes.fromhex(known["cover"]) for known in entry.get("covers", [])}
    if rounds:
        for password, kept in known.items():
            assert cover(bytes.fromhex(password), file[8:16]) == kept, entry["file"]
    return open_share(file, [known.get(word.hex()) or (lambda salt, word=word: cover(word, salt)) for word in found])


def blob_of(directory, entry):
    blob, *_ = open_file((directory / entry["file"]).read_bytes())
    return describe(*unwrap(Dkek(bytes.fromhex(entry["dkek"])), blob))["fingerprint"]


def recorded(directory, entry):
    """The fingerprint of the key that the manifest names, where it names one."""
    if "key_pem" in entry:
        key = serialization.load_pem_private_key((directory / entry["key_pem"]).read_bytes(), None)
        return describe(entry.get("type", 0), b"", key)["fingerprint"]
    if "key" in entry or "key_hex" in entry:
        return describe(15, b"", bytes.fromhex(entry.get("key") or entry["key_hex"]))["fingerprint"]
    return None


def describe(kind, allowed, key):
    """What a key is, and a fingerprint that says whether two are the same."""
    if isinstance(key, bytes):
        what, raw = f"AES {8 * len(key)}", key
    elif isinstance(key, tuple):
        what, raw = "EC", bytes_of(key[2])
    else:
        public = key.public_key()
        raw = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        what = f"RSA {key.key_size}" if isinstance(key, rsa.RSAPrivateKey) else f"EC {key.curve.name}"
    return {"type": kind, "key": what, "allowed": allowed.hex(), "fingerprint": hashlib.sha256(raw).hexdigest()}


# ── the command line ─────────────────────────────────────────────────────────────────────────────────────────


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command")
    parser.add_argument("paths", nargs="+")
    for name in ("password", "prime", "dkek", "key", "label", "id", "certificate", "out"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--share", action="append", default=[])
    parser.add_argument("--type", type=int)
    parser.add_argument("--rounds", action="store_true")
    line = parser.parse_args()
    path, dkek = Path(line.paths[0]), line.dkek and Dkek(bytes.fromhex(line.dkek))
    if line.command == "create-share":
        file, share = create_share(line.password.encode())
        path.write_bytes(file)
        print(share.hex())
    elif line.command == "open-share":
        shares = [share.split(":", 1) for share in line.share]
        words = passwords(number(line.prime), shares) if line.prime else [line.password.encode()]
        covers = [lambda salt, word=word: cover(word, salt) for word in words]
        print(open_share(path.read_bytes(), covers).hex())
    elif line.command == "kcv":
        key = joined(map(bytes.fromhex, line.paths))
        print(json.dumps({"dkek": key.hex(), "kcv": Dkek(key).kcv.hex().upper()}))
    elif line.command == "wrap":
        pem = Path(line.key)
        key = serialization.load_pem_private_key(pem.read_bytes(), None) if pem.exists() else bytes.fromhex(line.key)
        usual = 15 if isinstance(key, bytes) else 6 if isinstance(key, rsa.RSAPrivateKey) else 12
        kind, bits = line.type or usual, 8 * len(key) if isinstance(key, bytes) else key.key_size
        certificate = line.certificate and Path(line.certificate).read_bytes()
        blob = wrap(dkek, key, kind)
        path.write_bytes(write_file(blob, kind, line.label, bytes.fromhex(line.id or ""), bits, certificate))
    elif line.command == "unwrap":
        blob, label, name, certificate = open_file(path.read_bytes())
        kind, allowed, key = unwrap(dkek, blob)
        if line.out and not isinstance(key, bytes):
            form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            Path(line.out).write_bytes(key.private_bytes(*form))
        more = {"label": label, "id": name and name.hex(), "certificate": certificate and len(certificate)}
        print(json.dumps(describe(kind, allowed, key) | more))
    elif line.command == "open-backup":
        print(json.dumps(open_backup(dkek, files_of(path))))
    elif line.command == "fixtures":
        fixtures(path, line.rounds)
    else:
        parser.error(f"no command {line.command}")


if __name__ == "__main__":
    try:
        main()
    except Refused as error:
        sys.exit(f"refused: {error}")
