#include "gauss.h"

#include <kernfold/interop/c.hpp>

#include "gauss.hpp"

extern "C" int gauss(kf_array result, const kf_array* arguments, int argument_count, char* message,
                     size_t message_size) {
  return kernfold::into_from_c(first_gauss(), result, arguments, argument_count, message, message_size);
}
