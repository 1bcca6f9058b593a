"""While it plans: callbacks, Ctrl-C, and other threads."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import cosma
import pytest


def test_progress_is_told_on_the_calling_thread(hard: cosma.Graph) -> None:
    told: list[cosma.Progress] = []
    threads = set()

    def progress(it: cosma.Progress) -> None:
        told.append(it)
        threads.add(threading.get_ident())

    plan = cosma.plan(hard, scratchpad="16KiB", time_limit=1.5, progress=progress)
    assert threads == {threading.get_ident()}
    assert told[-1].phase == "done" and told[-1].planned == plan.report.traffic.non_compulsory
    bounds = [it.lower_bound for it in told]
    assert bounds == sorted(bounds) and told[0].scratchpad == 16384 and told[0].time_limit == 1.5
    assert told[-1].gap is not None and 0 <= told[-1].gap <= 1
    assert repr(told[-1]).startswith("Progress(phase='done'")


def test_false_stops_it_and_keeps_the_best(hard: cosma.Graph) -> None:
    start = time.monotonic()
    plan = cosma.plan(hard, scratchpad="16KiB", time_limit=600, progress=lambda it: it.best is None)
    assert time.monotonic() - start < 60
    assert plan.report.operators == 600 and plan.report.status in ("optimal", "feasible")


def test_what_a_callback_raises_comes_out(hard: cosma.Graph) -> None:
    def fail(_: cosma.Progress) -> None:
        raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        cosma.plan(hard, scratchpad="16KiB", time_limit=600, progress=fail)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_ctrl_c(hard: cosma.Graph) -> None:
    # Shells let what runs in the background ignore it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    start = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            cosma.plan(hard, scratchpad="16KiB", time_limit=600)
    finally:
        signal.signal(signal.SIGINT, before)
    assert time.monotonic() - start < 60
    # Nothing is left of it.
    assert cosma.plan(hard, scratchpad="16KiB", time_limit=0.1).report.operators == 600


def test_other_threads_run_meanwhile(hard: cosma.Graph) -> None:
    counted = 0
    planned = threading.Event()

    def count() -> None:
        nonlocal counted
        while not planned.is_set():
            counted += 1
            time.sleep(0.005)

    thread = threading.Thread(target=count)
    thread.start()
    cosma.plan(hard, scratchpad="16KiB", time_limit=1)
    planned.set()
    thread.join()
    # It would not have begun before the plan was there.
    assert 3 < counted


def test_plans_on_several_threads(cell: cosma.Graph) -> None:
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(cosma.plan(cell, scratchpad=256).report.traffic.total))
        for _ in range(8)
    ]
    for it in threads:
        it.start()
    for it in threads:
        it.join()
    assert found == [192] * 8


def test_importing_takes_no_other_package() -> None:
    others = "torch, onnx, numpy, pandas, pyarrow, matplotlib"
    code = f"import sys, cosma; sys.exit(bool(set('{others}'.split(', ')) & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)
