#!/usr/bin/env python3
"""What do worker processes cost? Tunes one tuple anew with and without them, in turns, with code that is compiled already.

usage: bench/isolation.py --nsajit dist/bin/nsajit --device cuda --problem "bf16,dk=64,dv=64,group=6;S=2048,G=2"

Exit code 1: more than 10 % of the wall time with workers.
"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

MOST_SHARE = 0.10


def seconds_of(command):
    begin = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"isolation.py: {' '.join(command)} failed with exit code {done.returncode}: {done.stderr.strip()[-2000:]}")
    return time.monotonic() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nsajit", default="nsajit", help="the program")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--problem", required=True, help="one tuple with its sizes")
    parser.add_argument("--max-trials", type=int, default=40)
    parser.add_argument("--repeat", type=int, default=5, help="tunings of each kind")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tune = [options.nsajit, "tune", "--device", options.device, "--problem", options.problem, "--cache",
                os.path.join(folder, "cache.db"), "--strategy", "random", "--max-trials", str(options.max_trials)]
        seconds_of(tune)
        pairs = [(seconds_of(tune + ["--fresh"]), seconds_of(tune + ["--fresh", "--in-process"])) for _ in range(options.repeat)]
    shares = [(worker - local) / worker for worker, local in pairs]
    share = statistics.median(shares)
    print(f"{options.repeat} pairs of tunings of {options.max_trials} candidates: {statistics.median(p[0] for p in pairs):.2f} s with workers, "
          f"{statistics.median(p[1] for p in pairs):.2f} s without; isolation takes {100 * share:.1f} % of the wall time "
          f"({100 * min(shares):.1f} to {100 * max(shares):.1f} %)")
    sys.exit(0 if share <= MOST_SHARE else 1)


if __name__ == "__main__":
    main()
