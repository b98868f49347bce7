"""nsajit: tuned Native Sparse Attention kernels on numpy arrays and torch tensors.

    import nsajit
    o = nsajit.selection_attention(q, k, v, ranges)        # q [B,S,G,h,dk], k [B,G,S_kv,dk], ranges [B,S,G,n,2]
    print(nsajit.explain(nsajit.selection_attention, q, k, v, ranges).reason)

Kernels come from the cache file that `nsajit tune` wrote; what was not tuned is served by packed attention. The first call of a shape binds
its kernel and may compile; later ones only launch.
"""

from ._calls import Sparsity
from ._library import load as _load
from .attention import compressed_attention, explain, select_blocks, selection_attention, sliding_attention
from .context import Context, KernelFacts, configure, context_of, refresh
from .errors import (
    CacheError,
    CompileError,
    DriverError,
    Error,
    FrozenError,
    InternalError,
    InvalidArgumentError,
    NotFoundError,
    UnsupportedError,
)
from .nsa import Caches, combine, compress, compress_step, decode_step, nsa_attention, to_bf16, to_float32


def version() -> str:
    """Of the library."""
    return _load().nsajit_version().decode()


__all__ = [
    "CacheError", "Caches", "CompileError", "Context", "DriverError", "Error", "FrozenError", "InternalError", "InvalidArgumentError",
    "KernelFacts", "NotFoundError", "Sparsity", "UnsupportedError", "combine", "compress", "compress_step", "compressed_attention", "configure", "context_of",
    "decode_step", "explain", "nsa_attention", "refresh", "select_blocks", "selection_attention", "sliding_attention",
    "to_bf16", "to_float32", "version",
]  # fmt: skip
