"""What the functions have to compute, in plain numpy and float64, and inputs for them. Grouped layout; Case turns to FlashAttention's."""

from __future__ import annotations

import dataclasses

import numpy as np

import nsajit


def attend(q, k, v, sees, first_position, scale=None):
    """Softmax attention where row (b, s, g) sees the keys that sees(b, s, g, t) lists. Returns o and lse; an empty row is 0 and -inf."""
    B, S, G, h, dk = q.shape
    o = np.zeros((B, S, G, h, v.shape[-1]))
    lse = np.full((B, S, G, h), -np.inf)
    for b, s, g in np.ndindex(B, S, G):
        keys = sees(b, s, g, first_position + s)
        if len(keys) == 0:
            continue
        logits = q[b, s, g].astype(np.float64) @ k[b, g, keys].astype(np.float64).T * (scale or dk**-0.5)
        top = logits.max(-1, keepdims=True)
        weights = np.exp(logits - top)
        total = weights.sum(-1, keepdims=True)
        o[b, s, g] = weights / total @ v[b, g, keys].astype(np.float64)
        lse[b, s, g] = (top + np.log(total))[:, 0]
    return o, lse


def selected_by_blocks(blocks, l_sel):
    return lambda b, s, g, t: [i for block in blocks[b, s, g] if block >= 0 for i in range(block * l_sel, (block + 1) * l_sel) if i <= t]


def selected_by_ranges(ranges):
    return lambda b, s, g, t: [i for begin, end in ranges[b, s, g] for i in range(begin, end) if i <= t]


def window(w):
    return lambda b, s, g, t: list(range(max(0, t - w + 1), t + 1))


def visible(sparsity, count):
    return lambda b, s, g, t: list(range(min(count, sparsity.compressed_count(t + 1))))


def choose_blocks(q, k_cmp, sparsity, S_kv, n):
    """Equations 9 and 10 and the top-n: block indices, ascending, then -1. Also the smallest distance of a score from its rival."""
    B, S, G, h, dk = q.shape
    chosen = np.full((B, S, G, n), -1)
    closest = np.inf
    for b, s, g in np.ndindex(B, S, G):
        t = S_kv - S + s
        own = t // sparsity.l_sel
        count = min(k_cmp.shape[2], sparsity.compressed_count(t + 1))
        scores = np.zeros(own + 1)
        if count > 0:
            logits = q[b, s, g].astype(np.float64) @ k_cmp[b, g, :count].astype(np.float64).T * dk**-0.5
            p = np.exp(logits - logits.max(-1, keepdims=True))
            p = (p / p.sum(-1, keepdims=True)).sum(0)
            for i in range(count):
                for j in range(own + 1):
                    first, last = max(i * sparsity.d, j * sparsity.l_sel), min(i * sparsity.d + sparsity.l, (j + 1) * sparsity.l_sel)
                    scores[j] += p[i] * max(0, last - first) / sparsity.l
        taken = {0, own, max(own - 1, 0)}
        rest = sorted((j for j in range(own + 1) if j not in taken), key=lambda j: (-scores[j], j))
        more = max(0, n - len(taken))
        if 0 < more < len(rest):
            closest = min(closest, scores[rest[more - 1]] - scores[rest[more]])
        best = sorted((sorted(taken) + rest[:more])[:n] if len(taken) > n else list(taken) + rest[:more])
        chosen[b, s, g, : len(best)] = best
    return chosen, closest


@dataclasses.dataclass
class Case:
    """Random tensors of one call. `dtype`: float32, float16, or bf16 for uint16 arrays."""

    S: int = 37
    S_kv: int = 90
    dtype: str = "float32"
    layout: str = "grouped"
    B: int = 2
    G: int = 2
    h: int = 3
    dk: int = 32
    dv: int = 16
    sparsity: nsajit.Sparsity = nsajit.Sparsity(l=8, d=4, l_sel=16, n_sel=4, w=21)

    def __post_init__(self):
        random = np.random.default_rng(7)
        made = lambda *shape: self.rounded(random.standard_normal(shape))
        self.q = made(self.B, self.S, self.G, self.h, self.dk)
        self.k, self.v = made(self.B, self.G, self.S_kv, self.dk), made(self.B, self.G, self.S_kv, self.dv)
        count = self.sparsity.compressed_count(self.S_kv)
        self.k_cmp, self.v_cmp = made(self.B, self.G, count, self.dk), made(self.B, self.G, count, self.dv)
        self.blocks = np.full((self.B, self.S, self.G, 4), -1, np.int32)
        for b, s, g in np.ndindex(self.B, self.S, self.G):
            own = (self.S_kv - self.S + s) // self.sparsity.l_sel
            some = sorted({0, own, *random.integers(0, own + 1, 2)})
            self.blocks[b, s, g, : len(some)] = some
        starts = np.where(self.blocks >= 0, self.blocks * self.sparsity.l_sel, 0)
        ends = np.where(self.blocks >= 0, np.minimum(starts + self.sparsity.l_sel, self.S_kv), 0)
        self.ranges = np.stack([starts, ends], -1).astype(np.int32)

    def rounded(self, values):
        """float32 values that the dtype holds exactly."""
        values = values.astype(np.float32)
        if self.dtype == "bf16":
            return nsajit.to_float32(nsajit.to_bf16(values))
        return values.astype(self.dtype).astype(np.float32)

    def given(self, values):
        """An array as the call wants it: of the dtype, in the layout."""
        values = nsajit.to_bf16(values) if self.dtype == "bf16" else values.astype(self.dtype)
        if self.layout == "grouped":
            return values
        if values.ndim == 5:
            return values.reshape(*values.shape[:2], self.G * self.h, values.shape[-1])
        return np.ascontiguousarray(values.swapaxes(1, 2))

    def error(self, o, lse, expected):
        """The largest difference from (o, lse); -inf equals -inf."""
        expected_o, expected_lse = expected
        o = nsajit.to_float32(np.asarray(o)).reshape(expected_o.shape)
        lse = np.asarray(lse).reshape(expected_lse.shape)
        same = np.isneginf(lse) & np.isneginf(expected_lse)
        with np.errstate(invalid="ignore"):
            differences = np.where(same, 0, np.abs(lse - expected_lse))
        return max(np.abs(o - expected_o).max(), differences.max())

    @property
    def tolerance(self):
        return {"float32": 2e-5, "float16": 4e-3, "bf16": 3e-2}[self.dtype]
