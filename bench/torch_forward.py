#!/usr/bin/env python3
"""The whole NSA forward beside dense causal attention: each branch, the whole, and what torch does best on the same heads.

    nsajit tune --sweep bench/shapes/table1.toml && nsajit tune --sweep bench/shapes/table1_dense.toml
    python3 bench/torch_forward.py --shapes bench/shapes/table1.toml --json forward.json
    python3 bench/torch_forward.py --decode --json decode.json

Kernels are those that the cache (NSAJIT_CACHE) serves, through the Python package. Scoring is given the compressed branch's
log-sum-exp, as in a model. Every contender is a CUDA graph, timed with a cold L2, interleaved, medians (gpu_timing.py). Dense
attention runs on K and V repeated to all query heads outside the clock, which favours torch.
"""

import argparse
import json
import tomllib

import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

import nsajit
from gpu_timing import GpuClock, driver_version, time_interleaved

PARTS = ("cmp", "score", "sel", "win", "gate")
# Caches S long and one query a sequence: B, S, query heads / KV heads, dk, dv.
DECODE_SHAPES = [dict(B=1, S=65536, group=16, G=4, dk=192, dv=128), dict(B=64, S=65536, group=16, G=4, dk=192, dv=128),
                 dict(B=1, S=4096, group=4, G=2, dk=32, dv=32), dict(B=64, S=4096, group=4, G=2, dk=32, dv=32)]
SPARSITY_FIELDS = ("l", "d", "l_sel", "n_sel", "w")


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", default="bench/shapes/table1.toml", help="TOML file of tuples")
    parser.add_argument("--lengths", nargs="+", type=int, help="instead of each shape's own S")
    parser.add_argument("--only", type=int, nargs="+", help="numbers of the shapes, from 0")
    parser.add_argument("--decode", action="store_true", help="decode steps against long caches instead of prefills")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", help="file to write")
    return parser.parse_args()


def read_shapes(arguments):
    if arguments.decode:
        shapes = DECODE_SHAPES
    else:
        with open(arguments.shapes, "rb") as file:
            sweep = tomllib.load(file)
        shapes = [{**sweep.get("defaults", {}), **shape} for shape in sweep["tuple"]]
    if arguments.only:
        shapes = [shapes[number] for number in arguments.only]
    if arguments.lengths:
        shapes = [{**shape, "S": length} for shape in shapes for length in arguments.lengths]
    return shapes


class Forward:
    """Tensors of a shape, and its parts in the order of a model."""

    def __init__(self, shape, decode):
        B, S_kv, G, h, dk, dv = (shape[name] for name in ("B", "S", "G", "group", "dk", "dv"))
        self.S = 1 if decode else S_kv
        self.sparsity = nsajit.Sparsity(**{name: shape[name] for name in SPARSITY_FIELDS if name in shape})
        self.raw, self.dv = S_kv, dv

        def tensor(*sizes):
            return torch.randn(*sizes, device="cuda", dtype=torch.bfloat16)

        compressed = self.sparsity.compressed_count(S_kv)
        self.q = tensor(B, self.S, G, h, dk)
        self.k_cmp, self.v_cmp = tensor(B, G, compressed, dk), tensor(B, G, compressed, dv)
        self.k_sel, self.v_sel, self.k_win, self.v_win = (tensor(B, G, S_kv, width) for width in (dk, dv, dk, dv))
        self.gates = torch.rand(B, self.S, G, h, 3, device="cuda")

    def cmp(self):
        self.o_cmp, self.lse = nsajit.compressed_attention(self.q, self.k_cmp, self.v_cmp, sparsity=self.sparsity,
                                                           kv_length=self.raw, return_lse=True)

    def score(self):
        self.blocks = nsajit.select_blocks(self.q, self.k_cmp, sparsity=self.sparsity, kv_length=self.raw, lse=self.lse, dv=self.dv,
                                           ranges=True)

    def sel(self):
        self.o_sel = nsajit.selection_attention(self.q, self.k_sel, self.v_sel, self.blocks, sparsity=self.sparsity)

    def win(self):
        self.o_win = nsajit.sliding_attention(self.q, self.k_win, self.v_win, sparsity=self.sparsity)

    def gate(self):
        self.o = nsajit.combine(self.o_cmp, self.o_sel, self.o_win, self.gates, sparsity=self.sparsity, kv_length=self.raw,
                                dk=self.q.shape[-1])

    def whole(self):
        for part in PARTS:
            getattr(self, part)()


def as_graph(work):
    """The work as a CUDA graph; it runs first, so that its kernels are bound."""
    work()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    return graph.replay


def dense_attention(forward, shape):
    """Causal attention of all query heads, or None where no backend takes the shape."""
    heads = shape["G"] * shape["group"]
    q = forward.q.flatten(2, 3).transpose(1, 2).contiguous()
    k, v = (x.repeat_interleave(shape["group"], 1) if heads * x.shape[0] * x.shape[2] * x.shape[3] < 2 ** 34 else None
            for x in (forward.k_sel, forward.v_sel))
    if k is None or v is None:
        return None
    for backend in (SDPBackend.CUDNN_ATTENTION, SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION):
        def run(backend=backend):
            with sdpa_kernel(backend):
                return F.scaled_dot_product_attention(q, k, v, is_causal=forward.S > 1)
        try:
            return as_graph(run)
        except RuntimeError:
            continue
    return None


def main():
    arguments = read_arguments()
    clock = GpuClock()
    rows = []
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}, driver API {driver_version()}, nsajit {nsajit.version()}; ms")
    print(f"{'shape':44s}" + "".join(f"{name:>10s}" for name in (*PARTS, "forward", "dense", "ratio")))
    with torch.no_grad():
        for shape in read_shapes(arguments):
            forward = Forward(shape, arguments.decode)
            forward.whole()
            contenders = {part: as_graph(getattr(forward, part)) for part in PARTS}
            contenders["forward"] = as_graph(forward.whole)
            dense = dense_attention(forward, shape)
            if dense is not None:
                contenders["dense"] = dense
            timed = time_interleaved(clock, contenders, arguments.rounds)
            rows.append({**shape, "decode": arguments.decode, **timed})
            name = f"B={shape['B']} S={shape['S']} {shape['G'] * shape['group']}/{shape['G']} {shape['dk']}/{shape['dv']}"
            medians = {part: timed[part]["median_ms"] for part in timed}
            ratio = f"{medians['dense'] / medians['forward']:9.2f}x" if "dense" in medians else ""
            print(f"{name:44s}" + "".join(f"{medians.get(part, float('nan')):10.4f}" for part in (*PARTS, "forward", "dense")) + ratio,
                  flush=True)
            if arguments.json:
                with open(arguments.json, "w") as file:
                    json.dump(rows, file, indent=1)
            del forward, contenders, dense
            torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
