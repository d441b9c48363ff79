"""A token through python-pkcs11: keys, signatures, agreement, wrapping, searching, and sessions in threads.

    python_pkcs11.py PIN          (with tokenkeep.py, which tokentool configure python writes, on PYTHONPATH)

Leaves public keys (NAME.der, SubjectPublicKeyInfo) and signatures (NAME.ALGORITHM.sig of `message`) for another program.
"""

import hashlib
import sys
import threading
from pathlib import Path

import pkcs11
from asn1crypto.keys import PublicKeyInfo, RSAPublicKey
from pkcs11 import Attribute, KeyType, MGF, Mechanism, ObjectClass
from pkcs11.util.ec import encode_ec_public_key, encode_ecdsa_signature, encode_named_curve_parameters
from pkcs11.util.rsa import decode_rsa_private_key, encode_rsa_public_key
from tokenkeep import session as opened
from tokenkeep import token

(pin,) = sys.argv[1:]
message = Path("message").read_bytes()


def wrong(rule, told):
    sys.exit(f"{rule}: {told!r}")


def rsa(session):
    public, private = session.generate_keypair(KeyType.RSA, 2048, store=True, label="rsa", id=b"\1\1")
    bare = RSAPublicKey.load(encode_rsa_public_key(public))
    Path("rsa.der").write_bytes(PublicKeyInfo.wrap(bare, "rsa").dump())
    Path("rsa.pkcs1.sig").write_bytes(private.sign(message, mechanism=Mechanism.SHA256_RSA_PKCS))
    pss = (Mechanism.SHA256, MGF.SHA256, 32)
    signature = private.sign(message, mechanism=Mechanism.SHA256_RSA_PKCS_PSS, mechanism_param=pss)
    Path("rsa.pss.sig").write_bytes(signature)
    if public.verify(message + b".", signature, mechanism=Mechanism.SHA256_RSA_PKCS_PSS, mechanism_param=pss):
        wrong("a signature of another message verifies", signature)
    oaep = (Mechanism.SHA256, MGF.SHA256, None)
    sealed = public.encrypt(b"a secret", mechanism=Mechanism.RSA_PKCS_OAEP, mechanism_param=oaep)
    told = private.decrypt(sealed, mechanism=Mechanism.RSA_PKCS_OAEP, mechanism_param=oaep)
    if told != b"a secret":
        wrong("OAEP", told)
    # A key of openssl's, put into the token.
    session.create_object({**decode_rsa_private_key(Path("software.der").read_bytes()), Attribute.TOKEN: True,
                           Attribute.LABEL: "software"})
    found = session.get_key(object_class=ObjectClass.PRIVATE_KEY, label="software")
    Path("software.pkcs1.sig").write_bytes(found.sign(message, mechanism=Mechanism.SHA256_RSA_PKCS))


def curves(session):
    def pair(curve, **more):
        parameters = {Attribute.EC_PARAMS: encode_named_curve_parameters(curve)}
        return session.create_domain_parameters(KeyType.EC, parameters, local=True).generate_keypair(**more)

    for curve in ["secp256r1", "secp384r1", "secp521r1"]:
        public, private = pair(curve, store=True, label=curve)
        Path(f"{curve}.der").write_bytes(encode_ec_public_key(public))
        raw = private.sign(hashlib.sha256(message).digest(), mechanism=Mechanism.ECDSA)
        Path(f"{curve}.ecdsa.sig").write_bytes(encode_ecdsa_signature(raw))
        other, hidden = pair(curve)
        keys = [mine.derive_key(KeyType.AES, 256, mechanism_param=(pkcs11.KDF.NULL, None, point), template={
            Attribute.SENSITIVE: False, Attribute.EXTRACTABLE: True})[Attribute.VALUE]
            for mine, point in [(private, other[Attribute.EC_POINT]), (hidden, public[Attribute.EC_POINT])]]
        if keys[0] != keys[1] or len(keys[0]) != 32:
            wrong(f"ECDH with {curve}", len(keys[0]))
    edwards = {Attribute.EC_PARAMS: b"\x13\x0cedwards25519"}
    parameters = session.create_domain_parameters(KeyType.EC_EDWARDS, edwards, local=True)
    public, private = parameters.generate_keypair(mechanism=Mechanism.EC_EDWARDS_KEY_PAIR_GEN, store=True, label="edwards")
    point = public[Attribute.EC_POINT]
    Path("edwards.der").write_bytes(bytes.fromhex("302a300506032b6570032100") + point[-32:])
    Path("edwards.eddsa.sig").write_bytes(private.sign(message, mechanism=Mechanism.EDDSA))


