"""The workloads of benchmarks/run/cuda_workloads.cu for other libraries: data, timing and checks that their programs share.

A peer gives prepare(name, arrays) -> (run, rows_at_a_time): run(count) computes the first `count` rows and returns an array that
numpy reads; rows_at_a_time is None where all rows are computed at once. Where the whole would take longer than the cap, fewer
rows are timed and the time is scaled up; the result then says "extrapolated".
"""
import argparse
import datetime
import json
import time

import numpy as np

WIDTH, WIDTH_64 = 7.0, 0.3
TOLERANCE = 2e-5  # relative to the sum of the terms' magnitudes
MOST_TIMES = 11

# name: rows, columns, dimension, calls per run
WORKLOADS = {
    "gaussian": (1_000_000, 1_000_000, 3, 1),
    "gradient": (1_000_000, 1_000_000, 3, 1),
    "logsumexp": (1_000_000, 1_000_000, 3, 1),
    "argkmin10": (1_000_000, 1_000_000, 3, 1),
    "argmin": (1_000_000, 1_000_000, 3, 1),
    "gaussian_64": (100_000, 100_000, 64, 1),
    "few_rows": (100, 10_000_000, 3, 1),
    "small_calls": (1000, 1000, 3, 1000),
    "attention_64": (16_384, 16_384, 64, 1),
}


def sizes_of(name, scale):
    rows, columns, dim, calls = WORKLOADS[name]
    if name == "small_calls":
        return rows, columns, dim, calls
    return (rows if name == "few_rows" else max(16, int(rows * scale))), max(16, int(columns * scale)), dim, calls


def width_of(name):
    return WIDTH_64 if name == "gaussian_64" else WIDTH


def arrays_of(name, scale):
    """x, y, b and e in single precision: of rows, columns, columns, rows; for attention_64 q, k and v."""
    rows, columns, dim, _ = sizes_of(name, scale)
    random = np.random.default_rng(1)
    uniform = lambda *shape: random.random(shape, dtype=np.float32)
    if name == "attention_64":
        return 4 * uniform(rows, dim) - 2, 4 * uniform(columns, dim) - 2, 2 * uniform(columns, dim) - 1
    return uniform(rows, dim), uniform(columns, dim), uniform(columns), 2 * uniform(rows) - 1


def rows_per_chunk(rows, columns, most_bytes):
    """The greatest divisor of `rows` whose pairs' matrix fits: chunks of one shape are compiled once."""
    most = max(1, min(rows, most_bytes // (4 * columns)))
    return next(count for count in range(most, 0, -1) if rows % count == 0)


def sum_error(found, terms):
    """Of sums over the first axis, over what is allowed."""
    allowed = TOLERANCE * np.abs(terms).sum(0) + 1e-300
    return float(np.max(np.abs(np.asarray(found, np.float64) - terms.sum(0)) / allowed))


def error_of_row(name, arrays, i, found):
    double = [np.asarray(a, np.float64) for a in (arrays[0][i], *arrays[1:])]
    x, y = double[0], double[1]
    if name == "attention_64":
        weights = np.exp(y @ x / 8)
        return sum_error(np.asarray(found, np.float64) * weights.sum(), weights[:, None] * double[2])
    distances = ((y - x) ** 2).sum(1)
    if name in ("argmin", "argkmin10"):
        wanted = np.atleast_1d(np.asarray(found, np.int64)).ravel()
        if len(set(wanted.tolist())) != wanted.size:
            return float("inf")
        furthest = np.partition(distances, wanted.size - 1)[wanted.size - 1]
        return float((distances[wanted].max() - furthest) / (1e-6 * furthest + 1e-300))
    kernel = np.exp(-width_of(name) ** 2 * distances)
    if name == "logsumexp":
        exact = np.log(kernel.sum())
        return float(abs(np.float64(np.ravel(found)[0]) - exact) / (TOLERANCE + 1e-6 * abs(exact)))
    if name == "gradient":
        return sum_error(found, -2 * WIDTH**2 * double[3][i] * (kernel * double[2])[:, None] * (x - y))
    return sum_error(np.ravel(found)[0], kernel * double[2])


def measure(name, scale, cap, prepare, timer):
    """timer(f) runs f() and returns its seconds on the device."""
    rows, columns, _, calls = sizes_of(name, scale)
    arrays = arrays_of(name, scale)
    run, at_a_time = prepare(name, arrays)
    part = min(rows, at_a_time or rows)
    timer(lambda: run(part))  # compiles
    count = part
    if part < rows:
        estimate = timer(lambda: run(part)) * rows / part
        share = min(1.0, cap / estimate)
        count = rows if share == 1 else max(part, int(rows * share / part) * part)
    times, results = [], []
    while not times or (len(times) < MOST_TIMES and sum(times) + times[-1] < cap):
        results.clear()
        times.append(timer(lambda: results.append(run(count))))
    found = np.asarray(results[0])
    checked = np.unique(np.linspace(0, count - 1, 3 if columns > 2_000_000 else 8).astype(int))
    errors = [error_of_row(name, arrays, i, found[i]) for i in checked]
    seconds = sorted(times)[len(times) // 2] * rows / count
    return {"name": name, "rows": rows, "columns": columns, "calls": calls, "runs": len(times), "seconds": seconds,
            "pairs_per_second": rows * columns * calls / seconds, "extrapolated": count < rows,
            "error_of_allowed": min(max(errors), 1e300)}


def main(program, version, device, prepare, timer):
    options = argparse.ArgumentParser(description=f"The workloads by {program}.")
    options.add_argument("--cap", type=float, default=4, help="seconds per workload")
    options.add_argument("--total", type=float, default=60, help="no workload is begun after so many seconds")
    options.add_argument("--scale", type=float, default=1)
    options.add_argument("--json")
    options.add_argument("names", nargs="*")
    options = options.parse_args()
    begin = time.monotonic()
    report = {"program": program, "version": version, "device": device,
              "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"), "workloads": []}
    for name in options.names or WORKLOADS:
        if time.monotonic() - begin > options.total:
            print(f"{program}: no time left for {name}", flush=True)
            report["workloads"].append({"name": name, "failed": "no time left"})
            continue
        try:
            line = measure(name, options.scale, options.cap, prepare, timer)
            print(f"{program:18} {name:14} {1e3 * line['seconds']:12.3f} ms{' ~' if line['extrapolated'] else '  '}"
                  f" {1e-9 * line['pairs_per_second']:10.1f} G pairs/s, error {line['error_of_allowed']:.2g}", flush=True)
        except Exception as e:  # one that fails leaves the others their turn
            reason = (str(e).splitlines() or [type(e).__name__])[0][:200]
            print(f"{program}: {name} failed: {type(e).__name__}: {reason}", flush=True)
            line = {"name": name, "failed": f"{type(e).__name__}: {reason}"}
        report["workloads"].append(line)
        if options.json:  # after each, so that nothing is lost where time runs out
            with open(options.json, "w") as file:
                json.dump(report, file, indent=2)
