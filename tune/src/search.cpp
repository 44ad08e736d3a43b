#include <coppice/detail/threads.h>
#include <coppice/tune/search.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "halving.h"
#include "referee.h"

namespace coppice::tune {
namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// A trial that is being trained.
struct Running {
  Trial trial;
  TrialJob job;
  int n_rounds = 0;      ///< of a fold
  CurvePoint unchecked;  ///< from where the median rule has not looked yet
};

class Search {
 public:
  Search(const Study& study, const SearchOptions& options, std::vector<Trial> finished, const TrainJob& train,
         const SearchObserver& observer)
      : study_(study),
        options_(options),
        train_(train),
        observer_(observer),
        referee_(study, options_.limits) {
    for (Trial& trial : finished) add_finished(std::move(trial));
  }

  Outcome run() {
    if (study_.strategy == Strategy::kHalving) {
      for (HalvingState state = halving_state(study_, finished_); !state.to_train.empty() && !is_over_;
           state = halving_state(study_, finished_)) {
        train_all(state.to_train, state.n_rounds);
      }
    } else if (referee_.outcome().end == EndReason::kNotEnded) {
      std::vector<int> trials;
      for (int i = 0; i < trial_count(study_, options_.limits); ++i) {
        if (!finished_indices_.contains(i)) trials.push_back(i);
      }
      train_all(trials, 0);
    }
    Outcome outcome = this->outcome();
    if (is_time_up_ && outcome.end == EndReason::kNotEnded) outcome.end = EndReason::kTime;
    return outcome;
  }

 private:
  [[nodiscard]] bool is_halving() const { return study_.strategy == Strategy::kHalving; }
  const Outcome& outcome() {
    if (!is_halving()) return referee_.outcome();
    return halving_outcome_ = halving_state(study_, finished_).outcome;
  }

  void add_finished(Trial trial) {
    if (is_halving()) {
      finished_.push_back(std::move(trial));
      return;
    }
    finished_indices_.insert(trial.index);
    referee_.add(std::move(trial));
    is_over_ = is_over_ || referee_.outcome().end != EndReason::kNotEnded;
  }

  /// Trains these trials up to n_rounds (0: their own number), as many at once as options allow.
  void train_all(const std::vector<int>& trials, int n_rounds) {
    queue_ = trials;
    next_ = 0;
    rung_rounds_ = n_rounds;
    const auto n_workers = static_cast<std::size_t>(std::min(options_.parallel, options_.threads));
    n_workers_ = static_cast<int>(std::min(n_workers, trials.size()));
    detail::run_on_threads(n_workers_, [this] { work(); });
    if (failure_) std::rethrow_exception(failure_);
  }

  /// One worker: takes trials until there are none.
  void work() {
    try {
      while (std::optional<Running> running = take()) finish(*running, train(*running));
    } catch (...) {  // of the observer: the search cannot go on
      const std::scoped_lock lock(mutex_);
      fail();
    }
  }

  /// Under the lock, while something is caught: ends the search with it.
  void fail() {
    if (!failure_) failure_ = std::current_exception();
    is_over_ = true;
  }

  std::optional<Running> take() {
    const std::scoped_lock lock(mutex_);
    check_time();
    if (is_over_ || next_ == queue_.size()) return std::nullopt;
    Running running;
    running.trial.index = queue_[next_];
    running.trial.parameters = trial_point(study_, running.trial.index);
    running.trial.begin_time = now();
    running.job = {running.trial.parameters, rung_rounds_, take_threads(), models_of(running.trial.index)};
    if (!running.job.continue_from.empty()) running.trial.curves = earlier_curves(running.trial.index);
    ++next_;
    if (observer_.on_start) observer_.on_start(running.trial);
    return running;
  }

  /// An equal share of the free threads for this trial and those that can begin beside it. Bytes do not
  /// depend on it, so the last trials may have more.
  int take_threads() {
    const int left = static_cast<int>(queue_.size() - next_);
    const int beginning = std::min(left, n_workers_ - n_running_);
    const int share = std::max(1, (options_.threads - threads_in_use_) / beginning);
    ++n_running_;
    threads_in_use_ += share;
    return share;
  }

  [[nodiscard]] std::span<const Model> models_of(int trial) const {
    const auto found = paused_.find(trial);
    return found == paused_.end() ? std::span<const Model>() : std::span<const Model>(found->second);
  }

