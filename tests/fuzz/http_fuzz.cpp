// Fuzz target: bytes of a connection as the server's request parser takes them. They mean the same in one
// piece and in two, and what is refused in one piece is refused in two.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "request.h"

namespace {

using coppice::serve::Request;
using coppice::serve::RequestParser;

constexpr std::uint32_t kMaxHeader = 1024;
constexpr std::uint64_t kMaxBody = 4096;

struct Outcome {
  enum class End { kIncomplete, kDone, kRefused } end = End::kIncomplete;
  Request request;
  std::string body;
};

Outcome parse(const std::vector<std::string_view>& pieces) {
  Outcome outcome;
  std::string storage, buffer;
  RequestParser parser(outcome.request, storage, kMaxHeader, kMaxBody);
  for (const std::string_view piece : pieces) {
    buffer += piece;
    if (buffer.empty()) continue;
    boost::beast::error_code error;
    const std::size_t n_used = parser.parse(boost::asio::buffer(buffer), error);
    if (n_used > buffer.size()) std::abort();
    if (error && error != boost::beast::http::error::need_more) {
      const int status = parser.status_of(error);
      if (status < 400 || status > 505) std::abort();
      outcome.end = Outcome::End::kRefused;
      return outcome;
    }
    if (parser.is_done()) {
      outcome.end = Outcome::End::kDone;
      outcome.body = outcome.request.body;
      if (outcome.body.size() > kMaxBody) std::abort();
      return outcome;
    }
    buffer.erase(0, n_used);
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Outcome whole = parse({text});
  const std::size_t middle = size == 0 ? 0 : data[size / 2] % (size + 1);
  const Outcome halves = parse({text.substr(0, middle), text.substr(middle)});
  // What is broken and not complete may be refused sooner or later.
  if ((whole.end == Outcome::End::kDone) != (halves.end == Outcome::End::kDone)) std::abort();
  if (whole.end == Outcome::End::kDone &&
      (whole.body != halves.body || whole.request.target != halves.request.target ||
       whole.request.keep_alive != halves.request.keep_alive)) {
    std::abort();
  }
  return 0;
}
