"""Native Sparse Attention as a whole: the three branches, the choice of blocks between them, and the gate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

from . import _tensors, attention
from ._calls import Sparsity
from .errors import InvalidArgumentError


@dataclass
class Caches:
    """Keys and values of a sequence, per branch. Grouped: k_* [B,G,tokens,dk], v_* [B,G,tokens,dv]; FlashAttention: [B,tokens,G,d]. *_cmp
    have one row per compressed token. Views of larger tensors are fine: a cache that is not full yet is cut to its length."""

    k_cmp: Any
    v_cmp: Any
    k_sel: Any
    v_sel: Any
    k_win: Any
    v_win: Any


def nsa_attention(q: Any, caches: Caches, gates: Any, *, sparsity: Sparsity = Sparsity(), scale: Optional[float] = None,
                  overlap_percent: int = 0, return_blocks: bool = False) -> Any:
    """O = g_cmp * O_cmp + g_sel * O_sel + g_win * O_win (arXiv 2502.11089, equation 5).

    q [B,S,G,h,dk] or [B,S,H,dk]; gates [..., 3] over q's leading dimensions: compressed, selection, sliding. The queries are the last S
    of the raw tokens. Returns o, or (o, block_indices [B,S,G,n_sel]) with return_blocks.
    """
    if tuple(gates.shape) != (*q.shape[:-1], 3):
        raise InvalidArgumentError(f"gates has shape {list(gates.shape)}; with this q it has to be {[*q.shape[:-1], 3]}")
    raw = caches.k_sel.shape[2 if len(q.shape) == 5 else 1]
    shared = {"sparsity": sparsity, "scale": scale}
    o_cmp, lse = attention.compressed_attention(q, caches.k_cmp, caches.v_cmp, kv_length=raw, return_lse=True, **shared)
    blocks = attention.select_blocks(q, caches.k_cmp, lse=lse, kv_length=raw, dv=caches.v_sel.shape[-1], **shared)
    o_sel = attention.selection_attention(q, caches.k_sel, caches.v_sel, blocks, overlap_percent=overlap_percent, **shared)
    o_win = attention.sliding_attention(q, caches.k_win, caches.v_win, **shared)
    o = combine(o_cmp, o_sel, o_win, gates)
    return (o, blocks) if return_blocks else o


def decode_step(q: Any, caches: Caches, gates: Any, **options: Any) -> Any:
    """One position: q [B,1,G,h,dk] or [B,1,H,dk] against caches that hold it already. As nsa_attention, which it calls."""
    if q.shape[1] != 1:
        raise InvalidArgumentError(f"decode_step: q has {q.shape[1]} positions; a step has one, nsa_attention takes more")
    return nsa_attention(q, caches, gates, **options)


def combine(o_cmp: Any, o_sel: Any, o_win: Any, gates: Any) -> Any:
    """The gated sum, in float32, rounded once to the outputs' dtype."""
    if _tensors.is_torch(o_cmp):
        g = gates.float()
        total = g[..., 0:1] * o_cmp.float() + g[..., 1:2] * o_sel.float() + g[..., 2:3] * o_win.float()
        return total.to(o_cmp.dtype)
    g = to_float32(gates)
    total = g[..., 0:1] * to_float32(o_cmp) + g[..., 1:2] * to_float32(o_sel) + g[..., 2:3] * to_float32(o_win)
    return to_bf16(total) if o_cmp.dtype.name == "uint16" else total.astype(o_cmp.dtype)


def mean_pool(x: Any, *, sparsity: Sparsity = Sparsity(), grouped: bool = True) -> Any:
    """The simplest compression: the mean of each block of l tokens, every d. x [B,G,tokens,d], or [B,tokens,G,d] with grouped=False;
    returns the same with one row per compressed token. Models that learn their compression use their own."""
    axis = 2 if grouped else 1
    count = sparsity.compressed_count(x.shape[axis])
    if _tensors.is_torch(x):
        if count == 0:
            return x.narrow(axis, 0, 0)
        return x.unfold(axis, sparsity.l, sparsity.d).float().mean(-1).to(x.dtype)
    import numpy

    values = to_float32(x)
    if count == 0:
        return numpy.take(x, [], axis=axis)
    blocks = [values.take(range(i * sparsity.d, i * sparsity.d + sparsity.l), axis=axis).mean(axis) for i in range(count)]
    pooled = numpy.stack(blocks, axis=axis)
    return to_bf16(pooled) if x.dtype.name == "uint16" else pooled.astype(x.dtype)


def to_bf16(values: Any) -> Any:
    """float32 to uint16 that holds bf16, rounded to nearest even (numpy)."""
    import numpy

    bits = numpy.ascontiguousarray(values, dtype=numpy.float32).view(numpy.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(numpy.uint16)


def to_float32(values: Any) -> Any:
    """uint16 that holds bf16, or any float, to float32 (numpy)."""
    import numpy

    if values.dtype.name != "uint16":
        return values.astype(numpy.float32)
    return (values.astype(numpy.uint32) << 16).view(numpy.float32)
