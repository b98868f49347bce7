"""One call of the C interface: arguments to a struct, the struct to a launch or to the facts of its kernel. The same for numpy and
torch, eager or inside an operator."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any, Optional, Sequence

from . import _library, _tensors
from .context import KernelFacts, context_of
from .errors import InvalidArgumentError


@dataclass(frozen=True)
class Sparsity:
    """The constants of a model's sparse attention. All are part of the tuple that kernels are tuned for: give what the model has,
    whichever function is called."""

    l: int = 32  # compression block length
    d: int = 16  # compression stride
    l_sel: int = 64  # selection block length
    n_sel: int = 16  # selected blocks of a row, at most
    w: int = 512  # sliding window; counts the query's own position

    def values(self) -> list[int]:
        """l, d, l_sel, n_sel, w: as the torch operators take them."""
        return [self.l, self.d, self.l_sel, self.n_sel, self.w]

    def compressed_count(self, tokens: int) -> int:
        """Compressed tokens of a sequence of `tokens` raw ones."""
        return 0 if tokens < self.l else (tokens - self.l) // self.d + 1


@dataclass
class Prepared:
    """A call that is ready, and what keeps its memory alive."""

    name: str  # of _library.CALLS, as in nsajit_<name>_kernel
    call: Any  # its struct
    adapter: Any
    outputs: tuple
    kept: tuple


def _start(name: str, adapter: Any, sparsity: Sparsity, **fields: Any) -> Any:
    struct = _library.CALLS[name][0]
    made = struct(struct_bytes=ctypes.sizeof(struct), stream=adapter.stream, **fields)
    made.sparsity = _library.Sparsity(sparsity.l, sparsity.d, sparsity.l_sel, sparsity.n_sel, sparsity.w)
    return made


def _begin(name: str, q: Any, k: Any, sparsity: Sparsity, scale: Optional[float]) -> tuple[Any, _library.Call]:
    adapter = _tensors.adapter_of(q)
    if len(q.shape) not in (4, 5) or len(k.shape) != 4:
        raise InvalidArgumentError(
            f"q has shape {list(q.shape)} and k {list(k.shape)}; give q [B,S,G,h,dk] with k [B,G,S_kv,dk], or q [B,S,H,dk] with k [B,S_kv,G,dk]"
        )
    call = _start(name, adapter, sparsity, scale=scale or 0.0)
    call.q, call.k = adapter.describe(q, "q"), adapter.describe(k, "k")
    return adapter, call


def prepare_attention(name: str, q: Any, k: Any, v: Any, *, sparsity: Sparsity, scale: Optional[float], sel: Any = None,
                      kv_length: int = 0, overlap_percent: int = 0) -> Prepared:
    """Of selection, sliding and compressed: makes o and lse."""
    adapter, call = _begin(name, q, k, sparsity, scale)
    o = adapter.empty(q, (*q.shape[:-1], v.shape[-1]))
    lse = adapter.empty(q, tuple(q.shape[:-1]), "float32")
    call.v, call.o, call.lse = adapter.describe(v, "v"), adapter.describe(o, "o"), adapter.describe(lse, "lse")
    if sel is not None:
        sel = adapter.entries(sel)
        call.sel = adapter.describe(sel, "sel")
    call.S_kv, call.overlap_percent = kv_length, overlap_percent
    return Prepared(name, call, adapter, (o, lse), (q, k, v, sel))


def prepare_select_blocks(q: Any, k_cmp: Any, *, sparsity: Sparsity, scale: Optional[float], n: int, ranges: bool, lse: Any = None,
                          kv_length: int = 0, dv: int = 0) -> Prepared:
    """Makes block indices or ranges."""
    adapter, call = _begin("select_blocks", q, k_cmp, sparsity, scale)
    groups = q.shape[2] if len(q.shape) == 5 else k_cmp.shape[2]
    sel = adapter.empty(q, (q.shape[0], q.shape[1], groups, n, 2) if ranges else (q.shape[0], q.shape[1], groups, n), "int32")
    call.sel = adapter.describe(sel, "sel")
    if lse is not None:
        call.lse = adapter.describe(lse, "lse")
    call.S_kv, call.dv = kv_length, dv
    return Prepared("select_blocks", call, adapter, (sel,), (q, k_cmp, lse))


def prepare_combine(outputs: Sequence[Any], gates: Any, *, sparsity: Sparsity, kv_length: int = 0, dk: int = 0, groups: int = 0,
                    only_branch: int = 0) -> Prepared:
    """The gated sum of o_cmp, o_sel and o_win, of which those that are None are absent."""
    given = next((output for output in outputs if output is not None), None)
    if given is None:
        raise InvalidArgumentError("combine: all three outputs are None; give one at least")
    adapter = _tensors.adapter_of(given)
    if len(given.shape) == 4 and groups < 1:
        raise InvalidArgumentError("combine: outputs are [B,S,H,dv]; say how many KV heads there are in groups")
    call = _start("combine", adapter, sparsity, dk=dk, groups=groups, only_branch=only_branch, S_kv=kv_length)
    o = adapter.empty(given, tuple(given.shape))
    for name, output in zip(("o_cmp", "o_sel", "o_win"), outputs):
        if output is not None:
            setattr(call, name, adapter.describe(output, name))
    call.gates, call.o = adapter.describe(gates, "gates"), adapter.describe(o, "o")
    return Prepared("combine", call, adapter, (o,), (*outputs, gates))


def prepare_compress(k: Any, v: Any, *, sparsity: Sparsity, first: int = 0, grouped: bool = True, group: int = 0) -> Prepared:
    """k_cmp and v_cmp of the tokens from `first` on that k's tokens complete. v may be None."""
    if len(k.shape) != 4:
        raise InvalidArgumentError(f"compress: k has shape {list(k.shape)}; give [B,G,tokens,dk], or [B,tokens,G,dk] with grouped=False")
    adapter, axis = _tensors.adapter_of(k), 2 if grouped else 1
    rows = sparsity.compressed_count(k.shape[axis]) - first
    if rows < 0 or first < 0:
        raise InvalidArgumentError(f"compress: first is {first}; {k.shape[axis]} tokens complete {rows + first} compressed ones")
    call = _start("compress", adapter, sparsity, group=group, flash=0 if grouped else 1, first=first)
    made = []
    for name, raw in (("k", k), ("v", v)):
        if raw is None:
            made.append(None)
            continue
        made.append(adapter.empty(raw, (*raw.shape[:axis], rows, *raw.shape[axis + 1 :])))
        setattr(call, name, adapter.describe(raw, name))
        setattr(call, name + "_cmp", adapter.describe(made[-1], name + "_cmp"))
    return Prepared("compress", call, adapter, tuple(made), (k, v))


