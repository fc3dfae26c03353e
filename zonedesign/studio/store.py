"""The store: plans, names, reasons and times in one SQLite file, that no kill can leave half written.

What is acknowledged is on the disk: every change is one transaction, journalled ahead (WAL) and synced before
the call returns. Plans are kept as compressed text under their own SHA-256, so that the same plan twice takes
room once; the newest `STEPS` steps of editing are kept, named plans until somebody deletes them. No customer,
no point and no path is ever written here.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
import zlib
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zonedesign.errors import DataError, ScenarioError
from zonedesign.provenance import now

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

STEPS = 1000
"""How many steps of editing are kept; the oldest go first."""
MARK = 0x5A4F4E45
"""The application id in the file's header by which a store is known: ZONE in ASCII."""
VERSION = 1
BESIDE = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside the file, by the end of the name."""
_LARGEST = 64 << 20
"""Bytes that one plan may take, unpacked: ten times what England's output areas would."""

_TABLES = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE contents (digest TEXT PRIMARY KEY, packed BLOB NOT NULL);
CREATE TABLE plans (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE COLLATE NOCASE, reason TEXT NOT NULL,
    at TEXT NOT NULL, origin TEXT NOT NULL, digest TEXT NOT NULL REFERENCES contents, about TEXT NOT NULL
);
CREATE TABLE steps (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, label TEXT NOT NULL, reason TEXT NOT NULL,
    digest TEXT NOT NULL REFERENCES contents
);
"""

Row = tuple[str, str | None, str | None, str | None]
"""A line of a plan: unit, zone, level, centre; a unit may have no zone yet."""


class StaleError(ScenarioError):
    """The working plan was changed by somebody else since it was read; nothing was written."""


@dataclass(frozen=True)
class Step:
    """One step of editing: the working plan as it was after it."""

    id: int
    at: str
    label: str
    reason: str


@dataclass(frozen=True)
class Kept:
    """A plan kept under a name; `origin` says whether somebody saved it or a job found it.

    `about` is what was known of it then: its figures, and the levels and profile it was judged by.
    """

    id: int
    name: str
    reason: str
    at: str
    origin: str
    about: Mapping[str, Any]


class Store:
    """An open store. Its methods may be called from any thread; each change is whole or not at all."""

    def __init__(self, path: str | Path, *, scenario: str, units: Sequence[str]) -> None:
        """Open a store, or make it; it belongs to one set of units.

        Raises `ScenarioError` for a file that is no store or a store of other units, and `DataError` where it
        is damaged or cannot be written.
        """
        self.path = Path(path)
        self._lock = threading.RLock()
        with _told(self.path):
            unfinished = self.path.with_name(f"{self.path.name}-journal").exists()  # SQLite mends it first
            if self.path.exists() and self.path.stat().st_size and not unfinished:
                require_store(self.path)
            self._db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=10)
        try:
            with _told(self.path):
                self._set_up()
                self._require_units(scenario, units)
        except BaseException:
            self._db.close()
            raise

    def _set_up(self) -> None:
        """Set how the file is written, and make its tables where it has none."""
        self._db.execute("PRAGMA secure_delete = ON")
        self._db.execute("PRAGMA foreign_keys = ON")
        self._db.execute("PRAGMA synchronous = FULL")
        with self._change() as db:  # one transaction: a kill leaves a whole store or an empty file
            empty = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
            if not empty and db.execute("PRAGMA application_id").fetchone()[0] != MARK:
                raise _not_ours(self.path)
            if empty:
                for statement in filter(str.strip, _TABLES.split(";")):
                    db.execute(statement)
                db.execute(f"PRAGMA application_id = {MARK}")
                db.execute(f"PRAGMA user_version = {VERSION}")
        self._db.execute("PRAGMA journal_mode = WAL")
        found = self._db.execute("PRAGMA user_version").fetchone()[0]
        if found != VERSION:
            raise ScenarioError(
                f"{self.path.name} is a store of version {found}, and this program knows {VERSION}; "
                "open it with the program that wrote it, or name another with --store"
            )
        said = self._db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if said != "ok":
            raise DataError(f"{self.path.name} is damaged ({said}); name another with --store")

    def _require_units(self, scenario: str, units: Sequence[str]) -> None:
        """Note whose units these are; `ScenarioError` where the store is of others."""
        digest = hashlib.sha256("\n".join(sorted(units)).encode()).hexdigest()
        with self._change():
            known = self.fact("units")
            if known is None:
                self._note("units", {"digest": digest, "count": len(units), "scenario": scenario})
            elif known["digest"] != digest:
                raise ScenarioError(
                    f"{self.path.name} holds plans of other units ({known['count']:,} of "
                    f"'{known['scenario']}'); name another with --store"
                )

    def close(self) -> None:
        """Close the file, all of it in one piece again."""
        with self._lock:
            self._db.close()

    # Facts: small values under a name, such as the levels and the profile set in the studio.

    def fact(self, name: str) -> Any:
        """Return the value noted under a name, or None."""
        with self._lock:
            row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else json.loads(row[0])

    def note(self, name: str, value: Any) -> None:
        """Note a value under a name, in the place of what was there."""
        with self._change():
            self._note(name, value)

    def _note(self, name: str, value: Any) -> None:
        self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, json.dumps(value)))

    # The working plan, and the steps that led to it.

    @property
    def version(self) -> int:
        """The number of the newest step, 0 where there is none."""
        with self._lock:
            return int(self._db.execute("SELECT coalesce(max(id), 0) FROM steps").fetchone()[0])

    def working(self) -> tuple[int, list[Row]] | None:
        """Return the working plan and its version, or None where there is none yet."""
        with self._lock:
            row = self._db.execute("SELECT id, digest FROM steps ORDER BY id DESC LIMIT 1").fetchone()
            return None if row is None else (int(row[0]), self._content(row[1]))

    def step(
        self,
        rows: Sequence[Row],
        label: str,
        reason: str = "",
        *,
        after: int | None = None,
        locked: Sequence[str] | None = None,
    ) -> int:
        """Keep the working plan as one more step, and return its version.

        `locked` becomes the fact of that name. With `after`, raises `StaleError` where that is not the newest
        step any more.
        """
        with self._change() as db:
            if after is not None and after != self.version:
                raise StaleError(
                    "the plan was changed in another window meanwhile; load this page again to see it "
                    "(your last change is not saved)"
                )
            digest = self._keep(rows)
            at = db.execute(
                "INSERT INTO steps (at, label, reason, digest) VALUES (?, ?, ?, ?)",
                (_time(), label, reason, digest),
            ).lastrowid
            db.execute("DELETE FROM steps WHERE id <= ?", (int(at or 0) - STEPS,))
            if locked is not None:
                self._note("locked", sorted(set(locked)))
            self._forget()
        return int(at or 0)

    def steps(self, most: int = 100) -> list[Step]:
        """Return the newest steps, the newest first."""
        with self._lock:
            rows = self._db.execute(
                "SELECT id, at, label, reason FROM steps ORDER BY id DESC LIMIT ?", (most,)
            ).fetchall()
        return [Step(*row) for row in rows]

    def plan_after(self, step: int) -> list[Row]:
        """Return the working plan as it was after a step."""
        with self._lock:
            row = self._db.execute("SELECT digest FROM steps WHERE id = ?", (step,)).fetchone()
            if row is None:
                raise ScenarioError(f"there is no step {step}; the newest {STEPS:,} are kept")
            return self._content(row[0])

    # Plans with a name.

    def save(
        self,
        name: str,
        rows: Sequence[Row],
        *,
        reason: str = "",
        origin: str = "saved",
        about: Mapping[str, Any] | None = None,
    ) -> int:
        """Keep a plan under a name until it is deleted, and return its number; a name is used once."""
        with self._change() as db:
            if db.execute("SELECT 1 FROM plans WHERE name = ?", (name,)).fetchone():
                raise ScenarioError(f"there is a plan '{name}' already; give this one another name")
            digest = self._keep(rows)
            at = db.execute(
                "INSERT INTO plans (name, reason, at, origin, digest, about) VALUES (?, ?, ?, ?, ?, ?)",
                (name, reason, _time(), origin, digest, json.dumps(about or {})),
            ).lastrowid
        return int(at or 0)

    def plans(self) -> list[Kept]:
        """Return every plan with a name, the newest first."""
        with self._lock:
            rows = self._db.execute(
                "SELECT id, name, reason, at, origin, about FROM plans ORDER BY id DESC"
            ).fetchall()
        return [_kept(row) for row in rows]

    def plan(self, number: int) -> tuple[Kept, list[Row]]:
        """Return a plan that was saved."""
        with self._lock:
            row = self._db.execute(
                "SELECT id, name, reason, at, origin, about, digest FROM plans WHERE id = ?", (number,)
            ).fetchone()
            if row is None:
                raise ScenarioError(f"there is no saved plan {number}; load the page again")
            return _kept(row), self._content(row[6])

    def delete(self, number: int) -> None:
        """Delete a plan that was saved; what it held is overwritten."""
        with self._change() as db:
            if db.execute("DELETE FROM plans WHERE id = ?", (number,)).rowcount == 0:
                raise ScenarioError(f"there is no saved plan {number}; load the page again")
            self._forget()

    # What both are made of.

    def _keep(self, rows: Sequence[Row]) -> str:
        text = json.dumps([list(row) for row in rows], ensure_ascii=False, separators=(",", ":")).encode()
        digest = hashlib.sha256(text).hexdigest()
        self._db.execute("INSERT OR IGNORE INTO contents VALUES (?, ?)", (digest, zlib.compress(text)))
        return digest

    def _content(self, digest: str) -> list[Row]:
        packed = self._db.execute("SELECT packed FROM contents WHERE digest = ?", (digest,)).fetchone()
        text = b""
        if packed is not None:
            with suppress(zlib.error):
                text = zlib.decompressobj().decompress(packed[0], _LARGEST)
        if hashlib.sha256(text).hexdigest() != digest:
            raise DataError(f"{self.path.name} is damaged: a plan in it is not what was written")
        return [(unit, zone, level, centre) for unit, zone, level, centre in json.loads(text)]

    def _forget(self) -> None:
        """Delete contents that no plan and no step has any more."""
        self._db.execute(
            "DELETE FROM contents WHERE digest NOT IN "
            "(SELECT digest FROM plans UNION SELECT digest FROM steps)"
        )

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        """Give the connection in a transaction that is whole or not at all."""
        with self._lock, _told(self.path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")


def purge(path: str | Path) -> list[Path]:
    """Remove a store: overwrite what it holds, then delete the file and what SQLite keeps beside it.

    Returns the files that are gone. Raises `ScenarioError` for a file that is no store, or that a studio has
    open.
    """
    path = Path(path)
    if not path.exists():
        raise ScenarioError(f"there is no file {path}; nothing was removed")
    with _told(path):
        require_store(path)
        _overwrite(path)
        gone = [
            each for each in (path, *(path.with_name(path.name + end) for end in BESIDE)) if each.exists()
        ]
        for each in gone:
            each.unlink()
    return gone


def _overwrite(path: Path) -> None:
    """Empty every table with zeros in the place of what was there, the journal too."""
    db = sqlite3.connect(path, isolation_level=None, timeout=1)
    try:
        db.execute("PRAGMA secure_delete = ON")
        # Leaving WAL needs the file alone, and takes the journal away: whoever has it open is found out.
        db.execute("PRAGMA journal_mode = DELETE").fetchone()
        for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            if not table.startswith("sqlite_"):
                db.execute(f'DROP TABLE "{table}"')
        db.execute("VACUUM")
    except sqlite3.OperationalError as error:
        if "locked" not in str(error) and "busy" not in str(error):
            raise
        raise ScenarioError(f"a studio has {path.name} open; end it first (Ctrl-C), then purge") from None
    except sqlite3.DatabaseError:  # damaged: SQLite cannot empty it, but it is a store all the same
        db.close()
        with path.open("rb+") as file:
            file.write(bytes(path.stat().st_size))
    finally:
        db.close()


def require_store(path: Path) -> None:
    """Raise `ScenarioError` where a file is not a store of ours, by the header that SQLite gives it."""
    if path.is_dir():
        raise ScenarioError(f"{path} is a folder; name a file for the store")
    with path.open("rb") as file:
        head = file.read(100)
    ours = head[:16] == b"SQLite format 3\0" and int.from_bytes(head[68:72], "big") == MARK
    if not ours:
        raise _not_ours(path)


def _not_ours(path: Path) -> ScenarioError:
    return ScenarioError(f"{path.name} is not a studio's store, and is left alone; name another with --store")


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Say in one line what SQLite or the disk refuses."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        said = str(error)
        if "unable to open" in said:
            raise ScenarioError(f"cannot write {path}: {said}; name another place with --store") from None
        raise DataError(f"the store {path.name} cannot be used ({said}); nothing was changed") from None
    except OSError as error:
        raise ScenarioError(
            f"cannot use {path}: {error.strerror or error}; name another place with --store"
        ) from None


def _kept(row: Sequence[Any]) -> Kept:
    """Return a line of the table of plans."""
    number, name, reason, at, origin, about = row[:6]
    return Kept(number, name, reason, at, origin, json.loads(about))


def _time() -> str:
    """Return the time to write down, UTC, to the second."""
    return now().isoformat(timespec="seconds")