def secrets(session):
    key = session.generate_key(KeyType.AES, 256, template={Attribute.EXTRACTABLE: True, Attribute.SENSITIVE: False})
    iv = session.generate_random(128)
    sealed = key.encrypt(message, mechanism_param=iv)
    if key.decrypt(sealed, mechanism_param=iv) != message:
        wrong("AES_CBC_PAD", len(sealed))
    Path("aes").write_text(f"{key[Attribute.VALUE].hex()} {iv.hex()}\n")
    Path("aes.sealed").write_bytes(sealed)
    blocks = [message[at:at + 1000] for at in range(0, len(message), 1000)]
    if b"".join(key.encrypt(iter(blocks), mechanism_param=iv)) != sealed:
        wrong("AES_CBC_PAD in parts", len(blocks))
    other = session.generate_key(KeyType.AES, 128, template={Attribute.EXTRACTABLE: True, Attribute.SENSITIVE: False})
    back = key.unwrap_key(ObjectClass.SECRET_KEY, KeyType.AES, key.wrap_key(other), template={
        Attribute.EXTRACTABLE: True, Attribute.SENSITIVE: False})
    if back[Attribute.VALUE] != other[Attribute.VALUE]:
        wrong("AES_KEY_WRAP", back)
    if session.digest(message, mechanism=Mechanism.SHA256) != hashlib.sha256(message).digest():
        wrong("SHA256", message[:8])


def searching(session):
    for number in range(300):
        session.create_object({Attribute.CLASS: ObjectClass.DATA, Attribute.LABEL: f"note {number}",
                               Attribute.APPLICATION: "notes", Attribute.VALUE: number.to_bytes(2, "big")})
    found = session.get_objects({Attribute.CLASS: ObjectClass.DATA, Attribute.APPLICATION: "notes"})
    if sorted(int.from_bytes(o[Attribute.VALUE], "big") for o in found) != list(range(300)):
        wrong("300 objects", "not all were found, or not once")
    try:
        session.get_key(label="nobody")
        wrong("a key that is not there", "was found")
    except pkcs11.NoSuchKey:
        pass


def threads():
    """Sixteen sessions at once, each with a signature of its own."""
    answers = []

    def sign():
        with token.open() as session:
            key = session.get_key(object_class=ObjectClass.PRIVATE_KEY, label="rsa")
            answers.append(key.sign(message, mechanism=Mechanism.SHA256_RSA_PKCS))

    with token.open(user_pin=pin):
        workers = [threading.Thread(target=sign) for _ in range(16)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    if len(answers) != 16 or set(answers) != {Path("rsa.pkcs1.sig").read_bytes()}:
        wrong("sixteen threads", f"{len(answers)} answers, {len(set(answers))} different ones")


try:
    opened("0000")
    wrong("the PIN 0000", "opens the token")
except pkcs11.PinIncorrect:
    pass
with opened(pin, rw=True) as session:
    for part in [rsa, curves, secrets, searching]:
        try:
            part(session)
        except pkcs11.PKCS11Error as error:
            print(f"lacks: {part.__name__}: {error!r}")
try:
    threads()
except pkcs11.PKCS11Error as error:
    print(f"lacks: threads: {error!r}")
print("done")
