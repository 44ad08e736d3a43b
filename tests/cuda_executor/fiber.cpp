#include "fiber.h"

#include <sys/mman.h>

#include <new>
#include <utility>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace cuda_executor {
namespace {

constexpr std::size_t kPage = 4096;

#if defined(__SANITIZE_ADDRESS__)
void begin_switch(void** fake_stack, const void* stack, std::size_t n_bytes) {
  __sanitizer_start_switch_fiber(fake_stack, stack, n_bytes);
}
void end_switch(void* fake_stack, const void** stack, std::size_t* n_bytes) {
  __sanitizer_finish_switch_fiber(fake_stack, stack, n_bytes);
}
/// The frames of a body that was left for good have poisoned parts of the stack.
void clean_stack(void* stack, std::size_t n_bytes) { ASAN_UNPOISON_MEMORY_REGION(stack, n_bytes); }
#else
void begin_switch(void** /*fake_stack*/, const void* /*stack*/, std::size_t /*n_bytes*/) {}
void end_switch(void* /*fake_stack*/, const void** /*stack*/, std::size_t* /*n_bytes*/) {}
void clean_stack(void* /*stack*/, std::size_t /*n_bytes*/) {}
#endif

}  // namespace

Fiber::Fiber() {
  stack_ = ::mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                  -1, 0);
  if (stack_ == MAP_FAILED) throw std::bad_alloc();
  ::mprotect(stack_, kPage, PROT_NONE);
}

Fiber::Fiber(Fiber&& other) noexcept
    : stack_(std::exchange(other.stack_, nullptr)),
      body_(other.body_),
      inside_(other.inside_),
      outside_(other.outside_),
      is_done_(other.is_done_) {}

Fiber::~Fiber() {
  if (stack_ != nullptr) ::munmap(stack_, kStackBytes);
}

void Fiber::start(const std::function<void()>& body) {
  auto* top = static_cast<std::byte*>(stack_) + kStackBytes;
  body_ = &body;
  if (is_done_ && inside_ != nullptr) {
    is_done_ = false;
    return;  // it waits in enter() for its next body
  }
  clean_stack(static_cast<std::byte*>(stack_) + kPage, kStackBytes - kPage);
  inside_ = boost::context::detail::make_fcontext(top, kStackBytes - kPage, enter);
  inside_fake_stack_ = nullptr;
  is_done_ = false;
}

bool Fiber::resume() {
  void* fake_stack = nullptr;
  begin_switch(&fake_stack, static_cast<std::byte*>(stack_) + kPage, kStackBytes - kPage);
  inside_ = boost::context::detail::jump_fcontext(inside_, this).fctx;
  end_switch(fake_stack, nullptr, nullptr);
  return is_done_;
}

void Fiber::suspend() {
  begin_switch(&inside_fake_stack_, outside_stack_, outside_stack_bytes_);
  outside_ = boost::context::detail::jump_fcontext(outside_, this).fctx;
  end_switch(inside_fake_stack_, &outside_stack_, &outside_stack_bytes_);
}

void Fiber::enter(boost::context::detail::transfer_t from) {
  auto& self = *static_cast<Fiber*>(from.data);
  self.outside_ = from.fctx;
  end_switch(nullptr, &self.outside_stack_, &self.outside_stack_bytes_);
  for (;;) {
    (*self.body_)();
    self.is_done_ = true;
    self.suspend();
  }
}

bool Fiber::contains(const void* address) const noexcept {
  const auto* begin = static_cast<const std::byte*>(stack_);
  return address >= begin && address < begin + kStackBytes;
}

}  // namespace cuda_executor
