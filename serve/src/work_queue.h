// Threads for requests that would hold up a connection thread, behind a queue that refuses when it is full.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace coppice::serve {

struct Worker;

class WorkQueue {
 public:
  using Job = std::function<void(Worker&)>;

  /// Thread i gives the jobs that it runs the Worker that `make_worker(i)` made there.
  WorkQueue(std::size_t capacity, int threads, const std::function<Worker(std::size_t)>& make_worker);
  ~WorkQueue() { stop(); }
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  /// False, at once, when the queue is full. Needs: the job raises nothing.
  [[nodiscard]] bool try_push(Job job) { return push_below(capacity_, jobs_, std::move(job)); }
  /// The same for work that nobody waits for: it is done when nothing else is there, and half of the queue is
  /// not for it.
  [[nodiscard]] bool try_push_unhurried(Job job) {
    return push_below(capacity_ / 2, unhurried_jobs_, std::move(job));
  }
  /// Finishes the jobs that run and drops those that wait.
  void stop();

  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

 private:
  /// `limit` is that of both queues together.
  bool push_below(std::size_t limit, std::deque<Job>& jobs, Job job);
  void work(Worker& worker);

  std::size_t capacity_;
  mutable std::mutex mutex_;  // of what follows
  std::condition_variable is_ready_;
  std::deque<Job> jobs_;
  std::deque<Job> unhurried_jobs_;
  bool is_stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace coppice::serve
