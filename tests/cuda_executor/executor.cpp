#include "executor.h"

#include <algorithm>
#include <array>
#include <bit>
#include <deque>
#include <exception>
#include <memory>
#include <numeric>
#include <optional>
#include <span>
#include <vector>

#include "access_checker.h"
#include "cuda_runtime.h"
#include "fiber.h"
#include "runtime_state.h"
#include "zoned_memory.h"

// Of the linker: where the program's code, constants and global variables begin and end.
// NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" const char __executable_start, end;

namespace cuda_executor {
namespace {

bool is_program_memory(const void* address) { return address >= &__executable_start && address < &end; }

constexpr unsigned kWarpLanes = 32;

enum class State : std::uint8_t { kReady, kAtBlockBarrier, kAtGridBarrier, kAtWarpOperation, kDone };

struct Thread {
  State state = State::kReady;
  // Of the barrier or warp operation that it waits in.
  std::source_location where;
  WarpOperation operation{};
  std::uint32_t mask = 0;
  std::uint64_t value = 0;
  int source_lane = 0;
  std::uint64_t result = 0;
};

/// A block's shared memory, known to the access checker.
class SharedMemory {
 public:
  SharedMemory() = default;
  explicit SharedMemory(std::size_t n_bytes)
      : memory_(std::make_unique<ZonedMemory>(n_bytes, settings().fill)) {
    add_region(memory_->data(), n_bytes, "shared memory");
  }
  SharedMemory(SharedMemory&&) noexcept = default;
  SharedMemory& operator=(SharedMemory&& other) noexcept {
    std::swap(memory_, other.memory_);
    return *this;
  }
  ~SharedMemory() {
    if (memory_ != nullptr) remove_region(memory_->data());
  }
  [[nodiscard]] ZonedMemory* operator->() const noexcept { return memory_.get(); }

