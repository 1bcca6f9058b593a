#!/usr/bin/env python3
"""Plans every network at several scratchpads, verifies the results, and reports their quality and time.

`./x sweep` builds `cosma-opt` and runs this. For each network, treatment of weights and factor:

1. The least scratchpad is read from the error of `cosma-opt` for one byte; the factor times that is used.
2. `cosma-opt --schedule --allocate` plans and writes the program and a report.
3. `cosma-opt --verify` reads the program back and verifies it for that machine. The transfers in its text are
   counted by name and must add up to the traffic of the report.

Exits with 1 if a run or a check failed.
"""

import argparse
import concurrent.futures
import json
import math
import os
import pathlib
import re
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass

PROJECT = pathlib.Path(__file__).resolve().parent.parent
# The bits of element types, except `iN`, `uiN` and `siN`.
WIDTHS = {"index": 64, "bf16": 16, "f16": 16, "f32": 32, "f64": 64}


@dataclass
class Case:
    """A network on a machine."""

    network: str
    path: str
    factor: float
    weights: str


@dataclass
class Outcome:
    """The outcome of a case. Sizes are in bytes."""

    network: str
    factor: float
    weights: str
    scratchpad: int = 0
    status: str = "failed"
    solver: str = ""
    non_compulsory: int = 0
    lower_bound: int = 0
    compulsory: int = 0
    peak: int = 0
    # Wall time of the whole call.
    seconds: float = 0.0
    max_rss: int = 0
    fault: str = ""


@dataclass
class Run:
    code: int
    said: str
    seconds: float
    max_rss: int


def run(command, patience):
    """Runs a command to its end, or kills it; discards its standard output."""
    with tempfile.TemporaryFile() as said:
        start = time.monotonic()
        pid = os.posix_spawn(
            command[0],
            command,
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_DUP2, said.fileno(), 2),
            ],
        )
        timer = threading.Timer(patience, os.kill, (pid, 9))
        timer.start()
        # Not `subprocess`, which does not report the resources of one child.
        _, status, usage = os.wait4(pid, 0)
        timer.cancel()
        seconds = time.monotonic() - start
        said.seek(0)
        text = said.read().decode(errors="replace")
    return Run(os.waitstatus_to_exitcode(status), text, seconds, usage.ru_maxrss * 1024)


def least_scratchpad(options, path, weights):
    command = [options.cosma_opt, "--allocate", "--scratchpad=1", f"--weights={weights}", path]
    result = run(command, 60)
    found = re.search(r"min_scratchpad\D+(\d+)", result.said)
    if result.code != 1 or not found:
        raise RuntimeError(f"no least scratchpad: exit code {result.code}: {result.said.strip()}")
    return int(found[1])


def plan(options, case, folder):
    outcome = Outcome(case.network, case.factor, case.weights)
    try:
        outcome.scratchpad = math.floor(least_scratchpad(options, case.path, case.weights) * case.factor)
        planned, report = f"{folder}/planned.mlir", f"{folder}/report.json"
        result = run(
            [
                options.cosma_opt,
                "--schedule",
                "--allocate",
                f"--scratchpad={outcome.scratchpad}",
                f"--weights={case.weights}",
                f"--time-limit={options.time_limit}",
                f"--solver={options.solver}",
                f"--report={report}",
                case.path,
                "-o",
                planned,
            ],
            10 * options.time_limit + 300,
        )
        outcome.seconds, outcome.max_rss = result.seconds, result.max_rss
        if result.code != 0:
            raise RuntimeError(f"exit code {result.code}: {result.said.strip()}")
        read_report(outcome, report)
        check(options, outcome, planned)
    except (RuntimeError, OSError, ValueError, KeyError) as error:
        outcome.fault = f"{type(error).__name__}: {error}" if isinstance(error, KeyError) else str(error)
        outcome.status = "failed"
    return outcome


