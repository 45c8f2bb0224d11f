// tests/reference/sentence.hpp: what a refused call says.
#pragma once

#include <kernfold/core/error.hpp>

#include <string>

namespace reference {

/// The sentence of the shape_error that f() throws.
template <class F> std::string sentence_of(F f) {
  try {
    f();
  } catch (const kernfold::shape_error& e) {
    return e.what();
  }
  return "no error";
}

}  // namespace reference
