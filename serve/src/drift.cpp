#include <coppice/serve/drift.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "json_text.h"

namespace coppice::serve {
namespace {

constexpr std::size_t kGroups = 10;          // of values
constexpr std::size_t kSlots = 1 + kGroups;  // slot 0: missing
constexpr std::size_t kSlices = 12;          // of the window: rows are forgotten by twelfths
constexpr std::size_t kSampledRows = 64;     // of a call
constexpr std::uint64_t kMostSliceRows = std::uint64_t{1} << 31;  // counts have 32 bits

using Counts = std::array<std::uint64_t, kSlots>;

/// How the values of one feature, or the score, are grouped.
struct Grouping {
  std::string name;
  bool is_categorical = false;
  /// Ascending; a value is in slot 1 + the number of cuts <= it. Padded with NaN, which no value reaches.
  std::array<float, kGroups - 1> cuts;
  Counts reference{};

  [[nodiscard]] std::size_t slot_of(float value) const noexcept {
    if (std::isnan(value)) return 0;
    // Categories are coded by falling frequency: the last group has the rare and the unknown ones.
    if (is_categorical) return 1 + std::min(kGroups - 1, static_cast<std::size_t>(value));
    std::size_t slot = 1;
    for (const float cut : cuts) slot += cut <= value ? 1 : 0;
    return slot;
  }
};

/// Joins bins to groups: a group ends with the bin in which the next tenth of the rows is reached.
/// bin_counts: missing first, then the bins between the cuts.
Grouping group_numbers(std::string name, std::span<const float> cuts,
                       std::span<const std::uint32_t> bin_counts) {
  Grouping grouping{.name = std::move(name)};
  grouping.cuts.fill(std::numeric_limits<float>::quiet_NaN());
  grouping.reference[0] = bin_counts[0];
  const std::uint64_t n_values = std::accumulate(bin_counts.begin() + 1, bin_counts.end(), std::uint64_t{0});
  std::uint64_t n_below = 0;
  std::uint64_t tenth = 1;
  std::size_t n_cuts = 0;
  for (std::size_t bin = 1; bin < bin_counts.size(); ++bin) {
    grouping.reference[1 + n_cuts] += bin_counts[bin];
    n_below += bin_counts[bin];
    if (n_below == n_values || n_below * kGroups < tenth * n_values) continue;
    tenth = n_below * kGroups / n_values + 1;
    grouping.cuts[n_cuts++] = cuts[bin - 1];
  }
  return grouping;
}

Grouping group_categories(std::string name, std::span<const std::uint32_t> bin_counts) {
  Grouping grouping{.name = std::move(name), .is_categorical = true};
  for (std::size_t bin = 0; bin < bin_counts.size(); ++bin) {
    grouping.reference[std::min(bin, kGroups)] += bin_counts[bin];
  }
  return grouping;
}

/// The features that the model has a reference for; its index and its grouping.
std::vector<std::pair<std::size_t, Grouping>> group_features(const Model& model) {
  std::vector<std::pair<std::size_t, Grouping>> groupings;
  if (model.cuts.n_features() != model.schema.features.size()) return groupings;
  for (std::size_t f = 0; f < model.bin_counts.size(); ++f) {
    const std::vector<std::uint32_t>& counts = model.bin_counts[f];
    if (counts.size() != static_cast<std::size_t>(model.cuts.n_bins(f))) continue;
    const std::string& name = model.schema.features[f].name;
    groupings.emplace_back(f, model.cuts.is_categorical(f) ? group_categories(name, counts)
                                                           : group_numbers(name, model.cuts.of(f), counts));
  }
  return groupings;
}

/// The predictions, where the model has a reference for them.
std::optional<Grouping> group_score(const ScoreReference& reference) {
  if (reference.counts.empty() || reference.counts.size() != reference.cuts.size() + 1) return std::nullopt;
  std::vector<std::uint32_t> bin_counts{0};  // none is missing
  bin_counts.insert(bin_counts.end(), reference.counts.begin(), reference.counts.end());
  return group_numbers("score", reference.cuts, bin_counts);
}

/// A twelfth of the window, written by one thread and read by any. `version` is odd while it is emptied; a
/// reader that sees it change has seen a mixture. Writes release and reads acquire, so that whoever sees a
/// count of the new slice sees its version, too.
struct Slice {
  explicit Slice(std::size_t n_counts) : counts(n_counts) {}

  std::atomic<std::uint64_t> version = 0;
  std::atomic<std::int64_t> begin = 0;  ///< Clock ticks
  std::atomic<std::uint64_t> n_rows = 0;
  std::vector<std::atomic<std::uint32_t>> counts;  ///< [groupings, kSlots]
};

/// For the only thread that writes: no read-modify-write is needed.
template <class Count>
void add(std::atomic<Count>& count, Count n) noexcept {
  count.store(count.load(std::memory_order_relaxed) + n, std::memory_order_release);
}

/// The rows of a call that are counted: each stands for itself and those up to the next one.
class Sample {
 public:
  explicit Sample(std::size_t n_rows)
      : step_((n_rows + kSampledRows - 1) / kSampledRows),
        n_before_((n_rows - 1) / step_),
        n_last_(static_cast<std::uint32_t>(n_rows - n_before_ * step_)) {}

