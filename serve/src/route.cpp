#include "route.h"

#include <charconv>

namespace coppice::serve {
namespace {

/// Cuts the text before the separator off; all of it when there is none.
std::string_view take(std::string_view& text, char separator) {
  const std::size_t end = text.find(separator);
  const std::string_view part = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return part;
}

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
  std::string_view path = take(target, '?');
  route.query = target;
  if (path == "/") {
    route.kind = RouteKind::kStatusPage;
    return route;
  }
  if (!path.starts_with('/')) return route;
  path.remove_prefix(1);
  if (path.ends_with('/')) path.remove_suffix(1);
  const std::string_view first = take(path, '/');
  if (path.empty()) {
    route.kind = kind_of_one_part(first);
    return route;
  }
  const std::string_view name = take(path, '/');
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
    if (take(allowed, ',') == to_string(method)) return true;
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
    std::string_view value = take(form, '&');
    if (take(value, '=') == name) return percent_decoded(value, true);
  }
  return {};
}

}  // namespace coppice::serve
