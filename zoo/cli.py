"""The verbs: each parses, calls and prints. What they call loads inside them, so that a wrong call fails at once."""

from __future__ import annotations

import dataclasses
import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from zoo import catalog, terminal
from zoo.command import Data, Devices, Json, Limit, ManualDir, Name, Sample, Seed, Settings, app, check_source, verb
from zoo.setting import shown
from zoo.types import UsageError


@verb("zoo list", name="list")
def list_recipes(
    json: Json = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="As the table of the README.")] = False,
) -> None:
    """List the recipes and what they reached."""
    headers, faults = {}, []
    for name in catalog.names():
        try:
            headers[name] = catalog.header(catalog.find(name))
        except UsageError as error:
            faults.append(str(error))
    if json:
        terminal.print_json([{"name": name, **dataclasses.asdict(header)} for name, header in headers.items()])
    elif markdown:
        print(terminal.markdown(headers))
    else:
        rows = ((name, header.summary, header.result) for name, header in headers.items())
        terminal.print_table(("name", "summary", "result"), rows)
    if faults:
        raise UsageError("\n".join(faults))


@verb("zoo show spoken_digits")
def show(name: Name, json: Json = False) -> None:
    """Show what a recipe is, its settings and their defaults."""
    file = catalog.find(name)
    header, settings = catalog.header(file), catalog.settings(file)
    if json:
        described = {key: dataclasses.asdict(setting) | {"type": setting.kind} for key, setting in settings.items()}
        terminal.print_json({"name": file.stem, "file": file, **dataclasses.asdict(header), "settings": described})
        return
    terminal.print_recipe(file, header)
    rows = ((key, setting.kind, shown(setting.default), setting.help) for key, setting in settings.items())
    terminal.print_table(("setting", "type", "default", "what it is"), rows)


@verb("zoo check spoken_digits")
def check(name: Name, settings: Settings = None, json: Json = False) -> None:
    """Hold a recipe to the contract that every recipe keeps, offline, in seconds."""
    file = catalog.find(name)
    values = catalog.parse(catalog.settings(file), settings or [])
    print(f"recipe {file}", file=sys.stderr, flush=True)
    with terminal.tensorflow_loaded():
        from zoo.check import check as hold

        findings = hold(file, **values)
    if json:
        terminal.print_json([{"what": what, "ok": ok, "detail": detail} for what, ok, detail in findings])
    else:
        rows = (("ok" if ok else "FAILED", what, detail) for what, ok, detail in findings)
        terminal.print_table(("", "what", "detail"), rows)
    if not all(ok for _, ok, _ in findings):
        raise typer.Exit(1)


@verb("zoo data spoken_digits --sample")
def data(
    name: Name,
    settings: Settings = None,
    sample: Sample = False,
    data: Data = None,
    manual_dir: ManualDir = None,
    seed: Seed = 0,
    limit: Limit = None,
    check: Annotated[bool, typer.Option("--check", help="Look for faults and oddities instead; 1 if refused.")] = False,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write what --check finds here.")] = None,
    json: Json = False,
) -> None:
    """Prepare a recipe's data and describe it."""
    if html is not None and not check:
        raise UsageError("`--html` is where `--check` writes; give both.")
    file = catalog.find(name)
    values = catalog.parse(catalog.settings(file), settings or [])
    check_source(sample, data, limit)
    print(f"recipe {file}", file=sys.stderr, flush=True)
    with terminal.tensorflow_loaded():
        from zoo import data_check, runs

        examine = data_check.check if check else runs.data
        found = examine(file, sample=sample, data=data, manual_dir=manual_dir, seed=seed, limit=limit, **values)
    if html is not None:
        html.write_text(found.as_html(), encoding="utf-8")
    if json:
        terminal.print_json(found.as_json() if check else found)
    elif check:
        terminal.print_table(("", "where", "what", "what to do"), data_check.lines(found.findings), title=str(found))
    else:
        terminal.print_data(found)
    if check and not found.ok:
        raise typer.Exit(1)


