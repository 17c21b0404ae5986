"""How a run shows its advance: a live bar on a terminal, plain lines elsewhere, nothing at all."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


class Silent:
    """Shows nothing."""

    def start(self, stage: str, total: int) -> None:
        """Ignored."""

    def rename(self, stage: str) -> None:
        """Ignored."""

    def advance(self, count: int, values: Mapping[str, float] | None = None) -> None:
        """Ignored."""

    def say(self, line: str) -> None:
        """Ignored."""

    def close(self) -> None:
        """Nothing to close."""


class Plain(Silent):
    """One line for each stage and each thing worth saying.

    Args:
      stream: Where the lines go.
    """

    def __init__(self, stream: TextIO):
        self.stream = stream

    def start(self, stage: str, total: int) -> None:
        """Names the stage."""
        self.say(stage)

    def say(self, line: str) -> None:
        """Writes the line at once, so that a log that is followed shows it."""
        print(line, file=self.stream, flush=True)


class Live(Silent):
    """A bar with step, values, time passed and time left; lines that stay scroll above it.

    Args:
      stream: A terminal.
    """

    def __init__(self, stream: TextIO):
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[values]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=Console(file=stream),
            transient=True,
        )
        self.bar.start()
        self.task = None

    def start(self, stage: str, total: int) -> None:
        """Replaces the bar; one without a total moves to and fro."""
        if self.task is not None:
            self.bar.remove_task(self.task)
        self.task = self.bar.add_task(stage, total=total or None, values="")

    def rename(self, stage: str) -> None:
        """Names where in the stage we are; its total stays."""
        self.bar.update(self.task, description=stage)

    def advance(self, count: int, values: Mapping[str, float] | None = None) -> None:
        """Moves the bar."""
        shown = "  ".join(f"{name} {value:.3f}" for name, value in (values or {}).items())
        self.bar.update(self.task, advance=count, **({"values": shown} if shown else {}))

    def say(self, line: str) -> None:
        """Prints the line above the bar."""
        self.bar.console.print(line, markup=False, highlight=False)

    def close(self) -> None:
        """Takes the bar away."""
        self.bar.stop()


def choose(how: str, stream: TextIO | None = None) -> Silent:
    """The way to show a run.

    Args:
      how: "auto" for a bar on a terminal and lines elsewhere, "plain" or "silent".
      stream: Where; standard error without one, which leaves standard output to results.
    """
    stream = stream or sys.stderr
    if how == "silent":
        return Silent()
    return Live(stream) if how == "auto" and stream.isatty() else Plain(stream)
