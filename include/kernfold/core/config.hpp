// kernfold/core/config.hpp: the version, and the only place that asks which compiler this is.
#pragma once

#define KERNFOLD_VERSION_MAJOR 0
#define KERNFOLD_VERSION_MINOR 1
#define KERNFOLD_VERSION_PATCH 0
#define KERNFOLD_VERSION_NAME v0_1_0  // the same, as part of names
#define KERNFOLD_VERSION (KERNFOLD_VERSION_MAJOR * 10000 + KERNFOLD_VERSION_MINOR * 100 + KERNFOLD_VERSION_PATCH)

#if defined(_MSC_VER) && !defined(__clang__)
#error "kernfold: Microsoft's compiler is not supported: use g++ 12, clang++ 14 or later, or nvcc 13 with one of them"
#elif __cplusplus < 202002L
#error "kernfold: C++20 is needed: compile with -std=c++20"
#elif !defined(__cpp_exceptions) && !defined(__CUDA_ARCH__)
#error "kernfold: exceptions are needed, which tell of wrong input: compile without -fno-exceptions"
#endif

// 1 while device code is being generated. Bodies may differ by it; types and signatures may not.
#if defined(__CUDA_ARCH__)
#define KERNFOLD_DEVICE_PASS 1
#else
#define KERNFOLD_DEVICE_PASS 0
#endif

// Around what every header holds: arithmetic as it is written, also in units that are compiled with -ffast-math and the
// like. (g++ 12 and clang++ 14 define these macros where such a flag is on; without one the pragmas are not there, and
// cost nothing.)
#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__) ||             \
    defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__) || defined(__NO_SIGNED_ZEROS__) || \
    defined(__NO_TRAPPING_MATH__)
#define KERNFOLD_FAST_MATH 1
#else
#define KERNFOLD_FAST_MATH 0
#endif
#if KERNFOLD_FAST_MATH && defined(__GNUC__) && !defined(__clang__) && !defined(__CUDACC__)
#define KERNFOLD_STRICT_BEGIN                                                               \
  _Pragma("GCC push_options") _Pragma("GCC optimize(\"no-fast-math,no-associative-math\")") \
      _Pragma("GCC optimize(\"no-reciprocal-math,no-finite-math-only\")")                   \
          _Pragma("GCC optimize(\"signed-zeros,trapping-math\")")
#define KERNFOLD_STRICT_END _Pragma("GCC pop_options")
#elif KERNFOLD_FAST_MATH && defined(__clang__) && !defined(__CUDACC__)
#if defined(__FAST_MATH__) && !defined(KERNFOLD_ACCEPTS_FAST_MATH)
// It cannot be kept out of these headers, and changes results, NaN and infinities. Whoever accepts that defines the
// macro.
#error "kernfold: compile without -ffast-math, or define KERNFOLD_ACCEPTS_FAST_MATH, with clang++"
#endif
#define KERNFOLD_STRICT_BEGIN _Pragma("float_control(precise, on, push)")
#define KERNFOLD_STRICT_END _Pragma("float_control(pop)")
#else
#define KERNFOLD_STRICT_BEGIN
#define KERNFOLD_STRICT_END
#endif

// g++ may replace a function by a clone that takes its arguments in another form (IPA-SRA), and does not inline such a
// clone where a function is flattened: what it calls would run out of line, without its target. So layers and packs are
// not cloned.
#if defined(__clang__) || KERNFOLD_DEVICE_PASS
#define KERNFOLD_NO_CLONE
#else
#define KERNFOLD_NO_CLONE __attribute__((noclone))
#endif

// KERNFOLD_HD marks a function that runs inside the loop nest: on the host and on the device, always inlined.
// Inlining is not a matter of taste here: the entry function of an instruction set carries the target, and only
// what is inlined into it may use that target's registers.
//
// KERNFOLD_HD_LAYER is for the layers between the entry and the operations. g++ inlines them for the entry's `flatten`,
// once and from the top; `always_inline` would make it inline, and optimise anew, at every layer below. Only for what
// is named after the flags (KERNFOLD_ABI, below): a copy that is left out of line is then never another unit's.
#if defined(__clang__) || KERNFOLD_DEVICE_PASS
#define KERNFOLD_INLINE_LAYER __attribute__((always_inline))
#else
#define KERNFOLD_INLINE_LAYER KERNFOLD_NO_CLONE
#endif
#if defined(__CUDACC__)
#define KERNFOLD_HD __host__ __device__ inline __attribute__((always_inline))
#define KERNFOLD_HD_LAYER __host__ __device__ inline KERNFOLD_INLINE_LAYER
#else
#define KERNFOLD_HD inline __attribute__((always_inline))
#define KERNFOLD_HD_LAYER inline KERNFOLD_INLINE_LAYER
#endif
// For what runs once per call, or once per row: on the host a function of its own, so that no formula compiles it
// again, be it as a clone for the formula's constants.
#define KERNFOLD_ONCE inline __attribute__((noinline)) KERNFOLD_NO_CLONE
#if KERNFOLD_DEVICE_PASS
#define KERNFOLD_HD_ONCE KERNFOLD_HD
#elif defined(__CUDACC__)
#define KERNFOLD_HD_ONCE __host__ __device__ KERNFOLD_ONCE
#else
#define KERNFOLD_HD_ONCE KERNFOLD_ONCE
#endif
#define KERNFOLD_INLINE inline __attribute__((always_inline))  // the same, host only
#define KERNFOLD_LAYER inline KERNFOLD_INLINE_LAYER
#define KERNFOLD_INLINE_LAMBDA KERNFOLD_INLINE_LAYER  // after a lambda's parameters

