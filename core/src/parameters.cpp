#include <coppice/error.h>
#include <coppice/metric.h>
#include <coppice/nearest_name.h>
#include <coppice/parameters.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <limits>
#include <utility>
#include <variant>

#include "parse.h"

namespace coppice {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::string_view kAutomatic = "auto";

/// The words with the separator between them.
template <class Words>
std::string join(const Words& words, std::string_view separator) {
  std::string text;
  for (const auto& word : words) {
    if (&word != &words.front()) text += separator;
    text += word;
  }
  return text;
}

// The kinds of field. Each says how its text is read and written and which values are legal (`range` in the
// table, `rule` after "must be"); all that knows a field's type is here.

struct Integer {
  int Parameters::*member;
  int lowest, highest;
  bool or_zero = false;  // 0, below `lowest`, is legal too

  std::string_view type() const { return "integer"; }
  std::string interval() const { return fmt::format("[{}, {}]", lowest, highest); }
  std::string range() const { return (or_zero ? "0 or " : "") + interval(); }
  std::string rule() const { return (or_zero ? "0 or an integer in " : "an integer in ") + interval(); }
  std::string text(const Parameters& p) const { return fmt::to_string(p.*member); }
  bool read(Parameters& p, std::string_view text) const { return parse(text, p.*member); }
  bool valid(const Parameters& p) const {
    return (p.*member >= lowest && p.*member <= highest) || (or_zero && p.*member == 0);
  }
};

struct Seed {
  std::uint64_t Parameters::*member;

  std::string_view type() const { return "integer"; }
  std::string range() const { return fmt::format("[0, {}]", std::numeric_limits<std::uint64_t>::max()); }
  std::string rule() const { return "an integer in " + range(); }
  std::string text(const Parameters& p) const { return fmt::to_string(p.*member); }
  bool read(Parameters& p, std::string_view text) const { return parse(text, p.*member); }
  bool valid(const Parameters&) const { return true; }
};

enum class Ends { kClosed, kOpenBelow, kOpenAbove, kOpen };

struct Interval {
  double lowest, highest;
  Ends ends = Ends::kClosed;

  bool open_below() const { return ends == Ends::kOpenBelow || ends == Ends::kOpen; }
  bool open_above() const { return ends == Ends::kOpenAbove || ends == Ends::kOpen; }
  bool contains(double x) const {  // false for NaN
    return (open_below() ? x > lowest : x >= lowest) && (open_above() ? x < highest : x <= highest);
  }
  std::string text() const {
    return fmt::format("{}{}, {}{}", open_below() ? '(' : '[', lowest, highest, open_above() ? ')' : ']');
  }
};

constexpr Interval kShare = {0, 1, Ends::kOpenBelow};
constexpr Interval kNotNegative = {0, kInfinity, Ends::kOpenAbove};
constexpr Interval kFinite = {-kInfinity, kInfinity, Ends::kOpen};
/// Squares of what is added to hessian sums are numbers, whatever unit they are counted in.
constexpr Interval kPenalty = {0, 1e100};

struct Number {
  double Parameters::*member;
  Interval interval;

  std::string_view type() const { return "number"; }
  std::string range() const { return interval.text(); }
  std::string rule() const { return "a number in " + range(); }
  std::string text(const Parameters& p) const { return fmt::to_string(p.*member); }
  bool read(Parameters& p, std::string_view text) const { return parse(text, p.*member); }
  bool valid(const Parameters& p) const { return interval.contains(p.*member); }
};

struct OptionalNumber {
  std::optional<double> Parameters::*member;
  Interval interval;

