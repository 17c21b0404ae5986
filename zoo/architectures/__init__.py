"""The network builders of the zoo, each imported when first named."""

from __future__ import annotations

import importlib
from typing import Any

_MODULES = {
    "attention_classifier": "zoo.architectures.keywords",
    "language_model": "zoo.architectures.pretraining",
    "memory_network": "zoo.architectures.memory",
    "segment_forecaster": "zoo.architectures.forecasting",
    "recurrent_classifier": "zoo.architectures.recurrent",
    "speech_transcriber": "zoo.architectures.transcription",
    "image_transcriber": "zoo.architectures.transcription",
    "ink_transcriber": "zoo.architectures.transcription",
    "text_classifier": "zoo.architectures.text",
    "translator": "zoo.architectures.translation",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"`zoo.architectures` has no `{name}`. It has {', '.join(sorted(_MODULES))}.")
    return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted(_MODULES)
