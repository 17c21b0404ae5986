"""The scripts of docs/several_machines.md make the right TF_CONFIG, start a run, go on with it, and end as it ends."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

PAGE = (Path(__file__).parents[1] / "docs" / "several_machines.md").read_text(encoding="utf-8")
# Each program tells what it was called with; `srun` runs its command as the second of two tasks.
PROGRAMS = {
    "scontrol": 'if [ "$1" = show ]; then printf "node1\\nnode2\\n"; else echo "scontrol $*" >> calls; fi',
    "srun": 'shift; SLURM_PROCID=1 "$@"',
    "zoo": 'echo "zoo $*" >> calls; echo "$TF_CONFIG" > config; [ "$1" = resume ] && exit $RESUMED; exit $RAN',
}


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    return found


def called(script: str, place: Path, **environment: str) -> tuple[int, list[str], dict]:
    """Exit code, which programs were called, and TF_CONFIG then."""
    for name, text in PROGRAMS.items():
        (place / name).write_text(f"#!/bin/bash\n{text}\n")
        (place / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{place}:{os.environ['PATH']}", **environment}
    done = subprocess.run(["bash", "-c", script], cwd=place, env=environment, check=False)
    return done.returncode, (place / "calls").read_text().splitlines(), json.loads((place / "config").read_text())


# What `zoo resume` and `zoo run` end with; whether `zoo run` is called, and what the script ends with.
ENDS = [("0", "0", False, 0), ("2", "0", True, 0), ("1", "0", False, 1), ("2", "1", True, 1)]


@pytest.mark.parametrize(("resumed", "ran", "anew", "code"), ENDS)
def test_the_slurm_script(tmp_path: Path, resumed: str, ran: str, anew: bool, code: int):
    slurm = {"SLURM_JOB_ID": "41", "SLURM_JOB_NODELIST": "node[1-2]", "RESUMED": resumed, "RAN": ran}
    ended, calls, config = called(block("bash"), tmp_path, **slurm)
    assert config == {
        "cluster": {"worker": ["node1:20041", "node2:20041"]},
        "task": {"type": "worker", "index": 1},
    }
    assert calls[0] == "zoo resume digits"
    assert any(call.startswith("zoo run spoken_digits ") for call in calls) == anew
    assert (calls[-1] == "scontrol requeue 41") == (code != 0) and ended == 0


@pytest.mark.parametrize(("resumed", "ran", "anew", "code"), ENDS)
def test_the_kubernetes_job(tmp_path: Path, resumed: str, ran: str, anew: bool, code: int):
    service, job = yaml.safe_load_all(block("yaml"))
    name = job["metadata"]["name"]
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert service["metadata"]["name"] == pod["subdomain"] and service["spec"]["selector"] == {"job-name": name}
    given = {each["name"]: each["value"] for each in container["env"]}
    assert int(given["WORKERS"]) == job["spec"]["completions"] == job["spec"]["parallelism"]
    assert {each["name"] for each in container["volumeMounts"]} == {each["name"] for each in pod["volumes"]}
    asked = {**given, "JOB_COMPLETION_INDEX": "1", "RESUMED": resumed, "RAN": ran}
    ended, calls, config = called(container["command"][2], tmp_path, **asked)
    addresses = [f"{name}-{index}.{pod['subdomain']}:{service['spec']['ports'][0]['port']}" for index in range(2)]
    assert config == {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": 1}}
    assert calls[0] == "zoo resume digits" and ended == code
    assert any(call.startswith("zoo run spoken_digits ") for call in calls) == anew
