#include "work_queue.h"

#include <utility>

#include "service.h"

namespace coppice::serve {

WorkQueue::WorkQueue(std::size_t capacity, int threads, const std::function<Worker(std::size_t)>& make_worker)
    : capacity_(capacity) {
  threads_.reserve(static_cast<std::size_t>(threads));
  for (std::size_t i = 0; i < static_cast<std::size_t>(threads); ++i) {
    threads_.emplace_back([this, make_worker, i] {
      Worker worker = make_worker(i);
      work(worker);
    });
  }
}

void WorkQueue::stop() {
  {
    const std::scoped_lock lock(mutex_);
    is_stopping_ = true;
  }
  is_ready_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  jobs_.clear();
  unhurried_jobs_.clear();
}

bool WorkQueue::push_below(std::size_t limit, std::deque<Job>& jobs, Job job) {
  {
    const std::scoped_lock lock(mutex_);
    if (jobs_.size() + unhurried_jobs_.size() >= limit) return false;
    jobs.push_back(std::move(job));
  }
  is_ready_.notify_one();
  return true;
}

std::size_t WorkQueue::size() const {
  const std::scoped_lock lock(mutex_);
  return jobs_.size() + unhurried_jobs_.size();
}

void WorkQueue::work(Worker& worker) {
  while (true) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      is_ready_.wait(lock, [this] { return is_stopping_ || !jobs_.empty() || !unhurried_jobs_.empty(); });
      if (is_stopping_) return;
      std::deque<Job>& jobs = jobs_.empty() ? unhurried_jobs_ : jobs_;
      job = std::move(jobs.front());
      jobs.pop_front();
    }
    job(worker);
  }
}

}  // namespace coppice::serve
