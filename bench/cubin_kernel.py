"""nsajit's kernels in a torch process: compiled by `nsajit compile --out`, loaded and launched through libcuda.

Everything that a launch needs is in the JSON beside each cubin: entries, steps, workspace, and the bytes of the argument
struct with the offsets of the addresses in it.
"""

import ctypes
import functools
import json
import pathlib
import subprocess

import torch

MAX_DYNAMIC_SMEM = 8  # CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
TORCH_TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32, "int32": torch.int32}


@functools.cache
def libcuda():
    return ctypes.CDLL("libcuda.so.1")


def check(status, what):
    if status == 0:
        return
    text = ctypes.c_char_p()
    libcuda().cuGetErrorString(status, ctypes.byref(text))
    raise RuntimeError(f"{what}: {(text.value or b'unknown').decode()} (CUresult {status})")


class CubinKernel:
    """One compiled kernel, bound to tensors by bind(), then launched on torch's current stream by calling it."""

    def __init__(self, description):
        self.plan = json.loads(description.read_text())
        if "failure" in self.plan:
            raise RuntimeError(f"compile {self.plan['config']} for {self.plan['workload']}: {self.plan['failure']}")
        self.config = self.plan["config"]
        self.module = ctypes.c_void_p()
        cubin = description.with_suffix(".cubin")
        torch.zeros(1, device="cuda")  # torch's context is the current one from here on
        check(libcuda().cuModuleLoadData(ctypes.byref(self.module), cubin.read_bytes()), f"load {cubin.name}")
        self.functions = [self._find(name) for name in self.plan["entries"]]
        self.steps = [self._prepare(step) for step in self.plan["launch"]["steps"]]
        self.workspace = None
        self.parameters = []

    def _find(self, name):
        function = ctypes.c_void_p()
        check(libcuda().cuModuleGetFunction(ctypes.byref(function), self.module, name.encode()), f"find {name}")
        return function

    def _prepare(self, step):
        function = self.functions[step["entry"]]
        if step["smem_bytes"] > 0:  # without this 48 KiB are the limit
            check(libcuda().cuFuncSetAttribute(function, MAX_DYNAMIC_SMEM, step["smem_bytes"]),
                  f"raise the shared memory of {self.config} to {step['smem_bytes']} bytes")
        return function, (*step["grid"], *step["block"], step["smem_bytes"]), ctypes.c_longlong(step["first_row"])

    def workspace_bytes(self):
        return self.plan["launch"]["workspace_bytes"]

    def bind(self, tensors, workspace):
        """`tensors` by name, dense in the shapes of the description; `workspace` of at least workspace_bytes()."""
        arguments = self.plan["arguments"]
        self.bytes = ctypes.create_string_buffer(bytes.fromhex(arguments["bytes_hex"]), arguments["bytes"])
        for spec in arguments["tensors"]:
            tensor = tensors[spec["name"]]
            if list(tensor.shape) != spec["shape"] or tensor.dtype != TORCH_TYPES[spec["type"]] or not tensor.is_contiguous():
                raise ValueError(f"{self.config}: {spec['name']} is to be dense {spec['type']} {spec['shape']}, "
                                 f"got {tensor.dtype} {list(tensor.shape)}")
            ctypes.c_uint64.from_buffer(self.bytes, spec["offset"]).value = tensor.data_ptr()
        if self.workspace_bytes() > 0:
            if workspace.numel() * workspace.element_size() < self.workspace_bytes():
                raise ValueError(f"{self.config}: the workspace is to have {self.workspace_bytes()} bytes")
            ctypes.c_uint64.from_buffer(self.bytes, arguments["workspace_offset"]).value = workspace.data_ptr()
        self.workspace = workspace  # kept alive
        self.parameters = [(ctypes.c_void_p * 2)(ctypes.addressof(self.bytes), ctypes.addressof(first))
                           for _, _, first in self.steps]

    def __call__(self):
        stream = ctypes.c_void_p(torch.cuda.current_stream().cuda_stream)
        for (function, sizes, _), parameters in zip(self.steps, self.parameters):
            check(libcuda().cuLaunchKernel(function, *sizes, stream, parameters, None), f"launch {self.config}")


def run_nsajit(program, *arguments):
    command = [program, *arguments]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode not in (0, 3):  # 3: lookup ends in the fallback
        raise RuntimeError(f"{' '.join(command)}: exit code {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout


def compile_kernels(program, workload, folder, config=None, baseline=False):
    """The default config, or `config`; with `baseline` packed SDPA too. Returns them with the baseline last."""
    major, minor = torch.cuda.get_device_capability()
    choice = ["--config", config] if config else []
    run_nsajit(program, "compile", "--arch", f"{major}{minor}", "--problem", workload, "--out", str(folder), *choice,
               *(["--baseline"] if baseline else []))
    kernels = [CubinKernel(path) for path in sorted(pathlib.Path(folder).glob("*.json"))]
    return sorted(kernels, key=lambda kernel: kernel.config.startswith("packed_sdpa"))


def served_config(program, workload, cache):
    """What the dispatcher serves for the workload from a tuned cache: (config, grade)."""
    decision = json.loads(run_nsajit(program, "lookup", "--json", "--device", "cuda:0", "--cache", cache, "--problem", workload))
    return decision["config"], decision["grade"]
