"""Native Sparse Attention as a whole: the three branches, the choice of blocks between them, and the gate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional, Sequence

from . import _calls, attention
from ._calls import Sparsity
from .errors import InvalidArgumentError, UnsupportedError


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
    of the raw tokens. One call of the library: five kernels and one workspace, in which what the branches hand to each other lies; of
    one query, the kernel of decode_step where there is one. Returns o, or (o, block_indices [B,S,G,n_sel]) with return_blocks. Otherwise
    the choice goes from scoring to selection as token ranges, the form that `nsajit tune` tunes where nothing else is said.
    """
    if tuple(gates.shape) != (*q.shape[:-1], 3):
        raise InvalidArgumentError(f"gates has shape {list(gates.shape)}; with this q it has to be {[*q.shape[:-1], 3]}")
    tensors = [caches.k_cmp, caches.v_cmp, caches.k_sel, caches.v_sel, caches.k_win, caches.v_win]
    operator = attention.operator_of(q, gates, *tensors)
    if operator is not None:
        made = operator.forward(q, tensors, gates, sparsity.values(), scale or 0.0, overlap_percent, return_blocks)
    else:
        made = _calls.launch(_calls.prepare_forward(q, tensors, gates, sparsity=sparsity, scale=scale, overlap_percent=overlap_percent,
                                                    blocks=return_blocks))
    return tuple(made) if return_blocks else made[0]


def decode_step(q: Any, caches: Caches, gates: Any, *, sparsity: Sparsity = Sparsity(), scale: Optional[float] = None, lengths: Any = None,
                block_table: Any = None, kv_length: int = 0, return_blocks: bool = False) -> Any:
    """One new position per sequence, whose keys and values the caches hold already, in one launch.

    q [B,1,G,h,dk] or [B,1,H,dk]; gates as in nsa_attention. lengths: int32 [B], tokens of each sequence, the new one included; None: all
    have kv_length, or all that the caches hold. What lies behind a length is never read, so that caches with room for tokens to come
    are given whole; kv_length is then what kernels are tuned for, and best left alone from step to step. block_table: int32 [B,pages];
    the caches are then [all pages,G,page,d] or [all pages,page,G,d], page a multiple of l_sel, compressed ones with page / d rows. A
    tuple that no fused kernel serves runs through nsa_attention, without lengths and block_table. Returns o, or (o, block_indices
    [B,1,G,n_sel]).
    """
    if q.shape[1] != 1:
        raise InvalidArgumentError(f"decode_step: q has {q.shape[1]} positions; a step has one, nsa_attention takes more")
    tensors = [caches.k_cmp, caches.v_cmp, caches.k_sel, caches.v_sel, caches.k_win, caches.v_win]
    operator = attention.operator_of(q, *tensors, gates)
    if operator is not None:
        o, blocks = operator.decode(q, tensors, gates, lengths, block_table, sparsity.values(), scale or 0.0, kv_length)
    else:
        o, blocks = run_decode(q, tensors, gates, lengths, block_table, sparsity, scale, kv_length)
    return (o, blocks) if return_blocks else o


def run_decode(q: Any, tensors: Sequence[Any], gates: Any, lengths: Any, block_table: Any, sparsity: Sparsity, scale: Optional[float],
               kv_length: int) -> tuple[Any, Any]:
    """o and the chosen blocks, from one kernel or from those of the branches."""
    try:
        return _calls.launch(_calls.prepare_decode(q, tensors, gates, sparsity=sparsity, scale=scale, lengths=lengths, block_table=block_table,
                                                   kv_length=kv_length))
    except UnsupportedError:
        if lengths is not None or block_table is not None:
            raise
    return nsa_attention(q, _cut(Caches(*tensors), sparsity, kv_length, grouped=len(q.shape) == 5), gates, sparsity=sparsity, scale=scale,
                         return_blocks=True)


def _cut(caches: Caches, sparsity: Sparsity, kv_length: int, grouped: bool) -> Caches:
    """Views of the first kv_length tokens."""
    if kv_length == 0:
        return caches

    def first(cache: Any, rows: int) -> Any:
        return cache[:, :, :rows] if grouped else cache[:, :rows]

    compressed = sparsity.compressed_count(kv_length)
    return Caches(first(caches.k_cmp, compressed), first(caches.v_cmp, compressed), first(caches.k_sel, kv_length), first(caches.v_sel, kv_length),
                  first(caches.k_win, kv_length), first(caches.v_win, kv_length))


def compress_step(k: Any, v: Any, k_cmp: Any, v_cmp: Any, length: int, *, sparsity: Sparsity = Sparsity(), grouped: bool = True,
                  group: int = 0) -> bool:
    """After token length - 1 was written to k and v: writes the compressed token that it completes to k_cmp and v_cmp, if it completes one
    (every d tokens, once there are l). Mean pooling, as compress. Says whether it did."""
    if length < sparsity.l or (length - sparsity.l) % sparsity.d != 0:
        return False
    row = (length - sparsity.l) // sparsity.d
    cut = (slice(None), slice(None), slice(0, length)) if grouped else (slice(None), slice(0, length))
    at = (slice(None), slice(None), slice(row, row + 1)) if grouped else (slice(None), slice(row, row + 1))
    k_cmp[at], v_cmp[at] = compress(k[cut], v[cut], sparsity=sparsity, first=row, grouped=grouped, group=group)
    return True


def combine(o_cmp: Any, o_sel: Any, o_win: Any, gates: Any, *, sparsity: Sparsity = Sparsity(), kv_length: int = 0, dk: int = 0,
            groups: int = 0) -> Any:
    """The gated sum, in float32, rounded once to the outputs' dtype. Outputs [B,S,G,h,dv] or [B,S,H,dv] (then with groups, the number of
    KV heads); None is absent. gates [..., 3]: compressed, selection, sliding; of the outputs' dtype or float32."""
    operator = attention.operator_of(*(output for output in (o_cmp, o_sel, o_win) if output is not None), gates)
    if operator is not None:
        return operator.combine(o_cmp, o_sel, o_win, gates, sparsity.values(), kv_length, dk, groups)
    return _calls.launch(_calls.prepare_combine((o_cmp, o_sel, o_win), gates, sparsity=sparsity, kv_length=kv_length, dk=dk, groups=groups))[0]


def compress(k: Any, v: Any = None, *, sparsity: Sparsity = Sparsity(), first: int = 0, grouped: bool = True, group: int = 0) -> Any:
    """Compressed keys and values by mean pooling: token i is the mean of the raw tokens i*d .. i*d+l-1.

    k [B,G,tokens,dk], v [B,G,tokens,dv], or [B,tokens,G,d] with grouped=False. first: 0 for all tokens; in a decode step the one that
    the new position completes, if it does (sparsity.compressed_count says). group: query heads per KV head, part of the tuple.
    Returns (k_cmp, v_cmp), or k_cmp alone where v is None. Models that learn their compression use their own.
    """
    operator = attention.operator_of(k, v)
    if operator is not None:
        k_cmp, v_cmp = operator.compress(k, k if v is None else v, sparsity.values(), first, grouped, group)
    else:
        k_cmp, v_cmp = _calls.launch(_calls.prepare_compress(k, v, sparsity=sparsity, first=first, grouped=grouped, group=group))
    return k_cmp if v is None else (k_cmp, v_cmp)


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
