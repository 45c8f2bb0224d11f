// tests/unit/engine/cuda/executor_test.cpp: the tests that launch kernels (tests/cuda/sweep_test.cu), on a device that
// the host plays: what they find wrong here is wrong there.
#include "fake_runtime.hpp"

#include <kernfold/core/config.hpp>

namespace kernfold::detail {
inline namespace KERNFOLD_ABI {
alignas(256) char kernfold_shared[fake_device::shared_bytes];  // the shared memory of the one block that runs
}
}  // namespace kernfold::detail

#include "../../../cuda/sweep_test.cu"

namespace {

/// While one exists, streams run as late as they may.
struct late_streams {
  late_streams() { fake_device::runs_late = true; }
  ~late_streams() {
    fake_device::run_all();
    fake_device::runs_late = false;
  }
};
struct two_streams {
  cudaStream_t first = nullptr, second = nullptr;
  two_streams(int first_device, int second_device) {
    cudaSetDevice(first_device);
    cudaStreamCreateWithFlags(&first, cudaStreamNonBlocking);
    cudaSetDevice(second_device);
    cudaStreamCreateWithFlags(&second, cudaStreamNonBlocking);
    cudaSetDevice(0);
  }
  ~two_streams() {
    cudaStreamDestroy(second);
    cudaStreamDestroy(first);
  }
};

TEST_F(sweep_on_device, states_of_two_streams_wait_for_each_other) {
  const cloud c(50, 300);
  const auto& [X, Y, B, G, E] = c.at;
  const auto x_array = copy_of(X), y_array = copy_of(Y), b_array = copy_of(B);
  const auto piece = [&](const kf::device_matrix<float>& m, std::int64_t first, std::int64_t end, int dim) {
    return kf::device_view<const float>{m.device_data() + first * dim, end - first, dim};
  };
  const late_streams late;
  for (const bool later_first : {false, true}) {
    const two_streams streams(0, 0);
    const auto begin = [&](cudaStream_t s) { return sum.on(kf::cuda{s}).start(x = rows_of(x_array, 3), g = G[0]); };
    auto state = begin(later_first ? streams.second : streams.first);
    std::vector<float> found;
    {
      auto later = begin(later_first ? streams.first : streams.second);
      state.absorb(y = piece(y_array, 0, 120, 3), b = piece(b_array, 0, 120, 1));
      later.number_columns_from(120);
      later.absorb(y = piece(y_array, 120, 300, 3), b = piece(b_array, 120, 300, 1));
      state.merge(later);
      later.absorb(y = piece(y_array, 0, 120, 3), b = piece(b_array, 0, 120, 1));
    }
    expect_near(values_of(state.finish()), sum(X, Y, B, G), "states of two streams");
  }
}

TEST_F(sweep_on_device, a_call_runs_on_the_device_of_its_stream) {
  const cloud c(50, 300);
  const auto& [X, Y, B, G, E] = c.at;
  const two_streams streams(0, 1);
  const auto x_array = copy_of(X, streams.second), y_array = copy_of(Y, streams.second),
             b_array = copy_of(B, streams.second);
  const auto on_second = sum.on(kf::cuda{streams.second});
  const auto found = on_second(rows_of(x_array, 3), rows_of(y_array, 3), b_array, G[0]);
  EXPECT_EQ(found.device(), 1);
  expect_near(values_of(found), sum(X, Y, B, G), "a call");
  const auto plan = on_second.plan<float>({c.M, c.N});
  kf::device_matrix<char> workspace(streams.second, plan.workspace_bytes(), 1);
  kf::device_matrix<float> out(streams.second, c.M, 1);
  plan.run(workspace.device_data(), out, rows_of(x_array, 3), rows_of(y_array, 3), b_array, G[0]);
  expect_near(values_of(out), sum(X, Y, B, G), "a plan");
  auto state = on_second.start(x = rows_of(x_array, 3), g = G[0]);
  state.absorb(y = rows_of(y_array, 3), b = b_array);
  auto elsewhere = sum.on(kf::cuda{streams.first}).start(x = rows_of(x_array, 3), g = G[0]);
  EXPECT_THROW(state.merge(elsewhere), kf::error);
  expect_near(values_of(state.finish()), sum(X, Y, B, G), "a stream of columns");
  int device = -1;
  cudaGetDevice(&device);
  EXPECT_EQ(device, 0);
}

}  // namespace
