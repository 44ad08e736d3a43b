// The threads of one training, and loops over them.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

namespace coppice::kernels::cpu {

/// A caller and its helper threads. A loop is open to helpers while it runs; whoever is free takes the next
/// index. The caller works too and at the end waits only for helpers that are in the middle of an index. So a
/// helper that sleeps, or that a busy machine gives no time, holds nobody up: a loop takes at most what the
/// caller alone would need. (A fork-join barrier waits for every thread; docs/decisions has the measurement.)
/// Every sum that crosses threads is an integer, so who takes which index changes no result.
/// Not thread-safe: one loop at a time.
class ThreadTeam {
 public:
  /// threads >= 1, the caller among them. Idle helpers spin for some microseconds, then sleep.
  explicit ThreadTeam(int threads);
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  [[nodiscard]] int size() const noexcept { return static_cast<int>(helpers_.size()) + 1; }

  /// Calls body(index, thread) once for each index in [0, n), thread in [0, size()). body must not throw.
  template <class Body>
  void for_each(std::size_t n, const Body& body) {
    if (helpers_.empty() || n <= 1) {
      for (std::size_t i = 0; i < n; ++i) body(i, 0);
      return;
    }
    run(n, &body, [](const void* context, std::size_t index, int thread) {
      (*static_cast<const Body*>(context))(index, thread);
    });
  }

 private:
  using Call = void (*)(const void* context, std::size_t index, int thread);

  void run(std::size_t n, const void* context, Call call);
  void take_indices(int thread);
  void help(int thread);

  // The loop that is open. Written by the caller before it opens the loop and after it has closed.
  std::size_t n_ = 0;
  const void* context_ = nullptr;
  Call call_ = nullptr;
  alignas(64) std::atomic<std::size_t> next_{0};
  /// Number of the loop in the upper 16 bits, then one bit that is set while it is open, then the number of
  /// helpers that have joined it and not left.
  alignas(64) std::atomic<std::uint32_t> state_{0};
  std::atomic<bool> ends_{false};
  std::vector<std::thread> helpers_;
};

}  // namespace coppice::kernels::cpu
