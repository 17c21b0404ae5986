"""A logged model over a table in Spark, beside its export called directly: examples a second.

Usage: python benchmarks/spark.py RUN --examples 20000      (of a model of texts; needs Java and `pip install pyspark`)
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable

import mlflow.pyfunc
import numpy as np
import tensorflow as tf
from pyspark.sql import SparkSession

import zoo
from zoo import tracking
from zoo.record import hardware

WORDS = ("a", "the", "film", "plot", "is", "was", "not", "very", "good", "bad", "dull", "and", "but", "never")
BATCH = 256
REPEATS = 3


def rate(count: int, work: Callable[[], object]) -> float:
    """Examples a second, the median of some repeats behind one that warms up."""
    seconds = []
    for _ in range(1 + REPEATS):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    return count / float(np.median(seconds[1:]))


def main() -> None:
    """Parses, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--examples", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=2, help="Spark's, on this machine")
    options = parser.parse_args()
    draws = np.random.default_rng(0)
    texts = [" ".join(draws.choice(WORDS, draws.integers(5, 30))) for _ in range(options.examples)]
    run_id = tracking.find(options.run)
    signature = zoo.load(run_id).loaded.signatures["serving_default"]
    batches = [tf.constant(texts[start : start + BATCH]) for start in range(0, len(texts), BATCH)]
    direct = rate(len(texts), lambda: [signature(text=batch) for batch in batches])
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master(f"local[{options.workers}]")
    spark = builder.config("spark.sql.execution.arrow.maxRecordsPerBatch", str(BATCH)).getOrCreate()
    answer = mlflow.pyfunc.spark_udf(
        spark, f"runs:/{run_id}/model", result_type="label string, score float", env_manager="local"
    )
    table = spark.createDataFrame([(text,) for text in texts], ["text"]).repartition(options.workers).cache()
    spread = rate(len(texts), lambda: table.select(answer("text").alias("a")).groupBy("a.label").count().collect())
    print(f"{len(texts)} texts in batches of {BATCH}, {options.workers} workers, {hardware()}")
    print(f"export called directly   {direct:10.0f} examples a second")
    print(f"Spark                    {spread:10.0f} examples a second, {spread / direct:.2f} of that")
    spark.stop()


if __name__ == "__main__":
    main()