  /// Adds the slots of one column, whose values are `stride` apart, to `counts` [kSlots].
  void count(const Grouping& grouping, const float* column, std::size_t stride,
             std::atomic<std::uint32_t>* counts) const noexcept {
    const std::size_t distance = step_ * stride;
    add(counts[grouping.slot_of(column[n_before_ * distance])], n_last_);
    if (n_before_ == 0) return;
    std::array<float, kSampledRows> values;
    for (std::size_t i = 0; i < n_before_; ++i) values[i] = column[i * distance];
    if (grouping.is_categorical) {
      for (std::size_t i = 0; i < n_before_; ++i)
        add(counts[grouping.slot_of(values[i])], static_cast<std::uint32_t>(step_));
    } else {
      count_numbers(grouping, values, counts);
    }
  }

 private:
  /// Slot by slot: many values beside one cut are a few vector operations, one value beside all cuts is not.
  void count_numbers(const Grouping& grouping, const std::array<float, kSampledRows>& values,
                     std::atomic<std::uint32_t>* counts) const noexcept {
    const auto n_from = [&](float cut) {
      std::uint32_t n = 0;
      for (std::size_t i = 0; i < n_before_; ++i) n += cut <= values[i] ? 1 : 0;
      return n * static_cast<std::uint32_t>(step_);
    };
    std::uint32_t n_left = n_from(-std::numeric_limits<float>::infinity());
    add(counts[0], static_cast<std::uint32_t>(n_before_ * step_) - n_left);
    for (std::size_t slot = 1; slot < kGroups; ++slot) {
      const std::uint32_t n_above = n_from(grouping.cuts[slot - 1]);
      add(counts[slot], n_left - n_above);
      n_left = n_above;
    }
    add(counts[kGroups], n_left);
  }

  std::size_t step_;      ///< rows that a counted row stands for
  std::size_t n_before_;  ///< counted rows before the last one
  std::uint32_t n_last_;  ///< rows that the last counted row stands for
};

struct Writer {
  explicit Writer(std::size_t n_counts) {
    for (std::size_t i = 0; i < kSlices; ++i) slices.push_back(std::make_unique<Slice>(n_counts));
  }
  std::vector<std::unique_ptr<Slice>> slices;
  std::size_t current = 0;
};

/// What all writers counted.
struct Sums {
  std::vector<std::uint64_t> counts;
  std::uint64_t n_rows = 0;
  std::int64_t begin = std::numeric_limits<std::int64_t>::max();
};

DriftEntry entry_of(const Grouping& grouping, const std::uint64_t* counts) {
  const std::span<const std::uint64_t> window(counts, kSlots);
  const auto share_missing = [](std::span<const std::uint64_t> slots) {
    const auto total = std::accumulate(slots.begin(), slots.end(), std::uint64_t{0});
    return total == 0 ? 0 : static_cast<double>(slots[0]) / static_cast<double>(total);
  };
  return {.name = grouping.name,
          .psi = population_stability_index(window, grouping.reference),
          .missing = share_missing(window),
          .reference_missing = share_missing(grouping.reference)};
}

}  // namespace

std::optional<double> population_stability_index(std::span<const std::uint64_t> counts,
                                                 std::span<const std::uint64_t> reference) {
  const auto n = static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}));
  const auto n_reference =
      static_cast<double>(std::accumulate(reference.begin(), reference.end(), std::uint64_t{0}));
  if (n == 0 || n_reference == 0) return std::nullopt;
  double index = 0;
  for (std::size_t group = 0; group < counts.size(); ++group) {
    const double actual = std::max(kShareFloor, static_cast<double>(counts[group]) / n);
    const double expected = std::max(kShareFloor, static_cast<double>(reference[group]) / n_reference);
    index += (actual - expected) * std::log(actual / expected);
  }
  return index;
}

struct DriftMonitor::State {
  State(const Model& model, const DriftOptions& options)
      : n_features(model.schema.features.size()),
        features(group_features(model)),
        score(group_score(model.score_reference)),
        window(std::chrono::duration_cast<Clock::duration>(options.window).count()),
        slice_rows(
            std::clamp<std::uint64_t>(options.window_rows / options.n_writers / kSlices, 1, kMostSliceRows)),
        writers(options.n_writers) {
    for (auto& writer : writers) writer = std::make_unique<Writer>(n_groupings() * kSlots);
  }

  [[nodiscard]] std::size_t n_groupings() const noexcept { return features.size() + (score ? 1 : 0); }

