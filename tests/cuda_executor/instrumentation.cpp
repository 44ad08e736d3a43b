// What the compiler calls from code that it compiles with -fsanitize=thread (access_checker.h says why).
#include <cstddef>

#include "access_checker.h"
#include "executor.h"

extern "C" {
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming)
void __tsan_init() { cuda_executor::begin_checking(); }
void __tsan_func_entry(void* /*caller*/) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void* /*object*/, void* /*table*/) {}
void __tsan_vptr_read(void* /*object*/) {}

#define COPPICE_CHECK(bytes)                                                          \
  void __tsan_read##bytes(void* address) {                                            \
    cuda_executor::note_access(address, bytes, cuda_executor::AccessKind::kRead);     \
  }                                                                                   \
  void __tsan_write##bytes(void* address) {                                           \
    cuda_executor::note_access(address, bytes, cuda_executor::AccessKind::kWrite);    \
  }                                                                                   \
  void __tsan_unaligned_read##bytes(void* address) { __tsan_read##bytes(address); }   \
  void __tsan_unaligned_write##bytes(void* address) { __tsan_write##bytes(address); } \
  void __tsan_volatile_read##bytes(void* address) { __tsan_read##bytes(address); }    \
  void __tsan_volatile_write##bytes(void* address) { __tsan_write##bytes(address); }
COPPICE_CHECK(1)
COPPICE_CHECK(2)
COPPICE_CHECK(4)
COPPICE_CHECK(8)
COPPICE_CHECK(16)
#undef COPPICE_CHECK

void __tsan_read_range(void* address, std::size_t n_bytes) {
  cuda_executor::note_access(address, n_bytes, cuda_executor::AccessKind::kRead);
}
void __tsan_write_range(void* address, std::size_t n_bytes) {
  cuda_executor::note_access(address, n_bytes, cuda_executor::AccessKind::kWrite);
}
// Reference counts and guards of the host's own code.
unsigned char __tsan_atomic8_load(const volatile unsigned char* address, int /*order*/) {
  return __atomic_load_n(address, __ATOMIC_SEQ_CST);
}
unsigned __tsan_atomic32_fetch_add(volatile unsigned* address, unsigned value, int /*order*/) {
  return __atomic_fetch_add(address, value, __ATOMIC_SEQ_CST);
}
unsigned __tsan_atomic32_fetch_sub(volatile unsigned* address, unsigned value, int /*order*/) {
  return __atomic_fetch_sub(address, value, __ATOMIC_SEQ_CST);
}
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
}
