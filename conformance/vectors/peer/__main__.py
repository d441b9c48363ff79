"""The other side of a cross-check: lines of JSON in, lines of JSON out.

{"do": "hmac", "hash": "SHA-256", "key": "00…", "data": "00…"} is answered by {"out": "…"} or {"error": "…"}.
Bytes are hexadecimal. What is done stands in the modules beside this one, one function for each work: with hashlib
and the package `cryptography` where they have it, else by the definition in the standard that is named there.
"""

import inspect
import json
import sys

from . import asymmetric, derivation, lattice, slhdsa, symmetric

WORKS = {
    name: work
    for module in (symmetric, asymmetric, derivation, lattice, slhdsa)
    for name, work in inspect.getmembers(module, inspect.isfunction)
    if work.__module__ == module.__name__ and not name.startswith("_")
}


def plain(value):
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    return value


def done(request):
    work = WORKS[request.pop("do")]
    wanted = inspect.signature(work).parameters
    given = {
        name: bytes.fromhex(value) if wanted[name].annotation is bytes else value for name, value in request.items()
    }
    return {"out": plain(work(**given))}


for line in sys.stdin:
    try:
        answer = done(json.loads(line))
    except Exception as error:  # whatever goes wrong is told to who asked
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
