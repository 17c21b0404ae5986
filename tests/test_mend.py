"""A record that was moved finds its artifacts again."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import mlflow
import pytest
from conftest import Recorded
from mlflow.artifacts import download_artifacts

from zoo import doctor, mend, tracking
from zoo.cli import main


@pytest.fixture
def elsewhere(recorded: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the finished runs in another folder, whose first place is gone, as far as the record can tell."""
    place = tmp_path / "moved to here"
    shutil.copytree(recorded.folder, place)
    gone = tmp_path / "gone"
    with sqlite3.connect(place / "mlflow.db") as store:
        for table, column, _ in mend.COLUMNS:
            store.execute(f"UPDATE {table} SET {column} = replace({column}, ?, ?)", (str(recorded.folder), str(gone)))
    monkeypatch.chdir(place)
    return place


def finding() -> doctor.Finding:
    return next(each for each in doctor.doctor() if each.what == "artifacts")


def test_where_all_is_in_its_place_there_is_nothing_to_mend(standing: Recorded):
    assert mend.moved() == mend.lost() == {} and mend.mend() == []
    assert finding().ok and finding().detail == f"new ones go to {standing.folder / 'mlruns'}"
    assert list(standing.folder.glob("mlflow.db.before*")) == []


def test_without_a_record_there_is_nothing_to_mend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert mend.mend() == [] and finding().ok


def test_a_moved_folder_is_seen_and_mended(elsewhere: Path, recorded: Recorded, capsys: pytest.CaptureFixture):
    old = elsewhere.parent / "gone" / "mlruns"
    assert mend.moved() == {old: ["adding"]}
    assert finding() == doctor.Finding(
        what="artifacts",
        ok=False,
        detail=f"the record looks for artifacts in {old}, and they are in {elsewhere / 'mlruns'}: they were moved",
        remedy="zoo doctor --mend",
    )
    tracking.open_store()
    with pytest.raises((OSError, mlflow.exceptions.MlflowException)):
        download_artifacts(run_id=recorded.tiny.run_id, artifact_path="proof.json")

    main(["doctor", "--mend"])
    said = capsys.readouterr()
    assert "1 experiments (adding), " in said.err and f"{old} is now {elsewhere / 'mlruns'}" in said.err
    assert finding().ok and mend.mend() == []
    card = Path(download_artifacts(run_id=recorded.tiny.run_id, artifact_path="model_card.md"))
    assert card.read_text().startswith("#")
    assert mlflow.pyfunc.load_model(f"runs:/{recorded.tiny.run_id}/model")
    assert mlflow.pyfunc.load_model("models:/adding/1")
    run = tracking.open_store().get_run(recorded.tiny.run_id)
    assert run.data.tags["export"] == str(elsewhere / "mlruns" / "exports" / recorded.tiny.run_id)
    (kept,) = elsewhere.glob("mlflow.db.before-*")
    with sqlite3.connect(kept) as store:
        assert store.execute("SELECT count(*) FROM experiments WHERE artifact_location LIKE '%gone%'").fetchone() == (
            1,
        )


def test_artifacts_that_are_nowhere_are_said(elsewhere: Path):
    shutil.rmtree(elsewhere / "mlruns" / "adding")
    old = elsewhere.parent / "gone" / "mlruns"
    assert mend.moved() == {} and mend.lost() == {old: ["adding"]}
    found = finding()
    assert not found.ok and found.detail == f"the record looks for artifacts in {old}/adding, and there are none"
    assert found.remedy == f"put them back, or into {elsewhere / 'mlruns'}"