  /// The slice to count in, a new one when the current one is full or old.
  Slice& slice_at(Writer& writer, std::int64_t now) const noexcept {
    Slice& current = *writer.slices[writer.current];
    const bool is_used = current.n_rows.load(std::memory_order_relaxed) > 0;
    const bool is_full = current.n_rows.load(std::memory_order_relaxed) >= slice_rows;
    const bool is_old = now - current.begin.load(std::memory_order_relaxed) >= window / std::int64_t{kSlices};
    if (is_used && !is_full && !is_old) return current;
    if (is_used) writer.current = (writer.current + 1) % kSlices;
    Slice& next = *writer.slices[writer.current];
    add(next.version, std::uint64_t{1});
    next.n_rows.store(0, std::memory_order_release);
    next.begin.store(now, std::memory_order_release);
    for (auto& count : next.counts) count.store(0, std::memory_order_release);
    add(next.version, std::uint64_t{1});
    return next;
  }

  /// Adds what a slice has, if it is within the window.
  void add_slice(const Slice& slice, std::int64_t now, std::vector<std::uint64_t>& room, Sums& sums) const {
    const std::uint64_t version = slice.version.load(std::memory_order_acquire);
    const std::uint64_t n_rows = slice.n_rows.load(std::memory_order_acquire);
    const std::int64_t begin = slice.begin.load(std::memory_order_acquire);
    std::ranges::transform(slice.counts, room.begin(),
                           [](const auto& count) { return count.load(std::memory_order_acquire); });
    const bool is_whole = version % 2 == 0 && version == slice.version.load(std::memory_order_acquire);
    if (!is_whole || n_rows == 0 || now - begin >= window) return;
    sums.n_rows += n_rows;
    sums.begin = std::min(sums.begin, begin);
    for (std::size_t i = 0; i < room.size(); ++i) sums.counts[i] += room[i];
  }

  std::size_t n_features;
  std::vector<std::pair<std::size_t, Grouping>> features;
  std::optional<Grouping> score;
  std::int64_t window;  ///< Clock ticks
  std::uint64_t slice_rows;
  std::vector<std::unique_ptr<Writer>> writers;
};

DriftMonitor::DriftMonitor(const Model& model, const DriftOptions& options)
    : state_(std::make_unique<State>(model, options)) {}
DriftMonitor::~DriftMonitor() = default;
DriftMonitor::DriftMonitor(DriftMonitor&&) noexcept = default;
DriftMonitor& DriftMonitor::operator=(DriftMonitor&&) noexcept = default;

void DriftMonitor::record(std::size_t writer, std::span<const float> rows, std::span<const float> predictions,
                          Clock::time_point now) noexcept {
  const std::size_t n_rows = predictions.size();
  if (n_rows == 0 || state_->n_groupings() == 0) return;
  Slice& slice = state_->slice_at(*state_->writers[writer], now.time_since_epoch().count());
  const Sample sample(n_rows);
  std::atomic<std::uint32_t>* counts = slice.counts.data();
  for (const auto& [f, grouping] : state_->features) {
    sample.count(grouping, rows.data() + f, state_->n_features, counts);
    counts += kSlots;
  }
  if (state_->score) sample.count(*state_->score, predictions.data(), 1, counts);
  add(slice.n_rows, std::uint64_t{n_rows});
}

DriftReport DriftMonitor::report(Clock::time_point now) const {
  const std::int64_t ticks = now.time_since_epoch().count();
  Sums sums{.counts = std::vector<std::uint64_t>(state_->n_groupings() * kSlots)};
  std::vector<std::uint64_t> room(sums.counts.size());
  for (const auto& writer : state_->writers) {
    for (const auto& slice : writer->slices) state_->add_slice(*slice, ticks, room, sums);
  }
  DriftReport report{.rows = sums.n_rows};
  if (sums.n_rows > 0)
    report.seconds = std::chrono::duration<double>(Clock::duration(ticks - sums.begin)).count();
  const std::uint64_t* counts = sums.counts.data();
  for (const auto& feature : state_->features) {
    report.features.push_back(entry_of(feature.second, counts));
    counts += kSlots;
  }
  if (state_->score) report.score = entry_of(*state_->score, counts);
  return report;
}

std::string to_json(const DriftReport& report) {
  using Json = nlohmann::ordered_json;
  const auto to_value = [](const DriftEntry& entry) {
    return Json{{"name", entry.name},
                {"psi", entry.psi ? Json(*entry.psi) : Json()},
                {"missing", entry.missing},
                {"reference_missing", entry.reference_missing}};
  };
  Json features = Json::array();
  for (const DriftEntry& entry : report.features) features.push_back(to_value(entry));
  const Json json{{"rows", report.rows},
                  {"seconds", report.seconds},
                  {"score", report.score ? to_value(*report.score) : Json()},
                  {"features", std::move(features)}};
  return json_text(json);
}

}  // namespace coppice::serve
