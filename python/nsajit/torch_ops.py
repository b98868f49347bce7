"""torch custom operators nsajit::forward, attention, select_blocks, combine, compress and decode, so that torch.compile, export and fake tensors see opaque calls with
known shapes. Importing it needs torch 2.4 or newer."""

from __future__ import annotations

from typing import Optional

import torch
from torch import Tensor

from . import _calls, nsa


@torch.library.custom_op("nsajit::forward", mutates_args=())
def forward(q: Tensor, caches: list[Tensor], gates: Tensor, sparsity: list[int], scale: float, overlap_percent: int,
            blocks: bool) -> list[Tensor]:
    """The whole pass: o, and the block indices where asked for. `caches`: k_cmp, v_cmp, k_sel, v_sel, k_win, v_win."""
    return list(_calls.launch(_calls.prepare_forward(q, caches, gates, sparsity=_calls.Sparsity(*sparsity), scale=scale,
                                                     overlap_percent=overlap_percent, blocks=blocks)))


@forward.register_fake
def _(q, caches, gates, sparsity, scale, overlap_percent, blocks):
    v_sel = caches[3]
    made = [torch.empty((*q.shape[:-1], v_sel.shape[-1]), dtype=q.dtype, device=q.device)]
    if blocks:
        groups = v_sel.shape[1 if q.dim() == 5 else 2]
        made.append(torch.empty((q.shape[0], q.shape[1], groups, sparsity[3]), dtype=torch.int32, device=q.device))
    return made


@torch.library.custom_op("nsajit::attention", mutates_args=())
def attention(name: str, q: Tensor, k: Tensor, v: Tensor, sel: Optional[Tensor], sparsity: list[int], scale: float, kv_length: int,
              overlap_percent: int) -> tuple[Tensor, Tensor]:
    """Selection, sliding or compressed attention: o and lse. `sparsity`: l, d, l_sel, n_sel, w."""
    prepared = _calls.prepare_attention(name, q, k, v, sel=sel, sparsity=_calls.Sparsity(*sparsity), scale=scale, kv_length=kv_length,
                                        overlap_percent=overlap_percent)
    return _calls.launch(prepared)


@attention.register_fake
def _(name, q, k, v, sel, sparsity, scale, kv_length, overlap_percent):
    return torch.empty((*q.shape[:-1], v.shape[-1]), dtype=q.dtype, device=q.device), torch.empty(q.shape[:-1], dtype=torch.float32,
                                                                                                  device=q.device)


@torch.library.custom_op("nsajit::select_blocks", mutates_args=())
def select_blocks(q: Tensor, k_cmp: Tensor, lse: Optional[Tensor], sparsity: list[int], kv_length: int, n: int, scale: float, dv: int,
                  ranges: bool) -> Tensor:
    """Block indices [B,S,G,n], or ranges [B,S,G,n,2]."""
    prepared = _calls.prepare_select_blocks(q, k_cmp, lse=lse, sparsity=_calls.Sparsity(*sparsity), kv_length=kv_length, n=n, scale=scale,
                                            dv=dv, ranges=ranges)
    return _calls.launch(prepared)[0]


@select_blocks.register_fake
def _(q, k_cmp, lse, sparsity, kv_length, n, scale, dv, ranges):
    groups = q.shape[2] if q.dim() == 5 else k_cmp.shape[2]
    shape = (q.shape[0], q.shape[1], groups, n, 2) if ranges else (q.shape[0], q.shape[1], groups, n)
    return torch.empty(shape, dtype=torch.int32, device=q.device)


@torch.library.custom_op("nsajit::combine", mutates_args=())
def combine(o_cmp: Optional[Tensor], o_sel: Optional[Tensor], o_win: Optional[Tensor], gates: Tensor, sparsity: list[int], kv_length: int,
            dk: int, groups: int) -> Tensor:
    """The gated sum."""
    return _calls.launch(_calls.prepare_combine((o_cmp, o_sel, o_win), gates, sparsity=_calls.Sparsity(*sparsity), kv_length=kv_length, dk=dk,
                                                groups=groups))[0]


@combine.register_fake
def _(o_cmp, o_sel, o_win, gates, sparsity, kv_length, dk, groups):
    given = next(output for output in (o_cmp, o_sel, o_win) if output is not None)
    return torch.empty(given.shape, dtype=given.dtype, device=given.device)


@torch.library.custom_op("nsajit::compress", mutates_args=())
def compress(k: Tensor, v: Tensor, sparsity: list[int], first: int, grouped: bool, group: int) -> tuple[Tensor, Tensor]:
    """k_cmp and v_cmp."""
    return _calls.launch(_calls.prepare_compress(k, v, sparsity=_calls.Sparsity(*sparsity), first=first, grouped=grouped, group=group))


@compress.register_fake
def _(k, v, sparsity, first, grouped, group):
    axis = 2 if grouped else 1
    rows = _calls.Sparsity(*sparsity).compressed_count(k.shape[axis]) - first
    return tuple(torch.empty((*raw.shape[:axis], rows, *raw.shape[axis + 1 :]), dtype=raw.dtype, device=raw.device) for raw in (k, v))


@torch.library.custom_op("nsajit::decode", mutates_args=())
def decode(q: Tensor, caches: list[Tensor], gates: Tensor, lengths: Optional[Tensor], block_table: Optional[Tensor], sparsity: list[int],
           scale: float, kv_length: int) -> tuple[Tensor, Tensor]:
    """A whole decode step: o and the chosen blocks."""
    return nsa.run_decode(q, caches, gates, lengths, block_table, _calls.Sparsity(*sparsity), scale, kv_length)


@decode.register_fake
def _(q, caches, gates, lengths, block_table, sparsity, scale, kv_length):
    groups = caches[2].shape[1 if q.dim() == 5 else 2]
    return (torch.empty((*q.shape[:-1], caches[3].shape[-1]), dtype=q.dtype, device=q.device),
            torch.empty((q.shape[0], 1, groups, sparsity[3]), dtype=torch.int32, device=q.device))
