// benchmarks/run/hand_written.hpp: the Gaussian convolution in three dimensions, written by hand with intrinsics: what
// the generic loop nest is measured against.
//
//   a_i = sum_j exp(-g |x_i - y_j|^2) b_j      float, points as (N, 3)
//
// All variants know what a careful programmer knows: a pair costs one power of two, of g log2(e) times the distance,
// whose argument is never positive; differences are those of the points themselves (with the scale folded into the
// coordinates a pair costs one product less, and points far from zero lose their digits); columns run in tiles that
// stay in the first-level cache; a partial sum per tile keeps long sums accurate. They differ in what lies along the
// lanes, and in how many pairs go through the chain of dependent instructions side by side: a processor's schedulers
// overlap some by themselves, seldom enough. None is best on every processor, so all of them run, and the best one is
// "the hand-written loop".
#pragma once

// g++ 12 warns of the values that its own intrinsics leave undefined on purpose (GCC bug 105593).
#pragma GCC diagnostic push
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#pragma GCC diagnostic pop

#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <thread>
#include <vector>

namespace hand_written {

inline constexpr std::size_t tile = 1024;      // columns: 16 KiB, half of a first-level cache
inline constexpr std::size_t row_chunk = 256;  // rows that share a tile, and the unit of work of a thread

/// The inputs as the loops want them: coordinates, one array each, padded to whole tiles by columns of weight 0
/// and to whole chunks by repeated rows; columns also as (y0, y1, y2, b), to be read by broadcasts.
struct problem {
  std::size_t rows = 0, columns = 0;                // as given
  std::size_t padded_rows = 0, padded_columns = 0;  // as computed
  std::vector<float> x[3], y[3], b, columns_4;
  float scale = 0;  // g log2(e)

