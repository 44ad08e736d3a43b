#include "service.h"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <new>

#include "admin.h"
#include "error_message.h"
#include "invoke.h"
#include "pages.h"

namespace coppice::serve {
namespace {

bool is_token(std::string_view given, std::string_view token) {
  return given.size() == token.size() && CRYPTO_memcmp(given.data(), token.data(), token.size()) == 0;
}

/// Whether a request has the token: as a bearer, or in a field of its own beside the signature of a client of
/// the managed service.
bool has_token(const Request& request, std::string_view token) {
  constexpr std::string_view kScheme = "Bearer ";
  std::string_view authorization = request.authorization;
  const bool is_bearer = authorization.starts_with(kScheme);
  if (is_bearer) authorization.remove_prefix(kScheme.size());
  return (is_bearer && is_token(authorization, token)) || is_token(request.token, token);
}

bool changes_models(const Request& request, const Route& route) {
  return (route.kind == RouteKind::kModels && request.method == Method::kPost) ||
         (route.kind == RouteKind::kModel &&
          (request.method == Method::kPut || request.method == Method::kDelete));
}

int status_of(std::string_view id) {
  if (id == "serve.model.unknown") return 404;
  if (id == "serve.model.exists") return 409;
  if (id == "serve.model.list" || id == "io.file.write") return 500;
  return id.starts_with("serve.request.") ? http_status(id) : 400;
}

/// What an error that is not an HttpError means to a client.
HttpError to_http(const Error& error) { return {status_of(error.id()), error.id(), message_of(error)}; }

void ping(bool is_draining, Response& response) {
  if (is_draining) {
    response.set_text(503, "stopping\n");
  }
}

}  // namespace

Service::Service(const ServerOptions& options, ModelStore& store, int threads)
    : options_(options),
      store_(store),
      threads_(threads),
      metrics_(static_cast<std::size_t>(threads)),
      access_log_(static_cast<std::size_t>(threads), options.access_log),
      queue_(options.limits.queued_requests, threads,
             [this](std::size_t i) { return make_worker(metrics_.size() + i); }) {
  check_admin_options(options);
}

bool Service::admit(const Request& request, const Route& route, Origin origin, Response& response) const {
  const auto refuse = [&](int status, std::string_view id, std::string_view message) {
    set_error(response, route, {status, id, message});
    return false;
  };
  if (route.kind == RouteKind::kUnknown) {
    return refuse(404, "serve.path", "there is nothing at this path; GET / shows what is served");
  }
  if (!is_allowed(route.kind, request.method)) {
    refuse(405, "serve.method", fmt::format("this path takes {}", allowed_methods(route.kind)));
    response.add_header("Allow", allowed_methods(route.kind));
    return false;
  }
  if (!options_.token.empty() && route.kind != RouteKind::kPing && !has_token(request, options_.token)) {
    refuse(401, "serve.token", "this server asks for a bearer token");
    response.add_header("WWW-Authenticate", "Bearer");
    return false;
  }
  if (changes_models(request, route)) {
    if (!options_.is_admin)
      return refuse(403, "serve.admin", "models are changed only where --admin was given");
    if (!options_.admin_unix_path.empty() && origin != Origin::kAdmin) {
      return refuse(403, "serve.admin", "models are changed through the admin socket alone");
    }
  }
  return true;
}

Effort Service::effort_of(const Request& request, const Route& route) const noexcept {
  if (route.is_invocation() || route.kind == RouteKind::kStatusPage) {
    return effort_of_invocation(request, route, store_.options().output);
  }
  return changes_models(request, route) ? Effort::kLarge : Effort::kSmall;
}

void Service::answer(const Request& request, const Route& route, Worker& worker, Response& response) {
  try {
    dispatch(request, route, worker, response);
  } catch (const HttpError& error) {
    set_error(response, route, error);
  } catch (const Error& error) {
    set_error(response, route, to_http(error));
  } catch (const std::bad_alloc&) {
    set_error(response, route, {507, "serve.memory", "there is not enough memory for this request"});
  } catch (const std::exception& error) {
    set_error(response, route, {500, "serve.unexpected", error.what()});
  }
}

void Service::dispatch(const Request& request, const Route& route, Worker& worker, Response& response) {
  const ModelSet& models = worker.models.current();
  switch (route.kind) {
    case RouteKind::kPing:
      return ping(is_draining.load(std::memory_order_relaxed), response);
    case RouteKind::kInvocations:
    case RouteKind::kEndpointInvocations:
    case RouteKind::kModelInvoke:
      return invoke(request, route, queue_, worker, response);
    case RouteKind::kExecutionParameters:
      return execution_parameters(*this, response);
    case RouteKind::kMetrics:
      return metrics_page(*this, models, response);
    case RouteKind::kModels:
      return request.method == Method::kPost ? load_model(request, options_, store_, response)
                                             : list_models(route, models, response);
    case RouteKind::kModel:
      if (request.method == Method::kPut) return replace_model(request, route, options_, store_, response);
      if (request.method == Method::kDelete) return unload_model(route, store_, response);
      return describe_model(route, models, response);
    case RouteKind::kModelDrift:
      return model_drift(route, models, response);
    case RouteKind::kStatusPage:
      return status_page(*this, request, worker, response);
    case RouteKind::kUnknown:
      break;
  }
}

void Service::refuse_busy(const Route& route, Response& response) const {
  set_error(response, route, {503, "serve.busy", "the server has more requests than it can take; try again"});
}

}  // namespace coppice::serve
