"""Pictures of gates, cells and gradients over an example, aligned with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import AsinhNorm, Normalize
from matplotlib.figure import Figure

from zoo.inspection.examples import Example
from zoo.inspection.gates import GATES, Look, Reading

TRACED = 3  # most active units
MOST_MARKS = 150  # words that can be read beside each other
LONGEST_MARK = 14
HEAT = {"input": "input gate", "forget": "forget gate", "output": "output gate", "cell": "cell", "hidden": "hidden"}
COLOURS = {"input": "C2", "forget": "C3", "output": "C0", "hidden": "black"}
SMALLEST = 1e-30  # of a gradient on a logarithmic axis
LONGEST_SPAN = 1e6  # units of the axis; a gate that is all but open forgets nothing


def title_of(reading: Reading) -> str:
    """The name of a layer with the way it reads."""
    parts = reading.layer.split("/")
    own = parts[-1].startswith(("forward_", "backward_"))
    name = parts[-2] if own and len(parts) > 1 else parts[-1]
    way = ", backwards" if reading.backwards else ", forwards" if own else ""
    return f"{name}{way}{', telling' if reading.answering else ''}"


def figure_of(
    example: Example, look: Look, readings: Sequence[Reading], beside: Mapping[str, Look], name: str
) -> Figure:
    """Readings side by side, each under the example and the gradient.

    Args:
      example: What was read.
      look: What was seen.
      readings: Those to draw, one or more.
      beside: Other runs' looks at the same example, by name.
      name: Of the run.
    """
    width = float(np.clip(0.14 * max(len(example.marks), 40), 6, 22))
    top = 1.1 if not example.marks else 0.4 if _upright(example.marks) else 1.6
    heights = [top, 1.0, *(1.2 for _ in HEAT), *(1.1 for _ in range(TRACED)), 1.2]
    extra = example.strokes or (example.image is not None and not example.along)
    heights = [1.8, *heights] if extra else heights
    figure = Figure(figsize=(width * len(readings), 1.15 * sum(heights)), layout="constrained")
    grid = figure.subplots(len(heights), len(readings), squeeze=False, gridspec_kw={"height_ratios": heights})
    for column, reading in zip(grid.T, readings, strict=True):
        panels = list(column)
        if extra:
            _draw_by_itself(panels.pop(0), example, look)
        shared = panels[:-1]
        for axes in shared[1:]:
            axes.sharex(shared[0])
        draw_input(shared[0], example, look, reading.answering)
        shared[0].set_title(title_of(reading))
        draw_gradient(shared[1], example, {name: look, **beside})
        _draw_heat(shared[2 : 2 + len(HEAT)], example, look, reading)
        _draw_traces(shared[2 + len(HEAT) :], example, look, reading)
        left, right = ends_of(example, look, reading.answering)
        shared[0].set_xlim(left, right)
        shared[-1].set_xlabel(example.unit if not look.written or not reading.answering else "pieces written")
        for axes in shared[:-1]:
            axes.tick_params(labelbottom=False)
        draw_spans(panels[-1], example, look, reading)
    return figure


def ends_of(example: Example, look: Look, answering: bool = False) -> tuple[float, float]:
    """Where a reading begins and ends on the axis of the example; a forecast stands behind it."""
    if not answering:
        return 0.0, float(example.extent)
    if look.written:
        return 0.0, float(len(look.written))
    return float(example.extent), float(example.extent + (example.ahead or 1))


def draw_input(axes: Axes, example: Example, look: Look, answering: bool = False) -> None:
    """The example as a person would recognise it, along the axis."""
    marks = look.written if answering else example.marks
    if marks:
        _draw_marks(axes, marks)
        return
    if example.image is not None and example.along:
        axes.imshow(example.image, cmap="gray", aspect="auto", extent=(0, example.extent, len(example.image), 0))
        axes.set_yticks([])
        return
    if example.strokes:
        axes.set_yticks([])
        axes.scatter(np.linspace(0, example.extent, 200), np.zeros(200), c=np.linspace(0, 1, 200), cmap="plasma", s=30)
        axes.set_ylabel("colour of\nthe ink")
        return
    for number, (name, values) in enumerate(example.lines.items()):
        axes.plot(_places(0, example.extent, len(values)), values, color=f"C{number}", linewidth=0.8, label=name)
        if name in example.told:
            ahead = example.told[name]
            behind = _places(example.extent, example.extent + example.ahead, len(ahead))
            axes.plot(behind, ahead, color=f"C{number}", linewidth=1.2, linestyle="dashed")
    if len(example.lines) > 1:
        axes.legend(loc="upper left", fontsize=6, ncols=4)
    else:
        axes.set_ylabel(next(iter(example.lines)))


def _upright(marks: Sequence[str]) -> bool:
    """Whether marks are letters, which need no turning to stand beside each other."""
    return max(map(len, marks)) <= 1


def _draw_marks(axes: Axes, marks: Sequence[str]) -> None:
    axes.set_yticks([])
    if _upright(marks):
        height, style, room = 0.5, {"rotation": 0, "va": "center"}, MOST_MARKS
    else:
        height, style, room = 0.02, {"rotation": 90, "va": "bottom"}, 60
    size = float(np.clip(9 * room / len(marks), 3, 9))
    every = -(-len(marks) // (4 * MOST_MARKS))
    for place, mark in enumerate(marks):
        if place % every == 0:
            shown = mark if len(mark) <= LONGEST_MARK else f"{mark[: LONGEST_MARK - 1]}…"
            axes.text(place + 0.5, height, shown, ha="center", fontsize=size, parse_math=False, **style)


def _draw_by_itself(axes: Axes, example: Example, look: Look) -> None:
    """A picture that is not along the axis: ink coloured from its beginning to its end, or an image."""
    axes.set_aspect("equal")
    axes.set_axis_off()
    if example.strokes:
        lengths = [np.hypot(*np.diff(stroke, axis=0).T).sum() for stroke in example.strokes]
        starts, total = np.cumsum([0.0, *lengths]), max(sum(lengths), 1e-9)
        for stroke, start in zip(example.strokes, starts, strict=False):
            along = start + np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(stroke, axis=0).T))])
            axes.plot(*stroke.T, color="lightgrey", linewidth=1)
            axes.scatter(*stroke.T, c=along / total, cmap="plasma", s=8, vmin=0, vmax=1)
        axes.invert_yaxis()
    else:
        axes.imshow(example.image, cmap="gray")


def draw_gradient(axes: Axes, example: Example, looks: Mapping[str, Look]) -> None:
    """The size of the gradient step by step; several runs' on a logarithmic axis."""
    several = len(looks) > 1
    for number, (name, look) in enumerate(looks.items()):
        size = look.gradient
        whole = example.extent + (example.ahead if example.told and len(size) > example.extent else 0)
        places = _places(0, whole, len(size))
        if several:
            axes.semilogy(places, np.maximum(size, SMALLEST), color=f"C{number}", label=name)
        else:
            axes.fill_between(places, size, color="C1", alpha=0.6, step="mid")
    of = next(iter(looks.values())).of
    axes.set_ylabel(f"gradient of\n{of}", fontsize=7)
    if several:
        axes.legend(loc="best", fontsize=6)
    else:
        axes.set_ylim(0, None)


