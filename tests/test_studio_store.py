"""The studio's store: what is acknowledged is there, whatever kills the process; one command removes it."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import zonedesign as zd
from zonedesign.studio import store as stores
from zonedesign.studio.store import StaleError, Store, purge

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UNITS = ["u1", "u2", "u3"]
ROWS = [("u1", "a", "1", "u1"), ("u2", "a", "1", "u1"), ("u3", None, None, None)]

WRITER = """
import sys
from zonedesign.studio.store import Store
store = Store(sys.argv[1], scenario="Test", units=[f"u{k}" for k in range(300)])
for number in range(store.version + 1, 100_000):
    rows = [(f"u{k}", f"1-{(k * number) % 97}", "1", f"u{k}") for k in range(300)]
    assert store.step(rows, f"step {number}", "why") == number
    if number % 5 == 0:
        store.save(f"plan {number}", rows)
    print(number, flush=True)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "plans.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    opened = Store(path, scenario="Test", units=UNITS)
    yield opened
    opened.close()


def again(path: Path) -> Store:
    return Store(path, scenario="Test", units=UNITS)


def beside(path: Path) -> list[str]:
    return sorted(each.name for each in path.parent.iterdir())


def test_the_plan_in_hand_is_there_when_the_store_is_opened_again(store, path):
    version = store.step(ROWS, "Moved u2", "the river")
    store.close()
    opened = again(path)
    assert opened.working() == (version, ROWS)
    (step,) = opened.steps()
    assert (step.label, step.reason) == ("Moved u2", "the river")
    opened.close()


def test_a_new_store_has_no_plan(store):
    assert store.working() is None
    assert store.version == 0
    assert store.plans() == []


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(words, st.none() | words, st.none() | words, st.none() | words), max_size=20),
    name=words.filter(str.strip),
    reason=words,
)
def test_any_text_comes_back_as_it_went_in(tmp_path_factory, rows, name, reason):
    path = tmp_path_factory.mktemp("store") / "s.sqlite"
    kept = again(path)
    number = kept.save(name, rows, reason=reason, about={"figures": {"broken": 2}})
    step = kept.step(rows, name, reason)
    kept.close()
    kept = again(path)
    found, back = kept.plan(number)
    assert (found.name, found.reason, back) == (name, reason, rows)
    assert found.about == {"figures": {"broken": 2}}
    assert kept.plan_after(step) == rows
    kept.close()


def test_a_step_after_one_that_is_not_the_newest_is_refused_and_writes_nothing(store):
    first = store.step(ROWS, "one")
    store.step(ROWS[:2], "two", after=first)
    with pytest.raises(StaleError, match="changed in another window"):
        store.step(ROWS, "three", after=first)
    assert [step.label for step in store.steps()] == ["two", "one"]


def test_a_name_is_used_once_whatever_its_case(store):
    store.save("Rivers", ROWS)
    with pytest.raises(zd.ScenarioError, match="there is a plan 'rivers' already"):
        store.save("rivers", ROWS[:1])
    assert [kept.name for kept in store.plans()] == ["Rivers"]


def test_the_newest_steps_are_kept_and_the_oldest_go(store, monkeypatch):
    monkeypatch.setattr(stores, "STEPS", 3)
    for number in range(5):
        store.step([("u1", str(number), None, None)], f"step {number}")
    assert [step.label for step in store.steps()] == ["step 4", "step 3", "step 2"]
    with pytest.raises(zd.ScenarioError, match="there is no step 1"):
        store.plan_after(1)
    assert store._db.execute("SELECT count(*) FROM contents").fetchone() == (3,)


def test_a_deleted_plan_leaves_no_trace_in_the_file(store, path):
    number = store.save("SecretNameOfPlan", [("u1", "z", "1", "u1")], reason="SecretReason")
    store.delete(number)
    with pytest.raises(zd.ScenarioError, match="there is no saved plan"):
        store.plan(number)
    with pytest.raises(zd.ScenarioError, match="there is no saved plan"):
        store.delete(number)
    store.close()  # the journal goes into the file
    assert b"Secret" not in path.read_bytes()


def test_a_plan_that_another_has_too_outlives_it(store):
    one, two = store.save("one", ROWS), store.save("two", ROWS)
    store.delete(one)
    assert store.plan(two)[1] == ROWS


def test_facts_are_replaced(store):
    store.note("rules", {"a": [1, 2.5, None]})
    store.note("rules", {"b": "\N{SNOWMAN}"})
    assert store.fact("rules") == {"b": "\N{SNOWMAN}"}
    assert store.fact("nothing") is None


