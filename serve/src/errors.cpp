// How each family of routes tells of an error.
#include <fmt/format.h>

#include "json_text.h"
#include "service.h"

namespace coppice::serve {
namespace {

/// An error of the service, by its name in the API of the managed service.
void set_service_error(Response& response, int status, std::string_view type, std::string_view message) {
  response.add_header("x-amzn-ErrorType", type);
  response.set_json(status, json_text({{"message", message}, {"Message", message}}));
}

/// As the managed service tells what went wrong in a container (SageMaker runtime API, InvokeEndpoint).
void set_endpoint_error(Response& response, const Route& route, const HttpError& error) {
  switch (error.status()) {
    case 401:
    case 403:
      return set_service_error(response, 403, "AccessDeniedException", error.message());
    case 404:
      return set_service_error(response, 400, "ValidationError",
                               fmt::format("Endpoint {} not found.", route.name));
    case 429:
      return set_service_error(response, 429, "ModelNotReadyException", error.message());
    case 503:
      return set_service_error(response, 503, "ServiceUnavailable", error.message());
    case 405:
    case 413:
      return response.set_text(error.status(), error.message());
    default:
      break;
  }
  response.add_header("x-amzn-ErrorType", "ModelError");
  response.set_json(
      424, json_text({{"Message", fmt::format("Received client error ({}) from model with message \"{}\"",
                                              error.status(), error.message())},
                      {"OriginalStatusCode", error.status()},
                      {"OriginalMessage", error.message()},
                      {"LogStreamArn", ""}}));
}

std::string_view type_of_model_error(int status) {
  switch (status) {
    case 404:
      return "ModelNotFoundException";
    case 409:
      return "ConflictStatusException";
    case 429:
      return "ModelNotReadyException";
    case 503:
      return "ServiceUnavailableException";
    case 507:
      return "InsufficientStorageException";
    default:
      return status >= 500 ? "InternalServerException" : "BadRequestException";
  }
}

}  // namespace

void set_error(Response& response, const Route& route, const HttpError& error) {
  response.clear();
  if (error.status() == 503 || error.status() == 429) response.add_header("Retry-After", "1");
  switch (route.kind) {
    case RouteKind::kEndpointInvocations:
      return set_endpoint_error(response, route, error);
    case RouteKind::kModels:
    case RouteKind::kModel:
    case RouteKind::kModelDrift:
    case RouteKind::kModelInvoke:
      return response.set_json(error.status(), json_text({{"code", error.status()},
                                                          {"type", type_of_model_error(error.status())},
                                                          {"message", error.message()},
                                                          {"id", error.id()}}));
    default:
      return response.set_text(error.status(), fmt::format("{}\n", error.what()));
  }
}

}  // namespace coppice::serve
