"""The application: the page, and what it asks for, as JSON; all of it behind the door of `security`."""

from __future__ import annotations

import asyncio
import json
import threading
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, Router

from zonedesign.certificate import plain
from zonedesign.errors import ScenarioError
from zonedesign.provenance import now
from zonedesign.studio import settings as wanted
from zonedesign.studio.comparing import compared, side_by_side
from zonedesign.studio.downloads import FILES, download
from zonedesign.studio.jobs import BusyError, Job, Jobs
from zonedesign.studio.lines import plan_of
from zonedesign.studio.pins import pinned
from zonedesign.studio.security import Door, Gate, error_json, policy_of
from zonedesign.studio.store import STEPS, StaleError
from zonedesign.studio.worker import Work

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from starlette.requests import Request
    from starlette.types import ASGIApp

    from zonedesign.plan import Plan
    from zonedesign.problem import Problem
    from zonedesign.studio.desk import Desk, Setting
    from zonedesign.studio.store import Row

    Page = Callable[[Plan, Problem, dict[str, Any]], str]

OPEN = frozenset({"/", "/session"})
"""Where a browser may go before it is let in: the door itself."""
LOOK_SECONDS, ALIVE_SECONDS = 0.2, 15.0
SHOWN_STEPS = 50
MOST_NUMBER = 2**53
"""The largest number that a page can name a plan or a step by."""
WORDS = {"finish": "Finished", "repair": "Repaired", "explain": "Explained"}
KEPT = (
    "Kept in {store}: plans, their names, your reasons, the times, and levels and profile as set here. Named "
    f"plans are kept until you delete them, the newest {STEPS:,} steps of editing until newer ones come. No "
    "customer's row and no point is ever written there. One command removes it all: "
    "zonedesign studio --purge {store}"
)
"""What is kept, and for how long; printed, on the page and in the documents."""


def edit_page(plan: Plan, problem: Problem, studio: dict[str, Any]) -> str:
    """Return the editable review map with the studio's script in it."""
    from zonedesign.maps.editing import edit_page as page  # noqa: PLC0415  (drawing is heavy)

    return page(plan, problem, roads=problem.about.roads, studio=studio)