def test_a_store_of_other_units_is_refused(store, path):
    store.close()
    with pytest.raises(zd.ScenarioError, match=r"holds plans of other units \(3 of 'Test'\); name another"):
        Store(path, scenario="Other", units=["x"])


@pytest.mark.parametrize("content", [b"unit,zone\nu1,a\n", b"SQLite format 3\0" + bytes(200)])
def test_a_file_that_is_no_store_is_refused_and_left_alone(path, content):
    path.write_bytes(content)
    with pytest.raises(zd.ScenarioError, match="not a studio's store, and is left alone"):
        again(path)
    with pytest.raises(zd.ScenarioError, match="not a studio's store, and is left alone"):
        purge(path)
    assert path.read_bytes() == content


def test_another_database_is_refused_and_left_alone(path):
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE mine (a)")
    other.commit()
    other.close()
    for act in (again, purge):
        with pytest.raises(zd.ScenarioError, match="not a studio's store"):
            act(path)


def test_a_folder_that_cannot_be_written_is_told_with_the_way_out(tmp_path):
    with pytest.raises(zd.ScenarioError, match="name another place with --store"):
        again(tmp_path / "nowhere" / "plans.sqlite")


def test_a_damaged_plan_is_told_and_never_handed_out(store):
    version = store.step(ROWS, "one")
    store._db.execute("UPDATE contents SET packed = x'00'")
    with pytest.raises(zd.DataError, match="damaged: a plan in it is not what was written"):
        store.plan_after(version)


def test_a_failure_in_the_middle_of_a_change_leaves_all_as_it_was(store, monkeypatch):
    store.step(ROWS, "one")

    def broken() -> None:
        raise RuntimeError

    monkeypatch.setattr(store, "_forget", broken)
    with pytest.raises(RuntimeError):
        store.step(ROWS[:1], "two")
    monkeypatch.undo()
    assert [step.label for step in store.steps()] == ["one"]
    assert store.step(ROWS[:1], "two") == 2


@pytest.mark.parametrize("seed", range(3))
def test_nothing_acknowledged_is_lost_when_the_process_is_killed_at_any_moment(path, seed):
    dice = random.Random(seed)  # noqa: S311
    done, acknowledged = 0, set()
    for _ in range(6):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            acknowledged.add(done := int(writer.stdout.readline()))
            time.sleep(dice.random() * 0.05)  # any moment, in the middle of writing too
            writer.kill()
            acknowledged.update(done := int(line) for line in writer.stdout if line.endswith(b"\n"))
        opened = Store(path, scenario="Test", units=[f"u{k}" for k in range(300)])
        version, rows = opened.working()
        assert done <= version <= done + 1
        assert rows == [(f"u{k}", f"1-{(k * version) % 97}", "1", f"u{k}") for k in range(300)]
        assert all(opened.plan_after(step.id) for step in opened.steps(1000))
        saved = {kept.name for kept in opened.plans()}
        assert {f"plan {k}" for k in acknowledged if k % 5 == 0} <= saved
        assert opened._db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        opened.close()


def test_a_purge_removes_the_file_and_what_stands_beside_it(store, path):
    store.step(ROWS, "one")
    store.close()
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).write_bytes(b"")
    assert path in purge(path)
    assert beside(path) == []


def test_a_purge_overwrites_before_it_deletes(store, path):
    store.save("SecretName", ROWS)
    store.close()
    linked = path.with_name("second-name")
    os.link(path, linked)  # what the disk still holds under another name
    purge(path)
    assert b"SecretName" not in linked.read_bytes()


def test_a_purge_after_a_kill_takes_the_journal_too(path):
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE) as writer:
        writer.stdout.readline()
        writer.kill()
    purge(path)
    assert beside(path) == []


def test_a_store_that_is_open_is_not_purged(store, path):
    store.step(ROWS, "one")
    with pytest.raises(zd.ScenarioError, match=r"a studio has plans\.sqlite open; end it first"):
        purge(path)
    assert store.working() == (1, ROWS)


def test_a_damaged_store_is_purged_all_the_same(store, path):
    store.step(ROWS, "one")
    store.close()
    data = bytearray(path.read_bytes())
    data[100:] = b"\xff" * (len(data) - 100)
    path.write_bytes(data)
    purge(path)
    assert beside(path) == []


def test_purging_nothing_is_told(path):
    with pytest.raises(zd.ScenarioError, match="there is no file"):
        purge(path)