def prepare_forward(q: Any, caches: Sequence[Any], gates: Any, *, sparsity: Sparsity, scale: Optional[float], overlap_percent: int,
                    blocks: bool) -> Prepared:
    """The whole pass. caches: k_cmp, v_cmp, k_sel, v_sel, k_win, v_win. Makes o and, where `blocks` says so, the block indices."""
    adapter = _tensors.adapter_of(q)
    v_sel = caches[3]
    if len(q.shape) not in (4, 5) or any(len(cache.shape) != 4 for cache in caches):
        raise InvalidArgumentError(f"q has shape {list(q.shape)} and v_sel {list(v_sel.shape)}; give q [B,S,G,h,dk] with [B,G,tokens,d], or "
                                   f"q [B,S,H,dk] with [B,tokens,G,d]")
    call = _start("forward", adapter, sparsity, scale=scale or 0.0, overlap_percent=overlap_percent)
    call.q, call.gates = adapter.describe(q, "q"), adapter.describe(gates, "gates")
    for name, cache in zip(("k_cmp", "v_cmp", "k_sel", "v_sel", "k_win", "v_win"), caches):
        setattr(call, name, adapter.describe(cache, name))
    o = adapter.empty(q, (*q.shape[:-1], v_sel.shape[-1]))
    call.o = adapter.describe(o, "o")
    if not blocks:
        return Prepared("forward", call, adapter, (o,), (q, *caches, gates))
    groups = v_sel.shape[1 if len(q.shape) == 5 else 2]
    sel = adapter.empty(q, (q.shape[0], q.shape[1], groups, sparsity.n_sel), "int32")
    call.sel = adapter.describe(sel, "sel")
    return Prepared("forward", call, adapter, (o, sel), (q, *caches, gates))


