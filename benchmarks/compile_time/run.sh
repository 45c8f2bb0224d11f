#!/usr/bin/env bash
# What kernfold costs its users' compilers, against a budget.
#
#   bash benchmarks/compile_time/run.sh [--strict] [--runs N]
#   bash benchmarks/compile_time/run.sh --counts
#
# Compiles the small programs beside this script with g++ and, where they are there, nvcc and clang++, and prints one line
# for each: processor seconds (the median of N runs, 3 by default), peak memory, and counts that do not depend on the
# machine's load: symbols, megabytes, and template instantiations as clang++ counts them. Seconds are scaled by what
# reference.cpp took just before and just after, so that a slow, busy or uneven machine is not mistaken for slow headers.
# The status is 0, or with --strict 1 where a budget is exceeded or a count has grown by more than 5 % over counts.txt
# (megabytes: by 10 more). --counts takes no times, looks at the counts alone, and its status is 1 where one has grown
# so. Counts on record by other compilers, or for other instruction sets, are no measure: they are skipped.
#
# CXX, NVCC and CLANGXX name other compilers. KERNFOLD_UPDATE_COUNTS=1 rewrites counts.txt.
set -euo pipefail
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
include=$(cd "$here/../../include" && pwd)
cxx=${CXX:-g++} nvcc=${NVCC:-nvcc} clangxx=${CLANGXX:-clang++}
strict=0 counts_only=0 runs=3
while [ $# -gt 0 ]; do
  case $1 in
    --strict) strict=1 ;;
    --counts) strict=1 counts_only=1 ;;
    --runs) runs=${2:?--runs needs a number}; shift ;;
    *) printf 'run.sh: there is no option %s\n' "$1" >&2; exit 1 ;;
  esac
  shift
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The seconds that reference.cpp takes where the budgets were set (see docs/performance.md).
nominal_reference=0.80

calc() { awk "BEGIN { printf \"%.3f\", $1 }"; }
median() { sort -n | awk '{ v[NR] = $1 } END { printf "%.3f", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

# User and system seconds of one command and what it starts.
processor_seconds() {
  local TIMEFORMAT='%U %S' times
  times=$({ time "$@" >"$work/log" 2>&1; } 2>&1) || { printf '\nfailed: %s\n' "$*" >&2; cat "$work/log" >&2; exit 1; }
  awk '{ print $1 + $2 }' <<<"$times"
}
reference_seconds() { processor_seconds gxx -O2 "$here/reference.cpp"; }
# Scaled seconds of one command: its own over the mean of the reference's two.
seconds_of() {
  local run before after seconds
  before=$(reference_seconds) || exit 1
  for ((run = 0; run < runs; ++run)); do
    seconds=$(processor_seconds "$@") || exit 1
    after=$(reference_seconds) || exit 1
    calc "$seconds * $nominal_reference * 2 / ($before + $after)"
    printf '\n'
    before=$after
  done | median
}

# The greatest resident set of a command and what it starts, in MB, read from /proc while it runs: GNU time would be more
# exact and is not everywhere.
sample_memory() {
  local pid=$1 child key value rest
  while read -r key value rest; do
    [ "$key" = VmHWM: ] && [ "$value" -gt "$peak" ] && peak=$value
  done 2>/dev/null <"/proc/$pid/status" || true
  for child in $(cat "/proc/$pid/task/$pid/children" 2>/dev/null); do sample_memory "$child"; done
}
peak_memory() {
  local pid peak=0
  "$@" >"$work/log" 2>&1 &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    sample_memory "$pid"
    sleep 0.02
  done
  wait "$pid" || { printf '\nfailed: %s\n' "$*" >&2; cat "$work/log" >&2; exit 1; }
  calc "$peak / 1000"
}

over=0
rows=()
counts=()
# judge NAME BUDGET SECONDS MEMORY OBJECT: one line of the table. BUDGET is - for lines that only inform.
judge() {
  local name=$1 budget=$2 seconds=$3 memory=$4 object=$5 verdict=- symbols=-
  if [ "$budget" != - ]; then
    verdict=ok
    if awk "BEGIN { exit !($seconds > $budget) }"; then verdict=OVER over=1; fi
  fi
  [ "$memory" = - ] || memory=$(calc "$memory + 0.5")
  if [ -f "$object" ]; then symbols=$(nm "$object" | wc -l); fi
  rows+=("$name|$budget|$seconds|${memory%.*}|$symbols|$verdict")
  [ "$symbols" = - ] || counts+=("symbols|$name|$symbols" "MB|$name|${memory%.*}")
}
# measure NAME BUDGET BASE COMMAND...: BASE is a number of seconds taken off.
measured=0
measure() {
  local name=$1 budget=$2 base=$3 memory
  shift 3
  rm -f "$work/object.o"
  measured=$(seconds_of "$@")
  memory=$(peak_memory "$@")
  judge "$name" "$budget" "$(calc "$measured - $base")" "$memory" "$work/object.o"
}

gxx() { "$cxx" -std=c++20 -I "$include" "$@" -c -o "$work/object.o"; }
cuda() { "$nvcc" -std=c++20 -arch=sm_90 -I "$include" -x cu "$@" -c -o "$work/object.o"; }
clang() { "$clangxx" -std=c++20 -I "$include" "$@" -c -o "$work/object.o"; }

if [ "$counts_only" = 1 ]; then
  seconds_of() { printf 0; }
fi

printf 'compile time: %s\n' "$("$cxx" --version | head -n 1)"
[ "$counts_only" = 1 ] || printf 'reference.cpp takes %s s here and %s s where the budgets were set\n' "$(reference_seconds)" "$nominal_reference"

empty=$(seconds_of gxx -O2 "$here/empty.cpp")
measure "include, over an empty file" 0.5 "$empty" gxx -O2 "$here/include.cpp"
# formulas COMPILER-NAME BUDGETS COMMAND...: the budgets of a first formula, of a further one, of a third derivative
formulas() {
  local name=$1 first_budget=$2 further_budget=$3 third_budget=$4 first
  shift 4
  measure "$name: first formula and gradient" "$first_budget" 0 "$@" "$here/formulas.cpp"
  first=$measured
  if [ "$counts_only" = 0 ]; then
    measured=$(seconds_of "$@" -DFORMULAS=10 "$here/formulas.cpp")
    judge "$name: each of nine further" "$further_budget" "$(calc "($measured - $first) / 9")" - /
  fi
  measure "$name: third derivative" "$third_budget" 0 "$@" "$here/third_derivative.cpp"
}
formulas "g++ -O3 -march=native" 1.2 0.3 2 gxx -O3 -march=native
formulas "g++ -O3, all sets" 1.6 0.6 2 gxx -O3
# long_formula COMPILER-NAME COMMAND...: with three times the terms, three times the cost, and no more than this budget
long_formula() {
  local name=$1
  shift
  measure "$name: 20 terms and gradient" - 0 "$@" -DTERMS=20 "$here/long_formula.cpp"
  [ "$counts_only" = 1 ] || measure "$name: 60 terms and gradient" 20 0 "$@" -DTERMS=60 "$here/long_formula.cpp"
}
long_formula "g++ -O3, all sets" gxx -O3
if command -v "$nvcc" >/dev/null; then
  empty=$(seconds_of cuda -O3 "$here/empty.cpp")
  measure "nvcc: include, over an empty file" 1.0 "$empty" cuda -O3 "$here/include.cpp"
  formulas "nvcc -O3" 3.0 0.7 4 cuda -O3
else
  printf 'skipping nvcc: not found\n'
fi
if command -v "$clangxx" >/dev/null; then
  formulas "clang++ -O3 -march=native" - - - clang -O3 -march=native
  long_formula "clang++ -O3, all sets" clang -O3
  for program in formulas third_derivative; do
    if clang -O3 -march=native -ftime-trace -ftime-trace-granularity=0 "$here/$program.cpp" >/dev/null 2>&1; then
      counts+=("instantiations|clang++: $program.cpp|$(grep -o '"name":"Instantiate[A-Za-z]*"' "$work/object.json" | wc -l)")
    fi
  done
else
  printf 'skipping clang++: not found\n'
fi

# What counts depend on: the compilers' versions and what -march=native means.
native=$("$cxx" -march=native -dM -E -x c++ /dev/null | grep -c '__AVX512F__\|__AVX2__' || true)
made_by() {
  case $1 in
    nvcc*) printf '%s, g++ %s' "$("$nvcc" --version | sed -n 's/.*release \([0-9.]*\).*/\1/p')" "$("$cxx" -dumpversion)" ;;
    clang*) printf '%s, %s sets' "$("$clangxx" -dumpversion)" "$native" ;;
    *) printf '%s, %s sets' "$("$cxx" -dumpversion)" "$native" ;;
  esac
}

