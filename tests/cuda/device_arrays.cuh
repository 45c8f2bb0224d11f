// tests/cuda/device_arrays.cuh: arrays of a test, to a device and back.
#pragma once

#include <gtest/gtest.h>

#include <kernfold/engine/cuda/memory.cuh>
#include <vector>

namespace {

/// A device's copy of an array.
template <class T> kernfold::device_matrix<T> copy_of(const std::vector<T>& values, cudaStream_t stream = nullptr) {
  kernfold::device_matrix<T> m(stream, values.size(), 1);
  if (!values.empty()) {
    EXPECT_EQ(
        cudaMemcpyAsync(m.device_data(), values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice, stream),
        cudaSuccess);
  }
  return m;
}
/// The same, as rows of dimension dim.
template <class T> kernfold::device_view<const T> rows_of(const kernfold::device_matrix<T>& m, int dim) {
  return {m.device_data(), m.size() / dim, dim};
}
template <class T> std::vector<T> values_of(const kernfold::device_matrix<T>& m) {
  std::vector<T> all(static_cast<std::size_t>(m.size()));
  m.copy_to(all.data());
  return all;
}

}  // namespace
