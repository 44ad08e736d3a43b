// Work shared by threads.
#pragma once

#include <cstddef>
#include <functional>

namespace coppice::cli {

/// `threads`, or for 0 the number of processors that this process may run on.
[[nodiscard]] int thread_count(int threads) noexcept;

/// Calls work(i) once for each i below n, on up to `threads` threads (0: all cores), this one among them.
/// What a call throws comes out here when all threads have ended.
void for_each_index(std::size_t n, int threads, const std::function<void(std::size_t)>& work);

}  // namespace coppice::cli