 private:
  std::unique_ptr<ZonedMemory> memory_;
};

struct Block {
  uint3 index{};
  std::uint32_t number = 0;  ///< in the grid
  std::vector<Thread> threads;
  SharedMemory shared;
  BlockClock clock{0};
  unsigned n_done = 0;
  unsigned n_at_barrier = 0;
  std::size_t first_fiber = 0;
};

/// One launch while it runs.
struct Launch {
  const LaunchConfig& config;
  std::vector<Block> blocks;  ///< those that are resident
  unsigned n_at_grid_barrier = 0;
  // Who runs.
  Block* block = nullptr;
  unsigned thread = 0;
  bool is_faulty = false;
};

Launch* running = nullptr;
std::deque<Fiber> fibers;  // a fiber must not move: its stack knows its address
std::string first_fault;
Counts all_counts;

/// splitmix64
std::uint64_t random_state = 0;
std::uint64_t next_random() {
  std::uint64_t x = random_state += 0x9e3779b97f4a7c15;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
  x = (x ^ x >> 27) * 0x94d049bb133111eb;
  return x ^ x >> 31;
}

template <class Container>
void shuffle_order(Container& order) {
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[next_random() % i]);
}

Fiber& fiber_of(const Block& block, unsigned thread) { return fibers[block.first_fiber + thread]; }
Thread& current() { return running->block->threads[running->thread]; }

std::string place(std::source_location where) {
  const std::string_view path = where.file_name();
  return std::string(path.substr(path.rfind('/') + 1)) + ":" + std::to_string(where.line());
}

void set_fault(std::string_view what) {
  running->is_faulty = true;
  if (first_fault.empty())
    first_fault = "kernel " + std::string(running->config.kernel) + ": " + std::string(what);
}

std::string thread_name(const Block& block, unsigned thread) {
  return "thread " + std::to_string(thread) + " of block " + std::to_string(block.index.x);
}

/// Leaves the running fiber, until it is ready again.
void wait(State state, std::source_location where) {
  Thread& thread = current();
  thread.state = state;
  thread.where = where;
  fiber_of(*running->block, running->thread).suspend();
}

bool is_same_place(std::source_location a, std::source_location b) {
  return a.line() == b.line() && a.column() == b.column() &&
         (a.file_name() == b.file_name() || std::string_view(a.file_name()) == b.file_name());
}

std::string state_text(const Thread& thread) {
  switch (thread.state) {
    case State::kReady:
      return "can run";
    case State::kAtBlockBarrier:
      return "waits at the barrier in " + place(thread.where);
    case State::kAtGridBarrier:
      return "waits at the grid barrier in " + place(thread.where);
    case State::kAtWarpOperation:
      return "waits in the warp operation in " + place(thread.where);
    case State::kDone:
      break;
  }
  return "has ended";
}

/// Two threads of a block that do not go on together, and why.
void report_deadlock() {
  for (const Block& block : running->blocks) {
    std::optional<unsigned> waiting, other;
    for (unsigned t = 0; t < block.threads.size(); ++t)
      if (block.threads[t].state != State::kDone && !waiting) waiting = t;
    if (!waiting) continue;
    const Thread& first = block.threads[*waiting];
    for (unsigned t = 0; t < block.threads.size() && !other; ++t)
      if (block.threads[t].state != first.state || !is_same_place(block.threads[t].where, first.where))
        other = t;
    std::string text = "not all threads get there: " + thread_name(block, *waiting) + " " + state_text(first);
    if (other) text += ", " + thread_name(block, *other) + " " + state_text(block.threads[*other]);
    return set_fault(text);
  }
}

// ---------------------------------------------------------------------------------------------------------
// Barriers

void release(Block& block) {
  for (Thread& thread : block.threads)
    if (thread.state == State::kAtBlockBarrier) thread.state = State::kReady;
  block.n_at_barrier = 0;
  block.clock.block_barrier();
}

/// Those who wait at a barrier already all wait at the same one: is it this one?
void check_barrier(const Block& block, std::source_location where) {
  for (unsigned t = 0; t < block.threads.size(); ++t) {
    if (block.threads[t].state != State::kAtBlockBarrier) continue;
    if (is_same_place(block.threads[t].where, where)) return;
    raise_fault("threads of a block are at different barriers: another one is " + thread_name(block, t) +
                    " in " + place(block.threads[t].where),
                where);
  }
}

// ---------------------------------------------------------------------------------------------------------
// Warp operations

/// The lanes of the running thread's warp.
std::span<Thread> warp_threads() {
  const std::size_t first = running->thread / kWarpLanes * kWarpLanes;
  std::vector<Thread>& threads = running->block->threads;
  return std::span(threads).subspan(first, std::min<std::size_t>(kWarpLanes, threads.size() - first));
}

template <class Function>
void for_each_lane(std::uint32_t mask, const Function& function) {
  for (std::uint32_t left = mask; left != 0; left &= left - 1)
    function(static_cast<unsigned>(std::countr_zero(left)));
}

template <class Combine>
void reduce(std::span<Thread> lanes, std::uint32_t mask, const Combine& combine) {
  std::optional<std::uint64_t> sum;
  for_each_lane(mask, [&](unsigned l) { sum = sum ? combine(*sum, lanes[l].value) : lanes[l].value; });
  for_each_lane(mask, [&](unsigned l) { lanes[l].result = *sum; });
}

void shuffle_lanes(std::span<Thread> lanes, std::uint32_t mask) {
  for_each_lane(mask, [&](unsigned l) {
    const int from = lanes[l].source_lane;
    if ((mask >> from & 1) == 0)
      raise_fault("a shuffle reads from lane " + std::to_string(from) + ", which takes no part",
                  lanes[l].where);
    lanes[l].result = lanes[from].value;
  });
}

/// All lanes of `mask` have come: gives each its result.
void complete(std::span<Thread> lanes, std::uint32_t mask, WarpOperation operation) {
  using Word = std::uint64_t;
  std::uint32_t ballot = 0;
  for_each_lane(mask, [&](unsigned l) { ballot |= static_cast<std::uint32_t>(lanes[l].value != 0) << l; });
  const auto give = [&](Word result) { for_each_lane(mask, [&](unsigned l) { lanes[l].result = result; }); };
  switch (operation) {
    case WarpOperation::kSync:
      return;
    case WarpOperation::kShuffle:
      return shuffle_lanes(lanes, mask);
    case WarpOperation::kBallot:
      return give(ballot);
    case WarpOperation::kMin:
      return reduce(lanes, mask, [](Word a, Word b) { return std::min(a, b); });
    case WarpOperation::kMax:
      return reduce(lanes, mask, [](Word a, Word b) { return std::max(a, b); });
  }
}

/// Have all lanes of the mask come? A fault when one never will, or when they have come to different places.
bool all_have_come(std::span<Thread> lanes, const Thread& me) {
  for (std::uint32_t left = me.mask; left != 0; left &= left - 1) {
    const auto l = static_cast<unsigned>(std::countr_zero(left));
    if (l >= lanes.size() || lanes[l].state == State::kDone)
      raise_fault("a warp operation names lane " + std::to_string(l) + ", which " +
                      (l >= lanes.size() ? "the block does not have" : "has ended"),
                  me.where);
    if (&lanes[l] != &me && lanes[l].state != State::kAtWarpOperation) return false;
  }
  for_each_lane(me.mask, [&](unsigned l) {
    const Thread& other = lanes[l];
    if (other.mask != me.mask || other.operation != me.operation || !is_same_place(other.where, me.where))
      raise_fault("lanes of a warp meet in different operations: another one is in " + place(other.where),
                  me.where);
  });
  return true;
}

// ---------------------------------------------------------------------------------------------------------
// Scheduling

/// Runs a thread until it waits or ends.
void run_thread(Block& block, unsigned index) {
  const dim3& shape = running->config.block;
  running->block = &block;
  running->thread = index;
  threadIdx = {index % shape.x, index / shape.x % shape.y, index / (shape.x * shape.y)};
  blockIdx = block.index;
  if (!fiber_of(block, index).resume() || running->is_faulty) return;
  block.threads[index].state = State::kDone;
  ++block.n_done;
}

/// Lets every ready thread of a warp run. True: there was one.
bool run_warp(Block& block, unsigned warp) {
  const unsigned first = warp * kWarpLanes;
  const unsigned n = std::min<unsigned>(kWarpLanes, static_cast<unsigned>(block.threads.size()) - first);
  std::array<unsigned, kWarpLanes> order;
  std::iota(order.begin(), order.end(), first);
  std::span<unsigned> lanes(order.data(), n);
  shuffle_order(lanes);
  bool has_run = false;
  for (const unsigned thread : lanes) {
    if (block.threads[thread].state != State::kReady) continue;
    run_thread(block, thread);
    if (running->is_faulty) return false;
    has_run = true;
  }
  return has_run;
}

/// Runs the resident blocks to their end or to a fault.
void run_resident(Launch& launch) {
  const std::size_t n_threads = launch.blocks.front().threads.size();
  const auto n_warps = static_cast<unsigned>((n_threads + kWarpLanes - 1) / kWarpLanes);
  std::vector<unsigned> order(launch.blocks.size() * n_warps);  // block, warp
  std::iota(order.begin(), order.end(), 0U);
  for (;;) {
    shuffle_order(order);
    bool has_run = false;
    for (const unsigned i : order) {
      Block& block = launch.blocks[i / n_warps];
      while (run_warp(block, i % n_warps)) has_run = true;
      if (launch.is_faulty) return;
    }
    if (has_run) continue;
    const bool is_done = std::all_of(launch.blocks.begin(), launch.blocks.end(),
                                     [&](const Block& block) { return block.n_done == n_threads; });
    if (!is_done) report_deadlock();
    return;
  }
}

void make_resident(Block& block, std::size_t index, std::size_t slot, const LaunchConfig& config,
                   const std::function<void()>& body) {
  const std::size_t n_threads = std::size_t{config.block.x} * config.block.y * config.block.z;
  block = Block{};
  block.index = {static_cast<unsigned>(index % config.grid.x),
                 static_cast<unsigned>(index / config.grid.x % config.grid.y),
                 static_cast<unsigned>(index / config.grid.x / config.grid.y)};
  block.threads.resize(n_threads);
  block.number = static_cast<std::uint32_t>(index);
  block.shared = SharedMemory(config.shared_bytes);
  block.clock = BlockClock(n_threads);
  block.first_fiber = slot * n_threads;
  while (fibers.size() < block.first_fiber + n_threads) fibers.emplace_back();
  for (unsigned t = 0; t < n_threads; ++t) fiber_of(block, t).start(body);
}

void check_memory(const Launch& launch) {
  for (const Block& block : launch.blocks)
    if (!block.shared->is_intact())
      return set_fault("block " + std::to_string(block.index.x) + " wrote beyond its " +
                       std::to_string(launch.config.shared_bytes) + " bytes of shared memory");
  if (const std::string damage = damaged_allocation(); !damage.empty()) set_fault(damage);
}

}  // namespace

