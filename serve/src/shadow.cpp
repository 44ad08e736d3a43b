#include <coppice/serve/shadow.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <nlohmann/json.hpp>

namespace coppice::serve {

void ShadowComparison::record(std::span<const float> answered, double threshold,
                              std::span<const float> shadow, double shadow_threshold) {
  const std::scoped_lock lock(mutex_);
  ++sums_.requests;
  sums_.rows += answered.size();
  for (std::size_t i = 0; i < answered.size(); ++i) {
    const double shift = static_cast<double>(shadow[i]) - static_cast<double>(answered[i]);
    const double difference = std::abs(shift);
    const bool has_same_bits =
        std::bit_cast<std::uint32_t>(shadow[i]) == std::bit_cast<std::uint32_t>(answered[i]);
    const bool has_same_label = (answered[i] >= threshold) == (shadow[i] >= shadow_threshold);
    sums_.rows_different += has_same_bits ? 0 : 1;
    sums_.labels_different += has_same_label ? 0 : 1;
    sums_.mean_difference += difference;
    sums_.mean_shift += shift;
    sums_.max_difference = std::max(sums_.max_difference, difference);
    const auto group = std::ranges::lower_bound(ShadowReport::kDifferences, difference);
    ++sums_.by_difference[static_cast<std::size_t>(group - ShadowReport::kDifferences.begin())];
  }
}

void ShadowComparison::record_failure() {
  const std::scoped_lock lock(mutex_);
  ++sums_.failed;
}

void ShadowComparison::record_dropped() {
  const std::scoped_lock lock(mutex_);
  ++sums_.dropped;
}

ShadowReport ShadowComparison::report() const {
  const std::scoped_lock lock(mutex_);
  ShadowReport report = sums_;
  const auto n_rows = static_cast<double>(std::max<std::uint64_t>(1, report.rows));
  report.mean_difference /= n_rows;
  report.mean_shift /= n_rows;
  return report;
}

std::string to_json(const ShadowReport& report) {
  using Json = nlohmann::ordered_json;
  Json groups = Json::array();
  for (std::size_t i = 0; i < report.by_difference.size(); ++i) {
    const bool is_last = i == ShadowReport::kDifferences.size();
    groups.push_back({{"at_most", is_last ? Json() : Json(ShadowReport::kDifferences[i])},
                      {"rows", report.by_difference[i]}});
  }
  return Json{{"requests", report.requests},
              {"failed", report.failed},
              {"dropped", report.dropped},
              {"rows", report.rows},
              {"rows_different", report.rows_different},
              {"labels_different", report.labels_different},
              {"mean_difference", report.mean_difference},
              {"max_difference", report.max_difference},
              {"mean_shift", report.mean_shift},
              {"by_difference", std::move(groups)}}
      .dump();
}

}  // namespace coppice::serve
