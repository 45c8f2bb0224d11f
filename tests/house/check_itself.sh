#!/usr/bin/env bash
# The rules can fail: a small house with one breach of each kind, found each by its own line.
set -u
check="$(cd "$(dirname "$0")" && pwd)/check.sh"
house=$(mktemp -d)
trap 'rm -rf "$house"' EXIT
cd "$house" || exit 1
mkdir -p include/kernfold/{core,formula,engine/cpu,engine/cuda} tests/unit/core benchmarks examples
failures=0

header() {  # header PATH [LINES...]: a header in good order, with these lines in it
  printf '%s\n' "// kernfold/$1: a test" '#pragma once' "${@:2}" >"include/kernfold/$1"
}
clean() {
  header core/config.hpp '#define KERNFOLD_X 1' '#if defined(__GNUC__)' '#endif'
  header core/a.hpp '#include <utility>' '#include "config.hpp"'
  header formula/b.hpp '#include "../core/a.hpp"' '#include <kernfold/core/config.hpp>'
  header engine/cpu/c.hpp '#include "../../formula/b.hpp"'
  header engine/cuda/d.cuh '#include "../../formula/b.hpp"'
  header engine/e.hpp '#if __has_include(<pthread.h>)' '#include <pthread.h>' '#else' '#include <thread>' '#endif'
  header kernfold.hpp '#include "formula/b.hpp"'
  : >tests/unit/core/a_question_test.cpp
  : >CMakeLists.txt
  echo 'DisableFormat: true' >.clang-format
}
expect() {  # expect RULE TEXT: after the breach just made; then back to good order
  local output
  if output=$(bash "$check" "$1" "$house") || [[ $output != *"$2"* ]]; then
    printf 'rule %s does not see: %s\n%s\n' "$1" "$2" "$output"
    failures=$((failures + 1))
  fi
  rm -rf include/kernfold/*/*.* include/kernfold/*.hpp tests/unit/core/*
  clean
}

clean
bash "$check" all "$house" || { echo 'a house in good order is refused'; failures=1; }

header core/a.hpp '#include "../formula/b.hpp"';          expect layers 'core/a.hpp:3: includes formula/b.hpp, of a later layer'
header core/a.hpp '#include <kernfold/formula/b.hpp>';    expect layers 'core/a.hpp:3: includes formula/b.hpp, of a later layer'
header core/a.hpp '#include "gone.hpp"';                  expect layers 'core/gone.hpp, which is not there'
header formula/b.hpp '#include "../kernfold.hpp"';        expect layers 'includes the umbrella'
header engine/cpu/c.hpp '#include "../cuda/d.cuh"';       expect layers 'the backends never meet'
header stray.hpp;                                         expect layers 'stray.hpp: in no layer'
header core/a.hpp '#define A 1';                          expect macros 'core/a.hpp:3: defines a macro'
header core/a.hpp '#if defined(__clang__)' '#endif';      expect macros 'core/a.hpp:3: asks which compiler'
echo '// kernfold/core/a.hpp:' >include/kernfold/core/a.hpp; expect macros 'core/a.hpp: has no #pragma once'
echo '#pragma once' >include/kernfold/core/a.hpp;         expect macros 'core/a.hpp:1: begins with'
header core/a.hpp '#include <immintrin.h>';               expect words 'core/a.hpp:3: #include <immintrin.h>: over the include budget'
header core/a.hpp '#if 1' '#else' '#include <thread>' '#endif'; expect words 'core/a.hpp:5: #include <thread>: over'
header engine/cuda/d.cuh '#include <cub/cub.cuh>';        expect words 'engine/cuda/d.cuh:3: #include <cub/cub.cuh>: over the'
header core/a.hpp 'inline void f() { std::abort(); }';    expect words 'core/a.hpp:3: inline void f()'
: >tests/unit/core/other_test.cpp;                        expect mirror 'tests/unit/core/other_test.cpp: there is no include/kernfold/core/other.hpp'
if command -v clang-format-16 >/dev/null; then
  echo 'BasedOnStyle: Google' >.clang-format
  header core/a.hpp 'int  a;';                            expect format 'core/a.hpp: not as clang-format writes it'
fi
echo 'message(${CMAKE_SOURCE_DIR})' >CMakeLists.txt;      expect cmake 'CMakeLists.txt:1:message'
exit "$failures"