  std::string_view type() const { return "number"; }
  std::string range() const { return fmt::format("{} or {}", kAutomatic, interval.text()); }
  std::string rule() const { return fmt::format("{} or a number in {}", kAutomatic, interval.text()); }
  std::string text(const Parameters& p) const {
    return p.*member ? fmt::to_string(*(p.*member)) : std::string(kAutomatic);
  }
  bool read(Parameters& p, std::string_view text) const {
    if (text == kAutomatic) {
      (p.*member).reset();
      return true;
    }
    return parse(text, (p.*member).emplace());
  }
  bool valid(const Parameters& p) const { return !(p.*member) || interval.contains(*(p.*member)); }
};

/// An enumeration whose values count from 0 in the order of `names`.
struct Choice {
  std::array<std::string_view, 2> names;
  std::size_t (*get)(const Parameters&);
  void (*set)(Parameters&, std::size_t);

  std::string_view type() const { return "choice"; }
  std::string range() const { return join(names, " | "); }
  std::string rule() const { return join(names, " or "); }
  std::string text(const Parameters& p) const {
    return valid(p) ? std::string(names[get(p)]) : fmt::to_string(get(p));
  }
  bool read(Parameters& p, std::string_view text) const {
    const auto found = std::ranges::find(names, text);
    if (found == names.end()) return false;
    set(p, static_cast<std::size_t>(found - names.begin()));
    return true;
  }
  bool valid(const Parameters& p) const { return get(p) < names.size(); }
};

struct Text {
  std::string Parameters::*member;
  std::string_view legal;
  bool (*is_legal)(std::string_view);

  std::string_view type() const { return "text"; }
  std::string range() const { return std::string(legal); }
  std::string rule() const { return std::string(legal); }
  std::string text(const Parameters& p) const { return p.*member; }
  bool read(Parameters& p, std::string_view text) const {
    p.*member = text;
    return true;
  }
  bool valid(const Parameters& p) const { return is_legal(p.*member); }
};

/// Comma-separated metrics. An unknown name raises core.metric.unknown, which offers the nearest one.
struct MetricList {
  std::vector<std::string> Parameters::*member;