def _draw_heat(panels: Sequence[Axes], example: Example, look: Look, reading: Reading) -> None:
    order = np.argsort(-reading.spans, kind="stable")
    left, right = ends_of(example, look, reading.answering)
    for axes, (name, label) in zip(panels, HEAT.items(), strict=True):
        if name in GATES:
            values, colours, scale, ticks = reading.gates[name], "viridis", Normalize(0, 1), [0, 0.5, 1]
        else:
            values, colours = getattr(reading, name), "RdBu_r"
            most = max(float(np.abs(values).max()), 1e-9)
            # Logarithmic beyond 1: a cell that counts goes to a hundred, and would leave the others without colour.
            scale = AsinhNorm(vmin=-most, vmax=most)
            ticks = [-most, -1, 0, 1, most] if most > 2 else [-most, 0, most]
        image = axes.imshow(
            values[:, order].T,
            aspect="auto",
            interpolation="nearest",
            cmap=colours,
            norm=scale,
            extent=(left, right, len(order), 0),
        )
        axes.set_ylabel(label, fontsize=8)
        axes.set_yticks([0.5, len(order) - 0.5], ["longest", "shortest"], fontsize=6)
        bar = axes.figure.colorbar(image, ax=axes, pad=0.01, fraction=0.03, ticks=ticks, format="%.2g")
        bar.ax.tick_params(labelsize=6)
        bar.minorticks_off()


def _draw_traces(panels: Sequence[Axes], example: Example, look: Look, reading: Reading) -> None:
    """The units whose output changes most: gates and output on one scale, the cell on its own."""
    places = _places(*ends_of(example, look, reading.answering), len(reading.hidden))
    active = np.argsort(-reading.hidden.std(axis=0), kind="stable")[: len(panels)]
    rank = np.argsort(np.argsort(-reading.spans, kind="stable"))
    for number, axes in enumerate(panels):
        if number >= len(active):
            axes.set_axis_off()
            continue
        unit = int(active[number])
        for name, colour in COLOURS.items():
            values = reading.gates[name] if name in GATES else reading.hidden
            axes.plot(places, values[:, unit], color=colour, linewidth=0.9, label=name)
        axes.set(ylim=(-1.05, 1.05))
        axes.set_ylabel(f"unit {unit}\n(row {rank[unit] + 1})", fontsize=7)
        cell = axes.twinx()
        cell.plot(places, reading.cell[:, unit], color="C4", linewidth=1.4, alpha=0.7, label="cell")
        cell.tick_params(labelsize=6, colors="C4")
        if number == 0:
            lines = [*axes.get_lines(), *cell.get_lines()]
            axes.legend(lines, [line.get_label() for line in lines], loc="lower left", fontsize=5, ncols=5)


def _places(left: float, right: float, count: int) -> np.ndarray:
    """float64[count]: the middles of equal parts."""
    return left + (np.arange(count) + 0.5) * (right - left) / count


def draw_spans(axes: Axes, example: Example, look: Look, reading: Reading) -> None:
    """How long each unit remembers, longest first."""
    spans, unit = spans_of(example, look, reading)
    axes.bar(np.arange(len(spans)) + 0.5, np.sort(spans)[::-1], width=1.0, color="C3")
    axes.set_yscale("log")
    axes.set(xlabel=f"units, median {np.median(spans):.3g} {unit}", ylabel=f"span, {unit}", xlim=(0, len(spans)))


def spans_of(example: Example, look: Look, reading: Reading) -> tuple[np.ndarray, str]:
    """float64[unit] and its unit: how long each unit remembers, in what a person counts the example in."""
    left, right = ends_of(example, look, reading.answering)
    factor, unit = (1.0, "pieces") if reading.answering and look.written else example.span
    step = (right - left) / len(reading.hidden)
    return np.minimum(reading.spans * step, LONGEST_SPAN) * factor, unit
