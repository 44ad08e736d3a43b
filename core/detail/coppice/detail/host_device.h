// One definition of the arithmetic for hosts and CUDA devices.
#pragma once

/// Marks a function that device code may call too. constexpr functions need no mark: kernels/cuda is compiled
/// with --expt-relaxed-constexpr.
#if defined(__CUDACC__)
#define COPPICE_HOST_DEVICE __host__ __device__
#else
#define COPPICE_HOST_DEVICE
#endif
