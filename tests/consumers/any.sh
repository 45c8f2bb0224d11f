#!/usr/bin/env bash
# any.sh HOW WORK_DIR: reductions made in one unit and called from another that does not see their formulas. HOW: two_march (made
# for any x86-64 and for this machine), nvcc (made by CXX and by nvcc), c (called from C99) or python (called through ctypes).
set -eu
how=$1
here="$(cd "$(dirname "$0")" && pwd)/any"
cxx=("${CXX:-g++}" -std=c++20 -O1 -I "$here/../../../include")
mkdir -p "$2"
cd "$2"

case $how in
  two_march | nvcc)
    "${cxx[@]}" -DWHICH=first -c "$here/made.cpp" -o first.o
    "${cxx[@]}" -O0 -c "$here/main.cpp" -o main.o
    if [ "$how" = nvcc ]; then
      "${NVCC:-nvcc}" -std=c++20 -arch=sm_90 -I "$here/../../../include" -DWHICH=second -x cu -c "$here/made.cpp" -o second.o
      link=("${NVCC:-nvcc}")
    else
      "${cxx[@]}" -march=native -DWHICH=second -c "$here/made.cpp" -o second.o
      link=("${CXX:-g++}")
    fi
    # What units for different instruction sets share by name must not call into the inline namespace of one of them.
    if nm -C main.o first.o second.o | grep -E ' [WVu] .*kernfold::any_reduction<[a-z]+>::'; then
      echo 'a member of any_reduction is not inlined'
      exit 1
    fi
    for order in 'first.o second.o' 'second.o first.o'; do
      "${link[@]}" main.o $order -o program
      ./program
    done
    ;;
  c)
    "${cxx[@]}" -DWHICH=first -c "$here/made.cpp" -o made.o
    "${cxx[@]}" -c "$here/gauss_for_c.cpp" -o gauss_for_c.o
    "${CC:-cc}" -std=c99 -Wall -Wextra -Wpedantic -Werror -I "$here/../../../include" -c "$here/main.c" -o main.o
    "${CXX:-g++}" main.o gauss_for_c.o made.o -lm -o program
    ./program
    ;;
  python)
    "${cxx[@]}" -fPIC -shared -DWHICH=first "$here/made.cpp" "$here/gauss_for_c.cpp" -o libgauss.so
    python3 "$here/main.py" ./libgauss.so
    ;;
  *)
    echo "any.sh: $how is no way to make a reduction" >&2
    exit 2
    ;;
esac
