#!/usr/bin/env python3
"""A program that backs up keys by PKCS#11 alone: PyKCS11, and the vendor-defined numbers of Tokenkeep.

    dkek_program.py MODULE SLOT PIN LABEL FROM TO

Wraps the private key LABEL under the DKEK into the file TO, as sc-hsm-tool has it; unwraps the key in the file FROM, as a
token object labelled `unwrapped`; and tries what must be refused.
"""

import sys

import PyKCS11 as p11

DKEK = 0xD44B0001  # CKM_TOKENKEEP_DKEK, and CKK_TOKENKEEP_DKEK
ACTION_PROHIBITED = 0x1B  # CKR_ACTION_PROHIBITED, which PyKCS11 does not name


def refused(code, work):
    try:
        work()
    except p11.PyKCS11Error as error:
        assert error.value == code, error
    else:
        sys.exit("not refused")


def sequence(blob):
    """SEQUENCE { OCTET STRING blob }: the file of a key without a description."""
    octets = b"\x04\x82" + len(blob).to_bytes(2, "big") + blob
    return b"\x30\x82" + len(octets).to_bytes(2, "big") + octets


def first_octets(file):
    """The contents of the OCTET STRING at the beginning of a SEQUENCE."""
    at = 4 if file[1] == 0x82 else 3 if file[1] == 0x81 else 2
    assert file[0] == 0x30 and file[at] == 4
    size = file[at + 1]
    if size < 0x80:
        return file[at + 2 : at + 2 + size]
    count = size & 0x7F
    size = int.from_bytes(file[at + 2 : at + 2 + count], "big")
    return file[at + 2 + count : at + 2 + count + size]


def main(module, slot, pin, label, source, target):
    lib = p11.PyKCS11Lib()
    lib.load(module)
    session = lib.openSession(int(slot), p11.CKF_SERIAL_SESSION | p11.CKF_RW_SESSION)
    kind = [(p11.CKA_CLASS, p11.CKO_SECRET_KEY), (p11.CKA_KEY_TYPE, DKEK)]
    assert not session.findObjects(kind), "the DKEK is for the user only"
    session.login(pin)
    (dkek,) = session.findObjects(kind)
    (named,) = session.findObjects([(p11.CKA_LABEL, "DKEK")])
    assert named.value() == dkek.value()
    mechanism = p11.Mechanism(DKEK)
    assert session.getAttributeValue(dkek, [p11.CKA_VALUE]) == [None], "the DKEK can be read"
    refused(ACTION_PROHIBITED, lambda: session.destroyObject(dkek))

    (key,) = session.findObjects([(p11.CKA_CLASS, p11.CKO_PRIVATE_KEY), (p11.CKA_LABEL, label)])
    blob = bytes(session.wrapKey(dkek, key, mechanism))
    with open(target, "wb") as file:
        file.write(sequence(blob))

    with open(source, "rb") as file:
        theirs = first_octets(file.read())
    wanted = [(p11.CKA_TOKEN, True), (p11.CKA_LABEL, "unwrapped"), (p11.CKA_ID, b"\x41")]
    wrong = wanted + [(p11.CKA_CLASS, p11.CKO_SECRET_KEY)]
    refused(p11.CKR_TEMPLATE_INCONSISTENT, lambda: session.unwrapKey(dkek, theirs, wrong, mechanism))
    forged = bytes([theirs[0] ^ 1]) + theirs[1:]
    refused(p11.CKR_WRAPPED_KEY_INVALID, lambda: session.unwrapKey(dkek, forged, wanted, mechanism))
    session.unwrapKey(dkek, theirs, wanted, mechanism)
    session.logout()


main(*sys.argv[1:])
