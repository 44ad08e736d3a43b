#include "container.h"

#include <coppice/error.h>
#include <coppice/io/csv.h>
#include <coppice/io/file.h>
#include <coppice/io/libsvm_file.h>
#include <coppice/io/model_file.h>
#include <coppice/kernels/backends.h>
#include <coppice/train.h>
#include <fmt/format.h>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string>

#include "checkpoints.h"
#include "container_job.h"
#include "model_destination.h"
#include "progress.h"
#include "text.h"

namespace coppice::cli {
namespace {

namespace fs = std::filesystem;

volatile std::sig_atomic_t g_is_terminated = 0;

void note_termination(int) { g_is_terminated = 1; }

void exit_at_once(int) { std::_Exit(128 + SIGTERM); }

/// A container's first process does not die of a signal that it does not handle.
void handle_termination(bool saves_model) {
  g_is_terminated = 0;
  std::signal(SIGTERM, saves_model ? note_termination : exit_at_once);
}

/// The tables of a job.
struct Tables {
  Dataset train;
  std::optional<Dataset> validation;
};

Tables read_csv_tables(const ContainerJob& job) {
  const io::CsvOptions options{.label = "0",
                               .binary_label = job.parameters.objective == Objective::kBinaryLogistic,
                               .weight = job.csv_weights ? "1" : "",
                               .has_header = false,
                               .threads = job.parameters.threads};
  Tables tables{.train = io::read_csv(job.train.files, options).data, .validation = std::nullopt};
  if (job.validation) {
    tables.validation = io::read_csv(job.validation->files, tables.train.schema, options).data;
  }
  return tables;
}

Tables read_libsvm_tables(const ContainerJob& job) {
  io::LibsvmTable train = io::read_libsvm(job.train.files);
  Tables tables{.train = std::move(train.data), .validation = std::nullopt};
  if (job.validation) tables.validation = io::read_libsvm(job.validation->files, &train.shape).data;
  return tables;
}

Tables read_tables(const ContainerJob& job) {
  if (job.validation && job.validation->format != job.train.format) {
    throw Error("cli.container.channel", "train and validation have to be of one content type");
  }
  return job.train.format == ChannelFormat::kCsv ? read_csv_tables(job) : read_libsvm_tables(job);
}

/// Adds the rounds that are missing to a checkpoint, or makes a model of its own.
Model train_rounds(ContainerJob job, const Tables& tables, const std::optional<Model>& previous,
                   Checkpoints* checkpoints) {
  if (previous) {
    job.parameters.num_round -= static_cast<int>(previous->trees.size());
    if (job.parameters.num_round <= 0) return *previous;
  }
  TrainOptions options{
      .evaluate_training = true, .continue_from = previous ? &*previous : nullptr, .describe_data = true};
  if (tables.validation) options.evaluation.push_back({"validation", &*tables.validation});
  options.observer = [&](const Progress& progress) {
    write_output(progress_line(progress) + '\n');
    if (checkpoints != nullptr) checkpoints->offer(*progress.model);
    return g_is_terminated == 0;
  };
  const auto backend = kernels::make_backend(job.parameters.device, job.parameters.threads);
  return train(*backend, job.parameters, tables.train, options);
}

/// Where the model goes. A mounted folder may belong to another user: that is found out before training.
std::string make_model_path(const fs::path& root) {
  std::error_code ignored;  // the check says what is wrong
  fs::create_directories(root / "model", ignored);
  std::string path = (root / "model" / "xgboost-model").string();
  check_model_destination(path);
  return path;
}

void run_job(const fs::path& root) {
  const ContainerJob job = read_container_job(root);
  handle_termination(job.saves_on_termination);
  const std::string path = make_model_path(root);
  std::optional<Checkpoints> checkpoints;
  std::optional<Model> previous;
  if (job.checkpoints) previous = checkpoints.emplace(*job.checkpoints).newest();
  if (previous) {
    write_output(fmt::format("Training goes on from a checkpoint of {} rounds\n", previous->trees.size()));
  }
  const Tables tables = read_tables(job);
  write_output(fmt::format("Train matrix has {} rows and {} columns\n", tables.train.n_rows,
                           tables.train.n_features()));
  if (tables.validation) {
    write_output(fmt::format("Validation matrix has {} rows\n", tables.validation->n_rows));
  }
  const Model model = train_rounds(job, tables, previous, checkpoints ? &*checkpoints : nullptr);
  io::save_model(model, path);
  write_output(fmt::format("{}{}: model of {} rounds\n",
                           g_is_terminated != 0 ? "Terminated by SIGTERM; " : "", path, model.trees.size()));
}

/// Where the service looks for the reason of a failure; it shows the first 1,024 characters.
fs::path failure_path(const fs::path& root) { return root / "output" / "failure"; }

/// Never fails: the error that is told here is the one that matters.
void write_failure(const fs::path& root, const char* reason) noexcept {
  try {
    fs::create_directories(root / "output");
    io::write_file_atomically(failure_path(root).string(), reason);
  } catch (const std::exception& error) {
    write_log(fmt::format("warning: the reason of the failure could not be written: {}\n", error.what()));
  }
}

}  // namespace

bool is_container(const fs::path& root) {
  std::error_code error;  // as where the folder may not be entered: reading the file then says why
  return fs::exists(root / "input" / "config" / "hyperparameters.json", error) || error;
}

ExitCode train_in_container(const fs::path& root) {
  try {
    std::error_code ignored;  // a service that finds exit code 0 does not look at the file
    fs::remove(failure_path(root), ignored);
    run_job(root);
  } catch (const std::exception& error) {
    if (fs::is_directory(root)) write_failure(root, error.what());
    throw;
  }
  return kSuccess;
}

}  // namespace coppice::cli
