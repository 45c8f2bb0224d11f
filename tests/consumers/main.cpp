// main [first]: runs the units, and catches here the error that a unit throws: kf::error is one type for all of them.
#include <cstdio>
#include <cstring>
#include <kernfold/kernfold.hpp>

#include "unit.hpp"

namespace {

bool throws_shape_error(bool (*unit)(bool)) {
  try {
    unit(true);
  } catch (const kernfold::shape_error&) {
    return true;
  }
  return false;
}

bool right(const char* name, bool (*unit)(bool)) {
  const bool value = unit(false), error = throws_shape_error(unit);
  std::printf("%s: value %s, error %s\n", name, value ? "right" : "WRONG", error ? "caught" : "NOT CAUGHT");
  return value && error;
}

}  // namespace

int main(int argc, char** argv) {
  const bool only_first = argc > 1 && std::strcmp(argv[1], "first") == 0;
  const bool first_right = right("first", first);
  const bool second_right = only_first || right("second", second);
  return first_right && second_right ? 0 : 1;
}
