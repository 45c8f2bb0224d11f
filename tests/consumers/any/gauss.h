#pragma once

#include <kernfold/interop/c.h>

#ifdef __cplusplus
extern "C" {
#endif

/* result = sum_j exp(-g |x_i - y_j|^2) b_j; arguments: x, y, b, g */
int gauss(kf_array result, const kf_array* arguments, int argument_count, char* message, size_t message_size);

#ifdef __cplusplus
}
#endif