class Studio:
    """One desk served to one user at a time: what each request does."""

    def __init__(self, desk: Desk, gate: Gate, *, jobs: Jobs | None = None, page: Page = edit_page) -> None:
        self.desk, self.gate, self.jobs = desk, gate, jobs or Jobs()
        self._page = page
        self._drawn: tuple[Setting, str, str] | None = None
        self._drawing = threading.Lock()
        self.closing = False
        self.app: ASGIApp = Door(Router(self._routes()), gate, open_paths=OPEN)  # all errors are the door's

    def _routes(self) -> list[Route]:
        rows: list[tuple[str, str, Callable[[Request], Awaitable[Response]]]] = [
            ("GET", "/", self.index),
            ("POST", "/session", self.enter),
            ("GET", "/api/state", self.state),
            ("PUT", "/api/working", self.work),
            ("POST", "/api/plans", self.save),
            ("GET", "/api/plans/{number:int}", self.plan),
            ("DELETE", "/api/plans/{number:int}", self.delete),
            ("GET", "/api/steps/{number:int}", self.step),
            ("POST", "/api/compare", self.compare),
            ("POST", "/api/rules", self.rules),
            ("POST", "/api/job", self.begin),
            ("DELETE", "/api/job", self.stop),
            ("GET", "/api/events", self.events),
            ("GET", "/compare/{a}/{b}", self.maps),
            ("GET", "/download/{plan}/{name}", self.file),
        ]
        every = [Route(path, _told(call), methods=[method]) for method, path, call in rows]
        return [*every, Route("/{rest:path}", _told(_nowhere), methods=["GET", "POST", "PUT", "DELETE"])]

    # The page, and who gets it.

    async def index(self, request: Request) -> Response:
        """Return the page, or the door to a browser that has not come through it."""
        if not self.gate.knows(request.headers.get("cookie", "")):
            door = _asset("door.html")
            return _html(door, policy_of(door))
        page, policy = await run_in_threadpool(self._draw)
        return _html(page, policy)

    def _draw(self) -> tuple[str, str]:
        """Return the page with the plan begun with, and its policy; drawn once for each setting."""
        with self._drawing:
            setting = self.desk.setting
            if self._drawn is None or self._drawn[0] is not setting:
                page = self._page(setting.start, setting.problem, {"script": self._script()})
                self._drawn = (setting, page, policy_of(page))
            return self._drawn[1:]

    def _script(self) -> str:
        """Return the studio's script, with what it needs to know from the start."""
        about = {
            "key": self.gate.key,
            "files": list(FILES),
            "kept": KEPT.format(store=self.desk.store.path.name),
            "css": _asset("studio.css"),
        }
        text = json.dumps(about, ensure_ascii=True).replace("<", "\\u003c")
        return _asset("studio.js").replace("/*about*/ null", text)

    async def enter(self, request: Request) -> Response:
        """Let a browser in that has the token."""
        body = await _body(request, wanted.Session)
        if not self.gate.opens(body.token):
            return _error(401, "that is not the token; take the address that the studio printed")
        return Response(status_code=204, headers={"set-cookie": self.gate.set_cookie()})

    # The plan in hand, and those kept.

    async def state(self, _: Request) -> Response:
        """Return everything that the page shows: the plan in hand, plans kept, steps, rules, the job."""
        return await run_in_threadpool(lambda: _json(self._state()))

    def _state(self) -> dict[str, Any]:
        store = self.desk.store
        working = store.working()
        version, rows = (0, self.desk.rows("start")[1]) if working is None else working
        return {
            "version": version,
            "rows": rows,
            "locked": store.fact("locked") or [],
            "plans": [vars(kept) for kept in store.plans()],
            "steps": [vars(step) for step in store.steps(SHOWN_STEPS)],
            "rules": self.desk.rules(),
            "job": _job(self.jobs.job),
        }

    async def work(self, request: Request) -> Response:
        """Keep the plan in hand, after one more step of editing."""
        body = await _body(request, wanted.Working)

        def keep() -> Response:
            rows = self.desk.lines(body.rows)
            version = self.desk.store.step(
                rows, body.label, body.reason, after=body.after, locked=body.locked
            )
            return _json({"version": version, "at": now().isoformat(timespec="seconds")})

        return await run_in_threadpool(keep)

    async def save(self, request: Request) -> Response:
        """Keep a plan under a name."""
        body = await _body(request, wanted.Saving)

        def keep() -> Response:
            rows = self.desk.lines(body.rows)
            return _json({"id": self._kept(body.name, rows, body.reason, "saved")}, 201)

        return await run_in_threadpool(keep)

    def _kept(self, name: str, rows: list[Row], reason: str, origin: str, **more: Any) -> int:
        about = {"figures": self.desk.figures(rows), "rules": self.desk.rules(), **more}
        return self.desk.store.save(name, rows, reason=reason, origin=origin, about=about)

    async def plan(self, request: Request) -> Response:
        """Return the rows of a plan kept."""
        number = _number(request)

        def found() -> Response:
            kept, rows = self.desk.store.plan(number)
            return _json({**vars(kept), "rows": rows})

        return await run_in_threadpool(found)

    async def delete(self, request: Request) -> Response:
        """Delete a plan kept."""
        await run_in_threadpool(self.desk.store.delete, _number(request))
        return Response(status_code=204)

    async def step(self, request: Request) -> Response:
        """Return the plan in hand as it was after a step."""
        rows = await run_in_threadpool(self.desk.store.plan_after, _number(request))
        return _json({"rows": rows})

    async def compare(self, request: Request) -> Response:
        """Return two plans side by side."""
        body = await _body(request, wanted.Comparing)
        return _json(await run_in_threadpool(side_by_side, self.desk, body.a, body.b))

    async def maps(self, request: Request) -> Response:
        """Return the page of two plans side by side."""
        a, b = _ref(request.path_params["a"]), _ref(request.path_params["b"])

        def draw() -> Response:
            from zonedesign.maps import compare_page  # noqa: PLC0415  (drawing is heavy)

            page = compare_page(compared(self.desk, a, b))
            return _html(page, policy_of(page))

        return await run_in_threadpool(draw)

    async def file(self, request: Request) -> Response:
        """Return a plan as a file; its name is one of a list, and so is what it may be made from."""
        ref, name = _ref(request.path_params["plan"]), request.path_params["name"]

        def make() -> Response:
            _, rows = self.desk.rows(ref)
            setting = self.desk.setting
            data, kind = download(name, rows, setting.problem, setting.scenario)
            attached = {"content-disposition": f'attachment; filename="{name}"'}
            return Response(data, media_type=kind, headers=attached)

        return await run_in_threadpool(make)

    # Rules and jobs.

    async def rules(self, request: Request) -> Response:
        """Set levels and the profile of traffic; the page is then to be loaded anew."""
        body = await _body(request, wanted.Rules)
        if self.jobs.running:
            return _error(409, "a job runs with the rules as they are; wait for it, or stop it first")
        await run_in_threadpool(self.desk.change, body.levels, body.profile)
        return _json(self.desk.rules())

    async def begin(self, request: Request) -> Response:
        """Start a job."""
        body = await _body(request, wanted.Order)
        return await run_in_threadpool(self._begin, body)

    def _begin(self, order: wanted.Order) -> Response:
        rows = self.desk.lines(order.rows)
        problem = self.desk.setting.problem
        pinned(problem, plan_of(rows, problem), order.locked)  # refused here, before a process is started
        about = problem.about
        bare = problem.with_(about=type(about)(name=about.name, inputs=about.inputs), start=None, rules=())
        handed = bare.with_(rules=problem.rules, start=problem.start)
        known = self.desk.near()
        work = Work(order.kind, handed, rows, tuple(order.locked), float(order.seconds), known=known)
        number = 1 + (0 if self.jobs.job is None else self.jobs.job.number)
        job = self.jobs.start(work, number=number, found=lambda facts: self._found(order, rows, facts))
        return _json(_job(job), 202)

    def _found(self, order: wanted.Order, before: list[Row], facts: Mapping[str, Any]) -> dict[str, Any]:
        """Keep what a job found, before anybody hears of it."""
        if not facts.get("rows"):
            return {}
        rows: list[Row] = [(unit, zone, level, centre) for unit, zone, level, centre in facts["rows"]]
        taken = {kept.name.lower() for kept in self.desk.store.plans()}
        name = stem = f"{WORDS[order.kind]} {now():%d %b %Y %H:%M:%S}"
        number = 1
        while name.lower() in taken:
            number += 1
            name = f"{stem} ({number})"
        locked = f"; locked: {', '.join(order.locked)}" if order.locked else ""
        reason = f"{order.kind}, {order.seconds} s at most{locked}"[:1000]
        plan = self._kept(name, rows, reason, "found", certificate=facts.get("certificate"))
        sides = [self.desk.figures(before), self.desk.figures(rows)]
        return {"rows": None, "plan": plan, "name": name, "before": sides[0], "after": sides[1]}

    async def stop(self, _: Request) -> Response:
        """Have the job end with the best it has."""
        await run_in_threadpool(self.jobs.stop)
        return _json(_job(self.jobs.job), 202)

    async def events(self, _: Request) -> Response:
        """Tell how the job stands whenever that changes, as server-sent events."""
        return StreamingResponse(self._telling(), media_type="text/event-stream")

    async def _telling(self) -> AsyncIterator[bytes]:
        told, silent = -1, 0.0
        while not self.closing:
            if self.jobs.changes != told:
                told, silent = self.jobs.changes, 0.0
                yield f"data: {json.dumps(_job(self.jobs.job))}\n\n".encode()
            elif silent >= ALIVE_SECONDS:
                silent = 0.0
                yield b": still here\n\n"
            await asyncio.sleep(LOOK_SECONDS)
            silent += LOOK_SECONDS


