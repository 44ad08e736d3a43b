#include "parallel.h"

#include <algorithm>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace coppice::io {

int thread_count(int requested) noexcept {
  return requested > 0 ? requested : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

void run_on_threads(int threads, const std::function<void()>& work) {
  std::vector<std::exception_ptr> failures(static_cast<std::size_t>(std::max(threads, 1)));
  const auto guarded = [&](std::size_t i) noexcept {
    try {
      work();
    } catch (...) {
      failures[i] = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> others;
    others.reserve(failures.size());
    try {
      for (std::size_t i = 1; i < failures.size(); ++i) others.emplace_back(guarded, i);
    } catch (const std::system_error&) {
      // No more threads to be had: those that run do the work.
    }
    guarded(0);
  }
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
}

void parallel_for(int threads, std::size_t n, const std::function<void(std::size_t)>& work) {
  std::mutex mutex;
  std::size_t next = 0;
  std::size_t failed = n;  // the first index whose work threw
  std::exception_ptr failure;
  const auto most = static_cast<int>(std::min<std::size_t>(n, static_cast<std::size_t>(threads)));
  run_on_threads(most, [&] {
    while (true) {
      std::unique_lock lock(mutex);
      if (next >= failed) return;
      const std::size_t i = next++;
      lock.unlock();
      try {
        work(i);
      } catch (...) {
        lock.lock();
        if (i >= failed) continue;
        failed = i;
        failure = std::current_exception();
      }
    }
  });
  if (failure) std::rethrow_exception(failure);
}

}  // namespace coppice::io
