"""Which process a run belongs to, and whether that is still there."""

from __future__ import annotations

import json
import os
import shlex
import socket
import sys
from pathlib import Path
from typing import Any

import psutil

TAG = "process"  # of a run in MLflow
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
PIDS = Path("/proc/self/ns/pid")


def identity() -> str:
    """This process, as JSON: host, start of the system, namespace, number and start time."""
    return json.dumps({**_place(), "pid": os.getpid(), "started": psutil.Process().create_time()})


def _place() -> dict[str, Any]:
    boot = BOOT_ID.read_text().strip() if BOOT_ID.exists() else str(int(psutil.boot_time()))
    return {"host": socket.gethostname(), "boot": boot, "pids": str(PIDS.readlink()) if PIDS.exists() else ""}


def alive(text: str) -> bool | None:
    """Whether the process of an `identity` is there; None where this machine cannot tell."""
    try:
        known = json.loads(text)
        place = {name: known[name] for name in _place()}
        pid, started = int(known["pid"]), float(known["started"])
    except (ValueError, KeyError, TypeError):
        return None
    here = _place()
    if place["host"] != here["host"]:
        return None
    if place["boot"] != here["boot"]:
        return False
    if place["pids"] != here["pids"]:
        return None
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - started) < 1 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def command(otherwise: str = "zoo.run in Python") -> str:
    """The command line of this process, if it is the zoo's."""
    program = Path(sys.argv[0])
    ours = program.stem == "zoo" or (program.parent.name, program.name) == ("zoo", "__main__.py")
    return shlex.join(["zoo", *sys.argv[1:]]) if ours else otherwise


def shown(text: str) -> str:
    """The process as people say it: "process 123 on host"."""
    known = json.loads(text)
    return f"process {known['pid']} on {known['host']}"
