#!/usr/bin/env python3
"""Is a decision repeatable? Tunes one tuple anew again and again, and lets one kernel race against itself.

usage: bench/repeat_tuning.py --nsajit dist/bin/nsajit --device cuda --problem "bf16,dk=64,dv=64,group=6;S=4096,G=2" --repeat 20
       bench/repeat_tuning.py --nsajit dist/bin/nsajit --device cuda --problem ... --repeat 0 --aa 40

Every repetition measures all candidates anew (tune --fresh) with the code of the first. Another winner is a flip unless it was
within the tie band of the usual one in its own tuning. The A/A part (selection only) times the default twice as two contenders.
Exit code 1: flips in more than 5 % of the tunings, or an A/A difference of more than 0.5 % in more than 5 % of the trials.
"""
import argparse
import collections
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import time

TIE_BAND = 0.01  # tuner/final_race.h
AA_PERCENT = 0.5
SHARE = 0.05


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"repeat_tuning.py: {' '.join(command)} failed with exit code {done.returncode}: {done.stderr.strip()[-2000:]}")
    return done.stdout


def last_decision(path):
    """The winner of the newest run, and the times of that run by config."""
    database = sqlite3.connect(path)
    number = database.execute("SELECT max(id) FROM run").fetchone()[0]
    rows = database.execute("SELECT config, time_us, low_us, high_us FROM trial WHERE run = ? AND status = 'measured' AND baseline = 0",
                            (number,)).fetchall()
    winner = database.execute("SELECT trial.config FROM winner JOIN trial ON trial.id = winner.trial ORDER BY winner.id DESC LIMIT 1")
    return winner.fetchone()[0], {config: (time_us, low, high) for config, time_us, low, high in rows}


def is_tie(winner, usual, times):
    """Whether `usual` was as good as `winner` in the tuning that chose `winner`, by the tuner's own rule."""
    if usual not in times:
        return False
    (winner_us, _, winner_high), (usual_us, usual_low, _) = times[winner], times[usual]
    return usual_us <= winner_us * (1 + TIE_BAND) or usual_low <= winner_high


def repeat(options, cache):
    tune = [options.nsajit, "tune", "--device", options.device, "--problem", options.problem, "--cache", cache,
            "--strategy", options.strategy, "--max-trials", str(options.max_trials)]
    begin = time.monotonic()
    run(tune)
    print(f"first tuning, with compilation: {time.monotonic() - begin:.1f} s")
    begin = time.monotonic()
    decisions = []
    for _ in range(options.repeat):
        run(tune + ["--fresh"])
        decisions.append(last_decision(cache))
    seconds = (time.monotonic() - begin) / options.repeat
    counts = collections.Counter(winner for winner, _ in decisions)
    usual = counts.most_common(1)[0][0]
    ties = sum(winner != usual and is_tie(winner, usual, times) for winner, times in decisions)
    flips = options.repeat - counts[usual] - ties
    print(f"{options.repeat} fresh tunings of {seconds:.1f} s: {counts[usual]} x {usual}, {ties} others within the tie band, {flips} flips")
    for winner, count in counts.most_common()[1:4]:
        print(f"  {count} x {winner}")
    return flips <= SHARE * options.repeat


def race_twins(options, cache):
    apart = []
    for _ in range(options.aa):
        text = run([options.nsajit, "bench", "selection", "--device", options.device, "--problem", options.problem, "--cache", cache,
                    "--configs", "default", "--aa", "--rounds", str(options.rounds)])
        apart += [float(percent) for percent in re.findall(r"A/A: ([0-9.]+) % apart", text)]
    apart.sort()
    within = sum(percent <= AA_PERCENT for percent in apart)
    print(f"A/A, {options.rounds} rounds: {within} of {len(apart)} trials within {AA_PERCENT} % (median {apart[len(apart) // 2]:.2f} %, "
          f"worst {apart[-1]:.2f} %)")
    return len(apart) - within <= SHARE * len(apart)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nsajit", default="nsajit", help="the program")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--problem", required=True, help="one tuple with its sizes")
    parser.add_argument("--strategy", default="ranked")
    parser.add_argument("--max-trials", type=int, default=16)
    parser.add_argument("--repeat", type=int, default=20, help="fresh tunings")
    parser.add_argument("--aa", type=int, default=0, help="races of the default against itself")
    parser.add_argument("--rounds", type=int, default=100, help="samples of each in such a race")
    options = parser.parse_args()
    good = True
    with tempfile.TemporaryDirectory() as folder:
        cache = os.path.join(folder, "cache.db")
        if options.repeat > 0:
            good = repeat(options, cache)
        if options.aa > 0:
            good = race_twins(options, cache) and good
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
