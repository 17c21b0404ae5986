"""Use of processor, memory, disk, network and GPU while a run goes on, by MLflow's own monitors."""

from __future__ import annotations

import contextlib
import threading

from mlflow.environment_variables import MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL
from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor
from mlflow.system_metrics.metrics.disk_monitor import DiskMonitor
from mlflow.system_metrics.metrics.gpu_monitor import GPUMonitor
from mlflow.system_metrics.metrics.network_monitor import NetworkMonitor

from zoo.outbox import Outbox
from zoo.types import RunError

SECONDS = 10.0  # between two samples


class Monitor:
    """Puts `system/` metrics into the outbox, from a thread; MLflow's own ends for good when its server is away.

    Args:
      outbox: Of the run; a resumed run's steps go on behind those it has.
    """

    def __init__(self, outbox: Outbox):
        self.outbox, self._over = outbox, threading.Event()
        self._monitors = [CPUMonitor(), DiskMonitor(), NetworkMonitor()]
        with contextlib.suppress(Exception):  # no NVIDIA library or driver
            self._monitors.append(GPUMonitor())
        self._thread = threading.Thread(target=self._watch, name="monitor", daemon=True)
        self._step = outbox.last_step("system/") + 1

    def start(self) -> None:
        """Begins to watch."""
        self._thread.start()

    def finish(self) -> None:
        """Stops."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL.get() or SECONDS):
            found: dict[str, float] = {}
            for monitor in self._monitors:
                monitor.collect_metrics()
                found |= {f"system/{name}": float(value) for name, value in monitor.aggregate_metrics().items()}
                monitor.clear_metrics()
            try:
                self.outbox.add(metrics=found, step=self._step)
            except RunError:  # no room, or the store refused something: the run will say so
                return
            self._step += 1
