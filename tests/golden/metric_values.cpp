// Our side of check_metrics.py: metric_values OBJECTIVE METRIC... reads lines
// `margin label weight amount group day` from standard input and prints the value of every metric, one a
// line, with and then without the weights. A false alarm costs 30, a review 2, a miss its amount.
#include <coppice/metric.h>
#include <fmt/format.h>

#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const coppice::Objective objective = coppice::objective_from_string(words.at(0));
  std::vector<float> margins, labels, weights, amounts;
  std::vector<std::uint32_t> groups, days;
  float margin = 0, label = 0, weight = 0, amount = 0;
  for (std::uint32_t group = 0, day = 0; std::cin >> margin >> label >> weight >> amount >> group >> day;) {
    margins.push_back(margin);
    labels.push_back(label);
    weights.push_back(weight);
    amounts.push_back(amount);
    groups.push_back(group);
    days.push_back(day);
  }
  std::vector<coppice::Metric> metrics;
  for (std::size_t i = 1; i < words.size(); ++i) metrics.push_back(coppice::metric_from_string(words[i]));
  for (const std::vector<float>& used : {weights, std::vector<float>()}) {
    for (const double value :
         coppice::evaluate(metrics, objective, margins, {labels, used, amounts, groups, days},
                           {.false_positive = 30, .review = 2})) {
      fmt::print("{}\n", value);
    }
  }
}