  /// Trains a trial; its models are empty when it was stopped or failed. Nothing when it was dropped.
  std::optional<std::vector<Model>> train(Running& running) {
    Trial& trial = running.trial;
    trial.status = is_halving() && rung_rounds_ < study_.parameters.num_round ? TrialStatus::kPaused
                                                                              : TrialStatus::kCompleted;
    bool is_dropped = false;
    try {
      running.n_rounds =
          rung_rounds_ > 0 ? rung_rounds_ : trial_parameters(study_, trial.parameters).num_round;
      TrainedTrial trained = train_(running.job, [&](std::size_t fold, double value) {
        is_dropped = !goes_on(running, fold, value);
        return !is_dropped && trial.status != TrialStatus::kStopped;
      });
      if (is_dropped) return std::nullopt;
      trial.curves = std::move(trained.curves);
      if (trial.status != TrialStatus::kStopped) return std::move(trained.models);
    } catch (const std::exception& problem) {
      trial.status = TrialStatus::kFailed;
      trial.error = problem.what();
      const std::scoped_lock lock(mutex_);
      trial.curves = earlier_curves(trial.index);
    }
    return std::vector<Model>();
  }

  /// What an earlier rung saw; a trial that fails keeps its place among those that reached it.
  [[nodiscard]] std::vector<TrialCurve> earlier_curves(int trial) const {
    for (auto earlier = finished_.rbegin(); earlier != finished_.rend(); ++earlier) {
      if (earlier->index == trial) return earlier->curves;
    }
    return {};
  }

  /// After a round: is the trial still wanted? Marks it where the median rule stops it.
  bool goes_on(Running& running, std::size_t fold, double value) {
    const std::scoped_lock lock(mutex_);
    check_time();
    if (is_over_) return false;
    Trial& trial = running.trial;
    if (trial.curves.size() <= fold) trial.curves.resize(fold + 1);
    trial.curves[fold].values.push_back(value);
    trial.curves[fold].n_rounds = static_cast<int>(trial.curves[fold].values.size());
    if (!is_halving() && referee_.is_next(trial.index)) {
      if (referee_.find_stop(trial.curves, running.n_rounds, running.unchecked)) {
        trial.status = TrialStatus::kStopped;
      }
      running.unchecked = {fold, trial.curves[fold].values.size() + 1};
    }
    try {
      if (observer_.on_round) observer_.on_round(trial, running.n_rounds);
    } catch (...) {  // thrown on, it would pass for a failed training
      fail();
    }
    return !is_over_;
  }

  void check_time() {
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start_;
    if (options_.limits.seconds > 0 && seconds.count() >= options_.limits.seconds) {
      is_time_up_ = true;
      is_over_ = true;
    }
  }

  void finish(Running& running, std::optional<std::vector<Model>> models) {
    const std::scoped_lock lock(mutex_);
    --n_running_;
    threads_in_use_ -= running.job.threads;
    if (!models) return;
    Trial& trial = running.trial;
    trial.end_time = now();
    const bool is_complete = trial.status == TrialStatus::kCompleted;
    if (observer_.on_end) {
      observer_.on_end(trial, is_complete ? std::span<const Model>(*models) : std::span<const Model>(),
                       outcome());
    }
    paused_.erase(trial.index);
    if (trial.status == TrialStatus::kPaused) paused_.emplace(trial.index, std::move(*models));
    add_finished(std::move(trial));
    if (observer_.on_outcome) observer_.on_outcome(outcome());
  }

  const Study& study_;
  const SearchOptions options_;
  const TrainJob& train_;
  const SearchObserver& observer_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();

  std::mutex mutex_;  ///< of all below
  Referee referee_;   ///< random search and grids
  std::set<int> finished_indices_;
  std::vector<Trial> finished_;  ///< halving
  Outcome halving_outcome_;
  std::map<int, std::vector<Model>> paused_;  ///< halving
  std::vector<int> queue_;
  std::size_t next_ = 0;
  int rung_rounds_ = 0;
  int n_workers_ = 0, n_running_ = 0, threads_in_use_ = 0;
  bool is_over_ = false, is_time_up_ = false;
  std::exception_ptr failure_;
};

}  // namespace

Outcome search(const Study& study, const SearchOptions& options, std::vector<Trial> finished,
               const TrainJob& train, const SearchObserver& observer) {
  check_study(study, options.limits);
  return Search(study, options, std::move(finished), train, observer).run();
}

}  // namespace coppice::tune
