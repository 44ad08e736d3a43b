#include "report/tuning_report.h"

#include <coppice/parameters.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <span>
#include <vector>

#include "report/html.h"
#include "report/page.h"
#include "report/plot.h"
#include "report/scale.h"
#include "text.h"

namespace coppice::cli {
namespace {

constexpr std::size_t kShownTrials = 50;
constexpr std::size_t kDrawnCurves = 200;

/// What all parts of the page look at.
struct View {
  const tune::Study& study;
  const tune::Outcome& outcome;
  std::vector<const tune::Trial*> scored;  ///< completed, the best first
  Scale score;                             ///< of the figures
  bool is_cut = false;                     ///< some trials are beyond `score`
};

std::string metric_name(const tune::Study& study) {
  return study.n_folds > 0 ? study.goal.metric + ", mean over folds" : study.goal.metric;
}

/// Scores from the best one to the worst; where a few are so bad that the others would look alike, to less.
void set_scale(View& view) {
  if (view.scored.empty()) return;
  const double best = view.scored.front()->score(), worst = view.scored.back()->score();
  const double middle = view.scored[view.scored.size() / 2]->score();
  constexpr double kReach = 4;  // of the way from the best to the middle one
  const double limit = best + kReach * (middle - best);
  view.is_cut = middle != best && view.study.goal.is_better(limit, worst);
  const double end = view.is_cut ? limit : worst;
  const double room = 0.15 * (best - end);  // for the label of the best one
  const auto [low, high] = std::minmax({best + room, end});
  view.score = linear_scale(low, high, Unit::kNumber, 4, true);
}

View view_of(const tune::Study& study, const tune::Outcome& outcome) {
  View view{.study = study, .outcome = outcome, .scored = {}, .score = {}};
  for (const tune::Trial& trial : outcome.trials) {
    if (!std::isnan(trial.score())) view.scored.push_back(&trial);
  }
  std::ranges::stable_sort(view.scored, [&](const tune::Trial* a, const tune::Trial* b) {
    return study.goal.is_better(a->score(), b->score());
  });
  set_scale(view);
  return view;
}

std::string trial_point_text(const tune::Trial& trial) {
  std::vector<std::string> words;
  for (const auto& [name, value] : trial.parameters) words.push_back(fmt::format("{} {}", name, value));
  return fmt::format("{}", fmt::join(words, ", "));
}

std::string trial_text(const tune::Trial& trial) {
  const std::string score =
      std::isnan(trial.score()) ? std::string(tune::to_string(trial.status)) : metric_text(trial.score());
  return fmt::format("trial {}: {}, {}", trial.index, score, trial_point_text(trial));
}

std::string header(const View& view, const std::string& name) {
  const auto count = [&](tune::TrialStatus status) {
    return std::ranges::count(view.outcome.trials, status, &tune::Trial::status);
  };
  const std::size_t n_trials = view.outcome.trials.size();
  const tune::Trial* winner = view.outcome.winner();
  const std::string best = winner == nullptr
                               ? std::string("No trial has a score")
                               : fmt::format("Best of {} trials: {} {}", n_trials, view.study.goal.metric,
                                             short_number(winner->score(), 4));
  const std::string lede =
      winner == nullptr ? "" : fmt::format("Trial {} won with {}.", winner->index, trial_point_text(*winner));
  std::vector<KeyNumber> numbers;
  if (winner != nullptr) {
    const double middle = view.scored[view.scored.size() / 2]->score();
    numbers.push_back(
        {"best " + view.study.goal.metric, number_html(winner->score(), metric_text(winner->score())), ""});
    numbers.push_back({"median of the trials", number_html(middle, metric_text(middle)), ""});
  }
  numbers.push_back(
      {"completed", count_text(static_cast<std::uint64_t>(count(tune::TrialStatus::kCompleted))), ""});
  numbers.push_back(
      {"stopped early", count_text(static_cast<std::uint64_t>(count(tune::TrialStatus::kStopped))), ""});
  numbers.push_back(
      {"failed", count_text(static_cast<std::uint64_t>(count(tune::TrialStatus::kFailed))), ""});
  return fmt::format(
      "<header>\n<p class=\"kicker\">Coppice tuning report: <code>{}</code></p>\n<h1>{}.</h1>\n"
      "<p class=\"lede\">{}</p>\n{}</header>\n",
      escape(name), escape(best), escape(lede), key_numbers(numbers));
}

/// The values of a range along an axis; categories stand at 0, 1, 2 and so on.
Scale range_scale(const tune::Range& range) {
  if (range.kind == tune::RangeKind::kCategory) {
    Scale scale = linear_scale(-0.5, static_cast<double>(range.values.size()) - 0.5, Unit::kNumber);
    scale.ticks.clear();
    for (std::size_t i = 0; i < range.values.size(); ++i) {
      scale.ticks.push_back({static_cast<double>(i), shorten(range.values[i], 14)});
    }
    return scale;
  }
  if (range.scaling == tune::Scaling::kLogarithmic && range.low > 0 && range.low < range.high) {
    return log_scale(range.low, range.high, Unit::kNumber);
  }
  return linear_scale(range.low, range.high, Unit::kNumber, 5);
}

double place_in(const tune::Range& range, const std::string& value) {
  if (range.kind != tune::RangeKind::kCategory) return std::strtod(value.c_str(), nullptr);
  return static_cast<double>(std::ranges::find(range.values, value) - range.values.begin());
}

std::string best_text(const tune::Range& range, const std::string& value) {
  return range.kind == tune::RangeKind::kCategory ? shorten(value, 20) : short_number(place_in(range, value));
}

std::string slice_figure(const View& view, std::size_t parameter) {
  const tune::Range& range = view.study.space[parameter];
  Plot plot({.title = fmt::format("{} by {}", view.study.goal.metric, range.name),
             .description = "The score of every trial against its value of the parameter",
             .x = {"", range_scale(range)},
             .y = {"", view.score},
             .height = 200});
  const auto point = [&](const tune::Trial& trial) {
    return Point{place_in(range, trial.parameters[parameter].value), trial.score()};
  };
  for (const tune::Trial* trial : view.scored) {
    if (trial != view.outcome.winner()) plot.dot(point(*trial), Role::kMuted, trial_text(*trial));
  }
  if (const tune::Trial* winner = view.outcome.winner()) {
    plot.dot(point(*winner), Role::kAccent, trial_text(*winner));
    plot.label(point(*winner), "best: " + best_text(range, winner->parameters[parameter].value),
               Role::kAccent, view.study.goal.higher_is_better ? Side::kAboveRight : Side::kBelowRight);
  }
  const bool is_log = range.scaling == tune::Scaling::kLogarithmic;
  return cell(shorten(range.name, 40), metric_name(view.study) + (is_log ? ", log scale" : ""), plot.svg());
}

std::string slices_section(const View& view) {
  std::string figures;
  for (std::size_t i = 0; i < view.study.space.size(); ++i) figures += slice_figure(view, i);
  return section("What each parameter does",
                 fmt::format("A dot is a trial{}.", view.is_cut ? "; the worst ones are at the edge" : ""),
                 grid(figures));
}

std::string progress_figure(const View& view) {
  const double last = std::max(1.0, static_cast<double>(view.outcome.trials.back().index));
  Plot plot({.title = "Scores in the order of the trials",
             .description = "The score of every trial, and the best so far",
             .x = {"trial", linear_scale(0, last, Unit::kNumber, 5)},
             .y = {metric_name(view.study), view.score}});
  std::vector<Point> best;
  for (const tune::Trial& trial : view.outcome.trials) {
    const double score = trial.score();
    if (std::isnan(score)) continue;
    const auto x = static_cast<double>(trial.index);
    plot.dot({x, score}, Role::kMuted, trial_text(trial));
    if (!best.empty() && !view.study.goal.is_better(score, best.back().y)) continue;
    if (!best.empty()) best.push_back({x, best.back().y});
    best.push_back({x, score});
  }
  best.push_back({last, best.back().y});
  plot.line(best, Role::kAccent, "best so far");
  plot.label(best.back(), "best so far", Role::kAccent,
             view.study.goal.higher_is_better ? Side::kAbove : Side::kBelow);
  return cell("Did it still get better?", "Where the line stays flat, more trials found nothing.",
              plot.svg());
}

std::string curves_figure(const View& view) {
  std::size_t n_rounds = 2;
  for (const tune::Trial& trial : view.outcome.trials) {
    for (const tune::TrialCurve& curve : trial.curves) n_rounds = std::max(n_rounds, curve.values.size());
  }
  Plot plot({.title = "Learning curves of the trials",
             .description = "The metric after each round, a line for a trial",
             .x = {"round", linear_scale(0, static_cast<double>(n_rounds) - 1, Unit::kNumber, 5)},
             .y = {view.study.goal.metric + (view.study.n_folds > 0 ? ", first fold" : ""), view.score}});
  const auto draw = [&](const tune::Trial& trial, Role role) {
    if (trial.curves.empty()) return;
    std::vector<Point> points;
    for (std::size_t i = 0; i < trial.curves.front().values.size(); ++i) {
      const double value = trial.curves.front().values[i];
      const bool is_inside = value >= view.score.low && value <= view.score.high;
      if (is_inside) points.push_back({static_cast<double>(i), value});
    }
    if (!points.empty()) plot.line(points, role, trial_text(trial));
  };
  const std::size_t n_drawn = std::min(view.outcome.trials.size(), kDrawnCurves);
  for (const tune::Trial& trial : std::span(view.outcome.trials).first(n_drawn)) draw(trial, Role::kFaint);
  if (view.outcome.winner() != nullptr) draw(*view.outcome.winner(), Role::kAccent);
  return cell("Learning curves", "A line for a trial; the best one coloured.", plot.svg());
}

std::string trials_table(const View& view, std::span<const tune::Trial* const> trials) {
  HtmlTable table{.header = {"Trial", view.study.goal.metric, "Status", "Rounds"},
                  .rows = {},
                  .minor = {2, 3},
                  .is_wide = true};
  for (const tune::Range& range : view.study.space) table.header.push_back(range.name);
  for (const tune::Trial* trial : trials) {
    if (trial == view.outcome.winner()) table.highlighted = table.rows.size();
    const int rounds = trial->curves.empty() ? 0 : trial->curves.back().n_rounds;
    table.rows.push_back({fmt::to_string(trial->index),
                          number_html(trial->score(), metric_text(trial->score())),
                          escape(tune::to_string(trial->status)), fmt::to_string(rounds)});
    for (const auto& assignment : trial->parameters) table.rows.back().push_back(escape(assignment.value));
  }
  return table_html(table);
}

std::string trials_section(const View& view) {
  std::vector<const tune::Trial*> trials = view.scored;
  std::string errors;
  for (const tune::Trial& trial : view.outcome.trials) {
    if (std::isnan(trial.score())) trials.push_back(&trial);
    if (trial.status == tune::TrialStatus::kFailed) {
      errors += fmt::format("<p class=\"note\">Trial {} failed: {}</p>\n", trial.index, escape(trial.error));
    }
  }
  const std::span<const tune::Trial* const> all = trials;
  const std::size_t n_shown = std::min(all.size(), kShownTrials);
  std::string body = trials_table(view, all.first(n_shown));
  if (n_shown < all.size()) {
    body +=
        folded(fmt::format("{} more trials", all.size() - n_shown), trials_table(view, all.subspan(n_shown)));
  }
  return section("All trials", "The best first.", "<div class=\"body\">" + body + errors + "</div>\n");
}

std::string strategy_text(const tune::Study& study) {
  switch (study.strategy) {
    case tune::Strategy::kGrid:
      return fmt::format("grid of {} steps", study.grid_steps);
    case tune::Strategy::kHalving:
      return fmt::format("successive halving of {} trials from {} rounds, by {}", study.halving.n_trials,
                         study.halving.min_rounds, study.halving.factor);
    default:
      return "random search";
  }
}

std::string range_text(const tune::Range& range) {
  if (range.kind == tune::RangeKind::kCategory) return fmt::format("{}", fmt::join(range.values, ", "));
  return fmt::format("{} to {}{}", range.low, range.high,
                     range.scaling == tune::Scaling::kLogarithmic          ? ", evenly over the logarithm"
                     : range.scaling == tune::Scaling::kReverseLogarithmic ? ", evenly over -log(1 - x)"
                                                                           : "");
}

std::string settings(const View& view) {
  const tune::Study& study = view.study;
  HtmlTable table;
  table.n_left = 2;
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) table.rows.push_back({escape(name), fmt::format("<code>{}</code>", escape(value))});
  };
  add("Search", strategy_text(study));
  for (const tune::Range& range : study.space) add("Range of " + range.name, range_text(range));
  for (const ParameterInfo& info : parameter_table()) {
    const std::string value = get_parameter(study.parameters, info.name);
    if (info.in_model && value != info.default_text) add(info.name, value);
  }
  if (study.median_rule.is_on) {
    add("Median rule", fmt::format("from round {} and {} trials", study.median_rule.min_rounds,
                                   study.median_rule.min_trials));
  }
  if (study.n_folds > 0) add("Folds", fmt::to_string(study.n_folds));
  add("Seed", fmt::to_string(study.seed));
  add("Ended by", tune::to_string(view.outcome.end));
  add("Hash of the tables", study.data_hash);
  add("Trained by", "Coppice " + study.library_version);
  return "<footer>\n" + table_html(table) + "</footer>\n";
}

}  // namespace

std::string tuning_report_html(const tune::Study& study, const tune::Outcome& outcome,
                               const std::string& name) {
  const View view = view_of(study, outcome);
  std::string body = header(view, name);
  if (!view.scored.empty()) {
    body += slices_section(view) +
            section("How the search went", "", grid(progress_figure(view) + curves_figure(view)));
  }
  return html_page(name + ": Coppice tuning report", body + trials_section(view) + settings(view));
}

}  // namespace coppice::cli
