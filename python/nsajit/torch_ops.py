"""torch custom operators nsajit::attention and nsajit::select_blocks, so that torch.compile, export and fake tensors see opaque calls with
known shapes. Importing it needs torch 2.4 or newer."""

from __future__ import annotations

from typing import Optional

import torch
from torch import Tensor

from . import _calls


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
