#!/usr/bin/env bash
# flags.sh WORK_DIR: whatever flags a program is compiled with, and whatever rounding mode it has set, the same bits; and compilations
# that cannot be say why.
set -u
here="$(cd "$(dirname "$0")" && pwd)"
cxx=${CXX:-g++}
mkdir -p "$1"
cd "$1" || exit 1
failures=0
fail() { printf '%s\n' "$*"; failures=$((failures + 1)); }
source="$here/flags/main.cpp"
include="$here/../../include"

# Two lines are expected: those of float, and those of double; every instruction set and number of threads gives the same.
bits_of() {  # bits_of COMPILER FLAGS... -- ARGUMENTS
  local flags=() compiler=$1
  shift
  while [ $# -gt 0 ] && [ "$1" != -- ]; do flags+=("$1"); shift; done
  shift
  "$compiler" -std=c++20 -O2 "${flags[@]}" -I "$include" "$source" -o program -pthread || { echo "does not compile"; return; }
  ./program "$@" | sort -u
}
expected=$(bits_of "$cxx" --)
[ "$(wc -l <<<"$expected")" -eq 2 ] || fail "instruction sets or threads differ:" "$expected"
[ "$(./program other | sort -u)" = "$expected" ] || fail "a rounding mode changes results, or is not restored"

gnu_flags=('-ffast-math' '-Ofast' '-O3 -fassociative-math -fno-signed-zeros -fno-trapping-math' '-ffinite-math-only')
if "$cxx" --version | grep -qi clang; then gnu_flags=('-ffinite-math-only'); fi
for flags in "${gnu_flags[@]}"; do
  # shellcheck disable=SC2086
  [ "$(bits_of "$cxx" $flags --)" = "$expected" ] || fail "$flags changes results"
done

refuses() {  # refuses SENTENCE COMPILER FLAGS...
  local sentence=$1 output
  shift
  if output=$("$@" -I "$include" -fsyntax-only "$source" 2>&1) || [[ $output != *"$sentence"* ]]; then fail "no sentence from: $*"; fi
}
refuses 'C++20 is needed' "$cxx" -std=c++17
refuses 'exceptions are needed' "$cxx" -std=c++20 -fno-exceptions
if command -v clang++ >/dev/null; then
  refuses 'compile without -ffast-math, or define KERNFOLD_ACCEPTS_FAST_MATH' clang++ -std=c++20 -ffast-math
  clang++ -std=c++20 -ffast-math -DKERNFOLD_ACCEPTS_FAST_MATH -I "$include" -fsyntax-only "$source" || fail 'clang++ -ffast-math is not accepted'
  [ "$(bits_of clang++ --)" = "$expected" ] || fail 'clang++ gives other bits than g++'
fi
exit "$failures"
