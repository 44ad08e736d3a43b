// Quick start: train on one table while watching another, save the model, score a row.
#include <coppice/error.h>
#include <coppice/io/csv.h>
#include <coppice/io/model_file.h>
#include <coppice/kernels/backends.h>
#include <coppice/scorer.h>
#include <coppice/train.h>

#include <cstdio>
#include <vector>

int main(int argc, char** argv) try {
  if (argc != 4) return std::fputs("usage: quick_start TRAIN.csv VALIDATION.csv MODEL.json\n", stderr), 2;
  const coppice::io::CsvOptions csv{.label = "label", .binary_label = true};
  const auto training = coppice::io::read_csv({argv[1]}, csv);
  const auto validation = coppice::io::read_csv({argv[2]}, training.data.schema, csv);

  const coppice::Parameters parameters{
      .num_round = 50, .learning_rate = 0.1, .max_depth = 4, .eval_metric = {"auc"}, .seed = 7};
  const auto backend = coppice::kernels::make_backend("auto");
  const coppice::Model model = coppice::train(
      *backend, parameters, training.data,
      {.evaluation = {{"validation", &validation.data}}, .observer = [](const coppice::Progress& progress) {
         const coppice::MetricValue& metric = progress.metrics.front();
         std::printf("round %d: %s %.3f\n", progress.round, metric.name.c_str(), metric.value);
         return true;  // false stops here
       }});
  coppice::io::save_model(model, argv[3]);

  const coppice::Scorer scorer(model);                       // immutable, shared by any number of threads
  const std::vector<float> row(scorer.n_features(), 0.25F);  // in schema order; NaN is missing
  std::printf("%.9g\n", static_cast<double>(scorer.score(row)));  // neither throws nor allocates
  return 0;
} catch (const coppice::Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
