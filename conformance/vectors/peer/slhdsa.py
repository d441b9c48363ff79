"""SLH-DSA by the algorithms of FIPS 205."""

import hashlib as _hashlib
import hmac as _hmac

from .lattice import _message

# n, h, d, a, k, m
_SETS = {
    "128S": (16, 63, 7, 12, 14, 30), "128F": (16, 66, 22, 6, 33, 34), "192S": (24, 63, 7, 14, 17, 39),
    "192F": (24, 66, 22, 8, 33, 42), "256S": (32, 64, 8, 14, 22, 47), "256F": (32, 68, 17, 9, 35, 49),
}
_WOTS_HASH, _WOTS_PK, _TREE, _FORS_TREE, _FORS_ROOTS, _WOTS_PRF, _FORS_PRF = range(7)


class _Address:
    """The 32 bytes of §4.2, by their fields."""

    def __init__(self, layer=0, tree=0, kind=0, pair=0, chain=0, hash=0):
        self.layer, self.tree, self.kind, self.pair, self.chain, self.hash = layer, tree, kind, pair, chain, hash

    def of(self, kind, pair=0, chain=0, hash=0):
        return _Address(self.layer, self.tree, kind, pair, chain, hash)

    def bytes(self, short):
        tail = b"".join(word.to_bytes(4, "big") for word in (self.pair, self.chain, self.hash))
        if short:  # §11.2: a byte of layer, eight of tree, a byte of kind
            return bytes([self.layer]) + self.tree.to_bytes(8, "big") + bytes([self.kind]) + tail
        return self.layer.to_bytes(4, "big") + self.tree.to_bytes(12, "big") + self.kind.to_bytes(4, "big") + tail