  std::string_view type() const { return "list"; }
  std::string range() const { return std::string(kMetricNames); }
  std::string rule() const { return "metrics, separated by commas"; }
  std::string text(const Parameters& p) const { return join(p.*member, ","); }
  bool read(Parameters& p, std::string_view text) const {
    std::vector<std::string>& names = p.*member;
    names.clear();
    while (!text.empty()) {
      const std::size_t comma = std::min(text.find(','), text.size());
      names.push_back(metric_from_string(text.substr(0, comma)).name());
      if (comma + 1 == text.size()) return false;  // nothing behind the comma
      text.remove_prefix(std::min(comma + 1, text.size()));
    }
    return true;
  }
  bool valid(const Parameters& p) const {
    for (const std::string& name : p.*member) static_cast<void>(metric_from_string(name));
    return true;
  }
};

using Field = std::variant<Integer, Seed, Number, OptionalNumber, Choice, Text, MetricList>;

struct Entry {
  std::string_view name;
  std::array<std::string_view, 2> aliases;  // empty where there are fewer
  Field field;
  std::string_view help;
  std::string_view reason = {};  // follows `must be ...` where the range alone would surprise
  bool in_model = true;
};

bool is_device(std::string_view text) {
  constexpr std::string_view kCard = "cuda:";
  if (text == "cpu" || text == "cuda" || text == kAutomatic) return true;
  unsigned card = 0;
  return text.starts_with(kCard) && parse(text.substr(kCard.size()), card);
}

bool is_any(std::string_view) { return true; }

using P = Parameters;

constexpr Choice kObjective = {{to_string(Objective::kBinaryLogistic), to_string(Objective::kSquaredError)},
                               [](const P& p) { return static_cast<std::size_t>(p.objective); },
                               [](P& p, std::size_t i) { p.objective = static_cast<Objective>(i); }};

constexpr Choice kGrowPolicy = {{"depthwise", "lossguide"},
                                [](const P& p) { return static_cast<std::size_t>(p.grow_policy); },
                                [](P& p, std::size_t i) { p.grow_policy = static_cast<GrowPolicy>(i); }};

/// The one table of parameters.
constexpr auto kEntries = std::to_array<Entry>({
    {"objective", {}, kObjective, "What is learned: the probability of class 1, or a number."},
    {"num_round",
     {"num_boost_round", "n_estimators"},
     Integer{&P::num_round, 0, 1'000'000},
     "Number of trees."},
    {"learning_rate",
     {"eta"},
     Number{&P::learning_rate, {0, 1}},
     "Factor on the leaf weights of every tree."},
    {"grow_policy", {}, kGrowPolicy, "Which nodes are split first: level by level, or the best leaf."},
    {"max_depth",
     {},
     Integer{&P::max_depth, 0, 24},
     "Largest number of splits between root and leaf; 0 is no limit and needs max_leaves."},
    {"max_leaves",
     {"max_leaf_nodes"},
     Integer{&P::max_leaves, 2, 65536, true},
     "Largest number of leaves of a tree; 0 is no limit."},
    {"min_child_weight",
     {},
     Number{&P::min_child_weight, kNotNegative},
     "Smallest sum of hessians on either side of a split."},
    {"gamma",
     {"min_split_loss"},
     Number{&P::gamma, kNotNegative},
     "Smallest loss reduction that a split must bring."},
    {"reg_lambda",
     {"lambda", "l2_regularization"},
     Number{&P::reg_lambda, kPenalty},
     "L2 penalty on leaf weights."},
    {"reg_alpha", {"alpha"}, Number{&P::reg_alpha, kNotNegative}, "L1 penalty on leaf weights."},
    {"max_delta_step",
     {},
     OptionalNumber{&P::max_delta_step, kNotNegative},
     "Largest step of a leaf before the learning rate; 0: no limit; auto: 5 for binary:logistic, else 0."},
    {"subsample", {}, Number{&P::subsample, kShare}, "Share of the rows that each tree is grown on."},
    {"colsample_bytree",
     {},
     Number{&P::colsample_bytree, kShare},
     "Share of the features that a tree may use."},
    {"colsample_bylevel",
     {},
     Number{&P::colsample_bylevel, kShare},
     "Share of the tree's features that a level may use."},
    {"colsample_bynode",
     {},
     Number{&P::colsample_bynode, kShare},
     "Share of the level's features that a node may use."},
    {"scale_pos_weight",
     {},
     Number{&P::scale_pos_weight, {1e-9, 1e9}},
     "Factor on the weight of rows with label 1 (binary:logistic)."},
    {"base_score",
     {},
     OptionalNumber{&P::base_score, kFinite},
     "Prediction before the first tree, in (0, 1) for binary:logistic; auto is the weighted mean label."},
    {"sampling_noise",
     {},
     Number{&P::sampling_noise, {0, 10}},
     "Variance that growing on sampled rows may add, as a share of the gradients' own; 0 keeps every row."},
    {"sampling_rows",
     {},
     Integer{&P::sampling_rows, 0, std::numeric_limits<int>::max()},
     "Rows that a tree is grown on, for each feature that brings gain (the fewest with 90 % of it in the "
     "latest trees): about as many are kept at most, whatever variance that adds; twice as many for "
     "reg:squarederror; 0: no limit."},
    {"working_rounds",
     {},
     Integer{&P::working_rounds, 1, 1000},
     "Most rounds that look at one draw of working rows only, where few rows matter; 1: every round sweeps "
     "all."},
    {"screening",
     {},
     Number{&P::screening, kShare},
     "Share looked at of the features that brought little in the latest trees (5 % of the gain together); 1 "
     "is all."},
    {"screening_rows",
     {},
     Integer{&P::screening_rows, 0, std::numeric_limits<int>::max()},
     "Sampled rows of a tree from which on features are screened."},
    {"max_bin",
     {"max_bins"},
     Integer{&P::max_bin, 2, 255},
     "Largest number of bins of a feature.",
     "a bin is one byte, and one of its values means missing"},
    {"cut_sample_rows",
     {},
     Integer{&P::cut_sample_rows, 1000, std::numeric_limits<int>::max(), true},
     "Rows that bin cuts are computed from where there are more; 0 is all rows."},
    {"max_cat_to_onehot",
     {},
     Integer{&P::max_cat_to_onehot, 0, 255},
     "Up to this many categories, a split takes one category against the rest."},
    {"cat_smooth",
     {},
     Number{&P::cat_smooth, kNotNegative},
     "Added to a category's hessian when categories are put in order."},
    {"cat_l2", {}, Number{&P::cat_l2, kNotNegative}, "L2 penalty added for splits by sets of categories."},
    {"max_cat_threshold",
     {},
     Integer{&P::max_cat_threshold, 1, 255},
     "Largest number of categories that one side of a split names."},
    {"eval_metric",
     {},
     MetricList{&P::eval_metric},
     "Metrics to watch, separated by commas; empty is the objective's own."},
    {"early_stopping_rounds",
     {},
     Integer{&P::early_stopping_rounds, 0, 1'000'000},
     "Rounds without improvement after which training stops; 0 is off."},
    {"early_stopping_metric",
     {},
     Text{&P::early_stopping_metric, "set-metric", is_any},
     "What early stopping watches, as validation-auc; empty is the last metric of the last set."},
    {"cost_fp",
     {},
     Number{&P::cost_fp, kNotNegative},
     "What a false alarm costs, for the metrics cost and min_cost."},
    {"cost_fn",
     {},
     OptionalNumber{&P::cost_fn, kNotNegative},
     "What a missed positive row costs; auto is its amount."},
    {"cost_review", {}, Number{&P::cost_review, kNotNegative}, "What an alert costs, right or wrong."},
    {"seed", {"random_state"}, Seed{&P::seed}, "Seed of every random choice."},
    {"threads",
     {"nthread", "n_jobs"},
     Integer{&P::threads, 0, 4096},
     "Number of threads; 0 is all cores. The model does not depend on it.",
     "0 is all cores",
     false},
    {"device",
     {},
     Text{&P::device, "cpu, cuda, cuda:N or auto", is_device},
     "Where training runs; auto is the CPU until a GPU has been measured. The model does not depend on it.",
     {},
     false},
});

std::vector<std::string_view> aliases_of(const Entry& entry) {
  std::vector<std::string_view> aliases;
  std::ranges::copy_if(entry.aliases, std::back_inserter(aliases), [](auto alias) { return !alias.empty(); });
  return aliases;
}

const Entry* find(std::string_view key) {
  if (key.empty()) return nullptr;
  const auto found = std::ranges::find_if(kEntries, [key](const Entry& entry) {
    return entry.name == key || std::ranges::find(entry.aliases, key) != entry.aliases.end();
  });
  return found == kEntries.end() ? nullptr : &*found;
}

const FixedParameter* find_fixed(std::string_view key) {
  const auto found = std::ranges::find(fixed_parameter_table(), key, &FixedParameter::name);
  return found == fixed_parameter_table().end() ? nullptr : &*found;
}

Error unknown_key(std::string_view key) {
  std::vector<std::string> keys;
  for (const Entry& entry : kEntries) {
    keys.emplace_back(entry.name);
    for (const std::string_view alias : aliases_of(entry)) keys.emplace_back(alias);
  }
  for (const FixedParameter& fixed : fixed_parameter_table()) keys.emplace_back(fixed.name);
  const std::string nearest = nearest_name(key, keys);
  return {"core.parameter.unknown", fmt::format("unknown parameter '{}'{}", key,
                                                nearest.empty() ? "" : "; did you mean " + nearest + "?")};
}

Error bad_value(std::string_view name, std::string_view value, std::string_view why) {
  return {"core.parameter.value", fmt::format("{} = {}: {}", name, value, why)};
}

Error illegal_value(const Entry& entry, std::string_view value) {
  const std::string rule = std::visit([](const auto& field) { return field.rule(); }, entry.field);
  return bad_value(entry.name, value,
                   fmt::format("must be {}{}{}", rule, entry.reason.empty() ? "" : "; ", entry.reason));
}

std::string text_of(const Entry& entry, const Parameters& parameters) {
  return std::visit([&](const auto& field) { return field.text(parameters); }, entry.field);
}

/// Margins are float32, so what counts is the base score as float32.
void validate_base_score(const Parameters& parameters) {
  if (!parameters.base_score) return;
  const double value = *parameters.base_score;
  if (parameters.objective == Objective::kBinaryLogistic) {
    const auto rounded = static_cast<float>(value);
    if (rounded > 0 && rounded < 1) return;
    throw bad_value("base_score", fmt::to_string(value), "must be a number in (0, 1) for binary:logistic");
  }
  if (std::abs(value) > std::numeric_limits<float>::max()) {
    throw bad_value("base_score", fmt::to_string(value), "does not fit a 32-bit number");
  }
}

}  // namespace

