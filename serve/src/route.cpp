#include "route.h"

#include <charconv>

#include "take_until.h"

namespace coppice::serve {
namespace {

RouteKind kind_of_one_part(std::string_view part) {
  if (part == "invocations") return RouteKind::kInvocations;
  if (part == "ping") return RouteKind::kPing;
  if (part == "metrics") return RouteKind::kMetrics;
  if (part == "models") return RouteKind::kModels;
  if (part == "execution-parameters") return RouteKind::kExecutionParameters;
  return RouteKind::kUnknown;
}

RouteKind kind_of_named(std::string_view first, std::string_view last) {
  if (first == "endpoints") {
    return last == "invocations" ? RouteKind::kEndpointInvocations : RouteKind::kUnknown;
  }
  if (first != "models") return RouteKind::kUnknown;
  if (last.empty()) return RouteKind::kModel;
  if (last == "invoke") return RouteKind::kModelInvoke;
  return last == "drift" ? RouteKind::kModelDrift : RouteKind::kUnknown;
}

}  // namespace

Route find_route(std::string_view target) {
  Route route;
  std::string_view path = take_until(target, '?');
  route.query = target;
  if (path == "/") {
    route.kind = RouteKind::kStatusPage;
    return route;
  }
  if (!path.starts_with('/')) return route;
  path.remove_prefix(1);
  if (path.ends_with('/')) path.remove_suffix(1);
  const std::string_view first = take_until(path, '/');
  if (path.empty()) {
    route.kind = kind_of_one_part(first);
    return route;
  }
  const std::string_view name = take_until(path, '/');
  route.kind = kind_of_named(first, path);
  route.name = percent_decoded(name);
  return route;
}

std::string_view allowed_methods(RouteKind kind) noexcept {
  switch (kind) {
    case RouteKind::kStatusPage:
      return "GET, HEAD, POST";
    case RouteKind::kInvocations:
    case RouteKind::kEndpointInvocations:
    case RouteKind::kModelInvoke:
      return "POST";
    case RouteKind::kModels:
      return "GET, HEAD, POST";
    case RouteKind::kModel:
      return "GET, HEAD, PUT, DELETE";
    default:
      return "GET, HEAD";
  }
}

bool is_allowed(RouteKind kind, Method method) noexcept {
  std::string_view allowed = allowed_methods(kind);
  while (!allowed.empty()) {
    if (take_until(allowed, ',') == to_string(method)) return true;
    if (allowed.starts_with(' ')) allowed.remove_prefix(1);
  }
  return false;
}

std::string percent_decoded(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    const char* const digits = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(digits, digits + 2, value, 16).ptr == digits + 2) {
      decoded += static_cast<char>(value);
      i += 2;
    } else {
      decoded += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return decoded;
}

std::string form_field(std::string_view form, std::string_view name) {
  while (!form.empty()) {
    std::string_view value = take_until(form, '&');
    if (take_until(value, '=') == name) return percent_decoded(value, true);
  }
  return {};
}

std::optional<std::size_t> whole_number(std::string_view text) noexcept {
  std::size_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace coppice::serve
