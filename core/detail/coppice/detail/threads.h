// Work on several threads.
#pragma once

#include <cstddef>
#include <functional>

namespace coppice::detail {

/// Threads to use for a request: the request itself, or for 0 one for each processor that the calling thread
/// may run on.
[[nodiscard]] int thread_count(int requested) noexcept;

/// Runs `work` on up to `threads` threads at once, this one among them, until all have returned. Where the
/// system gives fewer threads, fewer run. Rethrows one of the exceptions that `work` threw.
void run_on_threads(int threads, const std::function<void()>& work);

/// Calls `work(i)` for i in [0, n), in this order, on up to `threads` threads (0: see thread_count), this one
/// among them. After an exception no more calls begin; the exception of the lowest i is rethrown, for any
/// number of threads.
void parallel_for(int threads, std::size_t n, const std::function<void(std::size_t)>& work);

}  // namespace coppice::detail