Costs costs_of(const Parameters& parameters) noexcept {
  return {parameters.cost_fp, parameters.cost_fn, parameters.cost_review};
}

std::span<const ParameterInfo> parameter_table() {
  static const std::vector<ParameterInfo> table = [] {
    std::vector<ParameterInfo> infos;
    for (const Entry& entry : kEntries) {
      const auto [type, range] =
          std::visit([](const auto& field) { return std::pair(field.type(), field.range()); }, entry.field);
      infos.push_back({.name = entry.name,
                       .aliases = aliases_of(entry),
                       .type = type,
                       .range = range,
                       .default_text = text_of(entry, Parameters{}),
                       .help = entry.help,
                       .in_model = entry.in_model});
    }
    return infos;
  }();
  return table;
}

std::span<const FixedParameter> fixed_parameter_table() {
  static const std::vector<FixedParameter> table = {
      {"booster", {"gbtree"}, "the model is a sum of trees"},
      {"tree_method", {"hist", "auto"}, "splits are always found from histograms; a GPU is chosen by device"},
      {"sampling_method", {"uniform"}, "sampling by gradient is set by sampling_noise"},
      {"num_parallel_tree", {"1"}, "a round adds one tree"},
      {"verbosity", {"0", "1", "2", "3"}, "the library never prints"},
      {"silent", {"1", "0"}, "the library never prints"},
  };
  return table;
}

