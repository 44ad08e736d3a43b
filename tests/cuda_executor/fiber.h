// A stack that runs one function after another, and can be left for good in the middle of one.
#pragma once

#include <boost/context/detail/fcontext.hpp>

#include <cstddef>
#include <functional>

namespace cuda_executor {

/// Boost's public fiber unwinds its stack when it is dropped; after a fault the threads of a block are
/// dropped where they stand, in code that may be noexcept. So this is made of the switch below it.
class Fiber {
 public:
  Fiber();
  Fiber(Fiber&& other) noexcept;
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  Fiber& operator=(Fiber&&) = delete;
  ~Fiber();

  /// Makes resume() call `body` from its beginning; what ran here before is forgotten. `body` must outlive
  /// it.
  void start(const std::function<void()>& body);

  /// Runs until suspend(), or the body's end. True: it ended.
  bool resume();

  /// Called from the body: returns to who called resume().
  void suspend();

  /// Is an address on this stack?
  [[nodiscard]] bool contains(const void* address) const noexcept;

  static constexpr std::size_t kStackBytes = 128 << 10;

 private:
  static void enter(boost::context::detail::transfer_t from);

  void* stack_ = nullptr;  ///< the lowest page is a guard
  const std::function<void()>* body_ = nullptr;
  boost::context::detail::fcontext_t inside_ = nullptr;   ///< where to go on
  boost::context::detail::fcontext_t outside_ = nullptr;  ///< who resumed
  bool is_done_ = true;
  // What address sanitizer has to be told at a switch: the other side's stack.
  void* inside_fake_stack_ = nullptr;
  const void* outside_stack_ = nullptr;
  std::size_t outside_stack_bytes_ = 0;
};

}  // namespace cuda_executor
