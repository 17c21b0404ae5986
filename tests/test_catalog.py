from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

import zoo
from zoo import catalog
from zoo.setting import Setting

HEADER = '''"""Counting: how many steps a sequence has.

Some prose about Data that is no heading.

Data      counted by hand,
          twice
Licence   CC0
Model     one LSTM layer
Result    test_mae 0.1 ± 0.01 (3 seeds), baseline 0.5, 2 CPU cores, 1 min
Command   zoo run counting
"""
'''
BODY = '''
from typing import Literal

import zoo


def recipe(
    *,
    units: int = 8,
    learning_rate: float = 1e-3,
    cell: Literal["lstm", "rnn"] = "lstm",
    reverse: bool = False,
    patience: int | None = None,
    note: str = "",
) -> zoo.Recipe:
    """Counts.

    Args:
      units: Memory cells,
        in each direction.
      cell: Kind: gated or not.

    Raises:
      ValueError: Never.
    """
    value = zoo.Spec(name="steps", kind="series", shape=(None, 1), dtype="float32", axes=("step", "column"))
    return zoo.Recipe(
        input=value, dataset=lambda source: None, sample=lambda source: None, network=lambda features, target: None,
        task=None, training=zoo.Training(epochs=1, batch_size=units, learning_rate=learning_rate),
    )
'''


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "counting.py"
    path.write_text(HEADER + BODY)
    return path


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def checkout(folder: Path, name: str = "lstm-zoo") -> Path:
    (folder / "zoo").mkdir(parents=True)
    (folder / "recipes").mkdir()
    (folder / "setup.cfg").write_text(f"[metadata]\nname = {name}\n")
    (folder / "recipes" / "counting.py").write_text(HEADER + BODY)
    (folder / "recipes" / "_draft.py").write_text("")
    return folder


def test_folder_is_that_of_the_checkout_one_stands_in(tmp_path, monkeypatch):
    place = checkout(tmp_path / "clone")
    (place / "zoo" / "deep").mkdir()
    monkeypatch.chdir(place / "zoo" / "deep")
    assert catalog.folder() == place / "recipes"
    assert catalog.names() == ["counting"]
    assert catalog.find("counting") == place / "recipes" / "counting.py"


@pytest.mark.parametrize("spoil", ["other name", "no recipes", "broken"])
def test_folder_elsewhere_is_that_of_the_package(tmp_path, monkeypatch, spoil):
    place = checkout(tmp_path / "clone", name="other" if spoil == "other name" else "lstm-zoo")
    if spoil == "no recipes":
        (place / "recipes").rename(place / "moved")
    if spoil == "broken":
        (place / "setup.cfg").write_text("name without section")
    monkeypatch.chdir(place)
    assert catalog.folder() != place / "recipes"
    assert "adding" in catalog.names()


def test_find_takes_paths_from_any_folder(file, monkeypatch):
    monkeypatch.chdir(file.parent)
    assert catalog.find("./counting.py") == catalog.find("counting.py") == catalog.find(file) == file


def test_find_names_the_nearest_recipe_and_all_there_are(tmp_path, monkeypatch):
    monkeypatch.chdir(checkout(tmp_path / "clone"))
    text = "there is no recipe 'countin', the nearest is 'counting'; there are counting, or give a path like ./my.py."
    with pytest.raises(zoo.UsageError, match=f"^{re.escape(text)}$"):
        catalog.find("countin")
    with pytest.raises(zoo.UsageError, match=r"^there is no recipe 'xyz'; there are"):
        catalog.find("xyz")
    with pytest.raises(zoo.UsageError, match=r"^there is no recipe file `\./my\.py`; start one with `zoo copy NAME"):
        catalog.find("./my.py")


def test_header_joins_continuation_lines_and_skips_prose(file):
    assert catalog.header(file) == zoo.types.Header(
        summary="Counting: how many steps a sequence has.",
        data="counted by hand, twice",
        licence="CC0",
        model="one LSTM layer",
        result="test_mae 0.1 ± 0.01 (3 seeds), baseline 0.5, 2 CPU cores, 1 min",
        command="zoo run counting",
    )


def test_header_does_not_run_the_file(tmp_path):
    path = write(tmp_path / "boom.py", HEADER + "raise SystemExit(3)\n")
    assert catalog.header(path).licence == "CC0"


