"""A token through PyKCS11: what its mechanisms and classes offer, with OpenSSL's answers on the other side.

    pykcs11.py MODULE TOKEN-LABEL PIN
"""

import hashlib
import hmac
import subprocess
import sys
from pathlib import Path

import PyKCS11
from PyKCS11 import *  # noqa: F403 (the constants of the standard)

module, label, pin = sys.argv[1:]
message = Path("message").read_bytes()


def wrong(rule, told):
    sys.exit(f"{rule}: {told!r}")


def openssl(*arguments, **options):
    done = subprocess.run(["openssl", *arguments], capture_output=True, **options)
    if done.returncode:
        wrong(" ".join(arguments), done.stderr.decode())
    return done.stdout


def der(tag, *parts):
    body = b"".join(parts)
    size = len(body).to_bytes(2, "big").lstrip(b"\0") or b"\0"
    return bytes([tag]) + (size if len(body) < 128 else bytes([0x80 | len(size)]) + size) + body


def value(session, key, attribute):
    return bytes(session.getAttributeValue(key, [attribute])[0])


def verified(name, signature, *options):
    """`openssl dgst` verifies the signature of the message with the key in NAME.der."""
    Path("signature").write_bytes(bytes(signature))
    openssl("dgst", "-sha256", *options, "-keyform", "DER", "-verify", f"{name}.der", "-signature", "signature", "message")


def rsa(session):
    name = (CKA_LABEL, "rsa")
    public, private = session.generateKeyPair(
        [name, (CKA_TOKEN, CK_TRUE), (CKA_MODULUS_BITS, 2048), (CKA_PUBLIC_EXPONENT, (1, 0, 1)), (CKA_ID, (1, 1))],
        [name, (CKA_TOKEN, CK_TRUE), (CKA_PRIVATE, CK_TRUE), (CKA_ID, (1, 1))])
    numbers = [der(2, b"\0" + value(session, public, CKA_MODULUS)), der(2, value(session, public, CKA_PUBLIC_EXPONENT))]
    algorithm = der(0x30, bytes.fromhex("06092a864886f70d0101010500"))
    Path("rsa.der").write_bytes(der(0x30, algorithm, der(3, b"\0", der(0x30, *numbers))))
    verified("rsa", session.sign(private, message, Mechanism(CKM_SHA256_RSA_PKCS, None)))
    pss = PyKCS11.RSA_PSS_Mechanism(CKM_SHA256_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, 32)
    signature = session.sign(private, message, pss)
    verified("rsa", signature, "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32")
    if not session.verify(public, message, signature, pss) or session.verify(public, message + b".", signature, pss):
        wrong("C_Verify of PSS", "the wrong answer")
    Path("secret").write_bytes(b"a secret")
    for hash, mgf, number in [("sha1", CKG_MGF1_SHA1, CKM_SHA_1), ("sha256", CKG_MGF1_SHA256, CKM_SHA256)]:
        openssl("pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", "rsa.der", "-in", "secret", "-out", "sealed",
                "-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", f"rsa_oaep_md:{hash}", "-pkeyopt", f"rsa_mgf1_md:{hash}")
        opened = session.decrypt(private, Path("sealed").read_bytes(), PyKCS11.RSAOAEPMechanism(number, mgf))
        if bytes(opened) != b"a secret":
            wrong(f"OAEP with {hash}", bytes(opened))


def curve(session):
    parameters = bytes.fromhex("06082a8648ce3d030107")
    public, private = session.generateKeyPair(
        [(CKA_CLASS, CKO_PUBLIC_KEY), (CKA_KEY_TYPE, CKK_EC), (CKA_TOKEN, CK_TRUE), (CKA_EC_PARAMS, parameters)],
        [(CKA_CLASS, CKO_PRIVATE_KEY), (CKA_KEY_TYPE, CKK_EC), (CKA_TOKEN, CK_TRUE), (CKA_PRIVATE, CK_TRUE),
         (CKA_DERIVE, CK_TRUE), (CKA_SIGN, CK_TRUE)], mecha=PyKCS11.MechanismECGENERATEKEYPAIR)
    point = value(session, public, CKA_EC_POINT)[2:]
    algorithm = der(0x30, bytes.fromhex("06072a8648ce3d0201"), parameters)
    Path("ec.der").write_bytes(der(0x30, algorithm, der(3, b"\0", point)))
    raw = bytes(session.sign(private, hashlib.sha256(message).digest(), Mechanism(CKM_ECDSA, None)))
    verified("ec", der(0x30, *(der(2, b"\0" * (part[0] >> 7) + part) for part in
                               (half.lstrip(b"\0") for half in (raw[:32], raw[32:])))))
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-out", "peer.key")
    peer = openssl("pkey", "-in", "peer.key", "-pubout", "-outform", "DER")[-65:]
    expected = openssl("pkeyutl", "-derive", "-inkey", "peer.key", "-peerform", "DER", "-peerkey", "ec.der")
    secret = session.deriveKey(private, [
        (CKA_CLASS, CKO_SECRET_KEY), (CKA_KEY_TYPE, CKK_GENERIC_SECRET), (CKA_VALUE_LEN, 32), (CKA_SENSITIVE, CK_FALSE),
        (CKA_EXTRACTABLE, CK_TRUE)], PyKCS11.ECDH1_DERIVE_Mechanism(peer))
    if value(session, secret, CKA_VALUE) != expected:
        wrong("ECDH", "openssl has another secret")


