#!/usr/bin/env python3
"""nsajit's selection kernels beside torch's packed SDPA and dense attention: the same tensors, one process, interleaved.

  python3 bench/torch_selection.py --nsajit build/release/cli/nsajit --json torch_selection.json
  python3 bench/torch_selection.py --nsajit nsajit --shapes bench/shapes/table1.toml --rows causal --cache cache.db --aa

Needs torch and, on a GPU, the nsajit program, which compiles the kernels. `--device cpu` runs torch's part alone, to try
the script. Exit code 1: a result is wrong, or nsajit's packed SDPA takes more than --limit times torch's on full rows.
"""

import argparse
import datetime
import json
import pathlib
import sys
import tempfile
import tomllib

import torch

import cubin_kernel
import gpu_timing
import selection_case
import torch_attention

FAIRNESS_SHAPES = ["S=8192,Hq/Hkv=64/4,dk/dv=128/128,64x16,B=1", "S=2048,Hq/Hkv=12/2,dk/dv=64/64,64x16,B=4",
                   "S=8192,Hq/Hkv=32/8,dk/dv=128/128,64x16,B=1"]
FLUSH_FACTORS = [0, 0.5, 1, 1.25, 2, 4]
OURS, TORCH = "nsajit packed_sdpa", "torch packed"


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nsajit", default="nsajit", help="the nsajit program")
    parser.add_argument("--shapes", nargs="+", default=FAIRNESS_SHAPES, help="short forms, or one file as bench/shapes/table1.toml")
    parser.add_argument("--rows", choices=["full", "causal", "both"], default="both")
    parser.add_argument("--config", action="append", default=[], help="another config to time; may be given again")
    parser.add_argument("--cache", help="a tuned cache: what it serves is timed too")
    parser.add_argument("--dtype", choices=["bf16", "fp16"], default="bf16")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--check-rows", type=int, default=64, help="rows compared with float64")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=float, default=1.1, help="most that nsajit's packed SDPA may take of torch's time")
    parser.add_argument("--aa", action="store_true", help="also one kernel as two contenders, and the time by size of the flush")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--json", help="file to write")
    return parser.parse_args()


def read_shapes(given):
    if len(given) == 1 and given[0].endswith(".toml"):
        document = tomllib.loads(pathlib.Path(given[0]).read_text())
        return [shape_of_tuple({**document.get("defaults", {}), **fields}) for fields in document["tuple"]]
    return [selection_case.parse_shape(text) for text in given]


def shape_of_tuple(fields):
    heads = fields.get("G", 1)
    return selection_case.Shape(S=fields["S"], q_heads=fields["group"] * heads, kv_heads=heads, dk=fields["dk"], dv=fields["dv"],
                                l_sel=fields.get("l_sel", 64), n_sel=fields.get("n_sel", 16), B=fields.get("B", 1))


def compile_ours(arguments, case):
    """Baseline, default, what was asked for and what the cache serves; each config once."""
    if arguments.device == "cpu":
        return []
    wanted = [None, *arguments.config]
    if arguments.cache:
        config, grade = cubin_kernel.served_config(arguments.nsajit, case.workload, arguments.cache)
        print(f"  served: {config} ({grade})")
        wanted += [] if config.startswith("packed_sdpa") else [config]
    kernels = {}
    for number, config in enumerate(wanted):
        with tempfile.TemporaryDirectory() as folder:
            for kernel in cubin_kernel.compile_kernels(arguments.nsajit, case.workload, folder, config, baseline=number == 0):
                kernels.setdefault(kernel.config, kernel)
    return list(kernels.values())


