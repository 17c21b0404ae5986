"""What an exported model takes: one module per kind of input, chosen by `Spec.kind`."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zoo.types import Spec, UsageError

if TYPE_CHECKING:
    import numpy as np
    import tensorflow as tf

_MODULES = {"audio": "audio", "image": "image", "ink": "ink", "series": "series", "text": "text"}


@dataclass(frozen=True, kw_only=True)
class Signature:
    """One way to call an exported model.

    Args:
      inputs: Named tensor specs, in order, batch first.
      to_raw: From the inputs, by TensorFlow ops, to `(values, length: int32[batch])` right-padded.
      pack: From raw examples to the inputs, as a client would send them.
    """

    inputs: tuple[tf.TensorSpec, ...]
    to_raw: Callable[..., tuple[tf.Tensor, tf.Tensor]]
    pack: Callable[[Sequence[np.ndarray]], dict[str, np.ndarray]]


@dataclass(frozen=True, kw_only=True)
class Edges:
    """Inputs at the edge of what is legal, to prove an export with.

    Args:
      legal: Raw examples that must be answered, by name.
      malformed: (signature, inputs) that must get an error, by name.
    """

    legal: Mapping[str, np.ndarray]
    malformed: Mapping[str, tuple[str, dict[str, np.ndarray]]]


def signatures(input: Spec) -> dict[str, Signature]:
    """The signatures of a model for this input, `serving_default` first.

    Raises:
      UsageError: There is no serving signature for this kind of input.
    """
    return _module(input).signatures(input)


def edges(input: Spec, longest: int) -> Edges:
    """Inputs at the edge of what is legal.

    Args:
      input: Of the model.
      longest: Steps of the longest example seen; the longest legal one here is ten times that.
    """
    return _module(input).edges(input, longest)


def _module(input: Spec):
    if input.series is not None:
        return importlib.import_module("zoo.signatures.history")
    if input.kind not in _MODULES:
        known = ", ".join(_MODULES)
        raise UsageError(f"`kind` must be one that can be served ({known}), got {input.kind!r}. Add zoo/signatures/.")
    return importlib.import_module(f"zoo.signatures.{_MODULES[input.kind]}")
