#include <coppice/detail/digest.h>
#include <coppice/tune/trial_trainer.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <string_view>
#include <utility>

namespace coppice::tune {
namespace {

/// Parameters that decide about bins.
constexpr std::array<std::string_view, 3> kBinning = {"max_bin", "cut_sample_rows", "seed"};

/// A watched table, binned; of its data only labels and weights are left.
struct BinnedTable {
  std::string name;
  Dataset data;
  BinnedMatrix bins;
};

/// One training table, or that of one fold, and what is watched beside it.
struct BinnedFold {
  TrainingData train;
  std::vector<BinnedTable> watched;
};

/// Bins of all folds by one set of cuts; made by the first who needs them.
struct Bins {
  std::once_flag once;
  std::vector<BinnedFold> folds;
};

BinnedTable bin_watched(const Backend& backend, const std::string& name, const Dataset& data,
                        const TrainingData& train) {
  BinnedTable table{name, {}, backend.bin(data, train.bins.cuts, false)};
  table.data.schema = data.schema;
  table.data.n_rows = data.n_rows;
  table.data.labels = data.labels;
  table.data.weights = data.weights;
  table.data.side = data.side;
  return table;
}

std::vector<BinnedFold> bin_tables(const Backend& backend, const Parameters& parameters,
                                   const TrialTables& tables) {
  std::vector<BinnedFold> folds;
  if (tables.folds.empty()) {
    BinnedFold& fold = folds.emplace_back();
    fold.train = prepare(backend, parameters, tables.train);
    for (const WatchedTable& table : tables.watched)
      fold.watched.push_back(bin_watched(backend, table.name, table.data, fold.train));
  }
  for (const Parts& parts : tables.folds) {
    BinnedFold& fold = folds.emplace_back();
    const std::vector<Dataset> divided = divide_rows(tables.train, parts, 2);
    fold.train = prepare(backend, parameters, divided[kTrainPart]);
    fold.watched.push_back(bin_watched(backend, kFoldTable, divided[kTestPart], fold.train));
  }
  return folds;
}

void forget_columns(Dataset& data) { data.columns = {}; }

bool varies_binning(const Space& space) {
  return std::ranges::any_of(kBinning, [&](std::string_view name) { return varies(space, name); });
}

void add(const Dataset& data, detail::Digest& digest) {
  const auto add_text = [&](const std::string& text) { digest.add(text.data(), text.size()); };
  for (std::size_t f = 0; f < data.n_features(); ++f) {
    const Feature& feature = data.schema.features[f];
    add_text(feature.name);
    for (const std::string& category : feature.categories) add_text(category);
    digest.add(data.columns[f].data(), data.columns[f].size() * sizeof(float));
  }
  digest.add(data.labels.data(), data.labels.size() * sizeof(float));
  digest.add(data.weights.data(), data.weights.size() * sizeof(float));
  digest.add(data.side.amounts.data(), data.side.amounts.size() * sizeof(float));
  digest.add(data.side.groups.data(), data.side.groups.size() * sizeof(std::uint32_t));
  digest.add(data.side.days.data(), data.side.days.size() * sizeof(std::uint32_t));
}

/// The part of a curve that a model to continue from has already.
std::vector<double> earlier_values(const Model* model, const std::string& metric) {
  if (model == nullptr) return {};
  const auto found = std::ranges::find(model->summary.curves, metric, &MetricCurve::name);
  return found == model->summary.curves.end() ? std::vector<double>() : found->values;
}

}  // namespace

std::string data_hash(const TrialTables& tables) {
  detail::Digest digest;
  add(tables.train, digest);
  for (const WatchedTable& table : tables.watched) {
    digest.add(table.name.data(), table.name.size());
    add(table.data, digest);
  }
  return digest.hex();
}

std::string fold_hash(const std::vector<Parts>& folds) {
  if (folds.empty()) return "";
  detail::Digest digest;
  for (const Parts& parts : folds) digest.add(parts.data(), parts.size());
  return digest.hex();
}

struct TrialTrainer::State {
  const Study& study;
  TrialTables tables;
  MakeBackend make_backend;
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<Bins>> bins;

  const std::vector<BinnedFold>& folds_for(const Parameters& parameters, const Backend& backend) {
    std::string key;
    for (const std::string_view name : kBinning) key += get_parameter(parameters, name) + '/';
    std::shared_ptr<Bins> entry;
    {
      const std::scoped_lock lock(mutex);
      std::shared_ptr<Bins>& found = bins[key];
      if (!found) found = std::make_shared<Bins>();
      entry = found;
    }
    std::call_once(entry->once, [&] { entry->folds = bin_tables(backend, parameters, tables); });
    return entry->folds;
  }
};

TrialTrainer::TrialTrainer(const Study& study, TrialTables tables, MakeBackend make_backend, int threads)
    : state_(new State{study, std::move(tables), std::move(make_backend), {}, {}}) {
  const Parameters first = trial_parameters(study, trial_point(study, 0));
  static_cast<void>(state_->folds_for(first, *state_->make_backend(threads)));
  if (varies_binning(study.space)) return;
  forget_columns(state_->tables.train);
  for (WatchedTable& table : state_->tables.watched) forget_columns(table.data);
}

TrialTrainer::~TrialTrainer() = default;

TrainedTrial TrialTrainer::train(const TrialJob& job, const RoundObserver& observer) {
  const Goal& goal = state_->study.goal;
  Parameters parameters = trial_parameters(state_->study, job.point);
  if (job.n_rounds > 0) parameters.num_round = job.n_rounds;
  const auto backend = state_->make_backend(job.threads);
  const std::vector<BinnedFold>& folds = state_->folds_for(parameters, *backend);
  TrainedTrial result;
  for (std::size_t f = 0; f < folds.size(); ++f) {
    TrainOptions options;
    for (const BinnedTable& table : folds[f].watched)
      options.evaluation.push_back({table.name, &table.data, &table.bins});
    options.evaluate_training = goal.metric.starts_with("train-");
    options.describe_data = true;
    Parameters rest = parameters;
    if (!job.continue_from.empty()) {
      options.continue_from = &job.continue_from[f];
      rest.num_round -= static_cast<int>(options.continue_from->trees.size());
    }
    TrialCurve& curve = result.curves.emplace_back();
    curve.values = earlier_values(options.continue_from, goal.metric);
    bool goes_on = true;
    options.observer = [&](const Progress& progress) {
      const auto metric = std::ranges::find(progress.metrics, goal.metric, &MetricValue::name);
      curve.values.push_back(metric->value);
      goes_on = observer(f, metric->value);
      return goes_on;
    };
    TrainReport report;
    Model model = coppice::train(*backend, rest, folds[f].train, options, &report);
    curve.n_rounds = static_cast<int>(model.trees.size());
    if (!goes_on) break;
    curve.metrics = std::move(report.final_metrics);
    result.models.push_back(std::move(model));
  }
  return result;
}

}  // namespace coppice::tune
