#!/usr/bin/env bash
# sanitize.sh TOOL COMPUTE_SANITIZER PROGRAM: the tests of small arrays in PROGRAM under a tool of compute-sanitizer. Status 77
# where there is no compute-sanitizer, or no GPU.
set -u
tool=$1 sanitizer=$2 program=$3
tests='small_arrays/*:eval_in_a_kernel.*:sweep_on_device.writes_and_adds*:sweep_on_device.plans_are_captured*'
skip() {
  printf 'skipped: %s\n' "$*"
  exit 77
}

case $sanitizer in *NOTFOUND) skip "compute-sanitizer not found" ;; esac
listed=$("$program" --gtest_list_tests --gtest_filter="$tests" | grep -c '^  ')
[ "$listed" -ge 6 ] || { printf 'only %s tests of small arrays in %s\n' "$listed" "$program"; exit 1; }
case $("$program" --gtest_filter='eval_in_a_kernel.*' 2>&1) in *"no GPU here"*) skip "no GPU here" ;; esac
exec "$sanitizer" --tool "$tool" --error-exitcode 9 "$program" --gtest_filter="$tests" --gtest_brief=1
