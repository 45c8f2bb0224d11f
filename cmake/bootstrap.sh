#!/usr/bin/env bash
# bash cmake/bootstrap.sh PRESET: everything from a fresh machine to the end of a workflow preset.
#
# Looks for what the preset needs; on Debian and Ubuntu, as root, installs what is missing through apt and says so;
# elsewhere names it and stops with status 1. Then runs `cmake --workflow --preset PRESET`. CUDA is used where it is
# there and never installed.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'bootstrap: %s\n' "$*"; }
fail() {
  printf 'bootstrap: %s\n' "$@" >&2
  exit 1
}

presets=$(sed -n '/"workflowPresets"/,$ s/^ *"name": "\(.*\)",$/\1/p' CMakePresets.json)
if [ $# -ne 1 ] || ! grep -qxF -- "${1:-}" <<<"$presets"; then
  [ $# -eq 1 ] && printf 'bootstrap: there is no preset "%s"\n' "$1" >&2
  fail "usage: bash cmake/bootstrap.sh PRESET, where PRESET is one of:" "  ${presets//$'\n'/, }"
fi
preset=$1

have_tool() { command -v "$1" >/dev/null; }
# Headers are looked for where g++ looks, and where CMake is told to.
include_flags=()
IFS=: read -ra prefixes <<<"${CMAKE_PREFIX_PATH:-}"
for prefix in "${prefixes[@]}"; do include_flags+=(-I "$prefix/include"); done
have_header() { have_tool g++ && g++ "${include_flags[@]}" -E -x c++ -include "$1" /dev/null >/dev/null 2>&1; }
have_python_headers() {
  have_tool python3 && [ -f "$(python3 -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" ]
}
have_numpy() { python3 -c 'import numpy, pybind11' 2>/dev/null; }
# Any Python will do that has PyTorch, and headers for both.
have_torch() {
  local python
  for python in python3 /usr/bin/python3; do
    "$python" - <<'END' 2>/dev/null && return
import os, sys, sysconfig, torch
header = "torch/csrc/autograd/python_variable.h"
places = [os.path.dirname(torch.__file__) + "/include", "/usr/include"]
has_headers = any(os.path.exists(place + "/" + header) for place in places)
has_pybind11 = any(os.path.exists(place + "/pybind11/pybind11.h") for place in places)
sys.exit(not (has_headers and has_pybind11 and os.path.exists(sysconfig.get_path("include") + "/Python.h")))
END
  done
  return 1
}
at_least() {  # at_least WANTED FOUND
  [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]
}

# What is missing, by the name of its Debian package.
missing=()
look_for_what_is_missing() {
  missing=()
  have_tool g++ || missing+=(g++)
  have_tool make || missing+=(make)
  have_tool cmake || missing+=(cmake)
  case $preset in
    quickstart | test | test-full)
      have_header png.h || missing+=(libpng-dev)
      have_header CLI/CLI.hpp || missing+=(libcli11-dev)
      ;;
  esac
  case $preset in
    test | test-full | asan | ubsan | tsan | cuda) have_header gtest/gtest.h || missing+=(libgtest-dev) ;;
    interop)
      have_header gtest/gtest.h || missing+=(libgtest-dev)
      have_header dlpack/dlpack.h || missing+=(libdlpack-dev)
      have_tool mkoctfile && have_tool octave-cli || missing+=(octave octave-dev)
      have_tool python3 && python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
      have_python_headers || missing+=(python3-dev)
      ;;
    bench) have_header benchmark/benchmark.h || missing+=(libbenchmark-dev) ;;
  esac
  case $preset in
    test | test-full) have_tool pkg-config || missing+=(pkg-config) ;;
  esac
}
# What a preset can do without: tests that say what they skip.
wanted=()
case $preset in
  test | test-full)
    have_tool clang-format-16 || wanted+=(clang-format-16)
    have_header dlpack/dlpack.h || wanted+=(libdlpack-dev)
    have_header eigen3/Eigen/Core || have_header Eigen/Core || wanted+=(libeigen3-dev)
    ;;
  interop) have_torch || wanted+=(libtorch-dev python3-torch python3-dev pybind11-dev) ;;
esac

look_for_what_is_missing
if [ ${#missing[@]} -gt 0 ]; then
  if ! have_tool apt-get; then
    fail "this needs ${missing[*]} (names of Debian packages), and there is no apt-get here to install them"
  elif [ "$(id -u)" -ne 0 ]; then
    fail "this needs ${missing[*]}: run it as root, or first: apt-get install ${missing[*]}"
  fi
  say "installing through apt: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  if ! { apt-get update && apt-get install --yes --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 </dev/null; then
    cat "$log" >&2
    fail "apt-get could not install ${missing[*]}; its messages are above"
  fi
  hash -r
  look_for_what_is_missing
  [ ${#missing[@]} -eq 0 ] || fail "still missing after the installation: ${missing[*]}"
fi

if [ ${#wanted[@]} -gt 0 ] && have_tool apt-get && [ "$(id -u)" -eq 0 ]; then
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update && apt-get install --yes --no-install-recommends "${wanted[@]}"; } >/dev/null 2>&1 </dev/null ||
    say "going on without ${wanted[*]}, which apt does not have"
fi

# NumPy and pybind11 of the package index, where Python has none: in an environment of their own, in the build folder.
if [ "$preset" = interop ] && ! have_numpy; then
  say "installing NumPy and pybind11 into build/python"
  python3 -m venv build/python
  export VIRTUAL_ENV=$PWD/build/python PATH=$PWD/build/python/bin:$PATH
  hash -r
  have_numpy || pip install --quiet numpy pybind11 || fail "NumPy and pybind11 could not be installed; the message is above"
fi

cmake_version=$(cmake --version | sed -n '1s/[^0-9]*//p')
at_least 3.25 "$cmake_version" || fail "CMake 3.25 or later is needed, found $cmake_version: see https://cmake.org/download"
if [ -z "${CXX:-}" ]; then
  compiler_version=$(g++ -dumpfullversion)
  at_least 12 "$compiler_version" || fail "g++ 12 or later is needed, found $compiler_version (or set CXX)"
fi

# As many jobs as there are cores, with 2 GB of memory for each.
if [ -z "${CMAKE_BUILD_PARALLEL_LEVEL:-}" ]; then
  jobs=$(nproc)
  if [ -r /proc/meminfo ]; then
    by_memory=$(awk '/^MemAvailable:/ { print int($2 / 2000000) }' /proc/meminfo)
    if [ "${by_memory:-$jobs}" -lt "$jobs" ]; then jobs=$((by_memory > 0 ? by_memory : 1)); fi
  fi
  export CMAKE_BUILD_PARALLEL_LEVEL=$jobs
fi

say "cmake --workflow --preset $preset"
exec cmake --workflow --preset "$preset" </dev/null
