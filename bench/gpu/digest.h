// A digest of the arithmetic that decides about trees, over many inputs, on the host and on a device: where
// the two differ, no model can be equal.
#pragma once

#include <coppice/detail/hash.h>
#include <coppice/detail/math.h>
#include <coppice/detail/numerics.h>

#include <array>
#include <bit>
#include <cstdint>

#include "cuda/launch.h"

namespace coppice::gpu {

inline constexpr unsigned kFunctions = 6;
inline constexpr std::array<const char*, kFunctions> kFunctionNames = {
    "exp_float", "exp_double", "log_double", "log1p_double", "logistic gradient and word", "split score"};

/// Sums of hashes, one for each function: equal when all results are, whatever the order.
using Digest = std::array<unsigned long long, kFunctions>;

COPPICE_HOST_DEVICE inline unsigned long long hash_bits(double result, std::uint64_t input) noexcept {
  return detail::mix64(std::bit_cast<std::uint64_t>(result) ^ detail::mix64(input));
}

/// Uniform in [low, high).
COPPICE_HOST_DEVICE inline double draw(std::uint64_t input, int which, double low, double high) noexcept {
  const std::uint64_t bits = detail::mix64(input * kFunctions + static_cast<std::uint64_t>(which) + 1);
  return low + (high - low) * (static_cast<double>(bits >> 11) * 0x1p-53);
}

/// Adds the hashes of all functions at one input.
COPPICE_HOST_DEVICE inline void add_input(std::uint64_t input, Digest& digest) noexcept {
  using detail::LogisticLoss;
  const auto x = static_cast<float>(draw(input, 0, -80, 80));
  digest[0] += hash_bits(static_cast<double>(detail::exp_float(x)), input);
  digest[1] += hash_bits(detail::exp_double(draw(input, 1, -700, 700)), input);
  // Every sign and exponent, subnormal numbers and infinities among them.
  digest[2] += hash_bits(detail::log_double(std::bit_cast<double>(detail::mix64(input) >> 1)), input);
  digest[3] += hash_bits(detail::log1p_double(draw(input, 3, 0, 1)), input);
  const float gradient = LogisticLoss::gradient(x, (input & 1) != 0 ? 1.0F : 0.0F);
  const detail::Word word = detail::quantise(gradient, LogisticLoss::hessian(gradient), 0x1p20F, 0x1p21F, 7,
                                             static_cast<std::uint32_t>(input));
  digest[4] +=
      hash_bits(static_cast<double>(gradient), input) + detail::mix64(static_cast<std::uint64_t>(word));
  const detail::SplitRule rule{.reg_lambda = 1, .reg_alpha = 0.25};
  digest[5] += hash_bits(detail::split_score(draw(input, 4, -9, 9), draw(input, 5, 0, 9),
                                             draw(input, 6, -9, 9), draw(input, 7, 0, 9), rule),
                         input);
}

[[nodiscard]] inline Digest digest_on_host(std::uint64_t n) {
  Digest digest{};
  for (std::uint64_t input = 0; input < n; ++input) add_input(input, digest);
  return digest;
}

__global__ void add_inputs(std::uint64_t n, unsigned long long* sums) {
  Digest digest{};
  const std::uint64_t step = std::uint64_t{gridDim.x} * blockDim.x;
  for (std::uint64_t input = std::uint64_t{blockIdx.x} * blockDim.x + threadIdx.x; input < n; input += step)
    add_input(input, digest);
  for (unsigned f = 0; f < kFunctions; ++f) atomicAdd(&sums[f], digest[f]);
}

/// On the calling thread's device.
[[nodiscard]] inline Digest digest_on_device(std::uint64_t n) {
  namespace cuda = kernels::cuda;
  const cuda::Stream stream;
  cuda::DeviceBuffer<unsigned long long> sums(kFunctions);
  cuda::fill_bytes(stream, sums.data(), 0, kFunctions);
  cuda::launch<add_inputs>(stream, {.grid = {64}, .block = {128}}, n, sums.data());
  Digest digest{};
  cuda::copy_to_host(stream, std::span<unsigned long long>(digest), sums.data());
  stream.synchronize();
  return digest;
}

}  // namespace coppice::gpu
