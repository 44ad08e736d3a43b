#include <coppice/buffer.h>
#include <coppice/detail/fixed_sum.h>
#include <coppice/detail/math.h>
#include <coppice/error.h>
#include <coppice/metric.h>
#include <coppice/parameters.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace coppice {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct NamedKind {
  std::string_view name;
  Metric::Kind kind;
};

/// The first name of a kind is its own, the others are aliases.
constexpr std::array<NamedKind, 8> kNames = {{
    {"logloss", Metric::Kind::kLogloss},
    {"error", Metric::Kind::kError},
    {"auc", Metric::Kind::kAuc},
    {"ap", Metric::Kind::kAveragePrecision},
    {"average_precision", Metric::Kind::kAveragePrecision},
    {"aucpr", Metric::Kind::kAveragePrecision},
    {"rmse", Metric::Kind::kRmse},
    {"mae", Metric::Kind::kMae},
}};

double parse_threshold(std::string_view name, std::string_view text) {
  double threshold = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), threshold);
  if (error != std::errc{} || stop != text.data() + text.size() || !std::isfinite(threshold)) {
    constexpr std::string_view kMessage =
        "metric '{}': '{}' is not a threshold; write, for instance, error@0.3";
    throw Error("core.metric.unknown", fmt::format(kMessage, name, text));
  }
  return threshold;
}

bool is_positive(double label) { return label > 0.5; }

double sum_weights(std::span<const float> weights, std::size_t n) {
  if (weights.empty()) return static_cast<double>(n);
  return detail::fixed_sum(n, [weights](std::size_t i) { return static_cast<double>(weights[i]); });
}

/// Losses of the rows of one block.
using Losses = std::array<double, detail::kSumBlock>;

/// -(y log p + (1 - y) log(1 - p)) from the margin z = log(p / (1 - p)), as
/// max(z, 0) - y z + log(1 + exp(-|z|)). z is kept where p is in [1e-16, 1 - 1e-16].
[[gnu::always_inline]] inline void log_losses(std::span<const float> margins, std::span<const float> labels,
                                              Losses& losses) {
  constexpr double kLimit = 36.841361487904734;
  for (std::size_t i = 0; i < margins.size(); ++i) {
    losses[i] = std::clamp<double>(margins[i], -kLimit, kLimit);
  }
  for (std::size_t i = 0; i < margins.size(); ++i) {
    const double z = losses[i];
    const double size = std::abs(z);
    losses[i] = 0.5 * (z + size) - labels[i] * z + detail::log1p_double(detail::exp_double(-size));
  }
}

// The loop above in wider registers where there are some: 285,000 rows in every round are worth it. Its
// operations, and so the bits, are the same.
#if defined(__x86_64__) && defined(__GNUC__)
[[gnu::target("avx512f,avx512dq,avx512vl,prefer-vector-width=512")]] void log_losses_avx512(
    std::span<const float> margins, std::span<const float> labels, Losses& losses) {
  log_losses(margins, labels, losses);
}
[[gnu::target("avx2")]] void log_losses_avx2(std::span<const float> margins, std::span<const float> labels,
                                             Losses& losses) {
  log_losses(margins, labels, losses);
}
void log_losses_of_margins(std::span<const float> margins, std::span<const float> labels, Losses& losses) {
  if (__builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0)
    log_losses_avx512(margins, labels, losses);
  else if (__builtin_cpu_supports("avx2") != 0)
    log_losses_avx2(margins, labels, losses);
  else
    log_losses(margins, labels, losses);
}
#else
void log_losses_of_margins(std::span<const float> margins, std::span<const float> labels, Losses& losses) {
  log_losses(margins, labels, losses);
}
#endif

/// Distance of prediction and label, as the metric counts it.
double loss_of_prediction(const Metric& metric, double prediction, double label) {
  switch (metric.kind) {
    case Metric::Kind::kLogloss: {
      const double p = std::clamp(prediction, 1e-16, 1 - 1e-16);
      return -(label * detail::log_double(p) + (1 - label) * detail::log_double(1 - p));
    }
    case Metric::Kind::kError:
      return (prediction >= metric.threshold) == is_positive(label) ? 0 : 1;
    case Metric::Kind::kRmse:
      return (prediction - label) * (prediction - label);
    default:
      return std::abs(prediction - label);
  }
}

