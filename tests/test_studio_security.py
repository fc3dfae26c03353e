"""Who is let into the studio, and what is refused: foreign names and pages, too much, and what is not JSON."""

from __future__ import annotations

import base64
import hashlib

import pytest
from studio_desk import CHANGING, HERE, TOKEN, client, lines, studio

import zonedesign as zd
from zonedesign.studio.security import Gate, policy_of, require_bind

EVERYWHERE = "0.0.0.0"  # noqa: S104


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with studio(tmp_path_factory.mktemp("county")) as made:
        yield made


@pytest.fixture
def asks(served):
    return client(served)


def refused(answer, status: int) -> str:
    """An error is JSON with one line; the page's rules of secrecy hold for it too."""
    assert answer.status_code == status
    assert list(answer.json()) == ["error"]
    assert "\n" not in answer.json()["error"]
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()["error"]


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8765", "127.0.0.1.evil.example", "localhost.evil.example:8765", "192.168.1.4", "",
     "localhost@evil.example", "127.0.0.1:8765.evil.example", "[::1].evil.example", "[::1", EVERYWHERE, "2130706433"],
)  # fmt: skip
def test_a_foreign_name_in_host_is_refused(asks, host):
    assert "not the name of the studio" in refused(asks.get("/api/state", headers={"host": host}), 403)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8765", "localhost:9999", "LOCALHOST", "[::1]:8765"])
def test_this_machine_s_own_names_are_not(asks, host):
    cookie = {"cookie": "; ".join(f"{name}={value}" for name, value in asks.cookies.items())}
    del asks.headers["origin"]
    assert asks.get("/api/state", headers={"host": host, **cookie}).status_code == 200


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "http://127.0.0.1:9999",
        "http://localhost:8765",
        "https://127.0.0.1:8765",
        "",
    ],
)
def test_a_page_of_another_origin_is_refused(asks, origin):
    for answer in (
        asks.get("/api/state", headers={"origin": origin}),
        asks.post("/api/plans", headers={"origin": origin}),
    ):
        assert "other sites" in refused(answer, 403)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "other"])
def test_what_the_browser_says_comes_from_elsewhere_is_refused(asks, site):
    assert "other sites" in refused(asks.get("/", headers={"sec-fetch-site": site}), 403)
    assert "other sites" in refused(asks.delete("/api/job", headers={"sec-fetch-site": site}), 403)


def test_the_page_s_own_requests_are_not(asks):
    own = {"origin": HERE, "sec-fetch-site": "same-origin"}
    assert asks.get("/api/state", headers=own).status_code == 200
    assert asks.get("/", headers={"sec-fetch-site": "none"}).status_code == 200


@pytest.mark.parametrize(("method", "path"), [
    ("PUT", "/api/working"), ("POST", "/api/plans"), ("DELETE", "/api/plans/1"), ("POST", "/api/rules"),
    ("POST", "/api/job"), ("DELETE", "/api/job"), ("POST", "/api/compare"), ("POST", "/session"),
])  # fmt: skip
def test_what_changes_something_needs_the_page_s_origin_and_the_key_that_it_was_given(served, method, path):
    def asked(**headers):
        asks = client(served)
        del asks.headers["x-zonedesign"], asks.headers["origin"]
        return asks.request(method, path, headers=headers)

    assert "own page" in refused(asked(origin=HERE), 403)
    assert "own page" in refused(asked(**{"x-zonedesign": served.gate.key}), 403)
    if path != "/session":
        for wrong in ("", "studio", served.gate.key[:-1], "\xe9"):
            headers = {"origin": HERE.encode(), "x-zonedesign": wrong.encode("latin-1")}
            assert "an earlier run" in refused(asked(**headers), 403)


@pytest.mark.parametrize(
    "path",
    [
        "/api/state",
        "/api/plans/1",
        "/api/steps/1",
        "/api/events",
        "/download/working/plan.csv",
        "/compare/start/working",
        "/nowhere",
    ],
)
def test_without_the_cookie_nothing_is_told(served, path):
    assert "does not know this window" in refused(client(served, enter=False).get(path), 401)


