// Which part of the service a request is for.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "request.h"

namespace coppice::serve {

enum class RouteKind : std::uint8_t {
  kStatusPage,
  kPing,
  kInvocations,
  kEndpointInvocations,
  kExecutionParameters,
  kMetrics,
  kModels,
  kModel,
  kModelInvoke,
  kModelDrift,
  kUnknown,
};
inline constexpr std::size_t kRouteKinds = 11;

/// Paths as the metrics name them, by RouteKind.
inline constexpr std::array<std::string_view, kRouteKinds> kRoutePaths = {
    "/",        "/ping",   "/invocations",   "/endpoints/{name}/invocations", "/execution-parameters",
    "/metrics", "/models", "/models/{name}", "/models/{name}/invoke",         "/models/{name}/drift",
    "unknown",
};

struct Route {
  RouteKind kind = RouteKind::kUnknown;
  std::string name;  ///< of the endpoint or model, percent-decoded
  std::string_view query;

  [[nodiscard]] bool is_invocation() const noexcept {
    return kind == RouteKind::kInvocations || kind == RouteKind::kEndpointInvocations ||
           kind == RouteKind::kModelInvoke;
  }
};

/// Cost: no allocation where the name is short. A trailing slash does not matter but for `/`.
[[nodiscard]] Route find_route(std::string_view target);

/// The methods of a route for an Allow field, `GET, HEAD`.
[[nodiscard]] std::string_view allowed_methods(RouteKind kind) noexcept;
[[nodiscard]] bool is_allowed(RouteKind kind, Method method) noexcept;

/// Text with %41 and the like replaced; with `plus_is_space`, as forms send it. A broken sequence stays as it
/// is.
[[nodiscard]] std::string percent_decoded(std::string_view text, bool plus_is_space = false);

/// The value of a field in `a=1&b=2`, decoded; empty when it is not there.
[[nodiscard]] std::string form_field(std::string_view form, std::string_view name);

/// Nothing for a text that is anything else.
[[nodiscard]] std::optional<std::size_t> whole_number(std::string_view text) noexcept;

}  // namespace coppice::serve
