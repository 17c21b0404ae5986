"""Data sets: one module each, loaded when first named, so that `zoo.datasets` itself loads nothing heavy."""

from __future__ import annotations

import importlib
from types import ModuleType

__all__ = [
    "adding",
    "an4",
    "copy_memory",
    "electricity",
    "ett",
    "fsdd",
    "iam_lines",
    "iam_online",
    "images",
    "imdb",
    "ink",
    "librispeech",
    "m4",
    "multi30k",
    "own",
    "pairs",
    "pen_digits",
    "samples",
    "sequential_mnist",
    "speech_commands",
    "sst2",
    "temporal_order",
    "texts",
    "windows",
]


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return __all__