// Whether indices are checked: in debug builds, as assert does. Only in what is always inlined, so that units with and
// without checks share no function.
#if defined(NDEBUG)
#define KERNFOLD_CHECKS_INDICES 0
#else
#define KERNFOLD_CHECKS_INDICES 1
#endif

// Whether this unit may launch kernels.
#if defined(__CUDACC__)
#define KERNFOLD_CUDA 1
#else
#define KERNFOLD_CUDA 0
#endif

// nvcc warns when a host-device template calls a host function, even where that branch never runs on the device.
#if defined(__CUDACC__)
#define KERNFOLD_EXEC_CHECK_DISABLE _Pragma("nv_exec_check_disable")
#else
#define KERNFOLD_EXEC_CHECK_DISABLE
#endif

// For loops over lanes that run once per row: unrolled, they would only cost compile time.
#if defined(__clang__) && !defined(__CUDACC__)
#define KERNFOLD_NO_UNROLL _Pragma("nounroll")
#elif defined(__GNUC__) && !defined(__CUDACC__)
#define KERNFOLD_NO_UNROLL _Pragma("GCC unroll 1")
#elif KERNFOLD_DEVICE_PASS
#define KERNFOLD_NO_UNROLL _Pragma("unroll 1")
#else
#define KERNFOLD_NO_UNROLL
#endif

// For the short loops of a pair stage in two passes.
#if defined(__GNUC__) && !defined(__clang__) && !defined(__CUDACC__)
#define KERNFOLD_UNROLL_PASS _Pragma("GCC unroll 4")
#elif defined(__clang__) && !defined(__CUDACC__)
#define KERNFOLD_UNROLL_PASS _Pragma("unroll 4")
#else
#define KERNFOLD_UNROLL_PASS
#endif

// In the loop over the columns: keeps g++ from looking for ways to cut it into several, which costs a tenth of the time
// it takes to compile and finds none. No instruction. clang++ does not look, and would take it for a write to any
// memory.
#if defined(__clang__) || KERNFOLD_DEVICE_PASS
#define KERNFOLD_KEEP_LOOP_WHOLE
#else
#define KERNFOLD_KEEP_LOOP_WHOLE __asm__ volatile("")
#endif

// For loops over the rows of a CUDA thread: arrays become registers only where every index is a constant.
#if KERNFOLD_DEVICE_PASS
#define KERNFOLD_UNROLL _Pragma("unroll")
#define KERNFOLD_PRAGMA(text) _Pragma(#text)
#define KERNFOLD_UNROLL_BY(count) KERNFOLD_PRAGMA(unroll(count))
#else
#define KERNFOLD_UNROLL
#define KERNFOLD_UNROLL_BY(count)
#endif

// Instruction sets. The operators of a pack carry KERNFOLD_TARGET_*; the entry function of a set carries
// KERNFOLD_ENTRY_*, which adds `flatten` so that everything below it is inlined into that target.
#if defined(__x86_64__) && defined(__GNUC__)
#define KERNFOLD_X86 1
#define KERNFOLD_TARGET_AVX2 __attribute__((target("avx2,fma"))) KERNFOLD_NO_CLONE
#define KERNFOLD_TARGET_AVX512 __attribute__((target("avx2,fma,avx512f,avx512dq,avx512bw,avx512vl"))) KERNFOLD_NO_CLONE
#define KERNFOLD_ENTRY_AVX2 __attribute__((target("avx2,fma"), flatten, noinline))
#define KERNFOLD_ENTRY_AVX512 __attribute__((target("avx2,fma,avx512f,avx512dq,avx512bw,avx512vl"), flatten, noinline))
#else
#define KERNFOLD_X86 0
#endif
#define KERNFOLD_ENTRY __attribute__((flatten, noinline))

// What the compiler's flags promise: with -march=native one set is compiled instead of three.
#if KERNFOLD_X86 && defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512BW__) && defined(__AVX512VL__)
#define KERNFOLD_FLAGS_AVX512 1
#define KERNFOLD_FLAGS_AVX2 1
#elif KERNFOLD_X86 && defined(__AVX2__) && defined(__FMA__)
#define KERNFOLD_FLAGS_AVX512 0
#define KERNFOLD_FLAGS_AVX2 1
#else
#define KERNFOLD_FLAGS_AVX512 0
#define KERNFOLD_FLAGS_AVX2 0
#endif