@pytest.mark.parametrize("heading", ["Data", "Licence", "Model", "Result", "Command"])
def test_header_names_a_missing_heading(tmp_path, heading):
    path = write(tmp_path / "short.py", re.sub(rf"(?m)^{heading}  .*\n", "", HEADER))
    with pytest.raises(
        zoo.UsageError, match=rf"a line `{heading}   \.\.\.`, and it has none; the headings are Data, Lic"
    ):
        catalog.header(path)


def test_header_refuses_no_docstring_a_heading_twice_and_no_python(tmp_path):
    with pytest.raises(zoo.UsageError, match=r"must open with a docstring that has a line `Data   \.\.\.`"):
        catalog.header(write(tmp_path / "bare.py", BODY))
    with pytest.raises(zoo.UsageError, match="has the heading `Licence` twice in its docstring; keep one"):
        catalog.header(write(tmp_path / "twice.py", HEADER.replace("Model  ", "Licence")))
    with pytest.raises(zoo.UsageError, match="must be Python, and line 2 is not: "):
        catalog.header(write(tmp_path / "broken.py", "import zoo\ndef recipe(:\n"))


def test_settings_are_the_keyword_arguments_of_recipe(file):
    assert catalog.settings(file) == {
        "units": Setting(type=int, default=8, help="Memory cells, in each direction."),
        "learning_rate": Setting(type=float, default=1e-3),
        "cell": Setting(type=str, default="lstm", choices=("lstm", "rnn"), help="Kind: gated or not."),
        "reverse": Setting(type=bool, default=False),
        "patience": Setting(type=int, default=None, optional=True),
        "note": Setting(type=str, default=""),
    }
    assert catalog.defaults(file)["learning_rate"] == 1e-3
    assert [setting.kind for setting in catalog.settings(file).values()] == [
        "int", "float", "one of lstm, rnn", "bool", "int or none", "str",
    ]  # fmt: skip


def test_settings_read_the_present_text_of_the_file(file):
    assert catalog.settings(file)["units"].default == 8
    file.write_text(file.read_text().replace("units: int = 8", "units: int = 9"))
    assert catalog.settings(file)["units"].default == 9


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("units: int = 8", "must have the setting `units` after `\\*` in recipe\\(\\), with a default"),
        ("*, units: int", "must have the setting `units` after"),
        ("*, units=8", "must have the setting `units` after .* got `units=8`"),
        ("*, units: list = None", "must have the setting `units` after"),
        ("*, units: int | float = 1", "must have the setting `units` after"),
        ("*, seed: int = 8", "has a setting `seed`, which the zoo uses itself; give it another name"),
        ("*, units: 'Nothing' = 8", "has a type in recipe\\(\\) that cannot be read: name 'Nothing' is not defined"),
    ],
)
def test_settings_refuse_what_the_command_line_cannot_set(tmp_path, arguments, reason):
    with pytest.raises(zoo.UsageError, match=reason):
        catalog.settings(write(tmp_path / "odd.py", f"def recipe({arguments}):\n    pass\n"))


def test_settings_refuse_a_file_that_is_no_recipe(tmp_path):
    with pytest.raises(zoo.UsageError, match="must define a function `recipe"):
        catalog.settings(write(tmp_path / "empty.py", ""))
    with pytest.raises(zoo.UsageError, match="must load by itself, and it raised ModuleNotFoundError: No module named"):
        catalog.settings(write(tmp_path / "needy.py", "import no_such_module\n"))