void block_losses(const Metric& metric, Objective objective, std::span<const float> margins,
                  std::span<const float> labels, Losses& losses) {
  if (metric.kind == Metric::Kind::kLogloss && objective == Objective::kBinaryLogistic) {
    log_losses_of_margins(margins, labels, losses);
    return;
  }
  std::array<float, detail::kSumBlock> block;
  const std::span<float> predictions(block.data(), margins.size());
  std::ranges::copy(margins, predictions.begin());
  margins_to_predictions(objective, predictions);
  for (std::size_t i = 0; i < predictions.size(); ++i) {
    losses[i] = loss_of_prediction(metric, predictions[i], labels[i]);
  }
}

double mean_loss(const Metric& metric, Objective objective, std::span<const float> margins,
                 std::span<const float> labels, std::span<const float> weights) {
  const double sum = detail::fixed_block_sum(margins.size(), [&](std::size_t begin, std::size_t end) {
    Losses losses;
    block_losses(metric, objective, margins.subspan(begin, end - begin), labels.subspan(begin, end - begin),
                 losses);
    double block = 0;
    for (std::size_t i = begin; i < end; ++i) {
      block += losses[i - begin] * (weights.empty() ? 1.0F : weights[i]);
    }
    return block;
  });
  return sum / sum_weights(weights, margins.size());
}

// Ranks. A row is one 64-bit word: in the upper half a key that orders as the margin does, in the lower half
// the weight, whose sign bit, free because weights are not negative, says that the row is positive. Sorting
// by the key is stable, so within ties rows stay in order.

constexpr std::uint32_t kSign = 0x80000000;

std::uint64_t rank_word(float margin, bool positive, float weight) {
  const auto bits = std::bit_cast<std::uint32_t>(margin + 0.0F);  // -0 becomes 0 and ties with it
  const std::uint32_t key = (bits & kSign) != 0 ? ~bits : bits | kSign;
  const std::uint32_t payload = std::bit_cast<std::uint32_t>(std::abs(weight)) | (positive ? kSign : 0);
  return static_cast<std::uint64_t>(key) << 32 | payload;
}

std::uint32_t key_of(std::uint64_t word) { return static_cast<std::uint32_t>(word >> 32); }
bool is_positive_word(std::uint64_t word) { return (word & kSign) != 0; }
double weight_of(std::uint64_t word) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(word) & ~kSign);
}

constexpr int kDigitBits = 11;
constexpr std::size_t kDigits = 3;
using DigitCounts = std::array<std::array<std::uint32_t, 1U << kDigitBits>, kDigits>;

std::size_t digit_of(std::uint64_t word, std::size_t digit) {
  return (word >> (32 + digit * kDigitBits)) & ((1U << kDigitBits) - 1);
}

/// Stable radix sort by the upper halves, least significant digit first.
void sort_by_key(Buffer<std::uint64_t>& words) {
  DigitCounts counts = {};
  for (const std::uint64_t word : words) {
    for (std::size_t digit = 0; digit < kDigits; ++digit) ++counts[digit][digit_of(word, digit)];
  }
  Buffer<std::uint64_t> target(words.size());
  for (std::size_t digit = 0; digit < kDigits; ++digit) {
    std::uint32_t next = 0;
    for (std::uint32_t& count : counts[digit]) next += std::exchange(count, next);
    for (const std::uint64_t word : words) target[counts[digit][digit_of(word, digit)]++] = word;
    std::swap(words, target);
  }
}

Buffer<std::uint64_t> rank(std::span<const float> margins, std::span<const float> labels,
                           std::span<const float> weights) {
  Buffer<std::uint64_t> words(margins.size());
  for (std::size_t i = 0; i < margins.size(); ++i) {
    words[i] = rank_word(margins[i], is_positive(labels[i]), weights.empty() ? 1.0F : weights[i]);
  }
  sort_by_key(words);
  return words;
}

/// Weight of the positive and negative rows that share a margin.
struct Tie {
  double positive = 0, negative = 0;
};