class Contest:
    """Everything that is timed on one case, each contender checked when it enters."""

    def __init__(self, arguments, case, clock):
        self.arguments, self.case, self.clock = arguments, case, clock
        shape, device = case.shape, case.q.device
        self.o = torch.empty(shape.B, shape.S, shape.kv_heads, shape.group, shape.dv, device=device, dtype=case.q.dtype)
        self.lse = torch.empty(shape.B, shape.S, shape.kv_heads, shape.group, device=device)
        self.judge = selection_case.Judge(case, selection_case.selected_tokens, arguments.check_rows)
        self.contenders, self.notes, self.log = {}, {}, {}

    def enter(self, name, run, errors, **note):
        self.contenders[name] = run
        self.notes[name] = {"errors": errors, **note}

    def checked(self, name, run, lse=None):
        self.o.fill_(float("nan"))
        self.lse.fill_(float("nan"))
        run()
        if not torch.isfinite(self.o).all() or (lse is not None and not torch.isfinite(lse).all()):
            raise ArithmeticError(f"{name}: a row was not written, or is not finite")
        return self.judge.check(name, self.o, lse)

    def add_ours(self, kernels):
        most = max((kernel.workspace_bytes() for kernel in kernels), default=0)
        workspace = torch.empty(most, device=self.case.q.device, dtype=torch.uint8)
        tensors = {"q": self.case.q, "k": self.case.k, "v": self.case.v, "sel": self.case.ranges, "o": self.o, "lse": self.lse}
        for kernel in kernels:
            kernel.bind(tensors, workspace)
            baseline = kernel.config.startswith("packed_sdpa")
            name = OURS if baseline else f"nsajit {kernel.config}"
            self.enter(name, kernel, self.checked(name, kernel, self.lse), config=kernel.config)
            if self.arguments.aa and not baseline and "A/A" not in self.contenders:
                self.enter("A/A", lambda again=kernel: again(), self.checked("A/A", kernel, self.lse), config=kernel.config)

    def add_torch(self):
        packed, way, self.log = torch_attention.find_best_packed(
            self.case, self.o, lambda run: gpu_timing.time_alone(self.clock, run))
        self.enter(TORCH, packed, self.checked(TORCH, packed), way=str(way))

    def add_dense(self):
        if self.case.S_kv != self.case.shape.S:
            return
        judge = selection_case.Judge(self.case, selection_case.past_tokens, min(self.arguments.check_rows, 16))
        for backend in ("cudnn", "flash") if self.case.q.is_cuda else ("math",):
            name = f"dense {backend}"
            try:
                dense = torch_attention.DenseAttention(self.case, backend)
                dense()
            except (RuntimeError, torch.OutOfMemoryError) as error:
                print(f"  {name}: not on these sizes: {str(error).splitlines()[0]}")
                continue
            self.enter(name, dense, judge.check(name, dense.grouped_result()))

    def race(self):
        timings = gpu_timing.time_interleaved(self.clock, self.contenders, self.arguments.rounds)
        return {name: {**timing, **self.notes[name], "over_torch_packed": timings[TORCH]["median_ms"] / timing["median_ms"]}
                for name, timing in timings.items()}

    def time_by_flush(self):
        """How the time of the first kernel of ours depends on the flush: it must not change from the used size up."""
        kernel = next(run for name, run in self.contenders.items() if name.startswith("nsajit ") and name != OURS)
        found = []
        for factor in FLUSH_FACTORS:
            clock = gpu_timing.GpuClock(factor)
            timing = gpu_timing.time_interleaved(clock, {"kernel": kernel}, self.arguments.rounds)["kernel"]
            found.append({"flush_over_l2": factor, **timing})
        return found


def print_result(result):
    print(f"  {'contender':58} {'ms':>9} {'spread':>7} {'speed-up':>9} {'MAE':>9}   (speed-up over torch packed)")
    for name, entry in result["contenders"].items():
        print(f"  {name:58} {entry['median_ms']:9.4f} {entry['spread_percent']:6.1f}% {entry['over_torch_packed']:8.2f}x "
              f"{entry['errors']['mean']:9.2e}")
    print(f"  torch packed: {result['contenders'][TORCH]['way']}; SM {result['clocks']['sm_mhz']} MHz")
    if "baseline_over_torch" in result:
        print(f"  nsajit packed SDPA / torch packed SDPA = {result['baseline_over_torch']:.3f}")
    if "aa_percent" in result:
        print(f"  A/A: {result['aa_percent']:.2f} % apart")
    for entry in result.get("flush", []):
        print(f"  flush of {entry['flush_over_l2']:4} x L2: {entry['median_ms']:.4f} ms, spread {entry['spread_percent']:.1f}%")


