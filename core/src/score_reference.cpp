#include <coppice/score_reference.h>

#include <algorithm>

namespace coppice {

ScoreReference describe_scores(std::span<const float> predictions) {
  constexpr std::size_t kMaxSample = 32768;
  if (predictions.empty()) return {};
  std::vector<float> sample(std::min(predictions.size(), kMaxSample));
  for (std::size_t i = 0; i < sample.size(); ++i) {
    sample[i] = predictions[i * predictions.size() / sample.size()];
  }
  std::ranges::sort(sample);
  ScoreReference reference;
  for (std::size_t bin = 1; bin < ScoreReference::kMaxBins; ++bin) {
    const float cut = sample[bin * sample.size() / ScoreReference::kMaxBins];
    // Nothing is below the smallest: such a cut would make an empty bin.
    const bool is_new = cut > (reference.cuts.empty() ? sample.front() : reference.cuts.back());
    if (is_new) reference.cuts.push_back(cut);
  }
  reference.counts.resize(reference.cuts.size() + 1);
  for (const float prediction : predictions) {
    const auto bin = std::ranges::upper_bound(reference.cuts, prediction) - reference.cuts.begin();
    ++reference.counts[static_cast<std::size_t>(bin)];
  }
  return reference;
}

}  // namespace coppice
