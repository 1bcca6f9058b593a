#!/usr/bin/env python3
"""Plans two real networks and shows the results. `./x demo` builds `cosma-opt` and runs this."""

import json
import pathlib
import re
import subprocess
import sys

PROJECT = pathlib.Path(__file__).resolve().parent.parent
NETWORKS = PROJECT / "examples/networks"
# Each with slightly more space than its largest operator needs alone.
DEMOS = [("resnet50", "2427KiB", "resident"), ("nasnet_a_mobile", "800KiB", "streamed")]
N_LINES = 8


def main():
    cosma_opt, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for name, scratchpad, weights in DEMOS:
        machine = [f"--scratchpad={scratchpad}", f"--weights={weights}"]
        source, planned, report = NETWORKS / f"{name}.mlir", folder / f"{name}.mlir", folder / f"{name}.json"
        command = [cosma_opt, "--schedule", "--allocate", *machine, source, "-o", planned, f"--report={report}"]
        show(command)
        call(command)
        # A compiler without a planner: keep the order, evict the tensor with the farthest next use.
        other = folder / "greedy.json"
        command = [cosma_opt, "--allocate", "--solver=greedy", *machine, source, "-o", "/dev/null", f"--report={other}"]
        call(command)
        describe(read(report), read(other), scratchpad)
        excerpt(planned)
        command = [cosma_opt, "--verify", planned, "-o", "/dev/null"]
        show(command)
        call(command)
        print("  the judge, who reads the program back and knows no plan, finds nothing wrong\n")


def call(command):
    code = subprocess.run(command).returncode
    if code != 0:
        # It has printed the reason.
        sys.exit(code)


def show(command):
    words = [str(it).replace(f"{PROJECT}/", "") for it in command]
    print("$ " + " ".join(["cosma-opt", *words[1:]]))


def read(report):
    return json.loads(report.read_text())["functions"][0]


def describe(plan, greedy, scratchpad):
    traffic = plan["traffic"]
    needless, bound = traffic["non_compulsory"], traffic["lower_bound"]
    proof = "proven: no plan moves less" if plan["status"] == "optimal" else f"a proof says: at least {bound:,}"
    print(f"  {plan['name']}: {plan['operators']} operators, planned by {plan['solver']} in {plan['seconds']:.2f} s")
    for what, number, remark in [
        ("traffic", traffic["total"], ""),
        ("  compulsory", traffic["compulsory"], "each argument once in, each result once out"),
        ("  spills, reloads", needless, proof),
        ("  greedily", greedy["traffic"]["non_compulsory"], "in the order of the source, farthest use out first"),
        ("most at once", plan["peak"], f"of {plan['scratchpad']:,} B of scratchpad ({scratchpad})"),
        ("least scratchpad", plan["min_scratchpad"], "with which the network runs at all"),
    ]:
        print(f"  {what:18}{number:>14,} B   {remark}".rstrip())


def excerpt(planned):
    """The program around its first spill, or its beginning."""
    lines = planned.read_text().splitlines()
    first = next((index for index, line in enumerate(lines) if re.search(r" = cosma\.", line)), 0)
    spill = next((index for index, line in enumerate(lines) if "cosma.spill" in line), first + N_LINES // 2)
    start = max(first, spill - N_LINES // 2)
    print(f"  {planned.relative_to(PROJECT) if planned.is_relative_to(PROJECT) else planned}, line {start + 1}:")
    for line in lines[start : start + N_LINES]:
        # The types of an operator's operands are long, and not part of the plan.
        print("    " + re.sub(r" : \(.*", " : ...", line.strip()))


if __name__ == "__main__":
    main()
