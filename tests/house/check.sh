#!/usr/bin/env bash
# check.sh RULE [ROOT]: one rule of the house (CONTRIBUTING.md), or `all`. Prints one line per breach and fails if there
# is any. Needs bash, grep and awk only.
set -u
cd "${2:-"$(dirname "$0")/../.."}" || exit 2
breaches=0
breach() {
  printf '%s\n' "$1"
  breaches=$((breaches + 1))
}
breach_each_line() { while IFS= read -r line; do breach "$line"; done; }

headers() { find include/kernfold -name '*.hpp' -o -name '*.cuh' | LC_ALL=C sort; }

# includes FILE: "line path" for each include of one of our own headers, the path relative to include/kernfold.
includes() {
  awk -v here="${1#include/kernfold/}" '
    function normal(path,   parts, count, k, out, top) {
      count = split(path, parts, "/"); top = 0
      for (k = 1; k <= count; ++k) {
        if (parts[k] == "..") --top
        else if (parts[k] != "." && parts[k] != "") out[++top] = parts[k]
      }
      path = out[1]
      for (k = 2; k <= top; ++k) path = path "/" out[k]
      return path
    }
    /^[ \t]*#[ \t]*include[ \t]*[<"]/ {
      match($0, /[<"][^>"]*/); path = substr($0, RSTART + 1, RLENGTH - 1)
      if (sub(/^kernfold\//, "", path)) print FNR, path
      else if ($0 ~ /"/) { sub(/[^\/]*$/, "", here); print FNR, normal(here path) }
    }' "$1"
}

rank() {  # of a header: its place in the order of the layers
  case $1 in
    core/*) echo 1 ;; formula/*) echo 2 ;; reduction/*) echo 3 ;; engine/*) echo 4 ;; api/*) echo 5 ;;
    kernfold.hpp) echo 6 ;; methods/*) echo 7 ;; interop/*) echo 8 ;; *) echo 0 ;;
  esac
}

# A file includes only its own folder and those before it: core < formula < reduction < engine < api < methods < interop.
# The umbrella includes all but methods and interop; engine/cpu and engine/cuda never meet.
rule_layers() {
  local header name line target mine theirs
  for header in $(headers); do
    name=${header#include/kernfold/} mine=$(rank "$name")
    [ "$mine" = 0 ] && breach "$header: in no layer"
    while read -r line target; do
      [ -z "$line" ] && continue
      theirs=$(rank "$target")
      [ -f "include/kernfold/$target" ] || breach "$header:$line: includes $target, which is not there"
      [ "$theirs" -gt "$mine" ] && breach "$header:$line: includes $target, of a later layer"
      [ "$target" = kernfold.hpp ] && [ "$mine" -lt 7 ] && breach "$header:$line: includes the umbrella"
      case $name:$target in
        engine/cpu/*:engine/cuda/* | engine/cuda/*:engine/cpu/*) breach "$header:$line: includes $target: the backends never meet" ;;
      esac
    done <<<"$(includes "$header")"
  done
}

# No macro but those of config.hpp, which is also the only file that asks which compiler this is.
rule_macros() {
  local header
  for header in $(headers); do
    [ "$header" = include/kernfold/core/config.hpp ] && continue
    breach_each_line < <(awk -v file="$header" '
      FNR == 1 && $0 !~ /^\/\/ kernfold\// { print file ":1: begins with // and its own path below include/" }
      /^[ \t]*#[ \t]*pragma[ \t]+once/ { once = 1 }
      /^[ \t]*#[ \t]*define/ { print file ":" FNR ": defines a macro outside core/config.hpp" }
      /^[ \t]*#[ \t]*(el)?if.*(__GNUC__|__clang__|__x86_64__|__AVX|__SSE|__ARM|__aarch64__|__NVCC__|__CUDA_ARCH__)/ {
        print file ":" FNR ": asks which compiler or processor this is outside core/config.hpp" }
      END { if (!once) print file ": has no #pragma once" }' "$header")
  done
}

# What the headers that everybody includes may not cost, and may not do.
rule_words() {
  local header pattern
  pattern='immintrin\.h|x86intrin\.h|arm_neon\.h|vector|memory|functional|thread|mutex|iterator|ranges|span|array|algorithm'
  pattern="$pattern|cmath|math\.h|atomic|stdexcept|iostream|sstream|format|numeric|map|unordered_map|future|regex"
  pattern="$pattern|(cub|thrust|cuda|nv)/[^>\"]*"
  for header in $(headers); do
    case $header in include/kernfold/interop/* | include/kernfold/methods/*) continue ;; esac
    breach_each_line < <(awk -v file="$header" -v pattern="^[ \\t]*#[ \\t]*include[ \\t]*[<\"]($pattern)[>\"]" '
      # Where a system header is missing, the fallback may cost what it will.
      /^[ \t]*#[ \t]*if/ { fallback[++depth] = 0 }
      /^[ \t]*#[ \t]*(el)?if.*__has_include/ { asked[depth] = 1 }
      /^[ \t]*#[ \t]*else/ { fallback[depth] = asked[depth] }
      /^[ \t]*#[ \t]*endif/ { asked[depth] = 0; --depth }
      $0 ~ pattern && !(depth && fallback[depth]) { print file ":" FNR ": " $0 ": over the include budget" }
      { code = $0; sub(/\/\/.*/, "", code) }
      code ~ /(^|[^A-Za-z0-9_.:>])(std::)?(abort|exit|printf|puts)\(|std::(cout|cerr|clog)|using namespace std/ {
        print file ":" FNR ": " $0 ": a library neither ends the program nor writes to the terminal" }' "$header")
  done
}

# A header past 400 lines asks to be two. A remark, not a breach.
rule_size() {
  local header lines
  for header in $(headers); do
    lines=$(awk 'END { print NR }' "$header")
    [ "$lines" -gt 400 ] && printf 'remark: %s has %s lines: could it be two?\n' "$header" "$lines"
  done
}

# A test bears the path of what it tests: tests/unit/<folder>/<header>[_<question>]_test.cpp for <folder>/<header>.hpp below
# include/kernfold, or for the folder <folder>/<header>; tests/unit/examples/ is for examples/common/.
rule_mirror() {
  local kind suffix file path base
  for kind in unit:_test static:_test fail:_fail; do
    suffix=${kind#*:} kind=${kind%:*}
    [ -d "tests/$kind" ] || continue
    while IFS= read -r file; do
      path=${file#tests/"$kind"/} path=${path%"$suffix".cpp}
      case $path in examples/*) base=examples/common/${path#*/} ;; *) base=include/kernfold/$path ;; esac
      path=$base
      until [ -e "$base.hpp" ] || [ -e "$base.cuh" ] || [ -d "$base" ]; do
        case ${base##*/} in *_*) base=${base%_*} ;; *) breach "$file: there is no $path.hpp" && break ;; esac
      done
    done < <(find "tests/$kind" -name "*$suffix.cpp" | LC_ALL=C sort)
  done
}

# Files are as clang-format writes them. Other versions than 16 break lines at other places.
rule_format() {
  local tool file
  tool=$(command -v clang-format-16 || command -v clang-format)
  case $("${tool:-true}" --version) in
    *"version 16."*) ;;
    *) echo 'skipped: clang-format 16 not found' && return ;;
  esac
  while IFS= read -r file; do
    "$tool" --dry-run --Werror "$file" 2>/dev/null || breach "$file: not as clang-format writes it"
  done < <(find include tests benchmarks examples -path tests/fail -prune -o -type f -regex '.*\.\(hpp\|cpp\|cuh\|cu\|h\)' -print |
    LC_ALL=C sort)
}

# Nothing leaks to a parent project.
rule_cmake() {
  breach_each_line < <(find . -path ./build -prune -o -path ./.git -prune -o \
    \( -name CMakeLists.txt -o -name '*.cmake' \) -print | LC_ALL=C sort | xargs grep -HnE \
    'CMAKE_(SOURCE|BINARY)_DIR|set\(CMAKE_(CXX|CUDA)_(STANDARD|FLAGS)|add_compile_options|add_definitions|include_directories\(|link_libraries\(' |
    grep -vE 'target_(include_directories|link_libraries)\(|/tests/consumers/')
}

rules='layers macros words size mirror format cmake'
case " $rules all " in *" ${1:-} "*) ;; *) echo "usage: check.sh {${rules// /|}|all} [ROOT]" >&2; exit 2 ;; esac
for rule in $rules; do
  if [ "$1" = all ] || [ "$1" = "$rule" ]; then "rule_$rule"; fi
done
[ "$breaches" -eq 0 ] || { echo "$breaches breach(es) of the house rules: see CONTRIBUTING.md"; exit 1; }
