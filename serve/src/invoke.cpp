#include "invoke.h"

#include <fmt/format.h>

#include <utility>

#include "admin.h"

namespace coppice::serve {
namespace {

constexpr std::size_t kSmallBodyBytes = 16 * 1024;
constexpr std::size_t kModerateBodyBytes = 512 * 1024;
/// Contributions cost about so many times what a score does.
constexpr std::size_t kCostOfExplaining = 16;

/// Whether a text names an output that is made of contributions. Not decoded: what is overlooked (other case,
/// %72) is answered all the same, only on the connection's thread.
bool asks_to_explain(std::string_view text) noexcept {
  return text.find("reasons") != std::string_view::npos ||
         text.find("contributions") != std::string_view::npos;
}

/// The model that answers: named by the path, else by X-Amzn-SageMaker-Target-Model, else the first.
const ServedModel& model_for(const Request& request, const Route& route, const ModelSet& models) {
  if (route.name.empty() || !request.target_model.empty()) return require_model(models, request.target_model);
  return require_model(models, route.name);
}

BodyType body_type_of(const Request& request) {
  if (const auto type = parse_body_type(request.content_type)) return *type;
  throw HttpError(415, "serve.request.type",
                  fmt::format("Content-Type '{}' is none of {}", request.content_type, kBodyTypes));
}

AnswerFormat answer_format_of(const Request& request, AnswerFormat fallback) {
  if (const auto format = parse_accept(request.accept, fallback)) return *format;
  throw HttpError(406, "serve.request.accept",
                  fmt::format("Accept '{}' has none of {}", request.accept, kAnswerTypes));
}

std::size_t count_of(std::string_view text) {
  if (const std::size_t count = whole_number(text).value_or(0); count > 0) return count;
  throw HttpError(400, "serve.request.output",
                  fmt::format("top={}: expected a whole number from 1 on", text));
}

/// `output=probability,reasons&top=5` of the query or of the custom attributes, the only field that clients
/// of the managed service can set.
void select_output(std::string_view form, const ServedModel& model, AnswerOptions& options) {
  if (const std::string output = form_field(form, "output"); !output.empty()) {
    options.fields = parse_fields(output, model.model.objective);
  }
  if (const std::string top = form_field(form, "top"); !top.empty()) options.n_reasons = count_of(top);
}

/// Leaves a copy of the request for the shadow model, unless it is behind.
void copy_to_shadow(const ServedModel& model, const BodyType& type, std::string_view body,
                    const Worker& worker, WorkQueue& queue) {
  WorkQueue::Job job = [shadow = model.shadow, threshold = model.answer.threshold, type,
                        body = std::string(body), answered = worker.answer.predictions](Worker& other) {
    try {
      std::vector<float>& predictions = other.answer.predictions;
      shadow->reader.read(type, body, other.rows);
      shadow->answerer.predict(other.rows, predictions);
      if (predictions.size() != answered.size()) return shadow->comparison.record_failure();
      shadow->comparison.record(answered, threshold, predictions, shadow->threshold);
    } catch (const std::exception&) {
      shadow->comparison.record_failure();
    }
  };
  if (!queue.try_push_unhurried(std::move(job))) model.shadow->comparison.record_dropped();
}

}  // namespace

Effort effort_of_invocation(const Request& request, const Route& route,
                            std::string_view default_output) noexcept {
  const bool is_explained = asks_to_explain(route.query) || asks_to_explain(request.custom_attributes) ||
                            asks_to_explain(default_output);
  const std::size_t cost = request.body.size() * (is_explained ? kCostOfExplaining : 1);
  if (cost <= kSmallBodyBytes) return Effort::kSmall;
  return cost <= kModerateBodyBytes ? Effort::kModerate : Effort::kLarge;
}

void score(const ServedModel& model, const BodyType& type, std::string_view body, Worker& worker) {
  model.reader.read(type, body, worker.rows);
  model.answerer.answer(worker.rows, worker.answer_options, worker.answer);
  model.drift.record(worker.index, worker.rows.values(), worker.answer.predictions);
  model.n_rows.fetch_add(worker.rows.n_rows(), std::memory_order_relaxed);
}

void invoke(const Request& request, const Route& route, WorkQueue& queue, Worker& worker,
            Response& response) {
  const ServedModel& model = model_for(request, route, worker.models.current());
  if (request.body.empty()) {
    response.status = 204;
    return;
  }
  const BodyType type = body_type_of(request);
  worker.answer_options = model.answer;
  worker.answer_options.format = answer_format_of(request, model.answer.format);
  if (!route.query.empty()) select_output(route.query, model, worker.answer_options);
  if (!request.custom_attributes.empty())
    select_output(request.custom_attributes, model, worker.answer_options);
  score(model, type, request.body, worker);

  response.content_type = content_type_of(worker.answer_options.format);
  std::swap(response.body, worker.answer.body);
  response.n_rows = worker.rows.n_rows();
  response.model = model.label;
  response.add_header("X-Coppice-Model", model.label);
  if (route.kind == RouteKind::kEndpointInvocations) {
    response.add_header("x-Amzn-Invoked-Production-Variant", "AllTraffic");
  }
  if (!request.custom_attributes.empty()) {
    response.add_header("X-Amzn-SageMaker-Custom-Attributes", request.custom_attributes);
  }
  if (model.shadow != nullptr) copy_to_shadow(model, type, request.body, worker, queue);
}

}  // namespace coppice::serve
