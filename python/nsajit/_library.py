"""libnsajit.so through ctypes: the structs and functions of include/nsajit/nsajit.h, one to one."""

from __future__ import annotations

import ctypes
import functools
import os
from pathlib import Path

from .errors import NotFoundError, UnsupportedError, error_of

ABI_VERSION = 1
READ_ONLY, FROZEN = 1, 2
DTYPES = {"bf16": 0, "fp16": 1, "fp32": 2, "int32": 3}


class Tensor(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("dtype", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("shape", ctypes.c_int64 * 5),
        ("strides", ctypes.c_int64 * 5),
    ]


class Sparsity(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int32) for name in ("l", "d", "l_sel", "n_sel", "w")]


_LAUNCH = [("workspace", ctypes.c_void_p), ("workspace_bytes", ctypes.c_int64), ("stream", ctypes.c_void_p)]


class Call(ctypes.Structure):
    _fields_ = [
        ("struct_bytes", ctypes.c_size_t),
        *((name, Tensor) for name in ("q", "k", "v", "o", "lse", "sel")),
        ("sparsity", Sparsity),
        ("dv", ctypes.c_int32),
        ("S_kv", ctypes.c_int64),
        ("scale", ctypes.c_float),
        ("overlap_percent", ctypes.c_int32),
        *_LAUNCH,
    ]


class CombineCall(ctypes.Structure):
    _fields_ = [
        ("struct_bytes", ctypes.c_size_t),
        *((name, Tensor) for name in ("o_cmp", "o_sel", "o_win", "gates", "o")),
        ("sparsity", Sparsity),
        *((name, ctypes.c_int32) for name in ("dk", "groups", "only_branch")),
        ("S_kv", ctypes.c_int64),
        *_LAUNCH,
    ]


class CompressCall(ctypes.Structure):
    _fields_ = [
        ("struct_bytes", ctypes.c_size_t),
        *((name, Tensor) for name in ("k", "v", "k_cmp", "v_cmp")),
        ("sparsity", Sparsity),
        ("group", ctypes.c_int32),
        ("flash", ctypes.c_int32),
        ("first", ctypes.c_int64),
        *_LAUNCH,
    ]


class ForwardCall(ctypes.Structure):
    _fields_ = [
        ("struct_bytes", ctypes.c_size_t),
        *((name, Tensor) for name in ("q", "k_cmp", "v_cmp", "k_sel", "v_sel", "k_win", "v_win", "gates", "o", "sel")),
        ("sparsity", Sparsity),
        ("scale", ctypes.c_float),
        ("overlap_percent", ctypes.c_int32),
        ("only_branch", ctypes.c_int32),
        ("side_stream", ctypes.c_void_p),
        *_LAUNCH,
    ]


class DecodeCall(ctypes.Structure):
    _fields_ = [
        ("struct_bytes", ctypes.c_size_t),
        *((name, Tensor) for name in ("q", "k_cmp", "v_cmp", "k_sel", "v_sel", "k_win", "v_win", "gates", "o", "lengths", "block_table", "blocks")),
        ("sparsity", Sparsity),
        ("only_branch", ctypes.c_int32),
        ("S_kv", ctypes.c_int64),
        ("scale", ctypes.c_float),
        ("reserved", ctypes.c_int32),
        *_LAUNCH,
    ]


class ContextOptions(ctypes.Structure):
    _fields_ = [
        ("struct_bytes", ctypes.c_size_t),
        ("device", ctypes.c_char_p),
        ("cache_path", ctypes.c_char_p),
        ("flags", ctypes.c_uint32),
    ]


class Facts(ctypes.Structure):
    _fields_ = [
        ("struct_bytes", ctypes.c_size_t),
        *((name, ctypes.c_char_p) for name in ("workload", "config", "grade", "reason")),
        ("time_ms", ctypes.c_double),
        ("baseline_ms", ctypes.c_double),
        ("workspace_bytes", ctypes.c_int64),
        ("threshold", ctypes.c_int64),
    ]


_CONTEXT = ctypes.c_void_p
_KERNEL = ctypes.c_void_p
# Name -> the struct of the call, and the function that launches it.
CALLS = {
    "forward": (ForwardCall, "nsajit_forward"),
    "selection": (Call, "nsajit_selection_forward"),
    "sliding": (Call, "nsajit_sliding_forward"),
    "compressed": (Call, "nsajit_compressed_forward"),
    "select_blocks": (Call, "nsajit_select_blocks"),
    "combine": (CombineCall, "nsajit_combine"),
    "compress": (CompressCall, "nsajit_compress"),
    "decode": (DecodeCall, "nsajit_decode"),
}
_SIGNATURES = {
    "nsajit_context_create": [ctypes.POINTER(ContextOptions), ctypes.POINTER(_CONTEXT)],
    "nsajit_context_destroy": [_CONTEXT],
    "nsajit_context_device": [_CONTEXT, ctypes.POINTER(ctypes.c_char_p)],
    "nsajit_refresh": [_CONTEXT, ctypes.POINTER(ctypes.c_int64)],
    **{forward: [_CONTEXT, ctypes.POINTER(struct)] for struct, forward in CALLS.values()},
    **{
        f"nsajit_{name}_workspace_bytes": [_CONTEXT, ctypes.POINTER(struct), ctypes.POINTER(ctypes.c_int64)]
        for name, (struct, _) in CALLS.items()
    },
    **{
        f"nsajit_{name}_kernel": [_CONTEXT, ctypes.POINTER(struct), ctypes.POINTER(_KERNEL)]
        for name, (struct, _) in CALLS.items()
        if name != "forward"  # it is several kernels
    },
    "nsajit_kernel_info": [_KERNEL, ctypes.POINTER(Facts)],
    "nsajit_kernel_release": [_KERNEL],
}


def _places() -> list[Path]:
    """Where the library may lie: named by the user, inside the wheel, in the installed tree beside python/."""
    here = Path(__file__).resolve().parent
    named = os.environ.get("NSAJIT_LIBRARY")
    return [Path(named)] if named else [here / "libnsajit.so", here.parent.parent / "lib" / "libnsajit.so"]


@functools.cache
def load() -> ctypes.CDLL:
    """The library, opened once, with its signatures set."""
    places = _places()
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        looked = ", ".join(str(place) for place in places)
        raise NotFoundError(f"libnsajit.so is not there; looked for {looked}. Install the wheel, or name the file in NSAJIT_LIBRARY")
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise NotFoundError(f"open {path}: {error}. It needs a C library no older than that of Debian 12 (glibc 2.36)") from error
    library.nsajit_last_error.restype = ctypes.c_char_p
    library.nsajit_version.restype = ctypes.c_char_p
    version = library.nsajit_abi_version()
    if version != ABI_VERSION:
        raise UnsupportedError(f"{path} has ABI version {version}; this package is for {ABI_VERSION}. Install both from one build")
    for name, arguments in _SIGNATURES.items():
        function = getattr(library, name)
        function.argtypes = arguments
        function.restype = ctypes.c_int
    return library


def check(status: int) -> None:
    """Raises what a status other than NSAJIT_OK means."""
    if status != 0:
        raise error_of(status, load().nsajit_last_error().decode())
