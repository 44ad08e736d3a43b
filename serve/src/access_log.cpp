#include "access_log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <utility>

#include "json_text.h"

namespace coppice::serve {
namespace {

/// How long a record may wait for its line.
constexpr std::chrono::milliseconds kWritePeriod{50};

}  // namespace

std::string access_line(const AccessRecord& record) {
  const auto since_epoch = record.time.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since_epoch);
  const auto microseconds = std::chrono::floor<std::chrono::microseconds>(since_epoch - seconds);
  return fmt::format(
      R"({{"time":"{:%Y-%m-%dT%H:%M:%S}.{:06}Z","remote":{},"method":"{}","target":{},"status":{},)"
      R"("seconds":{:.6f},"bytes_in":{},"bytes_out":{},"model":{},"rows":{}}})"
      "\n",
      fmt::gmtime(static_cast<std::time_t>(seconds.count())), microseconds.count(),
      json_text(record.remote.view()), to_string(record.method), json_text(record.target.view()),
      record.status, std::chrono::duration<double>(record.duration).count(), record.bytes_in,
      record.bytes_out, json_text(record.model.view()), record.n_rows);
}

AccessLog::AccessLog(std::size_t n_threads, std::function<void(std::string_view)> write)
    : write_(std::move(write)) {
  if (!write_) return;
  for (std::size_t i = 0; i < n_threads; ++i) rings_.push_back(std::make_unique<Ring>());
  thread_ = std::thread([this] { run(); });
}

AccessLog::~AccessLog() {
  if (!thread_.joinable()) return;
  {
    const std::scoped_lock lock(mutex_);
    is_stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
  write_all();
}

void AccessLog::add(std::size_t thread, const AccessRecord& record) noexcept {
  Ring& ring = *rings_[thread];
  if (!ring.records.push(record)) ring.n_dropped.add(1);
}

std::uint64_t AccessLog::n_dropped() const noexcept {
  std::uint64_t sum = 0;
  for (const auto& ring : rings_) sum += ring->n_dropped.value();
  return sum;
}

void AccessLog::write_all() {
  std::string lines;
  for (const auto& ring : rings_) {
    ring->records.consume_all([&lines](const AccessRecord& record) { lines += access_line(record); });
  }
  if (!lines.empty()) write_(lines);
}

void AccessLog::run() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kWritePeriod, [this] { return is_stopping_; })) {
    lock.unlock();
    write_all();
    lock.lock();
  }
}

}  // namespace coppice::serve