def read_report(outcome, path):
    with open(path) as file:
        functions = json.load(file)["functions"]
    if len(functions) != 1:
        raise RuntimeError(f"{len(functions)} functions in the report")
    function, traffic = functions[0], functions[0]["traffic"]
    outcome.status, outcome.solver, outcome.peak = function["status"], function["solver"], function["peak"]
    outcome.compulsory, outcome.non_compulsory = traffic["compulsory"], traffic["non_compulsory"]
    outcome.lower_bound = traffic["lower_bound"]
    if (function["scratchpad"], function["weights"]) != (outcome.scratchpad, outcome.weights):
        raise RuntimeError("the report is about another machine")
    if outcome.scratchpad < outcome.peak:
        raise RuntimeError("the plan's peak is larger than the scratchpad")
    if traffic["total"] != outcome.compulsory + outcome.non_compulsory:
        raise RuntimeError("the report's traffic does not add up")
    if outcome.non_compulsory < outcome.lower_bound:
        raise RuntimeError("the plan moves less than was proven possible")
    if (outcome.status == "optimal") != (outcome.non_compulsory == outcome.lower_bound):
        raise RuntimeError(f"the status is {outcome.status}, but the bound says otherwise")


def check(options, outcome, planned):
    # The program has a machine as well, but it need not be the requested one.
    machine = [f"--scratchpad={outcome.scratchpad}", f"--weights={outcome.weights}"]
    result = run([options.cosma_opt, "--verify", *machine, planned, "-o", os.devnull], 600)
    if result.code != 0:
        raise RuntimeError(f"judged wrong: {result.said.strip()}")
    moved = count_traffic(planned)
    reported = (outcome.compulsory, outcome.non_compulsory)
    if moved != reported:
        raise RuntimeError(f"the program moves {moved}, the report says {reported}")


def count_traffic(path):
    """The bytes of compulsory and of other transfers in the text of a program."""
    moved = {"load": 0, "store": 0, "reload": 0, "spill": 0}
    with open(path) as file:
        for line in file:
            found = re.search(r"= cosma\.(load|store|reload|spill) .*: tensor<(.*)>$", line.rstrip())
            if found:
                moved[found[1]] += size(found[2])
    return moved["load"] + moved["store"], moved["reload"] + moved["spill"]


def size(shape):
    *dimensions, element = shape.split("x")
    bits = WIDTHS.get(element) or int(re.fullmatch(r"[us]?i(\d+)", element)[1])
    return math.ceil(math.prod(map(int, dimensions)) * bits / 8)


def cases(options):
    networks = [it for it in sorted(pathlib.Path(options.networks).glob("*.mlir")) if re.search(options.only, it.stem)]
    for path in networks:
        for weights in options.weights.split(","):
            for factor in options.factors.split(","):
                yield Case(path.stem, str(path), float(factor), weights)


def columns(outcome):
    gap = outcome.non_compulsory - outcome.lower_bound
    return [
        outcome.network,
        f"{outcome.factor:g}",
        outcome.weights,
        str(outcome.scratchpad),
        outcome.status,
        outcome.solver,
        str(outcome.non_compulsory),
        str(outcome.lower_bound),
        f"{gap / outcome.non_compulsory:.1%}" if gap else "",
        f"{outcome.seconds:.2f}",
        f"{outcome.max_rss / 2**20:.0f}",
    ]


HEADER = ["network", "×", "weights", "scratchpad", "status", "solver", "non-compulsory", "bound", "gap", "s", "MiB"]
# The alignment of columns: text left, numbers right.
WIDTH = [28, 5, 9, 11, 9, 7, 15, 12, 7, 8, 6]
IS_NUMBER = [False, True, False, True, False, False, True, True, True, True, True]


def text_row(cells):
    padded = [cell.rjust(width) if right else cell.ljust(width) for cell, width, right in zip(cells, WIDTH, IS_NUMBER)]
    return " ".join(padded).rstrip()


