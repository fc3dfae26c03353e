"""Engines: where runs happen, in this process, in others beside it (joblib), or on a Dask cluster."""

from __future__ import annotations

import os
import signal
import warnings
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from zonedesign.errors import ScenarioError, SolverError, ZoneDesignError, counted, listed
from zonedesign.provenance import versions
from zonedesign.sweep.sent import sent
from zonedesign.sweep.work import Outcome, failed, leave_with_parent, run, run_elsewhere

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from zonedesign.problem import Problem
    from zonedesign.sweep.work import Options

SECONDS_TO_ANSWER = 10
"""How long a Dask scheduler may take to answer."""


def outcomes(
    problems: Mapping[str, Problem], options: Options, *, jobs: int | None, dask: str | None
) -> Iterator[tuple[str, Outcome]]:
    """Give how every run ended, as they end; what is sent to another process holds totals and minutes only.

    `jobs` are runs at once, by default as many as there are cores; the cores are shared out among them. A
    Dask cluster decides for itself how many it does at once.
    """
    ready: dict[str, Problem] = {}
    for name, problem in problems.items():
        try:
            ready[name] = sent(problem)
        except ZoneDesignError as error:
            yield name, failed(error)
    problems = ready
    if not problems:
        return
    if dask is not None:
        yield from _on_dask(problems, options, dask)
        return
    cores = os.cpu_count() or 1
    at_once = min(jobs or cores, len(problems))
    threads = max(1, cores // at_once)
    if at_once == 1:
        for name, problem in problems.items():
            yield name, run(problem, options, threads)
    else:
        yield from _beside(problems, options, at_once, threads)


def _beside(
    problems: Mapping[str, Problem], options: Options, at_once: int, threads: int
) -> Iterator[tuple[str, Outcome]]:
    """Give how runs in processes beside this one ended; one that takes its process down fails by itself."""
    from joblib.externals.loky.process_executor import BrokenProcessPool  # noqa: PLC0415  (slow to import)

    left = dict(problems)
    try:
        for name, outcome in _pool(left, options, at_once, threads):
            del left[name]
            yield name, outcome
    except BrokenProcessPool:
        # Nobody knows which run it was: those that are left run one by one, and the culprit is alone then.
        for name, problem in left.items():
            try:
                yield from _pool({name: problem}, options, at_once, threads)
            except BrokenProcessPool:
                said = "the process of this run ended before it did, perhaps for want of memory"
                yield name, failed(SolverError(f"{said}; do fewer at once (--jobs), or use larger units"))


def _pool(
    problems: Mapping[str, Problem], options: Options, at_once: int, threads: int
) -> Iterator[tuple[str, Outcome]]:
    from joblib import Parallel, delayed, parallel_config  # noqa: PLC0415  (slow to import)

    with parallel_config(backend="loky", inner_max_num_threads=threads):
        # Large arrays go through the pipe: joblib's own way for them is a pickle in a file.
        parallel = Parallel(
            n_jobs=max(2, at_once), return_as="generator_unordered", max_nbytes=None, batch_size=1
        )
        tasks = (delayed(_named)(name, each, options, threads) for name, each in list(problems.items()))
        with _interrupts_held():
            results = parallel(tasks)
        try:
            for each in results:  # noqa: UP028  (closed here, where its warning is held back)
                yield each
        finally:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # left early, after Ctrl-C, it tells of what it cancels
                results.close()


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Have Ctrl-C wait while processes are begun: they inherit that, and it is for this one alone."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    from multiprocessing import resource_tracker as of_python  # noqa: PLC0415  (not on Windows)

    from joblib.externals.loky.backend import resource_tracker as of_joblib  # noqa: PLC0415  (slow to import)

    # Begun on the way, these let signals through again, and the processes after them would end with a trace.
    of_python.ensure_running()
    of_joblib.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _named(name: str, problem: Problem, options: Options, threads: int) -> tuple[str, Outcome]:
    leave_with_parent()
    return name, run_elsewhere(problem, options, threads)


# Dask.


def _on_dask(
    problems: Mapping[str, Problem], options: Options, address: str
) -> Iterator[tuple[str, Outcome]]:
    """Give how runs on a cluster ended; those not begun are taken back where this one is left early."""
    client = _client(address)
    try:
        _require_workers(client, address)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Sending large graph")  # once a run, and wanted
            futures = {
                client.submit(run_elsewhere, problem, options, 0, pure=False): name
                for name, problem in problems.items()
            }
        try:
            for future in _distributed().as_completed(list(futures), loop=client.loop):
                try:
                    outcome = future.result()
                except Exception as error:  # noqa: BLE001  (a lost worker, or one that cannot run it)
                    outcome = failed(SolverError(f"on the cluster: {type(error).__name__}: {error}"))
                yield futures[future], outcome
        finally:
            client.cancel(list(futures), force=True)
    finally:
        client.close()


def require_cluster(address: str) -> None:
    """Raise `ScenarioError` where no cluster of the same version answers, before anything is read."""
    client = _client(address)
    try:
        _require_workers(client, address)
    finally:
        client.close()


def _distributed() -> Any:
    try:
        return import_module("distributed")  # optional, and untyped
    except ImportError:
        raise ScenarioError(
            "--dask needs the package distributed, which is not installed: pip install "
            "'zonedesign[dask]', or leave --dask out"
        ) from None


def _client(address: str) -> Any:
    distributed = _distributed()
    try:
        return distributed.Client(address, timeout=SECONDS_TO_ANSWER, set_as_default=False)
    except (OSError, TimeoutError, ValueError, TypeError) as error:
        raise ScenarioError(
            f"no Dask scheduler answers at {address} ({type(error).__name__}); start one with "
            "'dask scheduler' and 'dask worker', or leave --dask out"
        ) from None


def _require_workers(client: Any, address: str) -> None:
    """Raise `ScenarioError` where the cluster has no workers, or workers with another zonedesign."""
    if not client.scheduler_info(n_workers=-1)["workers"]:
        raise ScenarioError(
            f"the Dask scheduler at {address} has no workers; start some with 'dask worker {address}'"
        )
    ours = versions()["zonedesign"]
    try:
        theirs = client.run(versions)
    except Exception as error:  # noqa: BLE001  (whatever a worker says that cannot import us)
        raise ScenarioError(
            f"the workers of {address} cannot run zonedesign ({type(error).__name__}: {error}); install "
            f"zonedesign {ours} there"
        ) from None
    other = sorted({found["zonedesign"] for found in theirs.values()} - {ours})
    if other:
        raise ScenarioError(
            f"{counted(len(theirs), 'worker')} of {address} have zonedesign {listed(other)} and here it is "
            f"{ours}; install the same"
        )
