#include <coppice/detail/threads.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <latch>
#include <stdexcept>
#include <string>
#include <vector>

namespace coppice::detail {
namespace {

TEST(ThreadCount, IsWhatWasAskedFor) {
  EXPECT_EQ(thread_count(1), 1);
  EXPECT_EQ(thread_count(300), 300);
}

TEST(ThreadCount, OfNoRequestIsTheProcessorsThatTheThreadMayRunOn) {
  cpu_set_t all, one;
  ASSERT_EQ(::sched_getaffinity(0, sizeof all, &all), 0);
  EXPECT_EQ(thread_count(0), CPU_COUNT(&all));
  int first = 0;
  while (!CPU_ISSET(first, &all)) ++first;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(thread_count(0), 1);
  ASSERT_EQ(::sched_setaffinity(0, sizeof all, &all), 0);
}

TEST(RunOnThreads, RunsTheWorkOnAllThreadsAtOnce) {
  std::latch all_are_there(3);
  std::atomic<int> calls = 0;
  run_on_threads(3, [&] {
    all_are_there.arrive_and_wait();
    ++calls;
  });
  EXPECT_EQ(calls.load(), 3);
}

TEST(RunOnThreads, RethrowsWhatOneThreadThrewWhenAllHaveEnded) {
  std::atomic<int> calls = 0;
  EXPECT_THROW(run_on_threads(3,
                              [&] {
                                if (++calls == 2) throw std::runtime_error("the second");
                              }),
               std::runtime_error);
  EXPECT_EQ(calls.load(), 3);
}

TEST(ParallelFor, CallsEveryIndexOnce) {
  for (const int threads : {0, 1, 2, 7}) {
    for (const std::size_t n : {0U, 1U, 2U, 5U, 1000U}) {
      std::vector<std::atomic<int>> calls(n);
      parallel_for(threads, n, [&](std::size_t i) { ++calls[i]; });
      for (std::size_t i = 0; i < n; ++i) ASSERT_EQ(calls[i].load(), 1) << i << " of " << n;
    }
  }
}

TEST(ParallelFor, RethrowsTheExceptionOfTheLowestIndex) {
  for (const int threads : {1, 2, 7}) {
    std::atomic<int> calls = 0;
    std::string message;
    try {
      parallel_for(threads, 1000, [&](std::size_t i) {
        ++calls;
        if (i % 10 == 7) throw std::runtime_error(std::to_string(i));
      });
    } catch (const std::runtime_error& error) {
      message = error.what();
    }
    EXPECT_EQ(message, "7") << threads << " threads";
    if (threads == 1) {  // others may have begun
      EXPECT_EQ(calls.load(), 8);
    }
  }
}

}  // namespace
}  // namespace coppice::detail
