"""Contexts: a device, its compiler and its cache file. Functions make one per device when they first need it."""

from __future__ import annotations

import ctypes
import threading
from dataclasses import dataclass
from typing import Optional

from . import _library


@dataclass(frozen=True)
class KernelFacts:
    """Which kernel serves a call, and why."""

    workload: str  # tuple and sizes, as `nsajit lookup` and `nsajit tune --problem` take them
    config: str
    grade: str  # "exact", "nearest" or "fallback"
    reason: str
    time_ms: float  # as measured when tuned; 0: not measured
    baseline_ms: float  # of packed SDPA
    workspace_bytes: int
    threshold: int  # stored for host apps: from it the winner wins by the margin; -1: never, or not known


class Context:
    """One device with its cache. Thread-safe. `device`: "cpu", "cuda:0", ..., or "auto"; `cache`: the file that `nsajit tune`
    wrote, None for the user's own (NSAJIT_CACHE)."""

    def __init__(self, device: str = "auto", cache: Optional[str] = None, *, read_only: bool = False, frozen: bool = False):
        flags = (_library.READ_ONLY if read_only else 0) | (_library.FROZEN if frozen else 0)
        options = _library.ContextOptions(
            ctypes.sizeof(_library.ContextOptions), device.encode(), cache.encode() if cache is not None else None, flags
        )
        self._handle = ctypes.c_void_p()
        self._library = _library.load()
        _library.check(self._library.nsajit_context_create(ctypes.byref(options), ctypes.byref(self._handle)))

    @property
    def handle(self) -> ctypes.c_void_p:
        return self._handle

    @property
    def device(self) -> str:
        """The device as text: "cuda;name=NVIDIA H200;..."."""
        text = ctypes.c_char_p()
        _library.check(self._library.nsajit_context_device(self._handle, ctypes.byref(text)))
        return (text.value or b"").decode()

    def refresh(self) -> int:
        """Looks whether the cache file was written to since, and serves what is better now. Returns how many of the
        workloads in use have another kernel than before."""
        changed = ctypes.c_int64()
        _library.check(self._library.nsajit_refresh(self._handle, ctypes.byref(changed)))
        return changed.value

    def __del__(self) -> None:
        handle = getattr(self, "_handle", None)
        if handle:
            self._library.nsajit_context_destroy(handle)


_lock = threading.Lock()
_contexts: dict[str, Context] = {}
_options: dict = {}


def configure(cache: Optional[str] = None, *, read_only: bool = False, frozen: bool = False) -> None:
    """How the contexts of functions are made: which cache file, and whether kernels may be compiled. Call it before the first
    function, or to start over: contexts that were made already are dropped."""
    with _lock:
        _options.update(cache=cache, read_only=read_only, frozen=frozen)
        _contexts.clear()


def context_of(device: str) -> Context:
    """The context that functions use on a device ("cpu", "cuda:0", ...)."""
    known = _contexts.get(device)
    if known is not None:
        return known
    with _lock:
        if device not in _contexts:
            _contexts[device] = Context(device, **_options)
        return _contexts[device]


def refresh() -> int:
    """Context.refresh of every context in use; the sum."""
    return sum(context.refresh() for context in list(_contexts.values()))
