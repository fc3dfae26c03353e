"""The verb `studio`: one line and exit 2 for what cannot be, exit 0 at Ctrl-C, everything gone after a purge."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tiny_county import write_plan, write_tiny

from zonedesign.cli.main import main
from zonedesign.studio.store import Store

if TYPE_CHECKING:
    from pathlib import Path

EVERYWHERE = "0.0.0.0"  # noqa: S104


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["studio", *arguments]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert lines[-1].startswith("error: ")
    return lines[-1]


@pytest.fixture
def scenario(tmp_path: Path) -> str:
    return str(write_tiny(tmp_path))


def test_a_bind_that_others_can_reach_needs_a_token(scenario, capsys, tmp_path):
    said = refused(capsys, scenario, "--host", EVERYWHERE)
    assert said == (
        f"error: --host {EVERYWHERE} lets others on the network in, and no token keeps them out; give --token, or leave "
        "--host out to serve this machine alone"
    )
    assert sorted(each.name for each in tmp_path.iterdir()) == ["tiny.toml", "units.gpkg"]


def test_a_short_token_is_refused(scenario, capsys, monkeypatch):
    assert "16 letters" in refused(capsys, scenario, "--token", "short")
    monkeypatch.setenv("ZONEDESIGN_STUDIO_TOKEN", "short")
    assert "16 letters" in refused(capsys, scenario)


def test_a_port_in_use_is_one_line_with_the_way_out(scenario, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = refused(capsys, scenario, "--port", port)
    assert (
        said
        == f"error: port {port} is in use, perhaps by another studio; add --port 0 to have a free one chosen"
    )


def test_an_address_of_another_machine_is_refused(scenario, capsys):
    said = refused(capsys, scenario, "--host", "192.0.2.1", "--token", "x" * 16)
    assert "is no address of this machine" in said


@pytest.mark.parametrize("port", ["-1", "65536", "x", "\u0663"])
def test_what_is_no_port_is_refused(scenario, capsys, port):
    assert "is not a port" in refused(capsys, scenario, f"--port={port}")


def test_it_needs_a_scenario_or_a_store_to_purge_and_not_both(scenario, capsys):
    assert "needs a SCENARIO" in refused(capsys)
    assert "--purge stands alone" in refused(capsys, scenario, "--purge", "x.sqlite")


def test_a_purge_removes_the_store_and_says_what(tmp_path, capsys):
    path = tmp_path / "s.sqlite"
    store = Store(path, scenario="T", units=["a"])
    store.save("Secret", [("a", "1", "1", "a")])
    store.close()
    assert main(["studio", "--purge", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"verb": "studio", "purged": [str(path)]}
    assert list(tmp_path.iterdir()) == []
    assert "there is no file" in refused(capsys, "--purge", str(path))


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is sent as a signal")
@pytest.mark.parametrize("token", [None, "a-token-of-enough-letters"])
def test_it_serves_until_ctrl_c_and_ends_with_0(tmp_path, token):
    scenario, plan = write_tiny(tmp_path), write_plan(tmp_path)
    command = [
        sys.executable,
        "-m",
        "zonedesign.cli",
        "studio",
        str(scenario),
        "--start",
        str(plan),
        "--port",
        "0",
        "--no-browser",
    ]
    environment = os.environ | ({} if token is None else {"ZONEDESIGN_STUDIO_TOKEN": token})
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as served:
        said = []
        for line in served.stderr:
            said.append(line)
            found = re.match(r"studio: http://127\.0\.0\.1:(\d+)/(\S*) \(Ctrl-C ends it\)$", line)
            if found:
                break
        assert found, said
        assert any("Kept in" in line and "--purge" in line for line in said)
        assert found[2].startswith("#token=") is (token is None)  # a token of one's own is not printed
        asks = http.client.HTTPConnection("127.0.0.1", int(found[1]), timeout=30)
        asks.request("GET", "/")
        answer = asks.getresponse()
        assert (answer.status, answer.getheader("server")) == (200, None)
        answer.read()
        asks.request("GET", "/api/state", headers={"Host": "evil.example"})
        assert asks.getresponse().status == 403
        asks.close()
        served.send_signal(signal.SIGINT)
        out, err = served.communicate(timeout=60)
    assert served.returncode == 0, err
    assert out.startswith("the studio has ended; plans are in ")
    assert "Traceback" not in err
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        "plan-given.csv", "tiny.studio.sqlite", "tiny.toml", "units.gpkg",
    ]  # fmt: skip