def test_without_the_cookie_the_page_is_a_door_with_nothing_behind_it(served):
    answer = client(served, enter=False).get("/")
    assert answer.status_code == 200
    assert "Token" in answer.text
    assert "Tiny" not in answer.text


def test_a_cookie_of_another_run_opens_nothing(served):
    stranger = client(served, enter=False)
    stranger.cookies.set(served.gate.cookie, "x" * 43)
    refused(stranger.get("/api/state"), 401)
    stranger.cookies.set(served.gate.cookie, "\xe9", domain="127.0.0.1")
    assert stranger.get("/api/state", headers={"cookie": f"{served.gate.cookie}="}).status_code == 401


def test_a_wrong_token_is_refused_and_after_ten_even_the_right_one(tmp_path):
    with studio(tmp_path) as made:
        door = client(made, enter=False)
        for _ in range(10):
            assert "not the token" in refused(door.post("/session", json={"token": "wrong"}), 401)
        refused(door.post("/session", json={"token": TOKEN}), 401)


def test_the_cookie_is_for_this_server_alone_and_out_of_scripts_reach(served):
    answer = client(served, enter=False).post("/session", json={"token": TOKEN})
    assert (
        answer.headers["set-cookie"]
        == f"{served.gate.cookie}={served.gate.session}; Path=/; HttpOnly; SameSite=Strict"
    )
    assert TOKEN not in answer.headers["set-cookie"]


def test_a_ticket_opens_once():
    gate = Gate("127.0.0.1")
    ticket = gate.ticket()
    assert (gate.opens(ticket), gate.opens(ticket), gate.opens(gate.token)) == (True, False, True)


@pytest.mark.parametrize("path", ["/", "/api/state", "/download/working/plan.csv", "/nowhere"])
def test_every_answer_carries_the_headers_of_safety(asks, path):
    headers = asks.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "server" not in headers


def test_the_page_runs_its_own_scripts_by_their_hashes_and_no_others(asks):
    answer = asks.get("/")
    policy = answer.headers["content-security-policy"]
    script = answer.text.partition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in policy
    assert "unsafe-eval" not in policy
    assert "'unsafe-inline'" not in policy.partition("style-src")[0]


def test_a_policy_lists_every_inline_script_once_and_none_that_is_fetched():
    page = "<script>a < b && '<p>'</script><SCRIPT>a < b && '<p>'</SCRIPT><script src='x'>no</script><p onclick='no'>&amp;</p>"
    (hashed,) = [part for part in policy_of(page).split("; ") if part.startswith("script-src")]
    digest = base64.b64encode(hashlib.sha256(b"a < b && '<p>'").digest()).decode()
    assert hashed == f"script-src 'sha256-{digest}'"


def test_a_body_that_is_too_large_is_refused_by_what_it_claims_and_by_what_it_is(served, asks):
    claimed = {"content-length": str(10**12), "content-type": "application/json"}
    assert "32 MB" in refused(asks.post("/api/plans", headers=claimed), 413)
    for length in (b"-1", b"1e3", b"9" * 5000, "\u0661".encode()):
        refused(asks.post("/api/plans", headers={"content-length": length}), 413)

    def endless():
        for _ in range(40):
            yield b" " * (1 << 20)

    assert "32 MB" in refused(
        asks.post("/api/plans", content=endless(), headers={"content-type": "application/json"}), 413
    )
    assert asks.get("/api/state").json()["plans"] == []


