// Our side of check_metrics.py: metric_values OBJECTIVE METRIC... reads lines `margin label weight` from
// standard input and prints the value of every metric, one a line, with and then without the weights.
#include <coppice/metric.h>
#include <fmt/format.h>

#include <iostream>
#include <string>
#include <vector>

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const coppice::Objective objective = coppice::objective_from_string(words.at(0));
  std::vector<float> margins, labels, weights;
  for (float margin, label, weight; std::cin >> margin >> label >> weight;) {
    margins.push_back(margin);
    labels.push_back(label);
    weights.push_back(weight);
  }
  std::vector<coppice::Metric> metrics;
  for (std::size_t i = 1; i < words.size(); ++i) metrics.push_back(coppice::metric_from_string(words[i]));
  for (const std::vector<float>& used : {weights, std::vector<float>()}) {
    for (const double value : coppice::evaluate(metrics, objective, margins, {labels, used})) {
      fmt::print("{}\n", value);
    }
  }
}
