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

TEST_F(sweep_on_device, the_problems_of_a_batch_share_a_launch) {
  const cloud c(64 * 10, 64 * 20);
  const auto& [X, Y, B, G, E] = c.at;
  const auto x_array = copy_of(X), y_array = copy_of(Y), b_array = copy_of(B);
  const auto launches = [&](auto r, std::int64_t problems) {
    const int before = fake_device::launches;
    (void)r.on(kf::cuda{})(x = kf::device_view<const float, 1>(x_array.device_data(), {problems}, 10, 3),
                           y = kf::device_view<const float, 1>(y_array.device_data(), {problems}, 20, 3),
                           b = kf::device_view<const float, 1>(b_array.device_data(), {problems}, 20, 1), g = G[0]);
    return fake_device::launches - before;
  };
  EXPECT_EQ(launches(sum, 64), 1);
  EXPECT_EQ(launches(sum, 0), 0);
  EXPECT_EQ(launches(sum.over(kf::causal()), 64), 1);
  EXPECT_EQ(launches(kf::sum_reduction<kf::axis::both>(F), 64), 2);
}

// The lists of a graph go to a device once, and stay as long as the kf::edges and its copies do.
TEST_F(sweep_on_device, edges_are_copied_once) {
  const cloud c(300, 400);
  const auto& [X, Y, B, G, E] = c.at;
  auto& heap = fake_device::heap();
  const std::size_t before = heap.used;
  {
    std::vector<std::int64_t> rows, columns;
    for (std::int64_t n = 0; n < 1000; ++n) {
      rows.push_back((n * 37) % 290);  // the last rows have none
      columns.push_back((n * 61) % 400);
    }
    const auto x_array = copy_of(X), y_array = copy_of(Y), b_array = copy_of(B);
    const auto space = std::make_unique<kf::edges>(kf::edges::coo(rows, columns));
    const auto expected = sum.over(*space)(x = X, y = Y, b = B, g = G[0]);
    const auto call = [&](const kf::edges& over) {
      const int before_it = heap.copies_in;
      const auto found =
          sum.over(over).on(kf::cuda{})(x = rows_of(x_array, 3), y = rows_of(y_array, 3), b = b_array, g = G[0]);
      expect_near(values_of(found), expected, "over edges");
      return heap.copies_in - before_it;
    };
    EXPECT_EQ(call(*space), 3);  // of those, where rows begin is the call's own
    EXPECT_EQ(call(*space), 1);
    const kf::edges same = *space;
    EXPECT_EQ(call(same), 1);
    constexpr auto over_i = kf::sum_reduction<kf::axis::i>(F);
    expect_near(values_of(over_i.over(same).on(kf::cuda{})(x = rows_of(x_array, 3), y = rows_of(y_array, 3),
                                                           b = b_array, g = G[0])),
                over_i.over(same)(x = X, y = Y, b = B, g = G[0]), "over i");
  }
  EXPECT_EQ(heap.used, before);
}

// A loop over calls maps its memory once.
TEST_F(sweep_on_device, released_memory_is_kept_for_the_next_call) {
  const cloud c(300, 400);
  const auto& [X, Y, B, G, E] = c.at;
  const auto x_array = copy_of(X), y_array = copy_of(Y), b_array = copy_of(B);
  const auto call = [&] {
    (void)sum.on(kf::cuda{})(rows_of(x_array, 3), rows_of(y_array, 3), b_array, G[0]);
    cudaDeviceSynchronize();
  };
  call();
  const int before = fake_device::heap().mappings;
  for (int n = 0; n < 10; ++n) call();
  EXPECT_EQ(fake_device::heap().mappings, before);
  // More than what is kept goes back.
  { const kf::device_matrix<char> large(nullptr, std::int64_t(300) << 20, 1); }
  cudaDeviceSynchronize();
  for (const fake_pool* pool : fake_device::heap().pools) EXPECT_LE(pool->mapped, std::size_t(256) << 20);
}

// Contiguous arrays of the host are copied from where they are, others through memory that is kept from call to call.
TEST_F(sweep_on_device, arrays_of_the_host_need_little_memory_there) {
  const cloud c(3000 / less, 500);
  const auto& [X, Y, B, G, E] = c.at;
  const auto expected = sum(X, Y, B, G);
  auto& heap = fake_device::heap();
  std::vector<float> wide_x(std::size_t(c.M * 5)), wide_y(std::size_t(c.N * 4)), transposed_y(Y.size()),
      wide_out(std::size_t(2 * c.M));
  for (std::int64_t r = 0; r < c.M; ++r)
    for (int k = 0; k < 3; ++k) wide_x[std::size_t(5 * r + k)] = X[std::size_t(3 * r + k)];
  for (std::int64_t r = 0; r < c.N; ++r)
    for (int k = 0; k < 3; ++k)
      wide_y[std::size_t(4 * r + k)] = transposed_y[std::size_t(k * c.N + r)] = Y[std::size_t(3 * r + k)];
  const kf::view<const float> x_rows{wide_x.data(), c.M, 3, 5, 1}, y_rows{wide_y.data(), c.N, 3, 4, 1},
      y_columns{transposed_y.data(), c.N, 3, 1, c.N};
  for (const bool late : {false, true})
    for (const std::int64_t rows : {std::int64_t(0), c.M / 3, c.M})
      for (const std::int64_t columns : {std::int64_t(0), c.N / 3}) {
        fake_device::runs_late = late;
        const kf::cuda_host where{.chunk_rows = rows, .chunk_columns = columns};
        const int lockings = heap.lockings;
        const auto found = sum.on(where)(X, Y, B, G);
        expect_near(std::vector(found.begin(), found.end()), expected, "contiguous");
        EXPECT_EQ(heap.lockings, lockings) << "contiguous arrays are copied from where they are";
        for (const auto& y_array : {y_rows, y_columns}) {
          const kf::view<float> out{wide_out.data(), c.M, 1, 2, 1};
          const auto call = [&] { sum.on(where).into(out, x_rows, y_array, B, G); };
          call();
          const int once = heap.lockings;
          call();
          EXPECT_EQ(heap.lockings, once) << "memory is kept from call to call";
          std::vector<float> dense;
          for (std::int64_t r = 0; r < c.M; ++r) dense.push_back(wide_out[std::size_t(2 * r)]);
          expect_near(dense, expected, "strided");
          sum.on(where).add_to(out, x_rows, y_array, B, G);
          for (std::int64_t r = 0; r < c.M; ++r)
            EXPECT_NEAR(wide_out[std::size_t(2 * r)], 2 * dense[std::size_t(r)],
                        1e-4 * (1 + std::abs(dense[std::size_t(r)])));
        }
        fake_device::runs_late = false;
      }
  EXPECT_LT(heap.host_used, std::size_t(8) << 20);
}

// A chunk is bounded by bytes, not by rows alone.
TEST_F(sweep_on_device, wide_rows_come_in_small_chunks) {
  constexpr int D = 1000;
  const std::int64_t M = 40'000;  // 160 MB
  const std::vector<float> wide(std::size_t(M * D), 1.f), column(D, 1.f);
  constexpr auto products = kf::sum_reduction(dot(kf::Vi<0, D>, kf::Vj<1, D>));
  for (fake_pool* pool : fake_device::heap().pools) pool->most_used = pool->used;
  const auto found = products.on(kf::cuda_host{})(wide, column);
  EXPECT_EQ(found(M - 1, 0), float(D));
  for (const fake_pool* pool : fake_device::heap().pools) EXPECT_LT(pool->most_used, std::size_t(150) << 20);
}

}  // namespace
