#include "threads.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <thread>
#include <vector>

namespace coppice::cli {

int thread_count(int threads) noexcept {
  if (threads > 0) return threads;
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

void for_each_index(std::size_t n, int threads, const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next = 0;
  const auto take = [&] {
    for (std::size_t i = next++; i < n; i = next++) work(i);
  };
  const auto wanted = static_cast<std::size_t>(thread_count(threads));
  std::vector<std::future<void>> others;
  for (std::size_t t = 1; t < std::min(wanted, n); ++t)
    others.push_back(std::async(std::launch::async, take));
  take();
  for (std::future<void>& other : others) other.get();
}

}  // namespace coppice::cli
