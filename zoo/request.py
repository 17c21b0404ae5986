"""What a run was asked to do, kept beside its checkpoints, so that it can be done again."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.disk import room
from zoo.types import Dataset, RunError, UsageError

NAME = "request.json"


@dataclass(frozen=True, kw_only=True)
class Request:
    """The arguments of `zoo.run`.

    Args:
      file: The recipe's; a copy of it, once the request is kept.
      settings: Of the recipe, those that were given.
      sample: As of `run`, like all that follow.
      data: As of `run`; absolute, once the request is kept.
      manual_dir: The same.
      seed: As of `run`.
      name: As of `run`.
      limit: As of `run`.
      test: As of `run`.
      require_cudnn: As of `run`.
      trial: Train and validate only, to be compared with others: no test, no export, no model in MLflow.
      devices: As of `run`.
      fingerprint: Of the data that was found, "" before.
    """

    file: Path
    settings: Mapping[str, Any]
    sample: bool = False
    data: Path | None = None
    manual_dir: Path | None = None
    seed: int = 0
    name: str | None = None
    limit: int | None = None
    test: bool = True
    require_cudnn: bool = False
    trial: bool = False
    devices: int = 1
    fingerprint: str = ""

    def source(self) -> dict[str, Any]:
        """The arguments of `load_data`."""
        return {name: getattr(self, name) for name in ("sample", "data", "manual_dir", "seed", "limit")}

    def keep(self, folder: Path) -> None:
        """Writes `request.json` and a copy of the recipe file, which may change before the run is resumed.

        Raises:
          RunError: There is no room.
        """
        with room("what the run is", folder):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / self.file.name).write_bytes(self.file.read_bytes())
            partial = folder / f"{NAME}.partial"
            partial.write_text(json.dumps(self.described(), indent=2) + "\n", encoding="utf-8")
            partial.replace(folder / NAME)

    def described(self) -> dict[str, Any]:
        """The same as JSON can hold it: the file by its name, other paths absolute."""
        values = {**dataclasses.asdict(self), "file": self.file.name}
        values |= {name: values[name] and values[name].absolute() for name in ("data", "manual_dir")}
        return json.loads(json.dumps(values, default=str))

    @classmethod
    def of(cls, described: Mapping[str, Any], folder: Path) -> Request:
        """The request of `described`, its recipe file in a folder."""
        paths = {name: described[name] and Path(described[name]) for name in ("data", "manual_dir")}
        return cls(**{**described, **paths, "file": folder / described["file"]})

    def check(self, dataset: Dataset) -> None:
        """Makes sure that a kept request finds the data that it was kept with.

        Raises:
          UsageError: It is other data.
        """
        if self.fingerprint and dataset.fingerprint != self.fingerprint:
            raise UsageError(
                f"the data of a resumed run must be as it was, and {dataset.name} has changed (fingerprint "
                f"{self.fingerprint} then, {dataset.fingerprint} now). Put it back, or start a new run."
            )

    @classmethod
    def kept(cls, folder: Path) -> Request:
        """Reads what was kept.

        Raises:
          RunError: There is nothing, or it cannot be read.
        """
        try:
            return cls.of(json.loads((folder / NAME).read_text(encoding="utf-8")), folder)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunError(f"there is nothing to resume in {folder} ({type(error).__name__}); run it again") from error