def test_parse_gives_typed_values(file):
    given = ["units=96", "learning_rate=3e-4", "cell=rnn", "reverse=true", "patience=4", "note=a=b c"]
    values = catalog.parse(catalog.settings(file), given)
    assert values == {
        "units": 96, "learning_rate": 3e-4, "cell": "rnn", "reverse": True, "patience": 4, "note": "a=b c",
    }  # fmt: skip
    assert catalog.parse(catalog.settings(file), ["patience=none", "reverse=False", "note=", "learning_rate=1"]) == {
        "patience": None,
        "reverse": False,
        "note": "",
        "learning_rate": 1.0,
    }


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["unit=3"], "there is no setting 'unit', the nearest is 'units'; the settings and their defaults are units=8 "
         "learning_rate=0.001 cell=lstm reverse=false patience=none note=''."),
        (["units=3.0"], "`units` must be int, got '3.0'; the default is units=8."),
        (["units="], "`units` must be int, got ''; the default is units=8."),
        (["learning_rate=fast"], "`learning_rate` must be float, got 'fast'; the default is learning_rate=0.001."),
        (["learning_rate=nan"], "`learning_rate` must be float, got 'nan'; the default is learning_rate=0.001."),
        (["cell=gru"], "`cell` must be one of lstm, rnn, got 'gru'; the default is cell=lstm."),
        (["reverse=1"], "`reverse` must be bool, got '1'; the default is reverse=false."),
        (["patience=soon"], "`patience` must be int or none, got 'soon'; the default is patience=none."),
        (["units=3", "units=4"], "`units` must be given once, got 3 and 4."),
        (["units"], "a setting is written setting=value, got 'units'; the defaults are units=8 "
         "learning_rate=0.001 cell=lstm reverse=false patience=none note=''."),
    ],
)  # fmt: skip
def test_parse_refuses_in_one_line(file, given, message):
    with pytest.raises(zoo.UsageError) as raised:
        catalog.parse(catalog.settings(file), given)
    assert str(raised.value) == message


def test_load_builds_the_recipe_with_settings(file):
    recipe = catalog.load(file, {"units": 16, "learning_rate": 1, "patience": None})
    assert recipe.training == zoo.Training(epochs=1, batch_size=16, learning_rate=1.0)
    assert type(recipe.training.learning_rate) is float


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"unit": 3}, "there is no setting 'unit', the nearest is 'units'"),
        ({"units": 3.0}, r"`units` must be int, got 3\.0 \(float\); the default is units=8\."),
        ({"units": True}, r"`units` must be int, got True \(bool\)"),
        ({"units": None}, r"`units` must be int, got None \(NoneType\)"),
        ({"units": "3"}, "`units` must be int, got '3'"),
        ({"cell": "gru"}, "`cell` must be one of lstm, rnn, got 'gru'"),
    ],
)
def test_load_holds_python_values_to_the_same_rules(file, values, message):
    with pytest.raises(zoo.UsageError, match=message):
        catalog.load(file, values)


def test_load_refuses_what_is_no_recipe(tmp_path):
    with pytest.raises(zoo.UsageError, match=r"must return a zoo\.Recipe from recipe\(\), got int"):
        catalog.load(write(tmp_path / "seven.py", "def recipe():\n    return 7\n"), {})


def test_files_of_one_name_do_not_meet(tmp_path):
    paths = []
    for units in (1, 2):
        (tmp_path / str(units)).mkdir()
        body = BODY.replace("units: int = 8", f"units: int = {units}")
        paths.append(write(tmp_path / str(units) / "same.py", HEADER + body))
    builders = [catalog.load(path, {}).dataset for path in paths]
    names = {builder.__module__ for builder in builders}
    assert len(names) == 2
    assert all(name in sys.modules for name in names)


def test_copy_gives_a_recipe_that_runs_by_its_path(file, tmp_path):
    copied = catalog.copy(file, tmp_path / "my.py")
    assert copied.read_text() == file.read_text()
    assert catalog.load(catalog.find(copied), {"units": 3}).training.batch_size == 3


def test_copy_overwrites_nothing(file, tmp_path):
    target = write(tmp_path / "mine.py", "precious")
    with pytest.raises(zoo.UsageError, match=r"mine\.py` exists already and is left as it is; name another file"):
        catalog.copy(file, target)
    assert target.read_text() == "precious"
    with pytest.raises(zoo.UsageError, match=r"must end with \.py"):
        catalog.copy(file, tmp_path / "mine")
    with pytest.raises(zoo.UsageError, match="must be a folder, and there is none; make it"):
        catalog.copy(file, tmp_path / "nowhere" / "mine.py")


@pytest.mark.parametrize("name", catalog.names())
def test_every_recipe_of_the_zoo_can_be_listed_and_set(name):
    path = catalog.find(name)
    assert catalog.header(path).summary.endswith(".")
    settings = catalog.settings(path)
    assert all(setting.help for setting in settings.values())
    written = [f"{key}={'none' if each.default is None else each.default}" for key, each in settings.items()]
    assert catalog.parse(settings, written) == catalog.defaults(path)
