// Memory for large bodies that goes from one connection of a thread to the next.
#pragma once

#include <boost/beast/core/flat_buffer.hpp>
#include <cstddef>
#include <utility>
#include <vector>

namespace coppice::serve {

/// Used by one thread. What the system hands out anew it clears page by page, which costs as much as reading
/// a body does.
class SpareBuffers {
 public:
  using Buffer = boost::beast::flat_buffer;

  static constexpr std::size_t kMostBytes = std::size_t{8} << 20;

  /// Takes the memory of a buffer away, its bytes move to a small one.
  void give(Buffer& buffer) {
    Buffer rest;
    append(buffer, rest);
    std::swap(buffer, rest);
    rest.clear();
    if (n_bytes_ + rest.capacity() > kMostBytes) return;
    n_bytes_ += rest.capacity();
    buffers_.push_back(std::move(rest));
  }

  /// Puts the buffer's bytes into a spare one, if there is one.
  void take(Buffer& buffer) {
    if (buffers_.empty()) return;
    n_bytes_ -= buffers_.back().capacity();
    append(buffer, buffers_.back());
    std::swap(buffer, buffers_.back());
    buffers_.pop_back();
  }

 private:
  static void append(const Buffer& from, Buffer& to) {
    to.commit(boost::asio::buffer_copy(to.prepare(from.size()), from.data()));
  }

  std::vector<Buffer> buffers_;
  std::size_t n_bytes_ = 0;
};

}  // namespace coppice::serve
