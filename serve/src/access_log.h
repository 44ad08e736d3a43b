// The access log: requests leave a record in a ring of their thread, one thread makes lines of them.
#pragma once

#include <array>
#include <atomic>
#include <boost/lockfree/spsc_queue.hpp>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "metrics.h"
#include "request.h"

namespace coppice::serve {

/// A text in a record, cut where it is too long.
template <std::size_t kSize>
class ShortText {
 public:
  ShortText() = default;
  ShortText(
      std::string_view text) noexcept  // NOLINT(google-explicit-constructor): a text is what it stands for
      : size_(static_cast<std::uint8_t>(text.size() < kSize ? text.size() : kSize)) {
    text.copy(bytes_.data(), size_);
  }
  [[nodiscard]] std::string_view view() const noexcept { return {bytes_.data(), size_}; }

 private:
  std::array<char, kSize> bytes_;
  std::uint8_t size_ = 0;
};

struct AccessRecord {
  std::chrono::system_clock::time_point time;
  std::chrono::nanoseconds duration{0};
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t n_rows = 0;
  int status = 0;
  Method method = Method::kOther;
  ShortText<48> remote;
  ShortText<120> target;
  ShortText<80> model;
};

/// One line of JSON for a record, with its end.
[[nodiscard]] std::string access_line(const AccessRecord& record);

class AccessLog {
 public:
  /// `write` gets whole lines, on the log's own thread. No `write`: nothing is logged.
  AccessLog(std::size_t n_threads, std::function<void(std::string_view)> write);
  /// Writes what is left.
  ~AccessLog();
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  [[nodiscard]] bool is_on() const noexcept { return !rings_.empty(); }
  /// Never waits: a record that finds its ring full is dropped and counted. One thread for each place.
  void add(std::size_t thread, const AccessRecord& record) noexcept;
  [[nodiscard]] std::uint64_t n_dropped() const noexcept;

 private:
  static constexpr std::size_t kRingSize = 4096;
  struct Ring {
    boost::lockfree::spsc_queue<AccessRecord, boost::lockfree::capacity<kRingSize>> records;
    Counter n_dropped;
  };

  void write_all();
  void run();

  std::function<void(std::string_view)> write_;
  std::vector<std::unique_ptr<Ring>> rings_;
  std::mutex mutex_;  // of is_stopping_
  std::condition_variable wake_;
  bool is_stopping_ = false;
  std::thread thread_;
};

}  // namespace coppice::serve
