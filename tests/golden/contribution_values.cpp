// Our side of check_contributions.py: contribution_values MODEL
// reads rows from standard input, [n_features] numbers each (`nan` is missing), all separated by white space,
// and prints a line for each: its contributions and the bias.
#include <coppice/explainer.h>
#include <coppice/io/model_file.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <iostream>
#include <string>
#include <vector>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const coppice::Explainer explainer(coppice::io::load_model(argv[1]));
  std::vector<double> contributions(explainer.n_features() + 1);
  std::vector<float> row;
  for (std::string number; std::cin >> number;) {
    row.push_back(std::stof(number));
    if (row.size() < explainer.n_features()) continue;
    explainer.contributions(row, contributions);
    fmt::print("{}\n", fmt::join(contributions, " "));
    row.clear();
  }
}