Settings& settings() noexcept {
  static Settings settings;
  return settings;
}

const std::string& fault() { return first_fault; }
void forget_fault() { first_fault.clear(); }
Counts& counts() noexcept { return all_counts; }

bool run_launch(const LaunchConfig& config, const KernelCall& call) {
  Launch launch{.config = config, .blocks = {}};
  running = &launch;
  ++all_counts.launches;
  begin_checked_launch();
  random_state = settings().seed * 0x9e3779b97f4a7c15 + all_counts.launches;
  blockDim = config.block;
  gridDim = config.grid;
  const std::function<void()> body = [&call] {
    try {
      call.run(call.arguments.get());
    } catch (const std::exception& exception) {
      raise_fault(std::string("an exception: ") + exception.what(), std::source_location::current());
    }
  };
  const std::size_t n_blocks = std::size_t{config.grid.x} * config.grid.y * config.grid.z;
  std::vector<std::size_t> order(n_blocks);
  std::iota(order.begin(), order.end(), std::size_t{0});
  shuffle_order(order);
  const std::size_t n_resident = config.is_cooperative ? n_blocks : 1;
  launch.blocks.resize(n_resident);
  for (std::size_t begin = 0; begin < n_blocks && !launch.is_faulty; begin += n_resident) {
    for (std::size_t i = 0; i < n_resident; ++i)
      make_resident(launch.blocks[i], order[begin + i], i, config, body);
    run_resident(launch);
    if (!launch.is_faulty) check_memory(launch);
  }
  running = nullptr;
  return !launch.is_faulty;
}

