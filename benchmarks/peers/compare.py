#!/usr/bin/env python3
"""Runs kernfold's workloads and those of the libraries that are there, one after the other, and prints one table.

    compare.py PROGRAM [--results FOLDER] [--total SECONDS] [--cap SECONDS] [--scale S]

PROGRAM is cuda_workloads. A peer that cannot be imported is left out and named. --total bounds the whole run, --cap one workload of
one of them. FOLDER gets a JSON file of all that was measured. Without a GPU it says so; the status is then 0, and otherwise
that of PROGRAM: a wrong result of kernfold's is an error, a slow one is not.
"""
import argparse
import datetime
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PEERS = [  # name, modules that it imports, command, share of the time: PyKeOps compiles each formula for seconds
    ("pykeops", ("numpy", "torch", "pykeops"), ["pykeops_lazy.py"], 2),
    ("torch", ("numpy", "torch"), ["torch_dense.py"], 1),
    ("torch.compile", ("numpy", "torch"), ["torch_dense.py", "--compiled"], 1),
    ("jax", ("numpy", "jax"), ["jax_dense.py"], 1),
]


def can_import(modules):
    try:
        return subprocess.run([sys.executable, "-c", "import importlib.util as u, sys; sys.exit(not all(u.find_spec(m) for m in sys.argv[1:]))",
                               *modules], timeout=60).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def ask_driver():
    """What nvidia-smi says of the device: its driver, and the clocks it may run at."""
    if not shutil.which("nvidia-smi"):
        return {}
    fields = ["name", "driver_version", "clocks.max.sm", "clocks.sm", "power.limit", "temperature.gpu"]
    try:
        asked = subprocess.run(["nvidia-smi", "--query-gpu=" + ",".join(fields), "--format=csv,noheader"], capture_output=True,
                               text=True, timeout=30)
    except subprocess.TimeoutExpired:
        return {}
    lines = asked.stdout.splitlines()
    return dict(zip(fields, (value.strip() for value in lines[0].split(",")))) if asked.returncode == 0 and lines else {}


def run_to_json(command, seconds, folder):
    """(status, what it wrote); status None where time ran out."""
    path = os.path.join(folder, "report.json")
    if os.path.exists(path):
        os.remove(path)
    try:
        status = subprocess.run([*command, "--json", path], timeout=seconds).returncode
    except subprocess.TimeoutExpired:
        status = None
    try:
        with open(path) as file:
            return status, json.load(file)
    except (OSError, ValueError):
        return status, None


def times_of(report):
    return {w["name"]: w for w in report["workloads"] if "seconds" in w}


def print_table(own, peers):
    def cell(line, reference):
        if not line:
            return f"{'-':>12} {'-':>7}"
        mark = "~" if line.get("extrapolated") else " "
        return f"{1e3 * line['seconds']:11.3f}{mark} {line['seconds'] / reference:7.2f}"

    print(f"\nms, and as a multiple of kernfold's time (~: of fewer rows, scaled up)\n{'':20} {'kernfold':>11}"
          + "".join(f" {p['program']:>20}" for p in peers))
    for name, line in times_of(own).items():
        print(f"{name:20} {1e3 * line['seconds']:11.3f}"
              + "".join(" " + cell(times_of(p).get("small_calls" if name == "small_calls_graph" else name), line["seconds"]) for p in peers))


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("program")
    options.add_argument("--results", default=os.path.join(HERE, "..", "results"))
    options.add_argument("--total", type=float, default=360)
    options.add_argument("--cap", type=float, default=3)
    options.add_argument("--scale", type=float, default=1)
    options = options.parse_args()
    deadline = time.monotonic() + options.total
    shared = ["--cap", str(options.cap), "--scale", str(options.scale)]
    with tempfile.TemporaryDirectory() as folder:
        status, own = run_to_json([options.program, *shared], options.total / 2, folder)
        if own is None:  # no GPU, which the program has said, or a failure
            return 1 if status is None else status
        peers = []
        present = [peer for peer in PEERS if can_import(peer[1])]
        for name, *_ in (peer for peer in PEERS if peer not in present):
            print(f"{name}: not here, left out", flush=True)
        for place, (name, _, command, share) in enumerate(present):
            seconds = (deadline - time.monotonic()) * share / sum(peer[3] for peer in present[place:])
            if seconds < 10:
                print(f"{name}: no time left", flush=True)
                continue
            print(f"{name}:", flush=True)
            ended, report = run_to_json([sys.executable, os.path.join(HERE, command[0]), *command[1:], *shared,
                                         "--total", str(0.8 * seconds)], seconds, folder)
            if ended != 0:
                print(f"{name}: " + ("time ran out" if ended is None else f"status {ended}"), flush=True)
            if report:
                peers.append(report)
    print_table(own, peers)
    date = datetime.datetime.now(datetime.timezone.utc)
    os.makedirs(options.results, exist_ok=True)
    path = os.path.join(options.results, f"cuda-{date:%Y%m%d-%H%M%S}.json")
    with open(path, "w") as file:
        json.dump({"date": f"{date:%Y-%m-%dT%H:%M:%SZ}", "driver": ask_driver(), "reports": [own, *peers]}, file, indent=2)
    print(f"\nwritten to {os.path.relpath(path)}")
    return status


if __name__ == "__main__":
    sys.exit(main())