def prepare_decode(q: Any, caches: Sequence[Any], gates: Any, *, sparsity: Sparsity, scale: Optional[float], lengths: Any = None,
                   block_table: Any = None, kv_length: int = 0) -> Prepared:
    """A whole step: makes o and the chosen blocks. `caches`: k_cmp, v_cmp, k_sel, v_sel, k_win, v_win."""
    adapter = _tensors.adapter_of(q)
    if len(q.shape) not in (4, 5) or len(caches[2].shape) != 4:
        raise InvalidArgumentError(
            f"q has shape {list(q.shape)} and k_sel {list(caches[2].shape)}; give q [B,1,G,h,dk] with caches [B,G,tokens,d], or q [B,1,H,dk] with [B,tokens,G,d]"
        )
    call = _start("decode", adapter, sparsity, scale=scale or 0.0, S_kv=kv_length)
    groups = caches[2].shape[1 if len(q.shape) == 5 else 2]
    o = adapter.empty(q, (*q.shape[:-1], caches[3].shape[-1]))
    blocks = adapter.empty(q, (q.shape[0], 1, groups, sparsity.n_sel), "int32")
    tensors = dict(zip(("k_cmp", "v_cmp", "k_sel", "v_sel", "k_win", "v_win"), caches), q=q, gates=gates, o=o, blocks=blocks)
    for name, ints in (("lengths", lengths), ("block_table", block_table)):
        if ints is not None:
            tensors[name] = adapter.entries(ints)
    for name, tensor in tensors.items():
        setattr(call, name, adapter.describe(tensor, name))
    return Prepared("decode", call, adapter, (o, blocks), tuple(tensors.values()))


def launch(prepared: Prepared) -> tuple:
    """Runs the call on the current stream and returns its outputs."""
    library, context = _library.load(), context_of(prepared.adapter.device)
    call, needed = prepared.call, ctypes.c_int64()
    _library.check(getattr(library, f"nsajit_{prepared.name}_workspace_bytes")(context.handle, call, ctypes.byref(needed)))
    memory = None
    if needed.value > 0:
        memory, call.workspace = prepared.adapter.workspace(prepared.outputs[0], needed.value)
        call.workspace_bytes = needed.value
    _library.check(getattr(library, _library.CALLS[prepared.name][1])(context.handle, call))
    del memory  # torch gives it out again on this stream only, behind the launch
    return prepared.outputs


def ask_facts(prepared: Prepared) -> KernelFacts:
    """Binds the call's kernel and says what it is."""
    library, context = _library.load(), context_of(prepared.adapter.device)
    kernel, facts = ctypes.c_void_p(), _library.Facts(struct_bytes=ctypes.sizeof(_library.Facts))
    _library.check(getattr(library, f"nsajit_{prepared.name}_kernel")(context.handle, prepared.call, ctypes.byref(kernel)))
    try:
        _library.check(library.nsajit_kernel_info(kernel, ctypes.byref(facts)))
        text = {name: getattr(facts, name).decode() for name in ("workload", "config", "grade", "reason")}
        return KernelFacts(**text, time_ms=facts.time_ms, baseline_ms=facts.baseline_ms, workspace_bytes=facts.workspace_bytes,
                           threshold=facts.threshold)
    finally:
        library.nsajit_kernel_release(kernel)