@verb("zoo run spoken_digits units=96 epochs=3 --seed 7 --name wide")
def run(
    name: Name,
    settings: Settings = None,
    sample: Sample = False,
    data: Data = None,
    manual_dir: ManualDir = None,
    seed: Seed = 0,
    run_name: Annotated[str | None, typer.Option("--name", help="Of the run; MLflow makes one up without.")] = None,
    limit: Limit = None,
    no_test: Annotated[bool, typer.Option("--no-test", help="Leave the test split alone, while tuning.")] = False,
    require_cudnn: Annotated[bool, typer.Option("--require-cudnn", help="Stop where there is no usable GPU.")] = False,
    devices: Devices = 1,
    json: Json = False,
) -> None:
    """Run a recipe: data, training, test, export and its proof, recorded in MLflow."""
    file = catalog.find(name)
    values = catalog.parse(catalog.settings(file), settings or [])
    check_source(sample, data, limit)
    with terminal.tensorflow_loaded():
        from zoo import runs

        result = runs.run(
            file,
            sample=sample,
            data=data,
            manual_dir=manual_dir,
            seed=seed,
            name=run_name,
            limit=limit,
            test=not no_test,
            require_cudnn=require_cudnn,
            devices=devices,
            **values,
        )
    terminal.print_result(result, json)


from zoo import cli_runs, cli_sweep  # noqa: E402, F401 - their verbs stand here in the help


@verb("zoo reproduce spoken_digits --seeds 3 --manual-dir ~/archives")
def reproduce(
    name: Name,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="How many runs.")] = 3,
    manual_dir: ManualDir = None,
    json: Json = False,
) -> None:
    """Measure a recipe's published figure again: exit code 1 where it does not hold within two spreads."""
    from zoo import reproduce as again

    more = ["--manual-dir", str(manual_dir)] if manual_dir else []
    found = again.reproduce(name, seeds=seeds, more=more)
    if json:
        terminal.print_json({**dataclasses.asdict(found), "mean": found.mean})
    else:
        values = " ".join(f"{value:.4f}" for value in found.values)
        print(f"{found.metric}  {found.mean:.4f} ({values}), published {found.published} ± {found.spread}")
        print("reproduced" if found.holds else "not reproduced")
    if not found.holds:
        raise typer.Exit(1)


@verb("zoo copy spoken_digits my.py")
def copy(name: Name, file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file, my.py.")]) -> None:
    """Start your own recipe from one of the zoo's."""
    catalog.copy(name, file)
    print(f"wrote {file}; run it: zoo run {file if file.is_absolute() else f'./{file}'} --sample")


@verb("zoo doctor")
def doctor(
    json: Json = False,
    mend: Annotated[bool, typer.Option("--mend", help="Have a record that was moved find its artifacts.")] = False,
) -> None:
    """Say what works here, what is missing and the command that mends it."""
    with terminal.tensorflow_loaded():
        if mend:
            from zoo.mend import mend as put_right

            print("\n".join(put_right()) or "nothing to mend: the record finds its artifacts", file=sys.stderr)
        from zoo.doctor import doctor as examine

        findings = examine()
    if json:
        terminal.print_json([dataclasses.asdict(finding) for finding in findings])
    else:
        rows = (("ok" if each.ok else "MEND", each.what, each.detail, each.remedy) for each in findings)
        terminal.print_table(("", "what", "detail", "to mend"), rows)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


def main(arguments: list[str] | None = None) -> int:
    """Runs a command.

    Args:
      arguments: Without the program's name; those of this process without one.

    Returns:
      Exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    flags = {"--debug", "--verbose"} & set(words)
    if "--verbose" not in flags:
        terminal.quiet()
    try:
        code = app([word for word in words if word not in flags], prog_name="zoo", standalone_mode=False) or 0
    except Exception as error:
        if "--debug" in flags:
            traceback.print_exc()
        code, message = terminal.explain(error)
        print(message, file=sys.stderr)
    if code == 130:
        print("interrupted", file=sys.stderr)
    return code
