"""A sound file heard as it would come in from a microphone, with the answer so far, and how fast it comes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from zoo.streaming import filled_up

ARRIVAL_MS = 100  # of sound that come at a time


def listen(
    call: Callable[..., Mapping[str, tf.Tensor]], about: Mapping[str, int], samples: np.ndarray, rate_hz: int
) -> Iterator[dict[str, Any]]:
    """Answers to a sound of which a tenth of a second comes at a time.

    What has come is kept until it is a multiple of the model's chunk. A call with silence goes before, so that the
    first one is not slower than the others.

    Args:
      call: The signature `stream` of an export.
      about: As `zoo.streaming.Stream.description` gives it.
      samples: float32[sample] at the model's rate.
      rate_hz: That rate.

    Yields:
      At every change `{"seconds": heard so far, "text": so far}`. At the end `{"text", "score", "seconds",
      "real_time_factor", "latency_ms": {"p50", "p95"}}`: of all the time that the answers took, how much it is for a
      second of sound; and the time from when a tenth of a second has come until it is answered.
    """
    state = tf.zeros([1, about["state"]])
    call(samples=tf.zeros([1, about["chunk"]]), state=state)
    fed, arrival = filled_up(samples, about), round(rate_hz * ARRIVAL_MS / 1000)
    text, shown, score, spent, at = "", "", 0.0, [], 0
    for end in range(arrival, len(fed) + arrival, arrival):
        begun = time.perf_counter()
        ready = min(end, len(fed)) // about["chunk"] * about["chunk"]
        if ready > at:
            answer = call(samples=tf.constant(fed[None, at:ready]), state=state)
            state, at, score = answer["state"], ready, float(answer["score"][0])
            text += answer["text"].numpy()[0].decode()
        spent.append(time.perf_counter() - begun)
        if text.strip() != shown:
            shown = text.strip()
            yield {"seconds": round(min(end, len(samples)) / rate_hz, 3), "text": shown}
    middle, late = np.quantile(spent, [0.5, 0.95]) * 1000
    yield {
        "text": shown,
        "score": score,
        "seconds": round(len(samples) / rate_hz, 3),
        "real_time_factor": round(sum(spent) * rate_hz / len(samples), 4),
        "latency_ms": {"p50": round(float(middle), 2), "p95": round(float(late), 2)},
    }
