#!/usr/bin/env python3
"""Instructions per pair of the inner loops on a CUDA device, counted in the machine code; no GPU is needed.

    sass_counts.py [--arch sm_90] [--nvcc nvcc] [--cuobjdump cuobjdump] [--opcodes] [KERNEL...]

One issue slot per instruction. What a forward branch of the loop jumps over (insertions, a maximum that grows) is seldom
run and not counted; a branch and its test are. The columns of one turn of a loop follow from the bytes that it reads from
shared memory. Fails where a count passes its limit, where registers are spilled in the loop, or outside of it more than is
known of, where an array is read by loads that do not know that it is in global memory, or where a kernel uses more registers
than the selector assumes. A count above its aim is marked, and no failure: docs/performance.md says why.

cuobjdump is the one named, or that of the environment variable CUOBJDUMP, of the PATH, beside nvcc, or of Python's package
`triton`. Without any, only registers and spills are judged. The limits are those of sm_90: for another --arch they are not.
"""
import argparse
import collections
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ANY = float("inf")
KERNELS = [  # number, name, slots per pair on sm_90: aim and limit, most of them on the special function unit; bytes spilled; loads of memory of
    # unknown kind, one for a parameter, which may be a number that came with the launch
    (0, "Gaussian D=3, sign known", 9.5, 9.5, 1.0, 0, 2),
    (1, "Gaussian D=3", 9.5, 9.5, 1.0, 0, 2),
    (2, "x-gradient D=3", 12.5, 12.5, 1.0, 0, 2),
    (3, "LogSumExp D=3", 11.0, 11.0, 1.2, 0, 2),
    (4, "ArgMin D=3", 8.0, 5.0, 0.0, 0, 2),
    (5, "ArgKMin<10> D=3", 8.0, 5.2, 0.0, 0, ANY),  # whose lists a merge reads
    (6, "Gaussian D=64", 141.0, 141.0, 1.0, 112, 2),  # of 128 registers of rows, while columns are copied
    (7, "cosine x sine D=3", ANY, ANY, ANY, 0, 2),  # which ptxas spills where nothing tells it how many registers there are
]


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def sweep_code(cuobjdump, program):
    """(address, text) of each instruction of the sweep's kernel."""
    code, inside = [], False
    for line in run(cuobjdump, "-sass", program).splitlines():
        if "Function :" in line:
            inside = "sweep_kernel" in line
        found = re.match(r"\s+/\*([0-9a-f]{4,})\*/\s+(.*?);", line)
        if inside and found:
            code.append((int(found[1], 16), found[2].strip()))
    return code


def opcode(text):
    return re.sub(r"^@!?U?P\w+ ", "", text).split()[0]


def branches(code):
    """(from, to) of each direct branch."""
    for address, text in code:
        found = re.search(r"^(@!?U?P\w+ )?BRA\b.*?(0x[0-9a-f]+)", text)
        if found:
            yield address, int(found[2], 16), bool(found[1])


def usual_path(code, first, last):
    """The instructions of a loop but for what its forward branches jump over."""
    skipped = [(a, to) for a, to, _ in branches(code) if first <= a < to <= last + 16]
    return [text for a, text in code if first <= a <= last and not any(s < a < to for s, to in skipped)]


def inner_loop(code):
    """The loop over the columns of a tile: of those that compute on shared memory, the one whose turn reads most of it."""
    best = []
    found = [(to, a) for a, to, _ in branches(code) if to < a]
    for first, last in found:
        body = usual_path(code, first, last)
        text = " ".join(body)
        if "BAR." in text or "STS" in text or not shared_bytes(body) or any(
                o != (first, last) and first <= o[0] and o[1] <= last and shared_bytes(usual_path(code, *o)) for o in found):
            continue
        if shared_bytes(body) > shared_bytes(best):
            best = body
    return best


def shared_bytes(body):
    widths = {"64": 8, "128": 16}
    return sum(next((widths[part] for part in opcode(text).split(".") if part in widths), 4)
               for text in body if opcode(text).startswith("LDS"))


