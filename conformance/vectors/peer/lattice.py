"""ML-DSA (FIPS 204) verified, ML-KEM (FIPS 203) encapsulated and decapsulated, by the algorithms of the standards."""

import hashlib as _hashlib

# ── ML-DSA ──

_Q = 8380417
# k, l, τ, γ1, γ2, β, ω, bytes of c~
_ML_DSA = {
    44: (4, 4, 39, 1 << 17, (_Q - 1) // 88, 78, 80, 32),
    65: (6, 5, 49, 1 << 19, (_Q - 1) // 32, 196, 55, 48),
    87: (8, 7, 60, 1 << 19, (_Q - 1) // 32, 120, 75, 64),
}
_OIDS = {
    name: bytes.fromhex("06096086480165030402") + bytes([number])
    for number, name in enumerate(
        ("SHA-256", "SHA-384", "SHA-512", "SHA-224", "SHA-512/224", "SHA-512/256", "SHA3-224", "SHA3-256", "SHA3-384",
         "SHA3-512", "SHAKE128", "SHAKE256"), 1)
}


def _h(data, size):
    return _hashlib.shake_256(data).digest(size)


def _message(data, context, hash):
    """FIPS 204 §5.4, FIPS 205 §10.2: what is signed, pure or of a digest."""
    head = bytes([1 if hash else 0, len(context)]) + context
    return head + (_OIDS[hash] if hash else b"") + data


def _powers(root, count, modulus):
    width = count.bit_length() - 1
    return [pow(root, int(format(i, f"0{width}b")[::-1], 2), modulus) for i in range(count)]


def _ntt(w, zetas, modulus, last):
    """Forwards, down to pieces of `last` numbers."""
    w, m, size = list(w), 0, 128
    while size >= last:
        for start in range(0, 256, 2 * size):
            m += 1
            for j in range(start, start + size):
                t = zetas[m] * w[j + size] % modulus
                w[j + size], w[j] = (w[j] - t) % modulus, (w[j] + t) % modulus
        size //= 2
    return w


def _ntt_back(w, zetas, modulus, last):
    w, m, size = list(w), 256 // last, last
    while size < 256:
        for start in range(0, 256, 2 * size):
            m -= 1
            for j in range(start, start + size):
                t = w[j]
                w[j] = (t + w[j + size]) % modulus
                w[j + size] = zetas[m] * (w[j + size] - t) % modulus
        size *= 2
    scale = pow(256 // last, -1, modulus)
    return [x * scale % modulus for x in w]


_ZETAS = _powers(1753, 256, _Q)


def _numbers(data, bits):
    whole, mask = int.from_bytes(data, "little"), (1 << bits) - 1
    return [whole >> (bits * i) & mask for i in range(len(data) * 8 // bits)]


def _packed(numbers, bits):
    return sum(x << (bits * i) for i, x in enumerate(numbers)).to_bytes(len(numbers) * bits // 8, "little")


def _uniform(seed):
    stream, out, at = _hashlib.shake_128(seed).digest(1344), [], 0
    while len(out) < 256:
        x = int.from_bytes(stream[at : at + 3], "little") & 0x7FFFFF
        at += 3
        if x < _Q:
            out.append(x)
    return out


def _ball(seed, tau):
    stream = _h(seed, 1024)
    signs, at, c = int.from_bytes(stream[:8], "little"), 8, [0] * 256
    for i in range(256 - tau, 256):
        while stream[at] > i:
            at += 1
        j = stream[at]
        at += 1
        c[i], c[j] = c[j], -1 if signs & 1 else 1
        signs >>= 1
    return c


def _hints(data, k, omega):
    out, at = [[0] * 256 for _ in range(k)], 0
    for i in range(k):
        end, first = data[omega + i], at
        if not at <= end <= omega:
            return None
        while at < end:
            if at > first and data[at - 1] >= data[at]:
                return None
            out[i][data[at]] = 1
            at += 1
    return None if any(data[at:omega]) else out


def _hinted(hint, r, gamma2):
    m, r0 = (_Q - 1) // (2 * gamma2), r % (2 * gamma2)
    if r0 > gamma2:
        r0 -= 2 * gamma2
    r1, r0 = (0, r0 - 1) if r - r0 == _Q - 1 else ((r - r0) // (2 * gamma2), r0)
    return r1 if not hint else (r1 + 1 if r0 > 0 else r1 - 1) % m


def ml_dsa_verify(set: int, public: bytes, data: bytes, signature: bytes, context: bytes = b"", hash: str = ""):
    """FIPS 204, algorithms 3, 5 and 8; `data` is the digest when a hash is named."""
    k, l, tau, gamma1, gamma2, beta, omega, size = _ML_DSA[set]
    bits = gamma1.bit_length()
    rho, t1 = public[:32], [_numbers(public[32 + 320 * i : 352 + 320 * i], 10) for i in range(k)]
    seed, rest = signature[:size], signature[size:]
    z = [[gamma1 - x for x in _numbers(rest[32 * bits * i : 32 * bits * (i + 1)], bits)] for i in range(l)]
    hints = _hints(rest[32 * bits * l :], k, omega)
    if hints is None or len(rest) != 32 * bits * l + omega + k or any(abs(x) >= gamma1 - beta for row in z for x in row):
        return False
    mu = _h(_h(public, 64) + _message(data, context, hash), 64)
    c = _ntt(_ball(seed, tau), _ZETAS, _Q, 1)
    z = [_ntt(row, _ZETAS, _Q, 1) for row in z]
    high = b""
    for i in range(k):
        t = _ntt([x << 13 for x in t1[i]], _ZETAS, _Q, 1)
        w = [-a * b for a, b in zip(c, t)]
        for j in range(l):
            w = [x + a * b for x, a, b in zip(w, _uniform(rho + bytes([j, i])), z[j])]
        w = _ntt_back([x % _Q for x in w], _ZETAS, _Q, 1)
        width = ((_Q - 1) // (2 * gamma2) - 1).bit_length()
        high += _packed([_hinted(hint, x, gamma2) for hint, x in zip(hints[i], w)], width)
    return _h(mu + high, size) == seed


# ── ML-KEM ──

_P = 3329
# k, η1, η2, du, dv
_ML_KEM = {512: (2, 3, 2, 10, 4), 768: (3, 2, 2, 10, 4), 1024: (4, 2, 2, 11, 5)}
_ROOTS = _powers(17, 128, _P)


def _sampled(seed):
    stream, out, at = _hashlib.shake_128(seed).digest(1344), [], 0
    while len(out) < 256:
        a, b, c = stream[at : at + 3]
        at += 3
        out += [x for x in (a | (b & 15) << 8, b >> 4 | c << 4) if x < _P]
    return out[:256]


def _noise(seed, number, eta):
    bits = _numbers(_h(seed + bytes([number]), 64 * eta), 1)
    pieces = [bits[2 * eta * i : 2 * eta * (i + 1)] for i in range(256)]
    return [(sum(piece[:eta]) - sum(piece[eta:])) % _P for piece in pieces]


def _times(a, b):
    """FIPS 203, algorithm 11: products of polynomials of degree one."""
    out = []
    for i in range(128):
        gamma = _ROOTS[64 + i // 2] * (1 if i % 2 == 0 else -1)
        a0, a1, b0, b1 = a[2 * i], a[2 * i + 1], b[2 * i], b[2 * i + 1]
        out += [(a0 * b0 + a1 * b1 * gamma) % _P, (a0 * b1 + a1 * b0) % _P]
    return out


def _sum(*parts):
    return [sum(x) % _P for x in zip(*parts)]


def _small(numbers, bits):
    return [(((x << bits) + _P // 2) // _P) % (1 << bits) for x in numbers]


def _large(numbers, bits):
    return [(x * _P + (1 << bits - 1)) >> bits for x in numbers]


def _encrypted(set, public, message, seed):
    """FIPS 203, algorithm 14."""
    k, eta1, eta2, du, dv = _ML_KEM[set]
    t, rho = [_numbers(public[384 * i : 384 * (i + 1)], 12) for i in range(k)], public[-32:]
    y = [_ntt(_noise(seed, i, eta1), _ROOTS, _P, 2) for i in range(k)]
    out = b""
    for i in range(k):
        row = _sum(*(_times(_sampled(rho + bytes([i, j])), y[j]) for j in range(k)))
        out += _packed(_small(_sum(_ntt_back(row, _ROOTS, _P, 2), _noise(seed, k + i, eta2)), du), du)
    v = _ntt_back(_sum(*(_times(t[j], y[j]) for j in range(k))), _ROOTS, _P, 2)
    v = _sum(v, _noise(seed, 2 * k, eta2), _large(_numbers(message, 1), 1))
    return out + _packed(_small(v, dv), dv)


def ml_kem_encapsulate(set: int, public: bytes, random: bytes):
    made = _hashlib.sha3_512(random + _hashlib.sha3_256(public).digest()).digest()
    return {"ciphertext": _encrypted(set, public, random, made[32:]), "secret": made[:32]}


def ml_kem_decapsulate(set: int, private: bytes, ciphertext: bytes):
    """FIPS 203, algorithm 18, of a private key with all its parts."""
    k, _, _, du, dv = _ML_KEM[set]
    own, public, hash, other = private[: 384 * k], private[384 * k : 768 * k + 32], private[-64:-32], private[-32:]
    s = [_numbers(own[384 * i : 384 * (i + 1)], 12) for i in range(k)]
    u = [_large(_numbers(ciphertext[32 * du * i : 32 * du * (i + 1)], du), du) for i in range(k)]
    v = _large(_numbers(ciphertext[32 * du * k :], dv), dv)
    w = _sum(*(_times(s[i], _ntt(u[i], _ROOTS, _P, 2)) for i in range(k)))
    message = _packed(_small([(a - b) % _P for a, b in zip(v, _ntt_back(w, _ROOTS, _P, 2))], 1), 1)
    made = _hashlib.sha3_512(message + hash).digest()
    right = _encrypted(set, public, message, made[32:]) == ciphertext
    return made[:32] if right else _h(other + ciphertext, 32)
