"""A comparison of runs as a picture of their curves, and as a page that stands alone."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from zoo.page_parts import picture, table

STYLE = "body{font-family:sans-serif;margin:2em}td,th{text-align:left;padding:.2em 1em;vertical-align:top}"
DPI = 110
MOST_NAMED = 200  # examples that changed, on the page
SPREAD = {"mean": "mean", "deviation": "deviation", "low": "95 % from", "high": "to", "count": "runs"}  # and headings


def curves_of(curves: Mapping[str, Mapping[str, Sequence[float]]], names: Mapping[str, str]) -> Figure:
    """A panel for each metric, a line for each run, over the epochs.

    Args:
      curves: Metric to run id to values, as of `zoo.comparison.curves`.
      names: Run id to what it is called.
    """
    metrics = sorted(curves, key=lambda metric: (metric.split("_", 1)[1], metric))
    columns = min(4, max(1, len(metrics)))
    rows = -(-len(metrics) // columns) or 1
    figure = Figure(figsize=(4.2 * columns, 3.2 * rows + 0.4), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels[len(metrics) :]:
        axes.set_axis_off()
    lines: dict[str, Any] = {}
    for axes, metric in zip(panels, metrics, strict=False):
        for number, (run_id, name) in enumerate(names.items()):
            values = curves[metric].get(run_id, [])
            if len(values):
                marker = "o" if len(values) == 1 else None
                drawn = axes.plot(range(1, len(values) + 1), values, color=f"C{number}", marker=marker)
                lines[name] = drawn[0]
        axes.set(xlabel="epoch", title=metric)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
    if lines:
        figure.legend(lines.values(), lines.keys(), loc="outside lower center", ncols=min(4, len(lines)))
    return figure


def page(found: Mapping[str, Any], figure: Figure) -> str:
    """HTML with nothing outside of it.

    Args:
      found: As of `zoo.comparison.compare`.
      figure: Curves, as of `curves_of`.
    """
    names = called(found["runs"])
    heads = [names[row["run_id"]] for row in found["runs"]]
    parts = [f"<h1>{html.escape(', '.join(heads))}</h1>"]
    for title in ("settings", "metrics"):
        parts.append(_table((title, *heads), [(name, *values) for name, values in found[title].items()]))
    for group in found["groups"]:
        of, rows = spread_of(group)
        parts.append(_table((f"{of}, over seeds", *SPREAD.values()), rows))
    for pair in found["pairs"]:
        one, other = (names[run_id] for run_id in pair["runs"])
        parts.append(f"<h2>{html.escape(other)} against {html.escape(one)}</h2><p>{html.escape(sentence(pair))}</p>")
        for title in ("to_right", "to_wrong"):
            ids = pair.get(title, [])
            if ids:
                shown = ", ".join(map(html.escape, ids[:MOST_NAMED])) + (" ..." if len(ids) > MOST_NAMED else "")
                parts.append(f"<details><summary>{title}: {len(ids)}</summary>{shown}</details>")
    parts.append(picture(figure, "curves", DPI))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>runs</title><style>{STYLE}</style>\n'
        + "\n".join(parts)
        + "\n</html>\n"
    )


def called(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Run id to its name, with the start of the id where two have one name."""
    names = [row["name"] for row in rows]
    return {
        row["run_id"]: row["name"] if names.count(row["name"]) == 1 else f"{row['name']} {row['run_id'][:8]}"
        for row in rows
    }


def spread_of(group: Mapping[str, Any]) -> tuple[str, list[tuple[Any, ...]]]:
    """Which settings a group of runs has, and a row for each metric: its name and the values of `SPREAD`."""
    of = ", ".join(f"{name}={value}" for name, value in group["settings"].items()) or "all settings equal"
    return of, [(name, *(each.get(part) for part in SPREAD)) for name, each in group["metrics"].items()]


def sentence(pair: Mapping[str, Any]) -> str:
    """What a pair of runs says, in words."""
    text = (
        f"{pair['metric']} differs by {pair['difference']:+.4f} ({pair['low']:+.4f} to {pair['high']:+.4f} with 95 %) "
        f"on the same {pair['examples']} test examples"
    )
    if "p" in pair:
        text += (
            f"; {len(pair['to_right'])} went from wrong to right, {len(pair['to_wrong'])} from right to wrong, "
            f"p = {pair['p']:.3g} (McNemar)"
        )
    return text


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _table(headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    return table(headings, [[_text(each) for each in row] for row in rows]) if rows else ""