// Everything that generates code lives in an inline namespace named after the version, the flags and the compiler; with
// nvcc after the architectures and the default stream as well, which a kernel's host side is compiled for. Two
// translation units that differ in any of it, or two versions in one process, then never share a symbol, so the linker
// cannot pick the wrong body for either.
#define KERNFOLD_JOIN(a, b) KERNFOLD_JOIN_NAMES(a, b)
#define KERNFOLD_JOIN_NAMES(a, b) a##_##b
#if defined(__CUDACC__)
#define KERNFOLD_ARCHITECTURES_1(a) sm##a
#define KERNFOLD_ARCHITECTURES_2(a, b) sm##a##_##b
#define KERNFOLD_ARCHITECTURES_3(a, b, c) sm##a##_##b##_##c
#define KERNFOLD_ARCHITECTURES_4(a, b, c, d) sm##a##_##b##_##c##_##d
#define KERNFOLD_ARCHITECTURES_5(a, b, c, d, e) sm##a##_##b##_##c##_##d##_##e
#define KERNFOLD_ARCHITECTURES_6(a, b, c, d, e, f) sm##a##_##b##_##c##_##d##_##e##_##f
#define KERNFOLD_ARCHITECTURES_7(a, b, c, d, e, f, ...) sm##a##_##b##_##c##_##d##_##e##_##f##_more
#define KERNFOLD_ARCHITECTURES_OF(a, b, c, d, e, f, g, h, i, name, ...) KERNFOLD_ARCHITECTURES_##name
#define KERNFOLD_ARCHITECTURES(...) KERNFOLD_ARCHITECTURES_OF(__VA_ARGS__, 7, 7, 7, 6, 5, 4, 3, 2, 1, )(__VA_ARGS__)
#if !defined(__CUDA_ARCH_LIST__)
#define KERNFOLD_CUDA_MODE cuda
#elif defined(CUDA_API_PER_THREAD_DEFAULT_STREAM)
#define KERNFOLD_CUDA_MODE KERNFOLD_JOIN(cuda_per_thread, KERNFOLD_ARCHITECTURES(__CUDA_ARCH_LIST__))
#else
#define KERNFOLD_CUDA_MODE KERNFOLD_JOIN(cuda, KERNFOLD_ARCHITECTURES(__CUDA_ARCH_LIST__))
#endif
#define KERNFOLD_ABI_MODE(name) KERNFOLD_JOIN(KERNFOLD_VERSION_NAME, KERNFOLD_JOIN(name, KERNFOLD_CUDA_MODE))
#else
#define KERNFOLD_ABI_MODE(name) KERNFOLD_JOIN(KERNFOLD_VERSION_NAME, name)
#endif
#if KERNFOLD_FLAGS_AVX512
#define KERNFOLD_ABI KERNFOLD_ABI_MODE(built_for_avx512)
#elif KERNFOLD_FLAGS_AVX2
#define KERNFOLD_ABI KERNFOLD_ABI_MODE(built_for_avx2)
#else
#define KERNFOLD_ABI KERNFOLD_ABI_MODE(built_for_baseline)
#endif

// A product that is rounded before it is added to anything. g++ contracts a*b+c into an fma where the target has one,
// in strict mode too and across statements, and the last bit would depend on the instruction set; clang++ does so
// within one expression only, so never across a pack's operators.
// KERNFOLD_KEEP_ROUNDED is for plain numbers, in a statement of its own. No instruction. (The barrier does not do
// there: g++ makes vectors of neighbouring products, as of a state's components, and merges those.)
#if defined(__GNUC__) && !defined(__clang__) && !defined(__CUDACC__)
#define KERNFOLD_ROUNDED(product) __builtin_assoc_barrier(product)
#else
#define KERNFOLD_ROUNDED(product) (product)
#endif
#if KERNFOLD_X86 && !defined(__clang__) && !KERNFOLD_DEVICE_PASS
#define KERNFOLD_KEEP_ROUNDED(number) __asm__("" : "+x"(number))
#elif defined(__GNUC__) && !defined(__clang__) && !defined(__CUDACC__)
#define KERNFOLD_KEEP_ROUNDED(number) (number = __builtin_assoc_barrier(number))
#else
#define KERNFOLD_KEEP_ROUNDED(number) ((void)0)
#endif

// clang++ has other names than g++ (and nvcc, which follows it) for some of the builtins behind <immintrin.h>.
#if defined(__clang__)
#define KERNFOLD_CLANG_BUILTINS 1
#else
#define KERNFOLD_CLANG_BUILTINS 0
#endif
