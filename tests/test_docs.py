"""The documents hold: commands and keys are all there, links lead somewhere, examples run."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

import zonedesign as zd
from zonedesign.cli.options import parse
from zonedesign.cli.verbs import RUN
from zonedesign.scenario.settings import TABLES
from zonedesign.solve import prove, rounds, run

CHECKOUT = Path(__file__).resolve().parents[1]
PAGES = [CHECKOUT / "README.md", CHECKOUT / "CHANGELOG.md", *sorted((CHECKOUT / "docs").glob("*.md"))]
README = (CHECKOUT / "README.md").read_text(encoding="utf-8")
SCENARIO = (CHECKOUT / "docs" / "scenario.md").read_text(encoding="utf-8")
KEYS = [(table, key) for table, model in TABLES.items() for key in model.model_fields]
CELLS = [line.strip("| ").split(" | ") for line in SCENARIO.splitlines() if line.startswith("| `")]
ROWS = {key.strip("`"): (default, example.strip("`")) for key, _, default, example, _ in CELLS}


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def dotted(table: str, key: str) -> str:
    return f"{table}.{key}" if table else key


def toml(text: str) -> object:
    return tomllib.loads(f"value = {text}")["value"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_to_one(page):
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    linked = [link.split("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text)]
    absent = [link for link in linked if link and "://" not in link and not (page.parent / link).exists()]
    assert absent == []


def test_every_page_is_linked_from_the_readme():
    linked = re.findall(r"\]\(docs/([^)]+\.md)\)", README)
    assert sorted(linked) == sorted(page.name for page in PAGES if page.parent.name == "docs")


@pytest.mark.parametrize("verb", RUN)
def test_every_verb_is_in_the_readme_and_on_its_page(verb):
    page = (CHECKOUT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert f"| `zonedesign {verb} " in README
    assert f"\n## {verb}\n" in page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_shown_is_one_that_the_program_takes(page):
    shown = "\n".join(blocks(page.read_text(encoding="utf-8"), "sh"))
    commands = [
        shlex.split(line, comments=True)[1:] for line in shown.splitlines() if line.startswith("zonedesign ")
    ]
    for command in commands:
        parse(command)


def test_every_option_is_on_the_page_of_the_command_line(capsys):
    page = (CHECKOUT / "docs" / "cli.md").read_text(encoding="utf-8")
    for verb in RUN:
        with pytest.raises(SystemExit):
            parse([verb, "--help"])
    options = set(re.findall(r"--[a-z-]+", capsys.readouterr().out)) - {"--help"}
    assert sorted(option for option in options if option not in page) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_target_of_make_that_is_named_exists(page):
    targets = re.findall(
        r"^([a-z-]+):", (CHECKOUT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    named = re.findall(r"(?:`|^)make ([a-z-]+)", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert set(named) <= set(targets)


def test_the_readme_s_example_designs_zones_of_the_example_county(monkeypatch, capsys):
    monkeypatch.chdir(CHECKOUT)
    (example,) = blocks(README, "python")
    names: dict[str, object] = {}
    exec(example.replace("time_limit=60, gap=0.05", "time_limit=60, gap=0.2"), names)  # noqa: S102  (less to wait for)
    assert zd.verify(names["plan"], names["problem"])["passed"].all()
    assert "weekly_hours" in capsys.readouterr().out


@pytest.mark.parametrize(("table", "key"), KEYS, ids=[dotted(*each) for each in KEYS])
def test_every_key_of_a_scenario_is_described_with_its_default(table, key):
    field = TABLES[table].model_fields[key]
    stated, _ = ROWS[dotted(table, key)]
    if field.default is PydanticUndefined:
        assert stated == "required"
    elif field.default is None:
        assert stated == "none"
    elif isinstance(field.default, BaseModel):
        assert field.default == type(field.default).model_validate(toml(stated.strip("`")))
    else:
        assert toml(stated.strip("`")) == field.default


def test_no_key_is_described_that_a_scenario_does_not_have():
    assert set(ROWS) == {dotted(*each) for each in KEYS}


@pytest.mark.parametrize(("table", "key"), KEYS, ids=[dotted(*each) for each in KEYS])
def test_every_key_s_example_is_a_value_that_it_takes(table, key):
    model = TABLES[table]
    needed = [name for name, field in model.model_fields.items() if field.is_required()]
    model.model_validate({name: toml(ROWS[dotted(table, name)][1]) for name in (*needed, key)})


def test_every_scenario_shown_is_one(tmp_path):
    smallest, speeds, _ = blocks(SCENARIO, "toml")
    (tmp_path / "scenarios").mkdir()
    for number, text in enumerate(
        (smallest, smallest.split("[roads]")[0] + speeds + "[[levels]]" + smallest.split("[[levels]]")[1])
    ):
        path = tmp_path / "scenarios" / f"{number}.toml"
        path.write_text(text, encoding="utf-8")
        assert zd.read_scenario(path).levels[0].weekly_hours == (700, 1300)


def test_the_method_s_sizes_are_those_of_the_solver():
    text = (CHECKOUT / "docs" / "method.md").read_text(encoding="utf-8")
    assert f"up to {run.SMALL_UNITS:,} units and {run.SMALL_ARCS:,} pairs" in text
    assert f"up to {prove.CLOSING_UNITS:,} units, or up to {prove.WHOLE_ARCS:,} pairs" in text
    assert rounds.CHAINS == 4 and "four drafts" in text  # noqa: PT018


def test_the_pictures_are_light():
    pictures = list((CHECKOUT / "docs" / "images").glob("*.png"))
    assert pictures
    assert [picture.name for picture in pictures if picture.stat().st_size > 400_000] == []
