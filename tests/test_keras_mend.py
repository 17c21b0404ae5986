"""What `zoo.distributed.keras_mend` mends is still wrong in Keras; a test that fails here says that it is right now."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from test_workers import workers

SCRIPT = Path(__file__).parent / "plain_keras.py"
NEWS = "Keras does this right by now: delete {} in zoo/distributed/keras_mend.py and where it is called, and this line"


@pytest.mark.slow
def test_plain_keras_still_fails_on_two_devices():
    done = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True, check=True)
    wrong = json.loads(done.stdout.splitlines()[-1])
    assert not wrong["sound"], "with even parts and a loss of each example plain Keras learns as on one device"
    assert wrong["one number"], NEWS.format("`vector`")
    assert wrong["clipping"], NEWS.format("the second line of `mend`")
    assert wrong["uneven parts"], (
        "Keras takes uneven parts by now; see whether the first line of `mend` is still needed"
    )


@pytest.mark.slow
def test_plain_keras_still_fails_on_two_workers(tmp_path: Path):
    both = workers([sys.executable, str(SCRIPT)], [tmp_path, tmp_path])
    for each in both:
        out, said = each.communicate(timeout=300)
        assert each.returncode == 0, said
        wrong = json.loads(out.splitlines()[-1])
        assert wrong["building"], NEWS.format("the first line of `mend`")
        assert wrong["averaging"], NEWS.format("`averageable`")