def run_case(arguments, shape, rows, clock):
    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}[arguments.dtype]
    case = selection_case.make_case(shape, rows, dtype, arguments.device, arguments.seed)
    print(f"{shape}, {rows} rows, S_kv={case.S_kv}, {float(case.lengths.float().mean()):.0f} tokens a row")
    contest = Contest(arguments, case, clock)
    contest.add_ours(compile_ours(arguments, case))
    contest.add_torch()
    contest.add_dense()
    contenders = contest.race()
    result = {"shape": str(shape), "rows": rows, "workload": case.workload, "allowed": contest.judge.allowed,
              "contenders": contenders, "torch_ways": contest.log,
              "clocks": gpu_timing.read_clocks(contest.contenders[TORCH]) if case.q.is_cuda else {"sm_mhz": 0, "memory_mhz": 0}}
    if OURS in contenders:
        result["baseline_over_torch"] = contenders[OURS]["median_ms"] / contenders[TORCH]["median_ms"]
    if "A/A" in contenders:
        twin = next(entry for name, entry in contenders.items() if name != "A/A" and entry.get("config") == contenders["A/A"]["config"])
        result["aa_percent"] = 100 * abs(contenders["A/A"]["median_ms"] / twin["median_ms"] - 1)
        result["flush"] = contest.time_by_flush()
    print_result(result)
    return result


def describe_machine(arguments):
    about = {"torch": torch.__version__, "created_utc": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
             "command": " ".join(sys.argv), "seed": arguments.seed, "rounds": arguments.rounds}
    if arguments.device == "cpu":
        return {"gpu": "none", **about}
    gpu = torch.cuda.get_device_properties(0)
    return {"gpu": gpu.name, "sm": f"{gpu.major}{gpu.minor}", "l2_bytes": gpu.L2_cache_size, "flush_over_l2": 1.25,
            "driver_cuda": gpu_timing.driver_version(), "torch_cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),
            "nsajit": cubin_kernel.run_nsajit(arguments.nsajit, "--version").strip(), **about}


def main():
    arguments = read_arguments()
    shapes = read_shapes(arguments.shapes)
    report = {**describe_machine(arguments), "cases": []}
    clock = gpu_timing.GpuClock() if arguments.device == "cuda" else gpu_timing.HostClock()
    failed = []
    for shape in shapes:
        for rows in ["full", "causal"] if arguments.rows == "both" else [arguments.rows]:
            try:
                result = run_case(arguments, shape, rows, clock)
            except (ArithmeticError, RuntimeError, torch.OutOfMemoryError) as error:
                result = {"shape": str(shape), "rows": rows, "failure": str(error)}
                print(f"  failed: {error}")
            if "failure" in result or (rows == "full" and result.get("baseline_over_torch", 0) > arguments.limit):
                failed.append(f"{shape}, {rows} rows")
            report["cases"].append(result)
            sys.stdout.flush()
            if arguments.json:  # after every case: a run that is cut short keeps what it has
                pathlib.Path(arguments.json).write_text(json.dumps(report, indent=1) + "\n")
    ratios = [case["baseline_over_torch"] for case in report["cases"] if case["rows"] == "full" and "baseline_over_torch" in case]
    if ratios:
        print(f"nsajit packed SDPA / torch packed SDPA on full rows: {', '.join(f'{ratio:.3f}' for ratio in ratios)} "
              f"(limit {arguments.limit})")
    if failed:
        print(f"failed or over the limit: {'; '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
