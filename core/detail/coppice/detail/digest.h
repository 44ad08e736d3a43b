// A hash of much data.
#pragma once

#include <coppice/detail/hash.h>

#include <fmt/format.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

namespace coppice::detail {

/// 128-bit digest of bytes, as hex: four lanes of multiply and mix, for speed, then folded.
class Digest {
 public:
  void add(const void* data, std::size_t n_bytes) {
    const auto* bytes = static_cast<const unsigned char*>(data);
    lanes_[0] ^= n_bytes;
    for (; n_bytes >= 32; bytes += 32, n_bytes -= 32) absorb(bytes);
    unsigned char rest[32] = {};
    if (n_bytes > 0) std::memcpy(rest, bytes, n_bytes);
    absorb(rest);
  }
  [[nodiscard]] std::string hex() const {
    return fmt::format("{:016x}{:016x}", mix64(lanes_[0] ^ std::rotl(lanes_[1], 17)),
                       mix64(lanes_[2] ^ std::rotl(lanes_[3], 17) ^ lanes_[0]));
  }

 private:
  void absorb(const unsigned char* bytes) {
    std::uint64_t words[4];
    std::memcpy(words, bytes, sizeof words);
    for (int i = 0; i < 4; ++i) {
      const std::uint64_t x = (lanes_[i] ^ words[i]) * 0x9fb21c651e98df25;
      lanes_[i] = x ^ x >> 28;
    }
  }
  std::uint64_t lanes_[4] = {1, 2, 3, 4};
};

}  // namespace coppice::detail
