"""A logged model as a function of Spark's, over a table that is spread out."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

import zoo

TEXTS = ["a good film", "not good , not at all", "dull", "never dull and always good", "", "what a film 😀"]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java, which is not installed")
@pytest.mark.filterwarnings("default")  # Spark's own, of which there are many
def test_a_logged_model_answers_in_spark_as_by_itself(place: Path, monkeypatch: pytest.MonkeyPatch):
    sql = pytest.importorskip("pyspark.sql", reason="Spark needs pyspark, which is not installed")
    import mlflow.pyfunc

    run = zoo.run("sst2", sample=True, limit=200, units=8, epochs=1, progress="silent")
    alone = zoo.load(run.run_id).predict(TEXTS)
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    spark = sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    try:
        answer = mlflow.pyfunc.spark_udf(
            spark, f"runs:/{run.run_id}/model", result_type="label string, score float", env_manager="local"
        )
        table = spark.createDataFrame([(number, text) for number, text in enumerate(TEXTS)], ["number", "text"])
        rows = table.repartition(2).withColumn("answer", answer("text")).orderBy("number").collect()
    finally:
        spark.stop()
    assert [row["answer"]["label"] for row in rows] == [row["label"] for row in alone]
    assert [row["answer"]["score"] for row in rows] == pytest.approx([row["score"] for row in alone], abs=1e-5)
