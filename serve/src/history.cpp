#include "history.h"

#include <cmath>
#include <numeric>

namespace coppice::serve {

double Totals::latency_quantile(double share) const noexcept {
  const std::uint64_t count = std::accumulate(latency.begin(), latency.end(), std::uint64_t{0});
  if (count == 0) return 0;
  const auto rank = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count)));
  std::uint64_t below = 0;
  std::size_t bin = 0;
  while (bin + 1 < latency.size() && (below += latency[bin]) < rank) ++bin;
  return LatencyBins::end_of(bin);
}

Totals add_up(const std::vector<ThreadMetrics>& threads) {
  Totals totals{.time = std::chrono::steady_clock::now()};
  for (const ThreadMetrics& thread : threads) {
    for (const auto& by_status : thread.requests) {
      for (std::size_t place = 0; place < kCountedStatuses.size(); ++place) {
        const std::uint64_t count = by_status[place].value();
        totals.requests += count;
        if (kCountedStatuses[place] >= 500) totals.failures += count;
      }
    }
    for (std::size_t bin = 0; bin < LatencyBins::kBins; ++bin)
      totals.latency[bin] += thread.latency[bin].value();
  }
  return totals;
}

void History::remember(const std::vector<ThreadMetrics>& threads, std::chrono::steady_clock::time_point now) {
  const std::scoped_lock lock(mutex_);
  if (!moments_.empty() && now - moments_.back().time < kPeriod) return;
  moments_.push_back(add_up(threads));
  if (moments_.size() > static_cast<std::size_t>(kWindow / kPeriod) + 1) moments_.pop_front();
}

Totals History::recent(const Totals& now) const {
  const std::scoped_lock lock(mutex_);
  if (moments_.empty()) return now;
  Totals since = moments_.front();
  since.requests = now.requests - since.requests;
  since.failures = now.failures - since.failures;
  for (std::size_t bin = 0; bin < LatencyBins::kBins; ++bin)
    since.latency[bin] = now.latency[bin] - since.latency[bin];
  return since;
}

}  // namespace coppice::serve
