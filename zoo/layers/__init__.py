"""The layers of the zoo, each imported when first named: `zoo.layers.LogMel` loads `zoo.layers.audio`."""

from __future__ import annotations

import importlib
from typing import Any

_MODULES = {
    "AttentionPooling": "zoo.layers.pooling",
    "Characters": "zoo.layers.characters",
    "ConvolutionFront": "zoo.layers.convolution",
    "LineImage": "zoo.layers.line_image",
    "Ink": "zoo.layers.ink",
    "LSTM": "zoo.layers.lstm",
    "LogMel": "zoo.layers.audio",
    "MaxPooling": "zoo.layers.pooling",
    "MiddleAttention": "zoo.layers.pooling",
    "StepMask": "zoo.layers.pooling",
    "Subwords": "zoo.layers.subwords",
    "Words": "zoo.layers.text",
    "audio_augment": "zoo.layers.audio_augment",
    "drop_words": "zoo.layers.text",
    "ink_augment": "zoo.layers.ink_augment",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"`zoo.layers` has no `{name}`. It has {', '.join(sorted(_MODULES))}.")
    module = importlib.import_module(_MODULES[name])
    return module if _MODULES[name].endswith(f".{name}") else getattr(module, name)


def __dir__() -> list[str]:
    return sorted(_MODULES)
