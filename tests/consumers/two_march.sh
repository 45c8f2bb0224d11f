#!/usr/bin/env bash
# two_march.sh WORK_DIR: a program of one unit for any x86-64 and one compiled with -march for a newer one. The linker keeps one
# body of each inline function that both define: none of these may need the newer instructions, or the first unit
# would no longer run on the older machine.
set -eu
here="$(cd "$(dirname "$0")" && pwd)"
cxx=${CXX:-g++}
mkdir -p "$1"
cd "$1"

# shared_and_newer A.o B.o: the functions that both define and whose body, in either, has an instruction younger than
# the first x86-64: AVX and later (mnemonics in v) and the bit manipulation of x86-64-v2 and v3.
shared_and_newer() {
  weak() { nm --defined-only "$1" | awk '$2 ~ /^[WVu]$/ { print $3 }' | LC_ALL=C sort -u; }
  LC_ALL=C comm -12 <(weak "$1") <(weak "$2") >shared
  objdump -d --no-show-raw-insn "$1" "$2" | awk '
    NR == FNR { shared[$1] = 1; next }
    /^[0-9a-f]+ <.*>:$/ { name = $2; gsub(/[<>:]/, "", name); next }
    (name in shared) && $2 ~ /^(v[a-z0-9]+|andn|bextr|bls[irm][a-z]*|bzhi|mulx|pdep|pext|rorx|sarx|shlx|shrx|lzcnt|tzcnt|popcnt|movbe)$/ {
      if (!(name in told)) { told[name] = 1; print name ": " $2 }
    }' shared - | c++filt
}

# The check itself can fail: an ordinary inline function, compiled both ways.
cat >ordinary.cpp <<'EOF'
template <class T> __attribute__((noinline)) T scale(T* p, int n) { T s = 0; for (int i = 0; i < n; ++i) s += p[i] * p[i]; return s; }
float NAME(float* p, int n) { return scale(p, n); }
EOF
"$cxx" -O2 -DNAME=one -c ordinary.cpp -o ordinary_1.o
"$cxx" -O2 -DNAME=two -march=x86-64-v3 -c ordinary.cpp -o ordinary_2.o
if [ -z "$(shared_and_newer ordinary_1.o ordinary_2.o)" ]; then
  echo 'the check does not see an ordinary inline function compiled for two instruction sets'
  exit 1
fi

supports() { [ "$1" = x86-64-v3 ] && grep -qw avx2 /proc/cpuinfo || grep -qw avx512vl /proc/cpuinfo; }

for flags in '-O2 x86-64-v3' '-O2 x86-64-v4' '-O0 x86-64-v3'; do
  read -r level march <<<"$flags"
  compile() { "$cxx" -std=c++20 "$level" -I "$here/../../include" -c "$@"; }
  compile "$here/main.cpp" -o main.o
  compile -DUNIT=first "$here/unit.cpp" -o first.o
  compile -DUNIT=second "-march=$march" "$here/unit.cpp" -o second.o
  for unit in made main; do
    compile -DWHICH=first "$here/any/$unit.cpp" -o "any_$unit.o"
    compile -DWHICH=second "-march=$march" "$here/any/$unit.cpp" -o "newer_$unit.o"
  done
  breaches=$(
    shared_and_newer first.o second.o
    for unit in made main; do
      for newer in made main; do shared_and_newer "any_$unit.o" "newer_$newer.o" | grep kernfold:: || true; done
    done
  )
  if [ -n "$breaches" ]; then
    printf '%s: shared by a baseline unit and one for %s, and not fit for the former:\n%s\n' "$level" "$march" "$breaches"
    exit 1
  fi
  only=(first)
  if supports "$march"; then only=(); fi
  for order in 'first.o second.o' 'second.o first.o'; do
    "$cxx" main.o $order -o program
    echo "$flags, linked $order:"
    ./program "${only[@]}"
  done
done
