#!/usr/bin/env python3
"""Dense causal attention as torch does it best, over a ladder of lengths: what a user would otherwise run.

    python3 bench/torch_dense.py --lengths 256 1024 4096 --heads 64/4 32/8 --dk 128 --dv 128 --json dense.json

K and V of a group are repeated to all of its query heads outside the clock, which favours torch. Backends that refuse a shape
are left out. Times are medians of interleaved samples with a cold L2 (gpu_timing.py).
"""

import argparse
import json

import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from gpu_timing import GpuClock, driver_version, time_interleaved

BACKENDS = {"cudnn": SDPBackend.CUDNN_ATTENTION, "flash": SDPBackend.FLASH_ATTENTION}


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lengths", nargs="+", type=int, default=[256 * 4 ** i for i in range(5)])
    parser.add_argument("--heads", nargs="+", default=["64/4"], help="query heads / KV heads")
    parser.add_argument("--dk", type=int, default=128)
    parser.add_argument("--dv", type=int, default=128)
    parser.add_argument("--B", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", help="file to write")
    return parser.parse_args()


def make_contenders(arguments, length, query_heads):
    def tensor(width):
        return torch.randn(arguments.B, query_heads, length, width, device="cuda", dtype=torch.bfloat16)

    q, k, v = tensor(arguments.dk), tensor(arguments.dk), tensor(arguments.dv)
    contenders = {}
    for name, backend in BACKENDS.items():
        def run(backend=backend):
            with sdpa_kernel(backend):
                return F.scaled_dot_product_attention(q, k, v, is_causal=True)
        try:
            run()
            contenders[name] = run
        except RuntimeError:
            continue
    return contenders


def main():
    arguments = read_arguments()
    clock = GpuClock()
    rows = []
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}, driver API {driver_version()}")
    for heads in arguments.heads:
        query_heads = int(heads.split("/")[0])
        for length in arguments.lengths:
            timed = time_interleaved(clock, make_contenders(arguments, length, query_heads), arguments.rounds)
            best = min(timed, key=lambda name: timed[name]["median_ms"])
            rows.append({"S": length, "heads": heads, "dk": arguments.dk, "dv": arguments.dv, "B": arguments.B, "best": best,
                         **timed})
            median, spread = timed[best]["median_ms"], timed[best]["spread_percent"]
            print(f"S={length:6d} {heads:>6s} dense {best:5s} {median:9.4f} ms, spread {spread:.1f} %", flush=True)
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump(rows, file, indent=1)


if __name__ == "__main__":
    main()
