// What there is to say about the scores of a labelled table.
#pragma once

#include <coppice/bootstrap.h>
#include <coppice/confusion.h>
#include <coppice/dataset.h>
#include <coppice/metric.h>
#include <coppice/model.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace coppice::cli {

struct Bootstrap {
  std::uint32_t n_replicates = 0;  ///< 0: no intervals
  std::uint64_t seed = 0;
};

struct EvaluationOptions {
  double threshold = 0.5;
  std::optional<ThresholdRule> rule;  ///< chooses the threshold from the table instead
  std::vector<std::string> metrics;   ///< beside the usual ones
  Bootstrap bootstrap;
  int threads = 0;
};

/// A metric of the table, ready to be shown.
struct MetricLine {
  std::string name;   ///< as in parameters and logs
  std::string title;  ///< for people
  Metric metric;
  double value = 0;
  std::optional<Interval> interval;
};

/// What calling rows positive from a threshold on would do.
struct ThresholdLine {
  double threshold = 0;
  Confusion confusion;
};

struct Evaluation {
  std::size_t n_rows = 0;
  std::vector<MetricLine> metrics;
  // Of models that predict a probability:
  double threshold = 0;  ///< given or chosen
  Confusion confusion;   ///< at the threshold
  std::vector<ThresholdLine> thresholds;
};

/// Scores and measures a table. A metric without `@t` is taken at the threshold of the evaluation.
/// Errors: core.metric.unknown; cli.threshold when no threshold satisfies the rule. The same numbers for any
/// number of threads.
[[nodiscard]] Evaluation evaluate_table(const Model& model, const Dataset& data,
                                        const EvaluationOptions& options);

}  // namespace coppice::cli