@pytest.mark.parametrize("body", [
    b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"name": "x"}', b"[" * 100_000, b'{"name": NaN, "rows": []}',
    b'{"name": 1, "rows": [{"unit": "u00"}]}', b'{"name": "x", "rows": [{"unit": "u00"}], "more": 1}',
    b'{"name": "x", "rows": [{"unit": "u00", "zone": 3}]}', b'{"name": "   ", "rows": [{"unit": "u00", "zone": "a"}]}',
    b'{"name": "x", "rows": []}', b'{"name": "x", "rows": [{"unit": "u00", "zone": "' + b"z" * 201 + b'"}]}',
    b'{"name": "' + b"n" * 121 + b'", "rows": [{"unit": "u00", "zone": "a"}]}',
])  # fmt: skip
def test_what_is_not_understood_is_refused_in_one_line(asks, body):
    said = refused(asks.post("/api/plans", content=body, headers={"content-type": "application/json"}), 400)
    assert said.startswith("the request is not understood")


def test_what_a_form_could_send_is_not_json(asks):
    for kind in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/jsonx",
        "",
    ):
        said = refused(asks.post("/api/plans", content=b"{}", headers={"content-type": kind}), 400)
        assert said.startswith("the request is not JSON")


@pytest.mark.parametrize("path", [
    "/download/working/../../../etc/passwd", "/download/working/..%2f..%2fetc%2fpasswd", "/download/%2e%2e/plan.csv",
    "/download/working/%2fetc%2fpasswd", "/download/working/tiny.studio.sqlite", "/download/working/plan.csv%00",
    "/download/..%2ftiny/plan.csv", "/download/99999999999999999999/plan.csv", "/download/-1/plan.csv", "/download/\u0663/plan.csv",
    "/tiny.toml", "/static/../tiny.toml", "/%2e%2e/tiny.toml", "//etc/passwd", "/compare/working/..%2f..%2f", "/api/plans/..%2f1",
])  # fmt: skip
def test_no_path_of_a_client_reaches_the_disk(asks, path):
    answer = asks.get(path)
    assert answer.status_code in (400, 401, 404)
    assert list(answer.json()) == ["error"]


@pytest.mark.parametrize("method", ["PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"])
def test_other_methods_are_refused(asks, method):
    refused(asks.request(method, "/api/state"), 405)


def test_a_failure_within_is_told_in_one_line_and_the_studio_goes_on(served, asks, monkeypatch):
    def fails(*_):
        raise RuntimeError("secret detail\nTraceback")

    monkeypatch.setattr(served.desk, "rules", fails)
    said = refused(asks.get("/api/state"), 500)
    assert said == "the studio could not do that (RuntimeError); nothing was changed"
    monkeypatch.undo()
    assert asks.get("/api/state").status_code == 200


def test_units_given_twice_unknown_or_all_without_zone_are_refused(asks):
    twice = [*lines(), lines()[0]]
    strange = [*lines()[1:], {"unit": "<b>", "zone": "a", "level": None, "centre": None}]
    nothing = lines(**dict.fromkeys((f"u{k:02d}" for k in range(16)), None))
    for rows, said in ((twice, "1 unit twice"), (strange, "lacks: <b>"), (nothing, "no unit a zone")):
        answer = asks.put("/api/working", json={"rows": rows, "after": 1, "label": "x"})
        assert said in refused(answer, 400)


def test_binding_to_the_network_needs_a_token_of_some_length():
    require_bind("127.0.0.1", None)
    require_bind("::1", None)
    require_bind(EVERYWHERE, "x" * 16)
    for host in (EVERYWHERE, "::", "192.168.1.4", "example.org", ""):
        with pytest.raises(zd.ScenarioError, match="lets others on the network in"):
            require_bind(host, None)
    with pytest.raises(zd.ScenarioError, match="the token needs 16 letters"):
        require_bind("127.0.0.1", "short")


def test_bound_to_the_network_numbers_are_let_in_and_strange_names_are_not():
    gate = Gate(EVERYWHERE, TOKEN)
    for host, fine in (
        ("10.1.2.3:8765", True),
        ("[fd00::1]:8765", True),
        ("localhost", True),
        ("evil.example", False),
    ):
        assert (gate.refuses("GET", {"host": host}) is None) is fine
    assert Gate("studio.example.gov.uk", TOKEN).refuses("GET", {"host": "studio.example.gov.uk:8765"}) is None
    assert CHANGING