def find_cuobjdump(named, nvcc):
    if named:
        return named
    found = shutil.which("cuobjdump")
    beside = os.path.join(os.path.dirname(os.path.realpath(shutil.which(nvcc) or nvcc)), "cuobjdump")
    triton = importlib.util.find_spec("triton")
    packaged = triton and triton.origin and os.path.join(os.path.dirname(triton.origin), "backends", "nvidia", "bin", "cuobjdump")
    return next((path for path in (found, beside, packaged) if path and os.access(path, os.X_OK)), None)


def compile_kernel(options, number, program):
    """What the assembler says."""
    made = subprocess.run(
        [options.nvcc, "-std=c++20", "-O3", f"-arch={options.arch}", f"-DREFERENCE={number}", "-Xptxas=-v",
         f"-I{HERE}/../../include", f"{HERE}/sass_kernels.cu", "-o", program], capture_output=True, text=True)
    if made.returncode:
        sys.exit(made.stderr)
    return made.stderr


def slots_per_pair(cuobjdump, program, lanes, column_bytes, name):
    """Slots, those on the special function unit, the instructions of the inner loop, and the loads of unknown memory."""
    code = sweep_code(cuobjdump, program)
    body = inner_loop(code)
    pairs = round(shared_bytes(body) / column_bytes) * lanes
    if pairs == 0:
        sys.exit(f"{name}: no inner loop found")
    unknown = sum(opcode(text).startswith("LD.") for _, text in code)
    return len(body) / pairs, sum(opcode(text).startswith("MUFU") for text in body) / pairs, body, unknown


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--arch", default="sm_90")
    options.add_argument("--nvcc", default="nvcc")
    options.add_argument("--cuobjdump", default=os.environ.get("CUOBJDUMP"))
    options.add_argument("--opcodes", action="store_true", help="print what the loops consist of")
    options.add_argument("kernels", nargs="*", type=int)
    options = options.parse_args()
    cuobjdump = find_cuobjdump(options.cuobjdump, options.nvcc)
    if not cuobjdump:
        print("cuobjdump not found: registers only")
    failed = False
    print(f"{options.arch}: slots per pair\n{'kernel':26} {'slots':>7} {'aim':>6} {'limit':>6} {'MUFU':>5} {'rows':>5} "
          f"{'registers':>10} {'assumed':>8} {'spilled':>8}")
    for number, name, aim, limit, special_limit, spill_limit, unknown_limit in KERNELS:
        if options.kernels and number not in options.kernels:
            continue
        with tempfile.TemporaryDirectory() as folder:
            program = os.path.join(folder, "reference")
            messages = compile_kernel(options, number, program)
            lanes, column_bytes, assumed, _, _ = map(int, run(program).split())
            slots, special, body, unknown = (slots_per_pair(cuobjdump, program, lanes, column_bytes, name) if cuobjdump else
                                    (float("nan"), float("nan"), [], 0))
        registers = max(map(int, re.findall(r"Used (\d+) registers", messages)))
        spilled = max(map(int, re.findall(r"(\d+) bytes spill", messages)))
        counts_are_judged = options.arch == "sm_90"
        spills_in_loop = spilled > 0 and any(opcode(text).startswith(("LDL", "STL")) for text in body)
        wrong = registers > assumed or spilled > spill_limit or spills_in_loop or unknown > unknown_limit or (counts_are_judged and (slots > limit or special > special_limit))
        failed = failed or wrong
        print(f"{name:26} {slots:7.2f} {aim:6.1f} {limit:6.2f} {special:5.2f} {lanes:5} {registers:10} {assumed:8} {spilled:8}"
              + ("  <-- over" if wrong else "  above the aim" if counts_are_judged and slots > aim else ""))
        if options.opcodes:
            print("   ", dict(collections.Counter(opcode(text).split(".")[0] for text in body).most_common()))
    return failed


if __name__ == "__main__":
    sys.exit(main())
