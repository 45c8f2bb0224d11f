#!/usr/bin/env bash
# plain.sh HOW WORK_DIR [PREFIX]: kernfold without CMake. HOW: g++, clang++, pkg-config (CXX, installed below PREFIX), nvcc (a
# .cpp by CXX and a .cu by nvcc in one program) or nvcc_alone. No flag but the standard's.
set -eu
how=$1 work=$2 prefix=${3:-}
here="$(cd "$(dirname "$0")" && pwd)"
include=(-I "$here/../../include")
cxx=${CXX:-g++} second=()
case $how in
  g++ | clang++) cxx=$how ;;
  pkg-config)
    read -ra include <<<"$(PKG_CONFIG_PATH="$prefix/share/pkgconfig" pkg-config --cflags kernfold)"
    ;;
esac
mkdir -p "$work"
cd "$work"

case $how in
  nvcc*) second=("${NVCC:-nvcc}" -std=c++20 -arch=sm_90 -x cu) ;;
  *) second=("$cxx" -std=c++20) ;;
esac
first=("$cxx" -std=c++20)
if [ "$how" = nvcc_alone ]; then first=("${second[@]}"); fi

"${first[@]}" "${include[@]}" -DUNIT=first -c "$here/unit.cpp" -o first.o
"${second[@]}" "${include[@]}" -DUNIT=second -c "$here/unit.cpp" -o second.o
"${first[@]}" "${include[@]}" -c "$here/main.cpp" -o main.o
case $how in
  nvcc*) "${NVCC:-nvcc}" main.o first.o second.o -o program ;;
  *) "$cxx" main.o first.o second.o -o program ;;
esac
./program