def secrets(session):
    known = bytes(range(32))
    key = session.createObject([
        (CKA_CLASS, CKO_SECRET_KEY), (CKA_KEY_TYPE, CKK_AES), (CKA_VALUE, known), (CKA_ENCRYPT, CK_TRUE),
        (CKA_DECRYPT, CK_TRUE), (CKA_WRAP, CK_TRUE), (CKA_UNWRAP, CK_TRUE), (CKA_TOKEN, CK_FALSE)])
    iv = bytes(16)
    sealed = bytes(session.encrypt(key, message, Mechanism(CKM_AES_CBC_PAD, iv)))
    if openssl("enc", "-d", "-aes-256-cbc", "-K", known.hex(), "-iv", iv.hex(), input=sealed) != message:
        wrong("AES-CBC-PAD", "openssl opens something else")
    gcm = PyKCS11.AES_GCM_Mechanism(bytes(12), b"address", 128)
    sealed = session.encrypt(key, message, gcm)
    if len(sealed) != len(message) + 16 or bytes(session.decrypt(key, sealed, gcm)) != message:
        wrong("AES-GCM", len(sealed))
    wrapped = [(CKA_CLASS, CKO_SECRET_KEY), (CKA_KEY_TYPE, CKK_AES), (CKA_EXTRACTABLE, CK_TRUE), (CKA_SENSITIVE, CK_FALSE)]
    inner = session.generateKey(wrapped + [(CKA_VALUE_LEN, 16)], mecha=PyKCS11.MechanismAESGENERATEKEY)
    carried = bytes(session.wrapKey(key, inner, Mechanism(CKM_AES_KEY_WRAP, None)))
    opened = openssl("enc", "-d", "-id-aes256-wrap", "-K", known.hex(), "-iv", "A6" * 8, input=carried)
    back = session.unwrapKey(key, carried, wrapped, Mechanism(CKM_AES_KEY_WRAP, None))
    if not opened == value(session, inner, CKA_VALUE) == value(session, back, CKA_VALUE):
        wrong("AES-KEY-WRAP", "another key came out")
    mac = session.createObject([(CKA_CLASS, CKO_SECRET_KEY), (CKA_KEY_TYPE, CKK_GENERIC_SECRET), (CKA_VALUE, known),
                                (CKA_SIGN, CK_TRUE)])
    if bytes(session.sign(mac, message, Mechanism(CKM_SHA256_HMAC, None))) != hmac.digest(known, message, "sha256"):
        wrong("HMAC", "Python has another")
    if bytes(session.digest(message, Mechanism(CKM_SHA256, None))) != hashlib.sha256(message).digest():
        wrong("SHA-256", "Python has another")
    if bytes(session.generateRandom(32)) == bytes(32):
        wrong("C_GenerateRandom", "zeros")


def refusals(session):
    """The codes that a program looks at."""
    found = session.findObjects([(CKA_CLASS, CKO_PRIVATE_KEY), (CKA_LABEL, "rsa")])
    if len(found) != 1:
        wrong("C_FindObjects", found)
    expected = [
        (CKR_USER_ALREADY_LOGGED_IN, lambda: session.login(pin)),
        (CKR_ATTRIBUTE_SENSITIVE, lambda: session.getAttributeValue(found[0], [CKA_PRIVATE_EXPONENT], allAsBinary=True)),
        (CKR_ENCRYPTED_DATA_LEN_RANGE, lambda: session.decrypt(found[0], b"short", Mechanism(CKM_RSA_PKCS, None))),
    ]
    for code, call in expected:
        try:
            told = call()
            if told not in ([None], None):  # PyKCS11 answers None for a sensitive attribute
                wrong(CKR[code], told)
        except PyKCS11Error as error:
            if error.value != code:
                wrong(CKR[code], str(error))
    session.destroyObject(found[0])
    if session.findObjects([(CKA_CLASS, CKO_PRIVATE_KEY), (CKA_LABEL, "rsa")]):
        wrong("C_DestroyObject", "the key is still there")


library = PyKCS11Lib()
library.load(module)
slot = next(s for s in library.getSlotList(tokenPresent=True) if library.getTokenInfo(s).label.strip() == label)
session = library.openSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION)
session.login(pin)
for part in [rsa, curve, secrets, refusals]:
    try:
        part(session)
    except PyKCS11Error as error:
        print(f"lacks: {part.__name__}: {error}")
session.logout()
session.closeSession()
print("done")
