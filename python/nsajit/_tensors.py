"""numpy arrays and torch tensors as the C interface wants them. Neither library is imported before one of its tensors comes."""

from __future__ import annotations

import sys
from typing import Any, Sequence

from . import _library
from .errors import InvalidArgumentError

# uint16 arrays hold bf16: the upper half of a float32.
_NUMPY_DTYPES = {"float32": "fp32", "float16": "fp16", "uint16": "bf16", "bfloat16": "bf16", "int32": "int32"}


def is_torch(tensor: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(tensor, torch.Tensor)


class NumpyArrays:
    """Arrays on the CPU."""

    device = "cpu"
    stream = None

    def describe(self, array: Any, name: str) -> _library.Tensor:
        dtype = _NUMPY_DTYPES.get(array.dtype.name)
        if dtype is None:
            raise InvalidArgumentError(f"{name} is {array.dtype}; give float32, float16, uint16 that holds bf16, or int32")
        item = array.itemsize
        return _fill(array.ctypes.data, dtype, array.shape, [stride // item for stride in array.strides])

    def empty(self, like: Any, shape: Sequence[int], dtype: str = "") -> Any:
        import numpy

        return numpy.empty(shape, dtype or like.dtype)

    def entries(self, sel: Any) -> Any:
        import numpy

        return numpy.ascontiguousarray(sel, dtype=numpy.int32)

    def workspace(self, like: Any, count: int) -> tuple[Any, int]:
        import numpy

        memory = numpy.empty(count + 256, numpy.uint8)
        return memory, (memory.ctypes.data + 255) // 256 * 256


class TorchTensors:
    """Tensors of one device, on its current stream."""

    def __init__(self, device: Any):
        import torch

        self._torch = torch
        self._dtypes = {torch.float32: "fp32", torch.float16: "fp16", torch.bfloat16: "bf16", torch.int32: "int32"}
        self.device = str(device)
        self.stream = torch.cuda.current_stream(device).cuda_stream if device.type == "cuda" else None
        if device.type not in ("cpu", "cuda"):
            raise InvalidArgumentError(f"tensors are on {device}; nsajit runs on cpu and cuda")

    def describe(self, tensor: Any, name: str) -> _library.Tensor:
        dtype = self._dtypes.get(tensor.dtype)
        if dtype is None:
            raise InvalidArgumentError(f"{name} is {tensor.dtype}; give bfloat16, float16, float32, or int32")
        if str(tensor.device) != self.device:
            raise InvalidArgumentError(f"{name} is on {tensor.device}, q on {self.device}; move it there")
        return _fill(tensor.data_ptr(), dtype, tensor.shape, tensor.stride())

    def empty(self, like: Any, shape: Sequence[int], dtype: str = "") -> Any:
        return self._torch.empty(shape, dtype=getattr(self._torch, dtype) if dtype else like.dtype, device=like.device)

    def entries(self, sel: Any) -> Any:
        return sel.to(self._torch.int32).contiguous()

    def workspace(self, like: Any, count: int) -> tuple[Any, int]:
        memory = self._torch.empty(count + 256, dtype=self._torch.uint8, device=like.device)
        return memory, (memory.data_ptr() + 255) // 256 * 256


def adapter_of(q: Any) -> Any:
    """Who describes and makes tensors of q's kind."""
    if is_torch(q):
        return TorchTensors(q.device)
    if hasattr(q, "__array_interface__"):
        return NumpyArrays()
    raise InvalidArgumentError(f"q is a {type(q).__name__}; give a numpy array or a torch tensor")


def _fill(address: int, dtype: str, shape: Sequence[int], strides: Sequence[int]) -> _library.Tensor:
    if len(shape) > 5:
        raise InvalidArgumentError(f"a tensor has {len(shape)} dimensions; 5 at most")
    made = _library.Tensor(data=address, dtype=_library.DTYPES[dtype], ndim=len(shape))
    made.shape[: len(shape)] = shape
    made.strides[: len(shape)] = strides
    return made
