// Tensors of DLPack, in each version of its structs; those of its own header where that is installed.
#include <kernfold/interop/dlpack.hpp>
#include <kernfold/kernfold.hpp>

#include <gtest/gtest.h>

#include <reference/sentence.hpp>

#include <cstdint>
#include <vector>

#if __has_include(<dlpack/dlpack.h>)
#include <dlpack/dlpack.h>
#endif

namespace kf = kernfold;
using reference::sentence_of;

namespace {

// As of version 1.
struct device_of {
  std::int32_t device_type, device_id;
};
struct data_type {
  std::uint8_t code, bits;
  std::uint16_t lanes;
};
struct tensor {
  void* data;
  device_of device;
  std::int32_t ndim;
  data_type dtype;
  std::int64_t *shape, *strides;
  std::uint64_t byte_offset;
};
struct managed {
  tensor dl_tensor;
  void* manager_ctx;
  void (*deleter)(managed*);
};
struct versioned {
  struct {
    std::uint32_t major, minor;
  } version;
  void* manager_ctx;
  void (*deleter)(versioned*);
  std::uint64_t flags;
  tensor dl_tensor;
};

constexpr auto x = kf::Vi<0, 3>;
constexpr auto y = kf::Vj<1, 3>;
constexpr auto r = kf::sum_reduction(exp(-sqdist(x, y)));

struct points {
  std::vector<float> numbers;
  std::vector<std::int64_t> shape, strides;
  points(std::vector<std::int64_t> extents, std::vector<std::int64_t> steps = {})
      : numbers(200),
        shape(static_cast<std::vector<std::int64_t>&&>(extents)),
        strides(static_cast<std::vector<std::int64_t>&&>(steps)) {
    for (std::size_t n = 0; n < numbers.size(); ++n) numbers[n] = float(n % 17) * 0.125f;
  }
  tensor as_tensor(std::uint64_t offset = 0) {
    return {numbers.data(), {1, 0},       int(shape.size()),
            {2, 32, 1},     shape.data(), strides.empty() ? nullptr : strides.data(),
            offset};
  }
};

}  // namespace

TEST(dlpack, tensors_of_each_version) {
  points X({5, 3}), Y({7, 3}, {6, 2});
  const managed of_x{X.as_tensor(), nullptr, nullptr};
  const versioned of_y{{1, 0}, nullptr, nullptr, 1, Y.as_tensor(4)};
  const auto wanted = r(kf::view{X.numbers.data(), 5, 3}, kf::view{Y.numbers.data() + 1, 7, 3, 6, 2});
  EXPECT_EQ(r(kf::from_dlpack<const float>(of_x), kf::from_dlpack<const float>(of_y)), wanted);
  EXPECT_EQ(r(kf::from_dlpack<float>(of_x.dl_tensor), kf::from_dlpack<const float>(of_y)), wanted);
  EXPECT_EQ(kf::from_dlpack<const float>(of_x).data(), X.numbers.data()) << "a copy";
  points out({5, 1}, {2, 1});
  const managed of_out{out.as_tensor(), nullptr, nullptr};
  r.into(kf::from_dlpack<float>(of_out), kf::from_dlpack<const float>(of_x), kf::from_dlpack<const float>(of_y));
  for (std::int64_t i = 0; i < 5; ++i) EXPECT_EQ(out.numbers[std::size_t(2 * i)], wanted(i, 0));
}
TEST(dlpack, vectors_and_batches) {
  points scale({1}), X({2, 4, 3}), Y({2, 5, 3}, {15, 1, 5});
  const auto batch = r(kf::from_dlpack<const float, 1>(X.as_tensor()), kf::from_dlpack<const float, 1>(Y.as_tensor()));
  ASSERT_EQ(batch.batch(), 2);
  const auto second = r(kf::view{X.numbers.data() + 12, 4, 3}, kf::view{Y.numbers.data() + 15, 5, 3, 1, 5});
  for (std::int64_t i = 0; i < 4; ++i) EXPECT_EQ(batch(1, i, 0), second(i, 0));
  EXPECT_EQ(kf::from_dlpack<const float>(scale.as_tensor()).rows(), 1);
}
TEST(dlpack, on_a_device) {
  points X({5, 3});
  tensor t = X.as_tensor();
  t.device.device_type = 2;
  EXPECT_EQ(kf::from_dlpack_on_device<const float>(t).device_data(), X.numbers.data());
  EXPECT_EQ(sentence_of([&] { kf::from_dlpack<const float>(t); }),
            "a DLPack tensor in the memory of device type 2 was given as an array of the host");
  EXPECT_EQ(sentence_of([&] { kf::from_dlpack_on_device<const float>(X.as_tensor()); }),
            "a DLPack tensor in the memory of device type 1 was given as an array of a CUDA device");
}
TEST(dlpack, what_does_not_fit_is_said) {
  points X({5, 3});
  tensor t = X.as_tensor();
  EXPECT_EQ(sentence_of([&] { kf::from_dlpack<const double>(t); }),
            "a DLPack tensor of real numbers of 32 bits was given for real numbers of 64 bits");
  EXPECT_EQ(sentence_of([&] { kf::from_dlpack<const std::int32_t>(t); }),
            "a DLPack tensor of real numbers of 32 bits was given for integers of 32 bits");
  EXPECT_EQ(sentence_of([&] { kf::from_dlpack<const float, 1>(t); }),
            "a DLPack tensor of 2 extents was given for rows of numbers with 1 batch extents, which have 3");
  t.dtype.lanes = 4;
  EXPECT_EQ(sentence_of([&] { kf::from_dlpack<const float>(t); }),
            "a DLPack tensor of real numbers of 32 bits, 4 at a time, was given for real numbers of 32 bits");
  versioned v{{1, 0}, nullptr, nullptr, 1, X.as_tensor()};
  EXPECT_EQ(sentence_of([&] { kf::from_dlpack<float>(v); }),
            "a DLPack tensor that may only be read was given to be written; as kf::from_dlpack<const T>(tensor) it can "
            "be read");
  v.version.major = 2;
  EXPECT_EQ(sentence_of([&] { kf::from_dlpack<const float>(v); }),
            "a DLPack tensor of version 2 was given; versions up to 1 are known");
}

#if __has_include(<dlpack/dlpack.h>)
TEST(dlpack, its_own_structs) {
  points X({5, 3}), Y({7, 3});
  DLManagedTensor of_x{};
  of_x.dl_tensor.data = X.numbers.data();
  of_x.dl_tensor.device = {kDLCPU, 0};
  of_x.dl_tensor.ndim = 2;
  of_x.dl_tensor.dtype = {kDLFloat, 32, 1};
  of_x.dl_tensor.shape = X.shape.data();
  EXPECT_EQ(r(kf::from_dlpack<const float>(of_x), kf::view{Y.numbers.data(), 7, 3}),
            r(kf::view{X.numbers.data(), 5, 3}, kf::view{Y.numbers.data(), 7, 3}));
}
#endif