void set_parameter(Parameters& parameters, std::string_view key, std::string_view value) {
  if (const Entry* entry = find(key)) {
    Parameters changed = parameters;
    const bool good = std::visit(
        [&](const auto& field) { return field.read(changed, value) && field.valid(changed); }, entry->field);
    if (!good) throw illegal_value(*entry, value);
    parameters = std::move(changed);
  } else if (const FixedParameter* fixed = find_fixed(key)) {
    if (std::ranges::find(fixed->values, value) != fixed->values.end()) return;
    throw bad_value(key, value, fmt::format("must be {}; {}", join(fixed->values, " or "), fixed->help));
  } else {
    throw unknown_key(key);
  }
}

std::string get_parameter(const Parameters& parameters, std::string_view key) {
  if (const Entry* entry = find(key)) return text_of(*entry, parameters);
  if (const FixedParameter* fixed = find_fixed(key)) return std::string(fixed->values.front());
  throw unknown_key(key);
}

void validate(const Parameters& parameters) {
  for (const Entry& entry : kEntries) {
    const bool good = std::visit([&](const auto& field) { return field.valid(parameters); }, entry.field);
    if (!good) throw illegal_value(entry, text_of(entry, parameters));
  }
  validate_base_score(parameters);
  if (parameters.max_depth == 0 && parameters.max_leaves == 0) {
    throw bad_value("max_depth", "0", "needs max_leaves to be set, or nothing would limit a tree");
  }
}

}  // namespace coppice