  problem(std::span<const float> rows_3, std::span<const float> columns_3, std::span<const float> weights, float g)
      : rows(rows_3.size() / 3), columns(columns_3.size() / 3) {
    padded_rows = (rows + row_chunk - 1) / row_chunk * row_chunk;
    padded_columns = (columns + tile - 1) / tile * tile;
    scale = g * 1.44269504f;
    for (int k = 0; k < 3; ++k) {
      x[k].resize(padded_rows);
      y[k].resize(padded_columns);
      for (std::size_t i = 0; i < padded_rows; ++i) x[k][i] = rows_3[3 * (i < rows ? i : 0) + k];
      for (std::size_t j = 0; j < padded_columns; ++j) y[k][j] = columns_3[3 * (j < columns ? j : 0) + k];
    }
    b.resize(padded_columns);
    columns_4.resize(4 * padded_columns);
    for (std::size_t j = 0; j < padded_columns; ++j) {
      b[j] = j < columns ? weights[j] : 0;
      for (int k = 0; k < 3; ++k) columns_4[4 * j + k] = y[k][j];
      columns_4[4 * j + 3] = b[j];
    }
  }
};

// 2^r on [0, 1] and on [-1/2, 1/2] as 1 + r (c_1 + ... + c_5 r^4): least greatest relative error, 8e-8 and 9e-8
// (Remez), coefficients from the highest down.
inline constexpr float upper[] = {0x1.e974fep-10f, 0x1.277854p-7f, 0x1.c91ce6p-5f, 0x1.ebdb56p-3f, 0x1.62e4bap-1f, 1};
inline constexpr float centred[] = {0x1.5bba20p-10f, 0x1.3cea88p-7f, 0x1.c6b752p-5f, 0x1.ebf9bcp-3f, 0x1.62e42ap-1f, 1};

// ---- AVX2 -----------------------------------------------------------------------------------------------------------

namespace avx2 {
inline constexpr int width = 8;

/// v[k] = 2^-v[k] for v[k] >= 0, step by step for all K: eleven instructions each. magic - v has round(-v) in its low
/// bits, from where a shift moves it into the exponent. Below 2^-126 the result stays there: nothing beside any weight.
template <int K> [[gnu::target("avx2,fma"), gnu::always_inline]] inline void exp2_of_minus(__m256 (&v)[K]) {
  const __m256 magic = _mm256_set1_ps(0x1.8p23f);
  __m256 shifted[K], r[K];
  for (int k = 0; k < K; ++k) v[k] = _mm256_min_ps(v[k], _mm256_set1_ps(126.f));
  for (int k = 0; k < K; ++k) shifted[k] = _mm256_sub_ps(magic, v[k]);
  for (int k = 0; k < K; ++k) r[k] = _mm256_sub_ps(_mm256_sub_ps(magic, shifted[k]), v[k]);
  for (int k = 0; k < K; ++k) v[k] = _mm256_fmadd_ps(_mm256_set1_ps(centred[0]), r[k], _mm256_set1_ps(centred[1]));
  for (int k = 0; k < K; ++k) v[k] = _mm256_fmadd_ps(v[k], r[k], _mm256_set1_ps(centred[2]));
  for (int k = 0; k < K; ++k) v[k] = _mm256_fmadd_ps(v[k], r[k], _mm256_set1_ps(centred[3]));
  for (int k = 0; k < K; ++k) v[k] = _mm256_fmadd_ps(v[k], r[k], _mm256_set1_ps(centred[4]));
  for (int k = 0; k < K; ++k) v[k] = _mm256_fmadd_ps(v[k], r[k], _mm256_set1_ps(centred[5]));
  for (int k = 0; k < K; ++k)
    v[k] = _mm256_castsi256_ps(
        _mm256_add_epi32(_mm256_castps_si256(v[k]), _mm256_slli_epi32(_mm256_castps_si256(shifted[k]), 23)));
}

/// sum[k % S] += 2^-(scale |(d0[k], d1[k], d2[k])|^2) b(k)
template <int K, int S, class Weight>
[[gnu::target("avx2,fma"), gnu::always_inline]] inline void add_pairs(const __m256 (&d0)[K], const __m256 (&d1)[K],
                                                                      const __m256 (&d2)[K], __m256 scale,
                                                                      __m256 (&sum)[S], Weight b) {
  __m256 v[K];
  for (int k = 0; k < K; ++k) v[k] = _mm256_mul_ps(d0[k], d0[k]);
  for (int k = 0; k < K; ++k) v[k] = _mm256_fmadd_ps(d1[k], d1[k], v[k]);
  for (int k = 0; k < K; ++k) v[k] = _mm256_mul_ps(scale, _mm256_fmadd_ps(d2[k], d2[k], v[k]));
  exp2_of_minus(v);
  for (int k = 0; k < K; ++k) sum[k % S] = _mm256_fmadd_ps(v[k], b(k), sum[k % S]);
}

/// Rows along the lanes, columns broadcast: R packs of rows meet C columns.
template <int R, int C>
[[gnu::target("avx2,fma"), gnu::noinline]] void rows_along_lanes(const problem& p, std::size_t first, float* out) {
  for (std::size_t i = first; i < first + row_chunk; ++i) out[i] = 0;
  const __m256 scale = _mm256_set1_ps(p.scale);
  for (std::size_t c = 0; c < p.padded_columns; c += tile)
    for (std::size_t i = first; i < first + row_chunk; i += R * width) {
      __m256 x0[R], x1[R], x2[R], sum[R];
      for (int r = 0; r < R; ++r) {
        x0[r] = _mm256_loadu_ps(&p.x[0][i + r * width]);
        x1[r] = _mm256_loadu_ps(&p.x[1][i + r * width]);
        x2[r] = _mm256_loadu_ps(&p.x[2][i + r * width]);
        sum[r] = _mm256_setzero_ps();
      }
      const float* y = &p.columns_4[4 * c];
      for (std::size_t j = 0; j < tile; j += C, y += 4 * C) {
        __m256 d0[R * C], d1[R * C], d2[R * C];
        for (int k = 0; k < R * C; ++k) {
          d0[k] = _mm256_sub_ps(x0[k % R], _mm256_set1_ps(y[4 * (k / R)]));
          d1[k] = _mm256_sub_ps(x1[k % R], _mm256_set1_ps(y[4 * (k / R) + 1]));
          d2[k] = _mm256_sub_ps(x2[k % R], _mm256_set1_ps(y[4 * (k / R) + 2]));
        }
        add_pairs(
            d0, d1, d2, scale, sum, [y](int k) __attribute__((target("avx2,fma"), always_inline)) {
              return _mm256_set1_ps(y[4 * (k / R) + 3]);
            });
      }
      for (int r = 0; r < R; ++r)
        _mm256_storeu_ps(out + i + r * width, _mm256_add_ps(_mm256_loadu_ps(out + i + r * width), sum[r]));
    }
}

/// Columns along the lanes, rows broadcast: R rows meet C packs of columns.
template <int R, int C>
[[gnu::target("avx2,fma"), gnu::noinline]] void columns_along_lanes(const problem& p, std::size_t first, float* out) {
  for (std::size_t i = first; i < first + row_chunk; ++i) out[i] = 0;
  const __m256 scale = _mm256_set1_ps(p.scale);
  for (std::size_t c = 0; c < p.padded_columns; c += tile)
    for (std::size_t i = first; i < first + row_chunk; i += R) {
      __m256 x0[R], x1[R], x2[R], sum[R];
      for (int r = 0; r < R; ++r) {
        x0[r] = _mm256_set1_ps(p.x[0][i + r]);
        x1[r] = _mm256_set1_ps(p.x[1][i + r]);
        x2[r] = _mm256_set1_ps(p.x[2][i + r]);
        sum[r] = _mm256_setzero_ps();
      }
      for (std::size_t j = c; j < c + tile; j += C * width) {
        __m256 d0[R * C], d1[R * C], d2[R * C];
        for (int k = 0; k < R * C; ++k) {
          d0[k] = _mm256_sub_ps(x0[k % R], _mm256_loadu_ps(&p.y[0][j + k / R * width]));
          d1[k] = _mm256_sub_ps(x1[k % R], _mm256_loadu_ps(&p.y[1][j + k / R * width]));
          d2[k] = _mm256_sub_ps(x2[k % R], _mm256_loadu_ps(&p.y[2][j + k / R * width]));
        }
        const float* const b = &p.b[j];
        add_pairs(
            d0, d1, d2, scale, sum, [b](int k) __attribute__((target("avx2,fma"), always_inline)) {
              return _mm256_loadu_ps(b + k / R * width);
            });
      }
      for (int r = 0; r < R; ++r) {
        alignas(64) float lanes[width];
        _mm256_store_ps(lanes, sum[r]);
        float total = 0;
        for (int l = 0; l < width; ++l) total += lanes[l];
        out[i + r] += total;
      }
    }
}

/// Rows along the lanes in two passes over C columns: the scaled distances of R packs go to memory, then their powers
/// of two, K at a time. Two short chains overlap better than one long one.
template <int R, int C, int K>
[[gnu::target("avx2,fma"), gnu::noinline]] void rows_in_two_passes(const problem& p, std::size_t first, float* out) {
  for (std::size_t i = first; i < first + row_chunk; ++i) out[i] = 0;
  const __m256 scale = _mm256_set1_ps(p.scale);
  alignas(64) float distance[C * R * width];
  for (std::size_t c = 0; c < p.padded_columns; c += tile)
    for (std::size_t i = first; i < first + row_chunk; i += R * width) {
      __m256 x0[R], x1[R], x2[R], sum[R];
      for (int r = 0; r < R; ++r) {
        x0[r] = _mm256_loadu_ps(&p.x[0][i + r * width]);
        x1[r] = _mm256_loadu_ps(&p.x[1][i + r * width]);
        x2[r] = _mm256_loadu_ps(&p.x[2][i + r * width]);
        sum[r] = _mm256_setzero_ps();
      }
      const float* y = &p.columns_4[4 * c];
      for (std::size_t j = 0; j < tile; j += C, y += 4 * C) {
        for (int q = 0; q < C; ++q)
          for (int r = 0; r < R; ++r) {
            const __m256 d0 = _mm256_sub_ps(x0[r], _mm256_set1_ps(y[4 * q]));
            const __m256 d1 = _mm256_sub_ps(x1[r], _mm256_set1_ps(y[4 * q + 1]));
            const __m256 d2 = _mm256_sub_ps(x2[r], _mm256_set1_ps(y[4 * q + 2]));
            _mm256_store_ps(
                distance + (q * R + r) * width,
                _mm256_mul_ps(scale, _mm256_fmadd_ps(d2, d2, _mm256_fmadd_ps(d1, d1, _mm256_mul_ps(d0, d0)))));
          }
        for (int q = 0; q < R * C; q += K) {
          __m256 v[K];
          for (int k = 0; k < K; ++k) v[k] = _mm256_load_ps(distance + (q + k) * width);
          exp2_of_minus(v);
          for (int k = 0; k < K; ++k)
            sum[k % R] = _mm256_fmadd_ps(v[k], _mm256_set1_ps(y[4 * ((q + k) / R) + 3]), sum[k % R]);
        }
      }
      for (int r = 0; r < R; ++r)
        _mm256_storeu_ps(out + i + r * width, _mm256_add_ps(_mm256_loadu_ps(out + i + r * width), sum[r]));
    }
}
}  // namespace avx2

// ---- AVX-512 --------------------------------------------------------------------------------------------------------

namespace avx512 {
inline constexpr int width = 16;

/// v[k] = 2^v[k] for v[k] <= 0, step by step for all K: seven instructions each. vreduceps gives v - floor(v),
/// vscalefps multiplies by 2^floor(v), underflow included.
template <int K> [[gnu::target("avx512f,avx512dq"), gnu::always_inline]] inline void exp2(__m512 (&v)[K]) {
  __m512 r[K], q[K];
  for (int k = 0; k < K; ++k) r[k] = _mm512_reduce_ps(v[k], _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
  for (int k = 0; k < K; ++k) q[k] = _mm512_fmadd_ps(_mm512_set1_ps(upper[0]), r[k], _mm512_set1_ps(upper[1]));
  for (int k = 0; k < K; ++k) q[k] = _mm512_fmadd_ps(q[k], r[k], _mm512_set1_ps(upper[2]));
  for (int k = 0; k < K; ++k) q[k] = _mm512_fmadd_ps(q[k], r[k], _mm512_set1_ps(upper[3]));
  for (int k = 0; k < K; ++k) q[k] = _mm512_fmadd_ps(q[k], r[k], _mm512_set1_ps(upper[4]));
  for (int k = 0; k < K; ++k) q[k] = _mm512_fmadd_ps(q[k], r[k], _mm512_set1_ps(upper[5]));
  for (int k = 0; k < K; ++k) v[k] = _mm512_scalef_ps(q[k], v[k]);
}

/// sum[k % S] += 2^(scale |(d0[k], d1[k], d2[k])|^2) b(k): fifteen micro-operations for sixteen pairs, seven of them
/// for the distance and its scale.
template <int K, int S, class Weight>
[[gnu::target("avx512f,avx512dq"), gnu::always_inline]] inline void add_pairs(const __m512 (&d0)[K],
                                                                              const __m512 (&d1)[K],
                                                                              const __m512 (&d2)[K], __m512 scale,
                                                                              __m512 (&sum)[S], Weight b) {
  __m512 v[K];
  for (int k = 0; k < K; ++k) v[k] = _mm512_mul_ps(d0[k], d0[k]);
  for (int k = 0; k < K; ++k) v[k] = _mm512_fmadd_ps(d1[k], d1[k], v[k]);
  for (int k = 0; k < K; ++k) v[k] = _mm512_mul_ps(scale, _mm512_fmadd_ps(d2[k], d2[k], v[k]));
  exp2(v);
  for (int k = 0; k < K; ++k) sum[k % S] = _mm512_fmadd_ps(v[k], b(k), sum[k % S]);
}

/// Rows along the lanes, columns broadcast: R packs of rows meet C columns.
template <int R, int C>
[[gnu::target("avx512f,avx512dq"), gnu::noinline]] void rows_along_lanes(const problem& p, std::size_t first,
                                                                         float* out) {
  for (std::size_t i = first; i < first + row_chunk; ++i) out[i] = 0;
  const __m512 scale = _mm512_set1_ps(-p.scale);
  for (std::size_t c = 0; c < p.padded_columns; c += tile)
    for (std::size_t i = first; i < first + row_chunk; i += R * width) {
      __m512 x0[R], x1[R], x2[R], sum[R];
      for (int r = 0; r < R; ++r) {
        x0[r] = _mm512_loadu_ps(&p.x[0][i + r * width]);
        x1[r] = _mm512_loadu_ps(&p.x[1][i + r * width]);
        x2[r] = _mm512_loadu_ps(&p.x[2][i + r * width]);
        sum[r] = _mm512_setzero_ps();
      }
      const float* y = &p.columns_4[4 * c];
      for (std::size_t j = 0; j < tile; j += C, y += 4 * C) {
        __m512 d0[R * C], d1[R * C], d2[R * C];
        for (int k = 0; k < R * C; ++k) {
          d0[k] = _mm512_sub_ps(x0[k % R], _mm512_set1_ps(y[4 * (k / R)]));
          d1[k] = _mm512_sub_ps(x1[k % R], _mm512_set1_ps(y[4 * (k / R) + 1]));
          d2[k] = _mm512_sub_ps(x2[k % R], _mm512_set1_ps(y[4 * (k / R) + 2]));
        }
        add_pairs(
            d0, d1, d2, scale, sum, [y](int k) __attribute__((target("avx512f,avx512dq"), always_inline)) {
              return _mm512_set1_ps(y[4 * (k / R) + 3]);
            });
      }
      for (int r = 0; r < R; ++r)
        _mm512_storeu_ps(out + i + r * width, _mm512_add_ps(_mm512_loadu_ps(out + i + r * width), sum[r]));
    }
}

/// Columns along the lanes, rows broadcast: R rows meet C packs of columns.
template <int R, int C>
[[gnu::target("avx512f,avx512dq"), gnu::noinline]] void columns_along_lanes(const problem& p, std::size_t first,
                                                                            float* out) {
  for (std::size_t i = first; i < first + row_chunk; ++i) out[i] = 0;
  const __m512 scale = _mm512_set1_ps(-p.scale);
  for (std::size_t c = 0; c < p.padded_columns; c += tile)
    for (std::size_t i = first; i < first + row_chunk; i += R) {
      __m512 x0[R], x1[R], x2[R], sum[R];
      for (int r = 0; r < R; ++r) {
        x0[r] = _mm512_set1_ps(p.x[0][i + r]);
        x1[r] = _mm512_set1_ps(p.x[1][i + r]);
        x2[r] = _mm512_set1_ps(p.x[2][i + r]);
        sum[r] = _mm512_setzero_ps();
      }
      for (std::size_t j = c; j < c + tile; j += C * width) {
        __m512 d0[R * C], d1[R * C], d2[R * C];
        for (int k = 0; k < R * C; ++k) {
          d0[k] = _mm512_sub_ps(x0[k % R], _mm512_loadu_ps(&p.y[0][j + k / R * width]));
          d1[k] = _mm512_sub_ps(x1[k % R], _mm512_loadu_ps(&p.y[1][j + k / R * width]));
          d2[k] = _mm512_sub_ps(x2[k % R], _mm512_loadu_ps(&p.y[2][j + k / R * width]));
        }
        const float* const b = &p.b[j];
        add_pairs(
            d0, d1, d2, scale, sum, [b](int k) __attribute__((target("avx512f,avx512dq"), always_inline)) {
              return _mm512_loadu_ps(b + k / R * width);
            });
      }
      for (int r = 0; r < R; ++r) {
        alignas(64) float lanes[width];
        _mm512_store_ps(lanes, sum[r]);
        float total = 0;
        for (int l = 0; l < width; ++l) total += lanes[l];
        out[i + r] += total;
      }
    }
}

/// Rows along the lanes in two passes over C columns: the scaled distances of R packs go to memory, then their powers
/// of two, K at a time. Two short chains overlap better than one long one.
template <int R, int C, int K>
[[gnu::target("avx512f,avx512dq"), gnu::noinline]] void rows_in_two_passes(const problem& p, std::size_t first,
                                                                           float* out) {
  for (std::size_t i = first; i < first + row_chunk; ++i) out[i] = 0;
  const __m512 scale = _mm512_set1_ps(-p.scale);
  alignas(64) float distance[C * R * width];
  for (std::size_t c = 0; c < p.padded_columns; c += tile)
    for (std::size_t i = first; i < first + row_chunk; i += R * width) {
      __m512 x0[R], x1[R], x2[R], sum[R];
      for (int r = 0; r < R; ++r) {
        x0[r] = _mm512_loadu_ps(&p.x[0][i + r * width]);
        x1[r] = _mm512_loadu_ps(&p.x[1][i + r * width]);
        x2[r] = _mm512_loadu_ps(&p.x[2][i + r * width]);
        sum[r] = _mm512_setzero_ps();
      }
      const float* y = &p.columns_4[4 * c];
      for (std::size_t j = 0; j < tile; j += C, y += 4 * C) {
        for (int q = 0; q < C; ++q)
          for (int r = 0; r < R; ++r) {
            const __m512 d0 = _mm512_sub_ps(x0[r], _mm512_set1_ps(y[4 * q]));
            const __m512 d1 = _mm512_sub_ps(x1[r], _mm512_set1_ps(y[4 * q + 1]));
            const __m512 d2 = _mm512_sub_ps(x2[r], _mm512_set1_ps(y[4 * q + 2]));
            _mm512_store_ps(
                distance + (q * R + r) * width,
                _mm512_mul_ps(scale, _mm512_fmadd_ps(d2, d2, _mm512_fmadd_ps(d1, d1, _mm512_mul_ps(d0, d0)))));
          }
        for (int q = 0; q < R * C; q += K) {
          __m512 v[K];
          for (int k = 0; k < K; ++k) v[k] = _mm512_load_ps(distance + (q + k) * width);
          exp2(v);
          for (int k = 0; k < K; ++k)
            sum[k % R] = _mm512_fmadd_ps(v[k], _mm512_set1_ps(y[4 * ((q + k) / R) + 3]), sum[k % R]);
        }
      }
      for (int r = 0; r < R; ++r)
        _mm512_storeu_ps(out + i + r * width, _mm512_add_ps(_mm512_loadu_ps(out + i + r * width), sum[r]));
    }
}
}  // namespace avx512

// ---- on threads -----------------------------------------------------------------------------------------------------

/// Computes rows first, ..., first + row_chunk - 1.
using kernel = void (*)(const problem&, std::size_t first, float* out);

struct variant {
  const char* name;
  kernel compute;
};
inline constexpr variant avx2_variants[] = {
    {"rows along lanes, 1 x 1", avx2::rows_along_lanes<1, 1>},
    {"rows along lanes, 2 x 1", avx2::rows_along_lanes<2, 1>},
    {"rows along lanes, 4 x 1", avx2::rows_along_lanes<4, 1>},
    {"rows along lanes, 2 x 2", avx2::rows_along_lanes<2, 2>},
    {"rows along lanes, two passes", avx2::rows_in_two_passes<2, 16, 4>},
    {"columns along lanes, 1 x 1", avx2::columns_along_lanes<1, 1>},
    {"columns along lanes, 1 x 2", avx2::columns_along_lanes<1, 2>},
    {"columns along lanes, 4 x 1", avx2::columns_along_lanes<4, 1>},
    {"columns along lanes, 2 x 2", avx2::columns_along_lanes<2, 2>},
};
inline constexpr variant avx512_variants[] = {
    {"rows along lanes, 1 x 1", avx512::rows_along_lanes<1, 1>},
    {"rows along lanes, 2 x 1", avx512::rows_along_lanes<2, 1>},
    {"rows along lanes, 4 x 1", avx512::rows_along_lanes<4, 1>},
    {"rows along lanes, 2 x 2", avx512::rows_along_lanes<2, 2>},
    {"rows along lanes, two passes", avx512::rows_in_two_passes<2, 16, 4>},
    {"columns along lanes, 1 x 1", avx512::columns_along_lanes<1, 1>},
    {"columns along lanes, 1 x 2", avx512::columns_along_lanes<1, 2>},
    {"columns along lanes, 4 x 1", avx512::columns_along_lanes<4, 1>},
    {"columns along lanes, 2 x 2", avx512::columns_along_lanes<2, 2>},
};

/// Chunks of rows are handed out one by one. `out` has room for the padded rows.
inline void run(kernel compute, const problem& p, int threads, float* out) {
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t first; (first = next.fetch_add(row_chunk)) < p.padded_rows;) compute(p, first, out);
  };
  std::vector<std::thread> others;
  for (int t = 1; t < threads; ++t) others.emplace_back(work);
  work();
  for (std::thread& t : others) t.join();
}

}  // namespace hand_written