[ "$counts_only" = 1 ] || printf '\n%-54s %8s %8s %8s %8s  %s\n' "" "budget s" "scaled s" "MB" "symbols" ""
for row in "${rows[@]}"; do
  [ "$counts_only" = 0 ] || break
  IFS='|' read -r name budget seconds memory symbols verdict <<<"$row"
  printf '%-54s %8s %8.2f %8s %8s  %s\n' "$name" "$budget" "$seconds" "$memory" "$symbols" "$verdict"
done

# Counts, beside those on record.
if [ "${KERNFOLD_UPDATE_COUNTS:-0}" = 1 ]; then
  for count in "${counts[@]}"; do
    IFS='|' read -r kind name value <<<"$count"
    printf '%s|%s|%s|%s\n' "$kind" "$name" "$value" "$(made_by "$name")"
  done >"$here/counts.txt"
fi
printf '\n'
for count in "${counts[@]}"; do
  IFS='|' read -r kind name value <<<"$count"
  recorded='' verdict=''
  if [ -f "$here/counts.txt" ]; then
    recorded=$(awk -F'|' -v kind="$kind" -v name="$name" -v by="$(made_by "$name")" '$1 == kind && $2 == name && $4 == by { print $3 }' "$here/counts.txt")
  fi
  if [ -n "$recorded" ]; then
    verdict=ok
    slack=0
    [ "$kind" != MB ] || slack=10  # MB: compilers take memory in pieces, and so much more may be one of them
    if awk "BEGIN { exit !($value > $recorded * 1.05 + $slack) }"; then verdict=GREW over=1; fi
  fi
  if [ "$counts_only" = 1 ] || [ "$kind" = instantiations ] || [ "$verdict" = GREW ]; then
    printf '%-54s %8d %s%s\n' "$name" "$value" "$kind" "${recorded:+, $recorded on record: $verdict}"
  fi
done
if [ "$strict" = 1 ]; then exit "$over"; fi
