/* kernfold/interop/c.h: what C, and all that can call C, hands to a reduction and gets back. C99 and C++.
 *
 * A reduction is made in C++ and called by a function of your own (see c.hpp), whose prototype only needs this header:
 *   int gauss(kf_array result, const kf_array* arguments, int argument_count, char* message, size_t message_size); */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The type of an array's numbers. */
enum kf_element {
  kf_float = 0,
  kf_double = 1,
  kf_int8 = 2,
  kf_int16 = 3,
  kf_int32 = 4,
  kf_int64 = 5,
  kf_uint8 = 6,
  kf_uint16 = 7,
  kf_uint32 = 8,
  kf_uint64 = 9
};

/* Rows of numbers: component k of row i is data[i row_stride + k col_stride]; strides count elements, of any sign. The
 * numbers of a result are written, all others are only read. */
typedef struct kf_array {
  void* data;
  int64_t rows, dim, row_stride, col_stride;
  int32_t element; /* a kf_element */
} kf_array;

/* What a call returns. The message says it in a sentence; nothing was written to the result but for kf_ok. */
enum kf_status {
  kf_ok = 0,
  kf_shape_error = 1,           /* the number of arguments, an element type or a size does not fit */
  kf_overlap_error = 2,         /* the result lies in the memory of an argument */
  kf_stopped = 3,               /* by the stop condition of kf::cpu */
  kf_instruction_set_error = 4, /* not one of this machine's */
  kf_out_of_memory = 5,
  kf_other_error = 6
};

/* Contiguous arrays, row by row. A number is an array of one row of dimension 1. */
static inline kf_array kf_floats(const float* data, int64_t rows, int64_t dim) {
  kf_array a = {(void*)data, rows, dim, dim, 1, kf_float};
  return a;
}
static inline kf_array kf_doubles(const double* data, int64_t rows, int64_t dim) {
  kf_array a = {(void*)data, rows, dim, dim, 1, kf_double};
  return a;
}
static inline kf_array kf_indices(const int64_t* data, int64_t rows, int64_t dim) {
  kf_array a = {(void*)data, rows, dim, dim, 1, kf_int64};
  return a;
}