class _Scheme:
    def __init__(self, set):
        family, size = set.split("-")  # SHA2-128S, SHAKE-256F
        self.n, self.h, self.d, self.a, self.k, self.m = _SETS[size]
        self.short, self.height, self.chains = family == "SHA2", self.h // self.d, 2 * self.n + 3

    # ── §11: the functions of the two families ──

    def big(self):
        return _hashlib.sha256 if self.n == 16 else _hashlib.sha512

    def tweaked(self, seed, address, data, function=None):
        if not self.short:
            return _hashlib.shake_256(seed + address.bytes(False) + data).digest(self.n)
        made = function or self.big()
        block = 64 if made == _hashlib.sha256 else 128
        return made(seed + bytes(block - self.n) + address.bytes(True) + data).digest()[: self.n]

    def f(self, seed, address, data):
        return self.tweaked(seed, address, data, _hashlib.sha256)

    def randomizer(self, key, random, data):
        if not self.short:
            return _hashlib.shake_256(key + random + data).digest(self.n)
        return _hmac.new(key, random + data, self.big()).digest()[: self.n]

    def digest(self, r, seed, root, data):
        if not self.short:
            return _hashlib.shake_256(r + seed + root + data).digest(self.m)
        inner, out, i = r + seed + self.big()(r + seed + root + data).digest(), b"", 0
        while len(out) < self.m:
            out += self.big()(inner + i.to_bytes(4, "big")).digest()
            i += 1
        return out[: self.m]

    # ── §5: WOTS+ ──

    def steps(self, node):
        steps = [x for byte in node for x in (byte >> 4, byte & 15)]
        rest = sum(15 - x for x in steps)
        return steps + [rest >> 8 & 15, rest >> 4 & 15, rest & 15]

    def chain(self, seed, address, pair, i, node, start, count):
        for j in range(start, start + count):
            node = self.f(seed, address.of(_WOTS_HASH, pair, i, j), node)
        return node

    def secret(self, own, seed, address, pair, i):
        return self.f(seed, address.of(_WOTS_PRF, pair, i), own)

    def leaf(self, own, seed, address, pair):
        ends = (self.chain(seed, address, pair, i, self.secret(own, seed, address, pair, i), 0, 15) for i in range(self.chains))
        return self.tweaked(seed, address.of(_WOTS_PK, pair), b"".join(ends))

    # ── §6 and §8: trees, by their node function ──

    def path(self, leaf, join, index, height):
        """The siblings on the way up from a leaf, and the root, of a tree that begins at 0."""
        row, siblings = [leaf(i) for i in range(1 << height)], []
        for level in range(height):
            siblings.append(row[index >> level ^ 1])
            row = [join(level + 1, i, row[2 * i] + row[2 * i + 1]) for i in range(len(row) // 2)]
        return siblings, row[0]

    def climb(self, join, node, siblings, index):
        for level, sibling in enumerate(siblings):
            pair = node + sibling if index >> level & 1 == 0 else sibling + node
            node = join(level + 1, index >> level + 1, pair)
        return node

    def joins(self, seed, address, kind, pair=0, first=0, height=0):
        def join(level, i, data):
            return self.tweaked(seed, address.of(kind, pair, level, i + (first << height >> level)), data)

        return join

    def parts(self, digest):
        """§9.2: the digest that FORS signs, the tree and the leaf."""
        upper = self.h - self.height
        ends = [-(-self.k * self.a // 8), -(-upper // 8), -(-self.height // 8)]
        whole = [int.from_bytes(digest[sum(ends[:i]) : sum(ends[: i + 1])], "big") for i in range(3)]
        bits = whole[0] >> (8 * ends[0] - self.k * self.a)
        picks = [bits >> (self.a * (self.k - 1 - i)) & (1 << self.a) - 1 for i in range(self.k)]
        return picks, whole[1] & (1 << upper) - 1, whole[2] & (1 << self.height) - 1

    def layers(self, tree, leaf):
        for layer in range(self.d):
            yield _Address(layer, tree), leaf
            tree, leaf = tree >> self.height, tree & (1 << self.height) - 1

    def root(self, own, seed):
        address = _Address(self.d - 1)
        return self.path(lambda i: self.leaf(own, seed, address, i), self.joins(seed, address, _TREE), 0, self.height)[1]


def slh_dsa_key(set: str, random: bytes):
    scheme = _Scheme(set)
    seed = random[2 * scheme.n :]
    return {"public": seed + scheme.root(random[: scheme.n], seed), "private": random + scheme.root(random[: scheme.n], seed)}


def slh_dsa_sign(set: str, private: bytes, data: bytes, context: bytes = b"", hash: str = ""):
    """Algorithms 19, 22 and 23, deterministic; `data` is the digest when a hash is named."""
    scheme = _Scheme(set)
    n, (own, key, seed, root) = scheme.n, (private[i * scheme.n : (i + 1) * scheme.n] for i in range(4))
    message = _message(data, context, hash)
    out = r = scheme.randomizer(key, seed, message)
    picks, tree, leaf = scheme.parts(scheme.digest(r, seed, root, message))
    address, roots = _Address(0, tree), b""
    for i, pick in enumerate(picks):
        first = i << scheme.a
        secret = lambda j: scheme.f(seed, address.of(_FORS_PRF, leaf, 0, first + j), own)
        node = lambda j: scheme.f(seed, address.of(_FORS_TREE, leaf, 0, first + j), secret(j))
        siblings, top = scheme.path(node, scheme.joins(seed, address, _FORS_TREE, leaf, i, scheme.a), pick, scheme.a)
        out += secret(pick) + b"".join(siblings)
        roots += top
    node = scheme.tweaked(seed, address.of(_FORS_ROOTS, leaf), roots)
    for address, leaf in scheme.layers(tree, leaf):
        for i, step in enumerate(scheme.steps(node)):
            out += scheme.chain(seed, address, leaf, i, scheme.secret(own, seed, address, leaf, i), 0, step)
        grown = lambda i: scheme.leaf(own, seed, address, i)
        siblings, node = scheme.path(grown, scheme.joins(seed, address, _TREE), leaf, scheme.height)
        out += b"".join(siblings)
    return out


def slh_dsa_verify(set: str, public: bytes, data: bytes, signature: bytes, context: bytes = b"", hash: str = ""):
    """Algorithms 20, 24 and 25."""
    scheme = _Scheme(set)
    n, seed, root = scheme.n, public[: scheme.n], public[scheme.n :]
    pieces = iter([signature[at : at + n] for at in range(0, len(signature), n)])
    take = lambda count: [next(pieces) for _ in range(count)]
    message = _message(data, context, hash)
    if len(signature) != n * (1 + scheme.k * (1 + scheme.a) + scheme.h + scheme.d * scheme.chains):
        return False
    picks, tree, leaf = scheme.parts(scheme.digest(take(1)[0], seed, root, message))
    address, roots = _Address(0, tree), b""
    for i, pick in enumerate(picks):
        node = scheme.f(seed, address.of(_FORS_TREE, leaf, 0, (i << scheme.a) + pick), take(1)[0])
        join = scheme.joins(seed, address, _FORS_TREE, leaf, i, scheme.a)
        roots += scheme.climb(join, node, take(scheme.a), pick)
    node = scheme.tweaked(seed, address.of(_FORS_ROOTS, leaf), roots)
    for address, leaf in scheme.layers(tree, leaf):
        ends = [
            scheme.chain(seed, address, leaf, i, piece, step, 15 - step)
            for i, (step, piece) in enumerate(zip(scheme.steps(node), take(scheme.chains)))
        ]
        node = scheme.tweaked(seed, address.of(_WOTS_PK, leaf), b"".join(ends))
        node = scheme.climb(scheme.joins(seed, address, _TREE), node, take(scheme.height), leaf)
    return node == root
