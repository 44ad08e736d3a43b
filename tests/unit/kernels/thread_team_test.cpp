#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "cpu/thread_team.h"

namespace coppice::kernels::cpu {
namespace {

TEST(ThreadTeam, CallsEveryIndexOnce) {
  for (const int threads : {1, 2, 3, 7}) {
    ThreadTeam team(threads);
    EXPECT_EQ(team.size(), threads);
    for (const std::size_t n : {0U, 1U, 2U, 5U, 1000U}) {
      std::vector<std::atomic<int>> calls(n);
      team.for_each(n, [&](std::size_t i, int thread) {
        EXPECT_LT(thread, threads);
        ++calls[i];
      });
      for (std::size_t i = 0; i < n; ++i) ASSERT_EQ(calls[i].load(), 1) << i << " of " << n;
    }
  }
}

TEST(ThreadTeam, SeesTheWritesOfEarlierLoops) {
  ThreadTeam team(3);
  constexpr std::size_t kN = 257;
  std::vector<int> from(kN, 0), to(kN, -1);
  for (int round = 1; round <= 2000; ++round) {
    // Each value comes from a place that, as a rule, another thread wrote in the loop before.
    team.for_each(kN, [&](std::size_t i, int /*thread*/) { to[i] = from[i * 31 % kN] + 1; });
    from.swap(to);
  }
  for (const int value : from) ASSERT_EQ(value, 2000);
}

TEST(ThreadTeam, WakesHelpersThatSleep) {
  ThreadTeam team(2);
  for (int round = 0; round < 3; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // longer than a helper spins
    std::atomic<bool> helped{false};
    // The caller stays in its index until a helper has come for the other one.
    team.for_each(2, [&](std::size_t /*i*/, int thread) {
      if (thread != 0) helped = true;
      while (!helped) std::this_thread::yield();
    });
    EXPECT_TRUE(helped);
  }
}

TEST(ThreadTeam, EndsWithLoopsNeverRun) {
  for (int i = 0; i < 50; ++i) const ThreadTeam team(4);
}

}  // namespace
}  // namespace coppice::kernels::cpu
