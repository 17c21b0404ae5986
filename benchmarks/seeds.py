"""Runs a recipe once a seed, or once a fold, each in its own process, and prints mean and spread of its metrics.

Usage:
  python benchmarks/seeds.py spoken_digits -- --manual-dir ~/archives
  python benchmarks/seeds.py spoken_digits --seeds 0 --folds speaker=george,jackson,lucas -- --manual-dir ~/archives
"""

from __future__ import annotations

import argparse
import statistics
import sys

from zoo.record import hardware
from zoo.reproduce import run_once


def shown(values: list[float]) -> str:
    """Mean, sample standard deviation and the values themselves."""
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.mean(values):.4f} ± {spread:.4f}   {' '.join(f'{value:.4f}' for value in values)}"


def main() -> None:
    """Parses, runs, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--folds", help="setting=value,value,...: one run for each value, and each seed")
    at = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    options, rest = parser.parse_args(sys.argv[1:at]), sys.argv[at + 1 :]  # after --: as zoo run takes them
    setting, _, values = (options.folds or "").partition("=")
    folds = [[f"{setting}={value}"] for value in values.split(",")] if setting else [[]]
    results = []
    for fold in folds:
        for seed in options.seeds:
            results.append(run_once([options.recipe, *fold, "--seed", str(seed), *rest]))
            metrics = {name: round(value, 4) for name, value in results[-1]["metrics"].items()}
            print(*fold, f"seed {seed}", metrics, f"{results[-1]['seconds']} s", flush=True)
    print(f"\n{options.recipe} {options.folds or ''}, {len(results)} runs, {hardware()}")
    for part in ("metrics", "baseline"):
        for name in results[0][part]:
            print(f"{name:24}{shown([result[part][name] for result in results])}")
    print(f"{'seconds':24}{shown([result['seconds'] for result in results])}")


if __name__ == "__main__":
    main()
