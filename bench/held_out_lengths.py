#!/usr/bin/env python3
"""Is the served path the faster one at lengths on which no threshold was fitted?

usage: bench/held_out_lengths.py --nsajit dist/bin/nsajit --device cuda --problem "bf16,dk=64,dv=64,group=6;S=4096,G=2" --n 3,5,6,7,10,13

Tunes the selection tuple (its threshold is fitted at 1, 2, 4, .. blocks a row), then races its winner and packed SDPA at row lengths
in between, and asks the program which of them it serves there. Exit code 1: what is served takes more than 2 % longer than the other.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

MOST_PERCENT = 2


def run(command, codes=(0,)):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in codes:
        sys.exit(f"held_out_lengths.py: {' '.join(command)} failed with exit code {done.returncode}: {done.stderr.strip()[-2000:]}")
    return done.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nsajit", default="nsajit", help="the program")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--problem", required=True, help="one selection tuple with its sizes")
    parser.add_argument("--n", default="3,5,6,7,10,13", help="selected blocks of a row")
    parser.add_argument("--cache", help="a cache in which it was tuned; else it is tuned here")
    parser.add_argument("--max-trials", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=50)
    options = parser.parse_args()
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        cache = options.cache or os.path.join(folder, "cache.db")
        common = ["--device", options.device, "--cache", cache]
        if not options.cache:
            run([options.nsajit, "tune", *common, "--problem", options.problem, "--strategy", "ranked", "--max-trials",
                 str(options.max_trials)])
        print(f"{options.problem}\nn  winner us  packed SDPA us  served        slower than the better one")
        for n in options.n.split(","):
            tuple_flags = ["--problem", options.problem, "--n", n]
            lookup = [options.nsajit, "lookup", *common, *tuple_flags, "--json"]
            decision = json.loads(run(lookup, codes=(0, 3)))
            # The winner, whether or not it is served here.
            winner = json.loads(run([options.nsajit, "report", "--cache", cache, "--format", "json"]))[0]["winner"]["config"]
            path = os.path.join(folder, "race.json")
            run([options.nsajit, "bench", "selection", *common, *tuple_flags, "--configs", winner, "--rounds", str(options.rounds),
                 "--json", path], codes=(0, 1))
            with open(path, encoding="utf-8") as file:
                entries = json.load(file)["cases"][0]["entries"]
            times = {entry["config"]: entry["time_us"] for entry in entries if "time_us" in entry}
            baseline = next(entry["time_us"] for entry in entries if entry["baseline"])
            served = times[decision["config"]]
            slower = 100 * (served / min(times[winner], baseline) - 1)
            worst = max(worst, slower)
            name = "winner" if decision["config"] == winner else "packed SDPA"
            print(f"{n:>2} {times[winner]:>10.1f} {baseline:>15.1f}  {name:<12}  {slower:.1f} %")
    print(f"worst: {worst:.1f} %")
    sys.exit(0 if worst <= MOST_PERCENT else 1)


if __name__ == "__main__":
    main()
