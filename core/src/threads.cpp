#include <coppice/detail/threads.h>

#include <algorithm>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif

namespace coppice::detail {

int thread_count(int requested) noexcept {
  if (requested > 0) return requested;
#if defined(__linux__)
  cpu_set_t processors;
  if (::sched_getaffinity(0, sizeof processors, &processors) == 0) return std::max(1, CPU_COUNT(&processors));
#endif
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
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
  const auto most =
      static_cast<int>(std::min<std::size_t>(n, static_cast<std::size_t>(thread_count(threads))));
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

}  // namespace coppice::detail
