"""The devices that a run trains on: `--devices` on one machine, `TF_CONFIG` on several."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator

import tensorflow as tf

from zoo.distributed.replicas import Cluster, Replicas
from zoo.types import RunError, UsageError

PAGE = "docs/several_machines.md"
JOBS = ("chief", "worker")


def cluster() -> Cluster | None:
    """The processes that `TF_CONFIG` names; None where there are fewer than two. An empty one is removed.

    Raises:
      UsageError: It cannot be read, or this process is not in it.
    """
    text = os.environ.get("TF_CONFIG", "").strip()
    if not text:
        os.environ.pop("TF_CONFIG", None)  # TensorFlow would read an empty one as JSON, and fail
        return None
    try:
        config = json.loads(text)
        jobs = {job: list(addresses) for job, addresses in config.get("cluster", {}).items()}
        task = config.get("task", {})
        kind, index = task.get("type", "worker"), int(task.get("index", 0))
    except (ValueError, TypeError, AttributeError) as error:
        raise UsageError(
            f"`TF_CONFIG` must be JSON with `cluster` and `task`, got {text[:80]!r}. See {PAGE}."
        ) from error
    workers = [address for job in JOBS for address in jobs.get(job, [])]
    if len(workers) < 2:
        return None
    if kind not in JOBS or not 0 <= index < len(jobs.get(kind, [])) or jobs.keys() - {*JOBS}:
        raise UsageError(
            f"`TF_CONFIG` must name workers, perhaps a chief, and which of them this is, got task {kind} {index} of "
            f"{', '.join(f'{len(each)} {job}' for job, each in jobs.items())}. See {PAGE}."
        )
    return Cluster(tuple(workers), index + (len(jobs.get("chief", [])) if kind == "worker" else 0))


def start(devices: int = 1, say: Callable[[str], None] = lambda line: None) -> Replicas | None:
    """The devices to train on, None for one as ever; to be called before TensorFlow has computed anything.

    With several machines it waits for all of them.

    Args:
      devices: How many on this machine: GPUs, or logical devices of the CPU where there is no GPU.
      say: Called with a line before it waits.

    Raises:
      UsageError: There are not so many, it is too late to ask for them, or both kinds of sharing are asked for.
      RunError: This worker cannot listen.
    """
    if devices < 1:
        raise UsageError(f"`--devices` must be at least 1, got {devices}.")
    found = cluster()
    if found is None:
        return None if devices == 1 else Replicas(_one_machine(devices))
    if devices > 1:
        raise UsageError(
            f"`--devices` is for one machine, got {devices} with `TF_CONFIG`, under which every worker takes all GPUs "
            f"that it sees. Leave it out, or unset TF_CONFIG."
        )
    say(f"worker {found.index} of {len(found.workers)}: {found.workers[found.index]} waits for the others")
    return Replicas(_several_machines(found), found)


@functools.cache
def _one_machine(count: int) -> tf.distribute.Strategy:
    if _one_machine.cache_info().currsize:  # TensorFlow would fail in the middle of training
        raise UsageError(f"`devices` must be the same in all runs of a process, got {count}. Run it in one of its own.")
    return tf.distribute.MirroredStrategy(_devices(count))


def _devices(count: int) -> list[str]:
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        if count > len(gpus):
            raise UsageError(
                f"`--devices` must be at most {len(gpus)}, the GPUs that TensorFlow sees here, got {count}."
            )
        return [f"/gpu:{index}" for index in range(count)]
    (cpu,) = tf.config.list_physical_devices("CPU")
    with contextlib.suppress(RuntimeError):  # TensorFlow has started; there may be enough of them
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * count)
    if len(tf.config.list_logical_devices("CPU")) < count:
        raise UsageError(
            f"`devices` must be asked for before TensorFlow starts, got {count} in a process where it has started. "
            "Run it in a process of its own."
        )
    return [f"/cpu:{index}" for index in range(count)]


@functools.cache  # TensorFlow joins a cluster once
def _several_machines(found: Cluster) -> tf.distribute.Strategy:
    try:
        with _interruptible():
            return tf.distribute.MultiWorkerMirroredStrategy()
    except (tf.errors.OpError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise RunError(
            f"worker {found.index} at {found.workers[found.index]} cannot join the others ({reason}); see that "
            "the port is free and that all are started"
        ) from error


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C ends the process at once: Python's own handler would wait for TensorFlow, which waits for others."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
