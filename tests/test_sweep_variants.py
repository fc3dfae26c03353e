"""Variants of a scenario: keys set anew on the command line or in a sweep file, checked, and named in words."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_county import IDS, squares, write_tiny

import zonedesign as zd
from zonedesign.errors import ScenarioError
from zonedesign.examples import WHAT_IF
from zonedesign.sweep import check_scenarios, read_variants
from zonedesign.sweep.keys import key_of, set_of
from zonedesign.sweep.written import toml_of

CHECKOUT = Path(__file__).resolve().parents[1]
TWO_LEVELS = {'[[levels]]\nname = "1"': '[[levels]]\nname = "2"\nmax_minutes = 9\n\n[[levels]]\nname = "1"'}


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_tiny(tmp_path)


def sweep_file(folder: Path, text: str) -> Path:
    path = folder / "what-if.toml"
    path.write_text(text, encoding="utf-8")
    return path


def names(*paths: Path, sets: tuple[str, ...] = ()) -> list[str]:
    return [variant.name for variant in read_variants(paths, sets)]


# On the command line.


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("levels.1.max_minutes=12,15,20", [12, 15, 20]),
        ("levels.1.weekly_hours=[700, 1300],[600, 1400]", [[700, 1300], [600, 1400]]),
        ("roads.profile=am-peak,midday", ["am-peak", "midday"]),
        ('roads.profile="am-peak"', ["am-peak"]),
        ("units.bridges=none", ["none"]),
        ("levels.contiguous=true,false", [True, False]),
        ('locks.nest_in={path = "a.csv", id = "b"}', [{"path": "a.csv", "id": "b"}]),
        ("units.bridges=nearest,[['a', 'b']]", ["nearest", [["a", "b"]]]),
        ("demand.growth=1.1, 1.2", [1.1, 1.2]),
        ("objective.baseline=plans/today.csv", ["plans/today.csv"]),
        ("objective.baseline=../plans/today.csv", ["../plans/today.csv"]),
    ],
)
def test_values_after_set_are_those_of_toml_or_bare_words(text: str, values: list[object]) -> None:
    assert set_of(text)[1] == values


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("levels.1.max_minutes", r"write KEY=VALUE\[,VALUE\.\.\.\]"),
        ("levels.1.max_minutes=", r"write KEY=VALUE"),
        ("levels.1.max_minutes=12,?", r"'\?' is no value; write a number"),
        ("=12", r"'' is no key of a scenario"),
        ("levels..max_minutes=12", r"'levels..max_minutes' is no key"),
    ],
)
def test_a_set_that_is_none_is_refused(text: str, says: str) -> None:
    with pytest.raises(ScenarioError, match=says):
        set_of(text)


def test_a_level_whose_name_has_a_dot_stands_in_quotes() -> None:
    assert key_of('levels."1.5".max_minutes') == ("levels", "1.5", "max_minutes")


@given(st.lists(st.integers(-1000, 1000) | st.booleans() | st.floats(-9, 9), min_size=1, max_size=5))
@settings(max_examples=50, deadline=None)
def test_any_numbers_come_back_as_they_were(values: list[object]) -> None:
    text = ",".join(str(value).lower() if isinstance(value, bool) else repr(value) for value in values)
    assert set_of(f"levels.1.max_minutes={text}") == (("levels", "1", "max_minutes"), values)


@given(st.text(max_size=40))
@settings(max_examples=200, deadline=None)
def test_any_text_after_set_is_read_or_refused_in_one_line(text: str) -> None:
    said = ""
    try:
        set_of(text)
    except ScenarioError as error:
        said = str(error)
    assert "\n" not in said


def test_each_value_is_a_run_of_its_own_named_in_words(tiny: Path) -> None:
    found = read_variants([tiny], ["levels.1.max_minutes=12,15,20"])
    assert [each.name for each in found] == [f"max_minutes {m} at level 1" for m in (12, 15, 20)]
    assert [each.scenario.levels[0].max_minutes for each in found] == [12, 15, 20]
    assert found[0].scenario.name == "Tiny: max_minutes 12 at level 1"


def test_several_sets_make_a_grid(tiny: Path) -> None:
    assert names(tiny, sets=("levels.1.max_minutes=12,15", "levels.1.zones=4,5")) == [
        "max_minutes 12 at level 1, zones 4 at level 1",
        "max_minutes 12 at level 1, zones 5 at level 1",
        "max_minutes 15 at level 1, zones 4 at level 1",
        "max_minutes 15 at level 1, zones 5 at level 1",
    ]


def test_a_key_of_levels_without_a_name_is_every_level_s(tmp_path: Path) -> None:
    tiny = write_tiny(tmp_path, changes=TWO_LEVELS)
    (found,) = read_variants([tiny], ["levels.max_minutes=12"])
    assert found.name == "max_minutes 12 at every level"
    assert [level.max_minutes for level in found.scenario.levels] == [12, 12]


def test_a_key_of_one_level_leaves_the_others_alone(tmp_path: Path) -> None:
    tiny = write_tiny(tmp_path, changes=TWO_LEVELS)
    (found,) = read_variants([tiny], ["levels.1.max_minutes=12"])
    assert [(level.name, level.max_minutes) for level in found.scenario.levels] == [("2", 9), ("1", 12)]


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("levels.1.max_minute=12", r"--set: unknown key 'levels.max_minute' of level '1'; did you mean 'max_minutes'"),
        ("levels.7.max_minutes=12", r"'levels.7.max_minutes' names no level and no key of levels"),
        ("levels.1=12", r"'levels.1' names no key of that level; add one: .max_minutes"),
        ("level.1.max_minutes=12", r"'level.1.max_minutes' is nothing that a sweep can vary; did you mean 'levels'"),
        ("extends=x.toml", r"'extends' is nothing that a sweep can vary"),
        ("levels.1.max_minutes=soon", r"--set: levels.max_minutes of level '1' is 'soon'; it must be a number"),
        ("levels.1.weekly_hours=[50, 30]", r"weekly_hours has min 50.0 > max 30.0"),
        ("demand.hours_column.x=1", r"goes into 'hours_column', which is no table here"),
    ],
)  # fmt: skip
def test_what_no_scenario_can_say_is_refused_before_anything_runs(tiny: Path, key: str, says: str) -> None:
    with pytest.raises(ScenarioError, match=says):
        read_variants([tiny], [key])


def test_the_same_key_twice_is_refused(tiny: Path) -> None:
    with pytest.raises(ScenarioError, match=r"levels\.1\.zones stands twice; write its values in one"):
        read_variants([tiny], ["levels.1.zones=3", "levels.1.zones=4"])


def test_the_same_value_twice_is_refused(tiny: Path) -> None:
    with pytest.raises(ScenarioError, match="1 name of runs stand twice or more: zones 4 at level 1"):
        read_variants([tiny], ["levels.1.zones=4,4"])


def test_a_slip_of_the_keyboard_is_not_ten_thousand_runs(tiny: Path) -> None:
    many = ",".join(map(str, range(1, 101)))
    with pytest.raises(ScenarioError, match="a sweep of 10,000 runs; 1,000 are the most"):
        read_variants([tiny], [f"levels.1.zones={many}", f"levels.1.max_minutes={many}"])


def test_paths_on_the_command_line_are_from_where_one_stands(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (found,) = read_variants([tiny], ["locks.nest_in={path = 'north.csv', id = 'code'}"])
    assert found.name == "locks.nest_in north.csv (code)"
    assert found.scenario.settings.locks.nest_in.path == str(tmp_path / "north.csv")


def test_several_scenarios_are_told_apart_by_their_names(tmp_path: Path) -> None:
    one = write_tiny(tmp_path)
    two = tmp_path / "two.toml"
    two.write_text('name = "Two"\nextends = "tiny.toml"\n', encoding="utf-8")
    assert names(one, two) == ["Tiny", "Two"]
    assert names(one, two, sets=("levels.1.zones=4",)) == [
        "Tiny: zones 4 at level 1",
        "Two: zones 4 at level 1",
    ]


# In a sweep file.


def test_a_sweep_file_has_its_base_first_and_then_its_variants(tiny: Path, tmp_path: Path) -> None:
    path = sweep_file(
        tmp_path,
        """
        [sweep]
        base = "tiny.toml"

        [[variant]]
        name = "Councils followed exactly"
        locks.nest_in = { path = "units.gpkg", id = "council" }

        [[variant]]
        levels.1.max_minutes = 12
        demand.growth = 1.1

        [[variant]]
        leave_out = ["levels.customers"]
        """,
    )
    found = read_variants([path])
    assert [each.name for each in found] == [
        "Tiny",
        "Councils followed exactly",
        "max_minutes 12 at level 1, demand.growth 1.1",
        "no customers at every level",
    ]
    assert found[1].settings == "locks.nest_in units.gpkg (council)"
    assert found[1].scenario.settings.locks.nest_in.path == str(tmp_path / "units.gpkg")
    assert found[2].scenario.settings.demand.growth == 1.1
    assert found[3].scenario.levels[0].customers is None
    assert found[0].scenario.levels[0].customers == (4, 12)


def test_the_base_can_be_left_out(tiny: Path, tmp_path: Path) -> None:
    path = sweep_file(
        tmp_path, '[sweep]\nbase = "tiny.toml"\nwith_base = false\n[[variant]]\nlevels.zones = 5\n'
    )
    assert names(path) == ["zones 5 at every level"]


def test_levels_written_out_replace_those_of_the_base(tiny: Path, tmp_path: Path) -> None:
    path = sweep_file(
        tmp_path, '[sweep]\nbase = "tiny.toml"\n[[variant]]\n[[variant.levels]]\nname = "big"\nzones = 2\n'
    )
    found = read_variants([path])
    assert found[1].name == "levels big"
    assert [level.name for level in found[1].scenario.levels] == ["big"]


def test_sets_vary_what_a_sweep_file_states(tiny: Path, tmp_path: Path) -> None:
    path = sweep_file(tmp_path, '[sweep]\nbase = "tiny.toml"\n[[variant]]\nname = "Five"\nlevels.zones = 5\n')
    assert names(path, sets=("levels.1.max_minutes=9",)) == [
        "max_minutes 9 at level 1",
        "Five: max_minutes 9 at level 1",
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[variant]]\nlevels.zones = 5", r"what-if.toml: \[sweep\] needs base"),
        ('[sweep]\nbase = "tiny.toml"\nbases = 2', r"unknown key 'sweep.bases'; did you mean 'base'"),
        ('[sweep]\nbase = "tiny.toml"\nwith_base = 1', r"sweep.with_base is 1; it must be true or false"),
        ('[sweep]\nbase = "tiny.toml"\n[[variants]]\nlevels.zones = 5', r"unknown key 'variants'; did you mean 'variant'"),
        ('[sweep]\nbase = "tiny.toml"\n[variant]\nlevels.zones = 5', r"write each variant as a table of its own"),
        ('[sweep]\nbase = "tiny.toml"\n[[variant]]\nname = "Nothing"', r"variant Nothing changes nothing"),
        ('[sweep]\nbase = "tiny.toml"\n[[variant]]\nname = 3\nlevels.zones = 5', r"name is 3; it must be text"),
        ('[sweep]\nbase = "tiny.toml"\n[[variant]]\nlevel.zones = 5', r"variant 1: unknown key 'level'; did you mean 'levels'"),
        ('[sweep]\nbase = "tiny.toml"\n[[variant]]\nlevels.zone = 5', r"names no level and no key of levels; did you mean 'zones'"),
        ('[sweep]\nbase = "tiny.toml"\n[[variant]]\nleave_out = "locks"', r"leave_out is 'locks'; it must be a list of keys"),
        ('[sweep]\nbase = "absent.toml"', r"there is no scenario file"),
        ('[sweep]\nbase = "tiny.toml"\nwith_base = false', r"has no \[\[variant\]\] and leaves out its base"),
    ],
)  # fmt: skip
def test_a_sweep_file_is_read_strictly(tiny: Path, tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ScenarioError, match=says):
        read_variants([sweep_file(tmp_path, text)])


def test_a_file_that_is_not_there_is_the_reader_s_to_name(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="there is no scenario file"):
        read_variants([tmp_path / "absent.toml"])


# Said before solving.


def nested(folder: Path, council: list[str]) -> Path:
    write_tiny(folder, units=squares(council=council))
    return sweep_file(
        folder,
        '[sweep]\nbase = "tiny.toml"\nwith_base = false\n[[variant]]\nname = "Nested"\n'
        'locks.nest_in = { path = "units.gpkg", id = "council" }\n',
    )


def test_areas_in_pieces_are_named_before_anything_is_solved(tmp_path: Path) -> None:
    # West is the two western columns and, far from them, the corner u15.
    path = nested(tmp_path, ["West" if k % 4 < 2 or k == 15 else "East" for k in range(16)])
    (said,) = check_scenarios(read_variants([path]))
    assert said.borders[0] == (
        "1 of 2 areas of council (units) cannot be one connected zone, being in pieces: West (8 + 1 units); "
        "each piece needs a zone of its own"
    )
    assert said.causes
    assert not said.possible


def test_areas_that_only_touch_at_a_corner_are_named_too(tmp_path: Path) -> None:
    path = nested(tmp_path, ["Across" if k in {0, 5} else f"Rest{k % 2}" for k in range(16)])
    (said,) = check_scenarios(read_variants([path]))
    assert any("Across (1 + 1 units)" in line and "only at a corner" in line for line in said.borders)


def test_areas_that_could_be_a_zone_as_they_are_are_counted(tmp_path: Path) -> None:
    quarter = [f"{'NS'[k < 8]}{'WE'[k % 4 > 1]}" for k in range(16)]
    (said,) = check_scenarios(read_variants([nested(tmp_path, quarter)]))
    assert said.borders == (
        "4 of 4 areas of council (units) could be a zone just as they are; they have 40 to 40 hours a week each",
    )
    assert said.possible


def test_a_variant_whose_file_is_absent_is_said_and_the_others_are_checked(tiny: Path) -> None:
    found = check_scenarios(
        [*read_variants([tiny]), *read_variants([tiny], ["locks.nest_in={path = 'absent.csv', id = 'x'}"])]
    )
    assert [said.possible for said in found] == [True, False]
    assert "absent.csv" in found[1].error


def pcns(geodata: Path, folder: Path, tolerance_m: float) -> tuple[str, ...]:
    """What is said of the PCNs of 2022 of West Sussex where units within so many metres touch."""
    county = (geodata / "west-sussex").as_posix()
    (folder / "base.toml").write_text(
        f"""
        [units]
        path = "{county}/lsoa.gpkg"
        id = "lsoa11cd"
        point = ["point_easting", "point_northing"]
        contiguity_tolerance_m = {tolerance_m}
        [demand]
        hours_column = "pop_75_plus"
        [roads]
        sketch = true
        [[levels]]
        name = "1"
        max_minutes = 15
        [locks]
        nest_in = {{ path = "{county}/lsoa_to_pcn_2022.csv", id = "pcn_code" }}
        """,
        encoding="utf-8",
    )
    (said,) = check_scenarios(read_variants([folder / "base.toml"]))
    return said.borders


def test_five_of_the_twenty_pcns_of_west_sussex_cannot_be_followed_being_in_pieces(
    geodata: Path, tmp_path: Path
) -> None:
    assert pcns(geodata, tmp_path, 0.001)[0] == (
        "5 of 20 areas of pcn_code (lsoa_to_pcn_2022) cannot be one connected zone, being in pieces: "
        "U03364 (9 + 4 + 1 units), U04748 (13 + 1 units), U14816 (19 + 2 + 2 units), U33451 (17 + 5 + 2 units), "
        "U96386 (11 + 2 units); each piece needs a zone of its own"
    )


def test_across_a_gap_of_30_metres_one_of_the_five_pcns_hangs_together(geodata: Path, tmp_path: Path) -> None:
    cut, thin, _ = pcns(geodata, tmp_path, 30)
    assert cut.startswith("4 of 20 areas of pcn_code (lsoa_to_pcn_2022) cannot be one connected zone")
    assert thin == (
        "1 more of 20 areas of pcn_code (lsoa_to_pcn_2022) hangs together only at a corner, across a gap or by a "
        "bridge: U04748 (13 + 1 units)"
    )


# Written out, and shipped.


def test_a_variant_written_out_is_the_scenario_that_it_was(tiny: Path, tmp_path: Path) -> None:
    path = sweep_file(
        tmp_path,
        """
        [sweep]
        base = "tiny.toml"
        with_base = false
        [[variant]]
        name = 'Quotes " and \\ and = # [x]'
        locks.nest_in = [{ path = "units.gpkg", id = "council" }]
        locks.together = [["u00", "u01"]]
        roads.profile = { base = "am-peak", speeds = { residential = 24 } }
        demand.growth = { column = "council", by = { North = 1.1, South = 1.0 } }
        levels.1.providers = { lead = 1 }
        levels.1.character = { column = "place", values = ["Westham"], at_least = 0.0 }
        objective.cut = 1e-3
        """,
    )
    (variant,) = read_variants([path])
    folder = tmp_path / "out" / "runs" / "one"
    folder.mkdir(parents=True)
    (folder / "scenario.toml").write_text(toml_of(variant.scenario, folder), encoding="utf-8")
    again = zd.read_scenario(folder / "scenario.toml")
    assert again.levels == variant.scenario.levels
    assert again.name == variant.scenario.name
    assert "/" not in tomllib.loads((folder / "scenario.toml").read_text())["units"]["path"].replace(
        "../", ""
    )
    assert again.problem().units.ids.tolist() == IDS


def test_dates_are_written_out_as_dates(tmp_path: Path) -> None:
    tiny = write_tiny(tmp_path, changes={"[roads]": "[publish]\ncontract_start = 2027-04-01\n\n[roads]"})
    (variant,) = read_variants([tiny])
    assert "contract_start = 2027-04-01\n" in toml_of(variant.scenario, tmp_path)


def test_the_sweep_file_shown_in_the_documents_is_one(tmp_path: Path) -> None:
    text = (CHECKOUT / "docs" / "scenario.md").read_text(encoding="utf-8").split("## Sweep files")[1]
    shown = text.split("```toml\n")[1].split("```")[0]
    (tmp_path / "west-sussex.toml").write_text(
        (CHECKOUT / "scenarios" / "west-sussex.toml").read_text(encoding="utf-8"), encoding="utf-8"
    )
    assert [each.name for each in read_variants([sweep_file(tmp_path, shown)])] == [
        "Westmarch: 20 + 9 + 6, as West Sussex recommended in 2019",
        "Districts followed exactly",
        "max_minutes 12 at every level, max_minutes_between 30 at level 1",
        "No bands of customers",
    ]


def test_the_example_county_s_sweep_can_be_read() -> None:
    found = read_variants([CHECKOUT / WHAT_IF])
    assert [each.name for each in found] == [
        "Westmarch: 20 + 9 + 6, as West Sussex recommended in 2019",
        "Districts followed exactly",
        "12 minutes from the centre",
        "20 minutes from the centre",
        "15 minutes between any two customers",
    ]
    assert [level.max_minutes for level in found[2].scenario.levels] == [12, 12, 12]
    assert [level.max_minutes_between for level in found[4].scenario.levels] == [15, 15, 15]
