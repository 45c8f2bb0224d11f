#!/usr/bin/env bash
# inlined.sh WORK_DIR: the entry function of an instruction set must have everything inlined that works on its packs. A call that is
# left runs out of line, through memory: right, and many times slower.
set -eu
here="$(cd "$(dirname "$0")" && pwd)"
cxx=${CXX:-g++}
mkdir -p "$1"
cd "$1"

# calls_of_packs OBJECT: the functions of an instruction set that its entries call.
calls_of_packs() {
  objdump -d -r --no-show-raw-insn -C "$1" | awk '
    /^[0-9a-f]+ <.*>:$/ { is_entry = /instruction_set_entry<[^>]*isa::[^>]*>::call</; next }
    is_entry && /R_X86_64_(PLT|PC)32/ && /isa::(avx2|avx512)/ && !/instruction_set_entry</ {
      sub(/.*R_X86_64_(PLT|PC)32[ \t]*/, ""); print
    }' | sort | uniq -c | sort -rn
}

# The check itself can fail: an entry that calls a function on a pack.
cat >called.cpp <<'EOC'
namespace isa { struct avx2; }
template <class Isa> struct pack { float lane[8]; };
template <class Isa> __attribute__((noinline)) pack<Isa> twice(pack<Isa> p) { p.lane[0] *= 2; return p; }
template <class Isa> struct instruction_set_entry {
  template <class T> __attribute__((noinline)) static T call(T p) { return twice<Isa>(p); }
};
template pack<isa::avx2> instruction_set_entry<isa::avx2>::call(pack<isa::avx2>);
EOC
"$cxx" -std=c++20 -O2 -c called.cpp -o called.o
if [ -z "$(calls_of_packs called.o)" ]; then
  echo 'the check does not see the call of a function on packs'
  exit 1
fi

for level in -O2 -O3; do
  "$cxx" -std=c++20 "$level" -I "$here/../../include" -c "$here/inlined.cpp" -o inlined.o
  left=$(calls_of_packs inlined.o)
  if [ -n "$left" ]; then
    printf '%s: called out of line, and not inlined into the entry of their instruction set:\n%s\n' "$level" "$left"
    exit 1
  fi
done