def _job(job: Job | None) -> dict[str, Any] | None:
    """Return a job as JSON holds it."""
    if job is None:
        return None
    facts = {key: value for key, value in job.facts.items() if key not in ("rows", "state")}
    found: dict[str, Any] = plain(
        {
            "number": job.number,
            "kind": job.kind,
            "state": job.state,
            "limit": job.seconds,
            "stopping": job.stopping,
            **facts,
        }
    )
    return found


def _ref(text: str) -> str | int:
    """Return which plan an address names: `working`, `start`, or a number."""
    if text in ("working", "start"):
        return text
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise ScenarioError("there is no such plan; load the page again")
    return int(text)


def _number(request: Request) -> int:
    """Return the number in an address, where it can be one of ours."""
    number = int(request.path_params["number"])
    if number > MOST_NUMBER:
        raise ScenarioError("there is no such plan or step; load the page again")
    return number


async def _nowhere(_: Request) -> Response:
    return _error(404, "there is nothing at this address; open the one that the studio printed")


def _told(call: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """Return a handler whose refusals are answers."""

    async def told(request: Request) -> Response:
        try:
            return await call(request)
        except (StaleError, BusyError) as error:
            return _error(409, str(error))
        except ScenarioError as error:
            return _error(400, str(error))

    return told


async def _body(request: Request, model: type[wanted.B]) -> wanted.B:
    """Return the body of a request, which must say that it is JSON."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise ScenarioError("the request is not JSON; load the page again")
    return wanted.read(model, await request.body())


def _json(data: Any, status: int = 200) -> Response:
    return JSONResponse(plain(data), status_code=status)


def _error(status: int, said: str) -> Response:
    return Response(error_json(said), status_code=status, media_type="application/json")


def _html(page: str, policy: str) -> Response:
    return Response(page, media_type="text/html; charset=utf-8", headers={"content-security-policy": policy})


@cache
def _asset(name: str) -> str:
    return resources.files("zonedesign.studio").joinpath("assets", name).read_text(encoding="utf-8")
