#!/usr/bin/env python3
"""Regret against budget for each search strategy, from recorded spaces: a text table always, an SVG where matplotlib is there.

usage: bench/regret.py --nsajit build/main/cli/nsajit --recorded bench/replay/h200.txt [--svg regret.svg]
       bench/regret.py --json report.json            (the output of `nsajit replay --format json`)
"""
import argparse
import json
import subprocess
import sys

BUDGETS = "5,10,15,20,30,40,60,80"


def read_report(options):
    if options.json:
        with open(options.json, encoding="utf-8") as file:
            return json.load(file)
    command = [options.nsajit, "replay", "--recorded", *options.recorded, "--trials", options.trials,
               "--seeds", str(options.seeds), "--ahead", str(options.ahead), "--format", "json"]
    if options.strategy:
        command += ["--strategy", options.strategy]
    if options.complete_only:
        command.append("--complete-only")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"regret.py: {' '.join(command)} failed with exit code {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def order_of(rows, key):
    seen = []
    for row in rows:
        if row[key] not in seen:
            seen.append(row[key])
    return seen


def print_table(report):
    rows = {(row["strategy"], row["budget"]): row for row in report["rows"]}
    budgets = order_of(report["rows"], "budget")
    print(f"regret in percent, median / p95, over {report['spaces']} spaces x {report['seeds']} seeds")
    print("strategy".ljust(12) + "".join(budget.rjust(16) for budget in budgets))
    for strategy in order_of(report["rows"], "strategy"):
        cells = [rows[strategy, budget] for budget in budgets]
        texts = [f"{100 * cell['regret_median']:.2f} / {100 * cell['regret_p95']:.1f}" for cell in cells]
        print(strategy.ljust(12) + "".join(text.rjust(16) for text in texts))


def plot(report, path):
    try:
        import matplotlib
    except ImportError:
        sys.exit(f"regret.py: {path} was not drawn: matplotlib is not installed (pip install matplotlib)")
    matplotlib.use("svg")
    from matplotlib import pyplot
    figure, panels = pyplot.subplots(1, 2, figsize=(10, 4), sharex=True)
    for panel, key in zip(panels, ("regret_median", "regret_p95")):
        for strategy in order_of(report["rows"], "strategy"):
            points = sorted((row["trials"], 100 * row[key]) for row in report["rows"] if row["strategy"] == strategy)
            panel.plot([x for x, _ in points], [y for _, y in points], marker="o", markersize=3, label=strategy)
        panel.set_xlabel("configs tried")
        panel.set_ylabel(f"{'median' if key == 'regret_median' else 'p95'} regret, %")
        panel.set_yscale("symlog", linthresh=1)
        panel.grid(alpha=0.3)
    panels[0].legend()
    figure.tight_layout()
    figure.savefig(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nsajit", default="nsajit", help="the program")
    parser.add_argument("--recorded", nargs="+", help="recorded spaces or caches")
    parser.add_argument("--json", help="a report that exists, in place of running one")
    parser.add_argument("--strategy", help="strategies, separated by commas; all where not given")
    parser.add_argument("--trials", default=BUDGETS)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--ahead", type=int, default=1)
    parser.add_argument("--complete-only", action="store_true")
    parser.add_argument("--svg", help="draw the curves into this file")
    options = parser.parse_args()
    if not options.json and not options.recorded:
        parser.error("give --recorded FILE..., or --json FILE")
    report = read_report(options)
    print_table(report)
    if options.svg:
        plot(report, options.svg)


if __name__ == "__main__":
    main()
