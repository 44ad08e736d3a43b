// Regions of code compiled for one instruction set.
//
// The headers that a kernel file needs are included before the region, so that no inline function of the
// standard library is compiled with wide instructions: the linker may pick any copy of those for the whole
// program. `fma` is in no list: contraction is off anyway, and this makes it impossible.
#pragma once

#if defined(__x86_64__)
#define COPPICE_X86 1
#include <immintrin.h>
#else
#define COPPICE_X86 0
#endif

#define COPPICE_PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define COPPICE_BEGIN_TARGET(features) \
  COPPICE_PRAGMA(clang attribute push(__attribute__((target(features))), apply_to = function))
#define COPPICE_END_TARGET COPPICE_PRAGMA(clang attribute pop)
#else
#define COPPICE_BEGIN_TARGET(features) COPPICE_PRAGMA(GCC push_options) COPPICE_PRAGMA(GCC target(features))
#define COPPICE_END_TARGET COPPICE_PRAGMA(GCC pop_options)
#endif

#define COPPICE_AVX2 "avx2,bmi,bmi2,popcnt,lzcnt"
#define COPPICE_AVX512                                                                                  \
  "avx512f,avx512bw,avx512vl,avx512dq,avx512cd,avx512vbmi,avx512vbmi2,avx512vpopcntdq,bmi,bmi2,popcnt," \
  "lzcnt"
