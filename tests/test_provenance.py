"""Where things come from: hashes, versions, dates and the cache folder."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path

import pytest

from zonedesign.errors import ScenarioError
from zonedesign.provenance import cache_folder, now, sha256_of, today, versions


def test_a_file_is_known_by_the_hash_of_its_bytes(tmp_path):
    (tmp_path / "file").write_bytes(b"abc" * 1_000_000)
    assert sha256_of(tmp_path / "file") == hashlib.sha256(b"abc" * 1_000_000).hexdigest()


def test_the_date_is_that_of_source_date_epoch(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1565136000")
    assert today() == dt.date(2019, 8, 7)
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    assert now().tzinfo is dt.UTC


@pytest.mark.parametrize("epoch", ["yesterday", "1.5", "1" * 30])
def test_a_source_date_epoch_that_is_no_time_is_refused(monkeypatch, epoch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    with pytest.raises(ScenarioError, match="set it to whole seconds since 1970, or not at all"):
        today()


def test_versions_name_the_engine(monkeypatch):
    assert {"python", "zonedesign", "PuLP", "highspy"} <= set(versions())


def test_the_cache_folder_may_be_said(monkeypatch, tmp_path):
    monkeypatch.setenv("ZONEDESIGN_CACHE", str(tmp_path))
    assert cache_folder() == Path(tmp_path)
    monkeypatch.delenv("ZONEDESIGN_CACHE")
    assert cache_folder().name == "zonedesign"
