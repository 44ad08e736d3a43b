#include <fmt/format.h>

#include <iterator>
#include <nlohmann/json.hpp>

#include "pages.h"

namespace coppice::serve {
namespace {

/// Seconds; the ends of latency bins beside them are at most 7 % below.
constexpr std::array<double, 14> kLatencyBounds = {0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001,
                                                   0.0025,  0.005,    0.01,    0.025,  0.1,     1,      10};

/// Text in the Prometheus format.
class MetricsText {
 public:
  explicit MetricsText(std::string& text) : text_(text) {}

  /// A counter when the name says so, as Prometheus has it, else a gauge.
  void family(std::string_view name, std::string_view help) {
    family(name, help, name.ends_with("_total") ? "counter" : "gauge");
  }
  void family(std::string_view name, std::string_view help, std::string_view type) {
    name_ = name;
    fmt::format_to(std::back_inserter(text_), "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
  }
  /// `labels` is `a="1",b="2"`.
  template <class Value>
  void sample(const std::string& labels, Value value, std::string_view suffix = "") {
    const std::string braced = labels.empty() ? labels : fmt::format("{{{}}}", labels);
    fmt::format_to(std::back_inserter(text_), "{}{}{} {}\n", name_, suffix, braced, value);
  }

 private:
  std::string& text_;
  std::string_view name_;
};

/// A label value: names of features are any text.
std::string escaped_label(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '\n') {
      result += "\\n";
    } else {
      if (c == '\\' || c == '"') result += '\\';
      result += c;
    }
  }
  return result;
}

std::string model_label(std::string_view name) { return fmt::format(R"(model="{}")", escaped_label(name)); }

std::uint64_t sum_of(const std::vector<ThreadMetrics>& threads, Counter ThreadMetrics::*counter) {
  std::uint64_t sum = 0;
  for (const ThreadMetrics& thread : threads) sum += (thread.*counter).value();
  return sum;
}

void add_requests(const std::vector<ThreadMetrics>& threads, MetricsText& text) {
  text.family("coppice_requests_total", "Requests by path and status code");
  for (std::size_t route = 0; route < kRouteKinds; ++route) {
    for (std::size_t place = 0; place < kCountedStatuses.size(); ++place) {
      std::uint64_t count = 0;
      for (const ThreadMetrics& thread : threads) count += thread.requests[route][place].value();
      const int status = kCountedStatuses[place];
      if (count == 0) continue;
      text.sample(fmt::format(R"(path="{}",code="{}")", kRoutePaths[route],
                              status == 0 ? "other" : fmt::to_string(status)),
                  count);
    }
  }
}

void add_latency(const std::vector<ThreadMetrics>& threads, MetricsText& text) {
  const Totals totals = add_up(threads);
  text.family("coppice_invocation_seconds",
              "Time of an invocation in the server, from its last byte in to its answer", "histogram");
  std::size_t bin = 0;
  std::uint64_t count = 0;
  for (const double bound : kLatencyBounds) {
    for (; bin < LatencyBins::kBins && LatencyBins::end_of(bin) <= bound; ++bin) count += totals.latency[bin];
    text.sample(fmt::format(R"(le="{}")", bound), count, "_bucket");
  }
  for (; bin < LatencyBins::kBins; ++bin) count += totals.latency[bin];
  text.sample(R"(le="+Inf")", count, "_bucket");
  text.sample("", static_cast<double>(sum_of(threads, &ThreadMetrics::latency_nanoseconds)) * 1e-9, "_sum");
  text.sample("", count, "_count");
}

void add_server(const Service& service, MetricsText& text) {
  const auto one = [&text](std::string_view name, std::string_view help, auto value) {
    text.family(name, help);
    text.sample("", value);
  };
  const auto& threads = service.metrics();
  one("coppice_received_bytes_total", "Bytes read from clients", sum_of(threads, &ThreadMetrics::bytes_in));
  one("coppice_sent_bytes_total", "Bytes of answers", sum_of(threads, &ThreadMetrics::bytes_out));
  one("coppice_connections", "Open connections", service.n_connections.load(std::memory_order_relaxed));
  one("coppice_rejected_connections_total", "Connections over the limit",
      sum_of(threads, &ThreadMetrics::rejected));
  one("coppice_queue_length", "Large requests and copies for shadows that wait for a thread",
      service.queue().size());
  one("coppice_queue_capacity", "Places in the queue", service.queue().capacity());
  one("coppice_log_dropped_total", "Lines of the access log that were dropped",
      service.access_log().n_dropped());
  one("coppice_uptime_seconds", "Time since the start",
      std::chrono::duration<double>(std::chrono::steady_clock::now() - service.started()).count());
}

/// One family, with a sample of each model.
template <class Value>
void add_by_model(const ModelSet& models, MetricsText& text, std::string_view name, std::string_view help,
                  const Value& value) {
  text.family(name, help);
  for (const auto& [model_name, model] : models.models) {
    text.sample(model_label(model_name), value(*model));
  }
}

void add_models(const ModelSet& models, MetricsText& text) {
  add_by_model(models, text, "coppice_model_version", "Number of the load that is served",
               [](const ServedModel& model) { return model.version; });
  add_by_model(models, text, "coppice_model_rows_total", "Rows scored by this version",
               [](const ServedModel& model) { return model.n_rows.load(std::memory_order_relaxed); });
}

void add_drift(const ModelSet& models, MetricsText& text) {
  text.family("coppice_drift_psi",
              "Population stability index against the training data, of features and of the score");
  for (const auto& [name, model] : models.models) {
    const DriftReport report = model->drift.report();
    const auto add = [&](std::string_view kind, const DriftEntry& entry) {
      if (!entry.psi) return;
      text.sample(fmt::format(R"({},{}="{}")", model_label(name), kind, escaped_label(entry.name)),
                  *entry.psi);
    };
    for (const DriftEntry& feature : report.features) add("feature", feature);
    if (report.score) add("output", *report.score);
  }
}

void add_shadows(const ModelSet& models, MetricsText& text) {
  std::vector<std::pair<std::string, ShadowReport>> reports;
  for (const auto& [name, model] : models.models) {
    if (model->shadow == nullptr) continue;
    reports.emplace_back(model_label(name), model->shadow->comparison.report());
  }
  if (reports.empty()) return;
  const auto add = [&](std::string_view name, std::string_view help, auto member) {
    text.family(name, help);
    for (const auto& [label, report] : reports) text.sample(label, report.*member);
  };
  add("coppice_shadow_requests_total", "Requests that both models scored", &ShadowReport::requests);
  add("coppice_shadow_failed_total", "Requests that the shadow could not score", &ShadowReport::failed);
  add("coppice_shadow_dropped_total", "Requests that the shadow had no time for", &ShadowReport::dropped);
  add("coppice_shadow_rows_total", "Rows that both models scored", &ShadowReport::rows);
  add("coppice_shadow_rows_different_total", "Rows with another score", &ShadowReport::rows_different);
  add("coppice_shadow_labels_different_total", "Rows with another label", &ShadowReport::labels_different);
  add("coppice_shadow_mean_difference", "Mean of the absolute difference", &ShadowReport::mean_difference);
  add("coppice_shadow_max_difference", "Largest absolute difference", &ShadowReport::max_difference);
}

}  // namespace

void execution_parameters(const Service& service, Response& response) {
  response.set_json(200,
                    nlohmann::ordered_json{{"MaxConcurrentTransforms", service.threads()},
                                           {"BatchStrategy", "MULTI_RECORD"},
                                           {"MaxPayloadInMB", service.options().limits.body_bytes >> 20U}}
                        .dump());
}

void metrics_page(const Service& service, const ModelSet& models, Response& response) {
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  MetricsText text(response.body);
  add_requests(service.metrics(), text);
  add_latency(service.metrics(), text);
  add_server(service, text);
  add_models(models, text);
  add_drift(models, text);
  add_shadows(models, text);
}

}  // namespace coppice::serve