def summary(options, outcomes, wall):
    done = [it for it in outcomes if it.status != "failed"]
    lines = [f"{len(outcomes)} runs with a limit of {options.time_limit:g} s each, {wall:.0f} s in all: "
             f"{len(done)} plans, {len(outcomes) - len(done)} failed."]
    lines.append(f"{sum(it.status == 'optimal' for it in outcomes)} proven optimal ({share(outcomes)}), "
                 f"{sum(it.status == 'feasible' for it in outcomes)} feasible.")
    # Training graphs keep every activation until its gradient is computed, and are hard in a different way.
    training = [it for it in outcomes if it.network.startswith("train_")]
    inference = [it for it in outcomes if not it.network.startswith("train_")]
    if training and inference:
        lines.append(f"Optimal in inference: {share(inference)}, in training: {share(training)}.")
    for weights in sorted({it.weights for it in outcomes}):
        factors = sorted({it.factor for it in outcomes})
        shares = [f"{factor:g}: {share([it for it in outcomes if (it.weights, it.factor) == (weights, factor)])}"
                  for factor in factors]
        lines.append(f"Optimal with {weights} weights at × {', '.join(shares)}.")
    if done:
        seconds = sorted(it.seconds for it in done)
        largest = max(done, key=lambda it: it.max_rss)
        lines.append(f"Seconds: median {statistics.median(seconds):.2f}, p90 {seconds[int(0.9 * (len(seconds) - 1))]:.2f}, "
                     f"most {seconds[-1]:.2f}. Memory: at most {largest.max_rss / 2**20:.0f} MiB ({largest.network}).")
    return lines


def share(outcomes):
    optimal = sum(it.status == "optimal" for it in outcomes)
    return f"{optimal / len(outcomes):.1%}" if outcomes else "none"


def compare(outcomes, path):
    """The differences to an earlier sweep."""
    key = lambda it: (it["network"], it["factor"], it["weights"])
    with open(path) as file:
        before = {key(it): it for it in json.load(file)}
    lines = []
    for now in map(asdict, outcomes):
        then = before.get(key(now))
        if not then:
            continue
        changes = [f"{name} {then[name]} -> {now[name]}" for name in ["status", "non_compulsory", "lower_bound"]
                   if then[name] != now[name]]
        if 1 < abs(now["seconds"] - then["seconds"]) and not 0.5 < now["seconds"] / max(then["seconds"], 1e-3) < 2:
            changes.append(f"seconds {then['seconds']:.1f} -> {now['seconds']:.1f}")
        if changes:
            lines.append(f"{now['network']} × {now['factor']:g} {now['weights']}: {', '.join(changes)}")
    return lines


def parse_arguments():
    parser = argparse.ArgumentParser(prog="./x sweep", description=__doc__.split("\n")[0])
    parser.add_argument("--cosma-opt", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--networks", default=PROJECT.parent / "shared/networks", help="folder of *.mlir")
    parser.add_argument("--only", default="", metavar="REGEX", help="networks whose name matches")
    parser.add_argument("--factors", default="1,1.1,1.25,1.5", help="scratchpads, times the least")
    parser.add_argument("--weights", default="resident,streamed")
    parser.add_argument("--time-limit", type=float, default=60.0, metavar="SECONDS", help="for each run")
    parser.add_argument("--solver", default="auto")
    parser.add_argument("--jobs", type=int, default=1, help="runs at once; more than one blurs the times")
    parser.add_argument("--markdown", metavar="FILE", help="write table and summary")
    parser.add_argument("--json", metavar="FILE", help="write outcomes")
    parser.add_argument("--against", metavar="FILE", help="outcomes of an earlier sweep, to compare with")
    return parser.parse_args()


def main():
    options = parse_arguments()
    todo = list(cases(options))
    if not todo:
        print(f"error: no network in {options.networks} matches '{options.only}'", file=sys.stderr)
        return 2
    print(text_row(HEADER))
    start = time.monotonic()

    def one(case):
        with tempfile.TemporaryDirectory() as folder:
            return plan(options, case, folder)

    outcomes = []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for outcome in pool.map(one, todo):
            outcomes.append(outcome)
            print(text_row(columns(outcome)), flush=True)
            if outcome.fault:
                print(f"    {outcome.fault}", flush=True)
    lines = summary(options, outcomes, time.monotonic() - start)
    print("\n" + "\n".join(lines))
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps([asdict(it) for it in outcomes], indent=1) + "\n")
    if options.markdown:
        rule = ["--:" if right else "---" for right in IS_NUMBER]
        table = [f"| {' | '.join(cells)} |" for cells in [HEADER, rule, *map(columns, outcomes)]]
        pathlib.Path(options.markdown).write_text("\n".join(lines) + "\n\n" + "\n".join(table) + "\n")
    if options.against:
        changes = compare(outcomes, options.against)
        print("\n" + "\n".join([f"Against {options.against}: {len(changes)} changes."] + changes))
    return 1 if any(it.fault for it in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