void* shared_memory() { return running->block->shared->data(); }
unsigned lane() noexcept { return running->thread % kWarpLanes; }

void raise_fault(std::string_view what, std::source_location where) {
  set_fault(thread_name(*running->block, running->thread) + " in " + place(where) + ": " + std::string(what));
  for (;;) fiber_of(*running->block, running->thread).suspend();  // nobody resumes it
}

void block_barrier(std::source_location where) {
  Block& block = *running->block;
  check_barrier(block, where);
  ++block.n_at_barrier;
  if (block.n_at_barrier < block.threads.size())
    wait(State::kAtBlockBarrier, where);
  else
    release(block);
}

void grid_barrier(std::source_location where) {
  Launch& launch = *running;
  if (!launch.config.is_cooperative) raise_fault("a grid barrier needs a cooperative launch", where);
  ++launch.n_at_grid_barrier;
  if (launch.n_at_grid_barrier < launch.blocks.size() * launch.block->threads.size())
    return wait(State::kAtGridBarrier, where);
  launch.n_at_grid_barrier = 0;
  pass_grid_barrier();
  for (Block& block : launch.blocks)
    for (Thread& thread : block.threads)
      if (thread.state == State::kAtGridBarrier) thread.state = State::kReady;
}

std::uint64_t warp_operation(WarpOperation operation, std::uint32_t mask, std::uint64_t value,
                             int source_lane, std::source_location where) {
  Thread& me = current();
  if ((mask >> lane() & 1) == 0)
    raise_fault("a warp operation whose mask leaves out the calling lane " + std::to_string(lane()), where);
  me.operation = operation;
  me.mask = mask;
  me.value = value;
  me.source_lane = source_lane;
  me.where = where;
  const std::span<Thread> lanes = warp_threads();
  if (!all_have_come(lanes, me)) {
    wait(State::kAtWarpOperation, where);
    return me.result;
  }
  complete(lanes, mask, operation);
  if (is_checking()) running->block->clock.warp_operation(running->thread / kWarpLanes * kWarpLanes, mask);
  for_each_lane(mask, [&](unsigned l) { lanes[l].state = State::kReady; });
  return me.result;
}

void note_access(const void* address, std::size_t n_bytes, AccessKind kind) {
  if (running == nullptr) return;  // the host's own code
  Block& block = *running->block;
  if (fiber_of(block, running->thread).contains(address) || is_program_memory(address)) return;
  const std::string wrong =
      check_access({&block.clock, block.number, running->thread}, address, n_bytes, kind);
  if (!wrong.empty()) raise_fault(wrong, current().where);
}

void note_fence() { running->block->clock.fence(); }

void note_atomic(const void* address, std::size_t n_bytes, bool is_read) {
  if (is_checking()) note_access(address, n_bytes, is_read ? AccessKind::kAtomicRead : AccessKind::kAtomic);
}

}  // namespace cuda_executor