/// Calls visit(tie) for every distinct margin, in falling order.
template <class Visit>
void for_each_tie(const Buffer<std::uint64_t>& words, Visit visit) {
  for (std::size_t end = words.size(); end > 0;) {
    const std::uint32_t key = key_of(words[end - 1]);
    Tie tie;
    for (; end > 0 && key_of(words[end - 1]) == key; --end) {
      const std::uint64_t word = words[end - 1];
      (is_positive_word(word) ? tie.positive : tie.negative) += weight_of(word);
    }
    visit(tie);
  }
}

double area_under_curve(const Buffer<std::uint64_t>& words) {
  Tie above;
  double right = 0;
  for_each_tie(words, [&](const Tie& tie) {
    right += tie.negative * (above.positive + 0.5 * tie.positive);
    above.positive += tie.positive;
    above.negative += tie.negative;
  });
  const double pairs = above.positive * above.negative;
  return pairs > 0 ? right / pairs : kNaN;
}

double average_precision(const Buffer<std::uint64_t>& words) {
  Tie above;
  double sum = 0;
  for_each_tie(words, [&](const Tie& tie) {
    above.positive += tie.positive;
    above.negative += tie.negative;
    if (tie.positive > 0) sum += tie.positive * (above.positive / (above.positive + above.negative));
  });
  return above.positive > 0 && above.negative > 0 ? sum / above.positive : kNaN;
}

}  // namespace

std::string Metric::name() const {
  const auto named = std::ranges::find(kNames, kind, &NamedKind::kind);
  if (kind == Kind::kError && threshold != 0.5) return fmt::format("{}@{}", named->name, threshold);
  return std::string(named->name);
}

bool Metric::higher_is_better() const noexcept {
  return kind == Kind::kAuc || kind == Kind::kAveragePrecision;
}

Metric metric_from_string(std::string_view name) {
  constexpr std::string_view kErrorAt = "error@";
  if (name.starts_with(kErrorAt)) {
    return {Metric::Kind::kError, parse_threshold(name, name.substr(kErrorAt.size()))};
  }
  std::vector<std::string> known;
  for (const NamedKind& named : kNames) {
    if (named.name == name) return {.kind = named.kind};
    known.emplace_back(named.name);
  }
  const std::string nearest = nearest_name(name, known);
  throw Error("core.metric.unknown",
              nearest.empty() ? fmt::format("unknown metric '{}'; there are {}", name, kMetricNames)
                              : fmt::format("unknown metric '{}'; did you mean {}?", name, nearest));
}

Metric default_metric(Objective objective) noexcept {
  return {.kind = objective == Objective::kBinaryLogistic ? Metric::Kind::kLogloss : Metric::Kind::kRmse};
}

double evaluate(const Metric& metric, Objective objective, std::span<const float> margins,
                std::span<const float> labels, std::span<const float> weights) {
  switch (metric.kind) {
    case Metric::Kind::kAuc:
      return area_under_curve(rank(margins, labels, weights));
    case Metric::Kind::kAveragePrecision:
      return average_precision(rank(margins, labels, weights));
    case Metric::Kind::kRmse:
      return std::sqrt(mean_loss(metric, objective, margins, labels, weights));
    default:
      return mean_loss(metric, objective, margins, labels, weights);
  }
}

double Confusion::precision() const noexcept { return true_positive / (true_positive + false_positive); }

double Confusion::recall() const noexcept { return true_positive / (true_positive + false_negative); }

double Confusion::f1() const noexcept {
  return 2 * true_positive / (2 * true_positive + false_positive + false_negative);
}

double Confusion::accuracy() const noexcept {
  const double right = true_positive + true_negative;
  return right / (right + false_positive + false_negative);
}

Confusion confusion(std::span<const float> predictions, std::span<const float> labels,
                    std::span<const float> weights, double threshold) {
  const auto weigh = [&](bool called, bool positive) {
    return detail::fixed_block_sum(predictions.size(), [&](std::size_t begin, std::size_t end) {
      double sum = 0;
      for (std::size_t i = begin; i < end; ++i) {
        const bool counted = (predictions[i] >= threshold) == called && is_positive(labels[i]) == positive;
        if (counted) sum += weights.empty() ? 1.0F : weights[i];
      }
      return sum;
    });
  };
  return {.true_positive = weigh(true, true),
          .false_positive = weigh(true, false),
          .true_negative = weigh(false, false),
          .false_negative = weigh(false, true)};
}

}  // namespace coppice
