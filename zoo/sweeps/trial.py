"""`python -m zoo.sweeps.trial`: one run of a sweep in a process of its own, which says how it goes.

Lines of JSON come on standard input and go to standard output: a request to look at or to do, then an answer to each
epoch. Where its input ends, the sweep has stopped it or is gone itself, and it stops as at SIGTERM.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo import terminal
from zoo.request import Request
from zoo.setting import shown
from zoo.types import UsageError

if TYPE_CHECKING:
    import keras

GO_ON, PRUNE = "go on", "prune"


class Pruned(SystemExit):
    """The sweep saw that this run would not be the best. Its run ends as KILLED."""

    def __init__(self, epoch: int):
        super().__init__(0)
        self.reason = f"pruned after epoch {epoch}"


def main() -> int:
    """Does what standard input asks for.

    Returns:
      Exit code: 0 done or pruned, 1 failed, 2 wrong usage.
    """
    out = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")  # what libraries print goes elsewhere

    def tell(**about: Any) -> None:
        with contextlib.suppress(BrokenPipeError):  # then the input has ended too
            print(json.dumps(about, default=str), file=out, flush=True)

    heard: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(heard,), daemon=True).start()
    terminal.quiet()
    with terminal.tensorflow_loaded():
        from zoo import tracking

        while (asked := heard.get()) is not None:
            request = Request.of(asked["request"], Path(asked["folder"]))
            try:
                if asked["look"]:
                    tell(**look(request))
                    continue
                carry_out(request, asked["tags"], asked["watch"], tell, heard.get)
            except Pruned as pruned:
                tell(pruned=pruned.reason)
            except Exception as error:
                traceback.print_exc()
                tell(failed=tracking.told(error))
                return 2 if isinstance(error, UsageError) else 1
            return 0
    return 0


def _listen(heard: queue.SimpleQueue[Any]) -> None:
    with io.FileIO(0, closefd=False) as lines:  # a buffer's lock would be held when the process ends
        for line in lines:
            heard.put(json.loads(line))
    os.kill(os.getpid(), signal.SIGTERM)
    heard.put(None)


def look(request: Request) -> dict[str, str]:
    """What there is to be known of a request before any run of it, so that a wrong one is refused in time.

    Returns:
      `watch` and `mode`, the metric that decides and whether it is to be "max" or "min"; `origin` and `fingerprint` of
      the data.

    Raises:
      UsageError: A setting or the data is wrong.
    """
    from zoo import catalog
    from zoo.datasets.cache import cache_dir
    from zoo.disk import room
    from zoo.loading import load_data

    built = catalog.load(request.file, request.settings)
    with room("the data", cache_dir()):
        dataset = load_data(built, **request.source())
    watched = {"watch": built.task.watch, "mode": built.task.watch_mode}
    return {**watched, "origin": dataset.origin, "fingerprint": dataset.fingerprint}


def carry_out(
    request: Request, tags: dict[str, str], watch: str, tell: Callable[..., None], heard: Callable[[], Any]
) -> None:
    """Does a run, tells its epochs, and its result at last.

    Args:
      request: What to do.
      tags: For the run in MLflow, which says by them what it belongs to.
      watch: The metric to tell after each epoch.
      tell: Says something to the sweep.
      heard: Waits for what it answers.

    Raises:
      Pruned: The sweep wants no more of it.
      UsageError, RunError: As of `zoo.run`.
    """
    from zoo import runs
    from zoo.progress import choose

    os.environ["MLFLOW_RUN_CONTEXT"] = json.dumps(tags)
    sys.argv = ["zoo", *words(request)]  # the record keeps the command that would do the same
    result = runs.carry_out(request, choose("plain"), callbacks=[_teller(watch, tell, heard)])
    tell(result=dataclasses.asdict(result))


def _teller(watch: str, tell: Callable[..., None], heard: Callable[[], Any]) -> keras.callbacks.Callback:
    import keras

    def ended(epoch: int, logs: dict[str, Any]) -> None:
        tell(epoch=epoch + 1, value=float(logs[watch]))
        if heard() == PRUNE:
            raise Pruned(epoch + 1)

    return keras.callbacks.LambdaCallback(on_epoch_end=ended)


def words(request: Request) -> list[str]:
    """The command that does the same, behind `zoo`."""
    found = ["run", str(request.file), *(f"{name}={shown(value)}" for name, value in request.settings.items())]
    found += ["--sample"] if request.sample else []
    for option, value in (("--data", request.data), ("--manual-dir", request.manual_dir), ("--limit", request.limit)):
        found += [] if value is None else [option, str(value)]
    found += ["--seed", str(request.seed), *(["--name", request.name] if request.name else [])]
    return [*found, *([] if request.test else ["--no-test"])]


if __name__ == "__main__":
    sys.exit(main())
