// Squares turned: what lies by columns comes to lie by records, and back.
#pragma once

#include <algorithm>
#include <cstdint>

namespace coppice::kernels {

/// Sixteen bytes in a vector register.
using Bytes [[gnu::vector_size(16)]] = std::uint8_t;

/// Transposes 16 by 16 values. Vector: sixteen values in a register, of any type. Dealing the halves of 256
/// values like cards moves the one at place abcdefgh (in bits; abcd is the row) to bcdefgha; four times make
/// it efghabcd.
template <class Vector>
void transpose_square(Vector (&rows)[16]) noexcept {
  for (int step = 0; step < 4; ++step) {
    Vector dealt[16];
    for (int i = 0; i < 8; ++i) {
      dealt[2 * i] = __builtin_shufflevector(rows[i], rows[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21,
                                             6, 22, 7, 23);
      dealt[2 * i + 1] = __builtin_shufflevector(rows[i], rows[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28,
                                                 13, 29, 14, 30, 15, 31);
    }
    std::copy_n(dealt, 16, rows);
  }
}

}  // namespace coppice::kernels
