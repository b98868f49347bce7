"""The branches: selection, compressed and sliding attention, and the choice of blocks.

Layouts: grouped, q [B,S,G,h,dk] with k [B,G,S_kv,dk] and v [B,G,S_kv,dv]; or FlashAttention's, q [B,S,H,dk] with k [B,S_kv,G,dk] and
v [B,S_kv,G,dv], H = G*h. Outputs follow q: o [..., dv] of q's dtype, lse float32 without the last dimension. Tensors are read where they
lie, whatever their strides; the last dimension is contiguous. numpy: float32, float16, and uint16 that holds bf16, on the CPU. torch:
float32, float16 and bfloat16 on the CPU and on CUDA, on the current stream.

The queries are the last S of S_kv positions: S = S_kv is a prefill, S = 1 a decode step. Forward only.
"""

from __future__ import annotations

from typing import Any, Callable, Optional, Union

from . import _calls, _tensors
from ._calls import Sparsity
from .context import KernelFacts
from .errors import InvalidArgumentError, UnsupportedError


def selection_attention(q: Any, k: Any, v: Any, selection: Any, *, sparsity: Sparsity = Sparsity(), scale: Optional[float] = None,
                        overlap_percent: int = 0, return_lse: bool = False) -> Any:
    """Attends to the raw tokens of the selected blocks, never past the row's own position.

    selection: ranges [B,S,G,n,2], half-open token ranges, disjoint, empty = unused; or block_indices [B,S,G,n], -1 = unused. Integers;
    int32 is taken as it is. A row with nothing selected is 0, its lse -inf. overlap_percent: how many blocks neighbouring rows have
    in common, where known; a hint to choose the kernel. Returns o, or (o, lse) with return_lse.
    """
    return _attend("selection", q, k, v, selection, sparsity, scale, 0, overlap_percent, return_lse)


def sliding_attention(q: Any, k: Any, v: Any, *, sparsity: Sparsity = Sparsity(), scale: Optional[float] = None,
                      return_lse: bool = False) -> Any:
    """Attends to the last sparsity.w tokens, the row's own among them. Returns o, or (o, lse)."""
    return _attend("sliding", q, k, v, None, sparsity, scale, 0, 0, return_lse)


def compressed_attention(q: Any, k_cmp: Any, v_cmp: Any, *, sparsity: Sparsity = Sparsity(), kv_length: int = 0,
                         scale: Optional[float] = None, return_lse: bool = False) -> Any:
    """Attends to the compressed tokens that are visible at the row's position: those that end at or before it.

    k_cmp, v_cmp: as k and v, one row per compressed token. kv_length: raw tokens of a sequence, S_kv; 0 = S, which is right for a
    prefill. Returns o, or (o, lse).
    """
    return _attend("compressed", q, k_cmp, v_cmp, None, sparsity, scale, kv_length, 0, return_lse)


def select_blocks(q: Any, k_cmp: Any, *, sparsity: Sparsity = Sparsity(), kv_length: int = 0, n: Optional[int] = None,
                  lse: Any = None, scale: Optional[float] = None, dv: int = 0, ranges: bool = False) -> Any:
    """Scores the selection blocks by the compressed keys and chooses the best n of each row (sparsity.n_sel where None): block 0 and the
    two local ones always, ties to the lower index.

    lse: of compressed_attention on the same q and k_cmp, where it is there. dv: head size of the values, part of the tuple;
    0 = dk. Returns int32 block_indices [B,S,G,n], ascending, then -1; with ranges=True token ranges [B,S,G,n,2], neighbours
    merged, then (0,0).
    """
    operator = operator_of(q, k_cmp, lse)
    n = sparsity.n_sel if n is None else n
    if operator is not None:
        return operator.select_blocks(q, k_cmp, lse, sparsity.values(), kv_length, n, scale or 0.0, dv, ranges)
    prepared = _calls.prepare_select_blocks(q, k_cmp, sparsity=sparsity, scale=scale, n=n, ranges=ranges, lse=lse, kv_length=kv_length, dv=dv)
    return _calls.launch(prepared)[0]


def explain(function: Callable, *arguments: Any, **options: Any) -> KernelFacts:
    """Which kernel serves a call, and why: explain(selection_attention, q, k, v, selection). Launches nothing."""
    options.pop("return_lse", None)
    if function is select_blocks:
        q, k_cmp = arguments
        sparsity = options.setdefault("sparsity", Sparsity())
        options["n"] = options.get("n") or sparsity.n_sel
        options.setdefault("scale", None)
        options.setdefault("ranges", False)
        return _calls.ask_facts(_calls.prepare_select_blocks(q, k_cmp, **options))
    names = {selection_attention: "selection", sliding_attention: "sliding", compressed_attention: "compressed"}
    if function not in names:
        raise InvalidArgumentError(f"explain: {function!r} is none of the functions of nsajit that launch one kernel")
    q, k, v, *selection = arguments
    options.setdefault("sparsity", Sparsity())
    options.setdefault("scale", None)
    return _calls.ask_facts(_calls.prepare_attention(names[function], q, k, v, sel=selection[0] if selection else None, **options))


def _attend(name: str, q: Any, k: Any, v: Any, sel: Any, sparsity: Sparsity, scale: Optional[float], kv_length: int, overlap_percent: int,
            return_lse: bool) -> Union[Any, tuple]:
    operator = operator_of(q, k, v)
    if operator is not None:
        o, lse = operator.attention(name, q, k, v, sel, sparsity.values(), scale or 0.0, kv_length, overlap_percent)
    else:
        o, lse = _calls.launch(_calls.prepare_attention(name, q, k, v, sparsity=sparsity, scale=scale, sel=sel, kv_length=kv_length,
                                                        overlap_percent=overlap_percent))
    return (o, lse) if return_lse else o


def operator_of(q: Any, *others: Any) -> Any:
    """The torch operators, where a compiler or a tracer looks at the call; eager torch and numpy go straight to the library."""
    if not _tensors.is_torch(q):
        return None
    import torch

    from . import torch_ops

    if torch.compiler.is_compiling() or type(q) not in (torch.Tensor, torch.nn.Parameter):
        return torch_ops
    if torch.is_grad_enabled() and any(tensor is not None and tensor.requires_grad for tensor in (q, *others)):
        raise UnsupportedError("a gradient is asked for and only the forward pass is built; call it under torch.no_grad(), or detach")
    return None
