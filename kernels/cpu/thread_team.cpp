#include "cpu/thread_team.h"

#include <coppice/detail/instruction_set.h>

#include <algorithm>

namespace coppice::kernels::cpu {
namespace {

constexpr std::uint32_t kOpen = 1U << 15;
constexpr std::uint32_t kJoined = kOpen - 1;
constexpr std::uint32_t kNextLoop = 1U << 16;

/// Pauses before a waiting thread sleeps: about 20 microseconds, longer than the gaps between the loops of a
/// tree and shorter than a time slice that somebody else could use.
constexpr int kSpins = 500;

void pause() noexcept {
#if COPPICE_X86
  _mm_pause();
#else
  std::this_thread::yield();
#endif
}

/// Waits while `holds(state)`; returns the state for which it does not.
template <class Condition>
std::uint32_t wait_while(std::atomic<std::uint32_t>& state, const Condition& holds) noexcept {
  std::uint32_t seen = state.load(std::memory_order_acquire);
  for (int spin = 0; spin < kSpins && holds(seen); ++spin) {
    pause();
    seen = state.load(std::memory_order_acquire);
  }
  while (holds(seen)) {
    state.wait(seen, std::memory_order_acquire);
    seen = state.load(std::memory_order_acquire);
  }
  return seen;
}

}  // namespace

ThreadTeam::ThreadTeam(int threads) {
  const int n_helpers = std::clamp(threads, 1, static_cast<int>(kJoined)) - 1;
  for (int i = 0; i < n_helpers; ++i) helpers_.emplace_back([this, i] { help(i + 1); });
}

ThreadTeam::~ThreadTeam() {
  ends_.store(true);
  state_.fetch_add(kNextLoop);
  state_.notify_all();
  for (std::thread& helper : helpers_) helper.join();
}

void ThreadTeam::take_indices(int thread) {
  for (;;) {
    const std::size_t index = next_.fetch_add(1, std::memory_order_relaxed);
    if (index >= n_) return;
    call_(context_, index, thread);
  }
}

void ThreadTeam::run(std::size_t n, const void* context, Call call) {
  n_ = n;
  context_ = context;
  call_ = call;
  next_.store(0, std::memory_order_relaxed);
  state_.store(((state_.load(std::memory_order_relaxed) & ~(kNextLoop - 1)) + kNextLoop) | kOpen,
               std::memory_order_release);
  state_.notify_all();
  take_indices(0);
  state_.fetch_and(~kOpen, std::memory_order_acq_rel);
  wait_while(state_, [](std::uint32_t state) { return (state & kJoined) != 0; });
}

void ThreadTeam::help(int thread) {
  std::uint32_t last = 0;  // number of the loop that this helper has served
  for (;;) {
    std::uint32_t seen = wait_while(state_, [&](std::uint32_t state) { return state / kNextLoop == last; });
    if (ends_.load()) return;
    last = seen / kNextLoop;
    while ((seen & kOpen) != 0 && seen / kNextLoop == last) {
      if (!state_.compare_exchange_weak(seen, seen + 1, std::memory_order_acq_rel)) continue;
      take_indices(thread);
      if (((state_.fetch_sub(1, std::memory_order_acq_rel) - 1) & (kJoined | kOpen)) == 0)
        state_.notify_all();
      break;
    }
  }
}

}  // namespace coppice::kernels::cpu
