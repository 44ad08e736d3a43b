#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "admin.h"
#include "invoke.h"
#include "pages.h"

namespace coppice::serve {
namespace {

constexpr std::string_view kHead = R"(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Coppice</title>
<style>
:root { --ink: #17211b; --soft: #5d6b62; --line: #dfe5e0; --paper: #fbfcfa; --card: #fff; --green: #2f6b3f; --bad: #a3341f }
@media (prefers-color-scheme: dark) {
:root { --ink: #e4ebe5; --soft: #93a298; --line: #2c362f; --paper: #131815; --card: #1a211c; --green: #7fc08f; --bad: #ef8a74 } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 62rem; padding: 2.5rem 1.5rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif }
h1 { margin: 0; font-size: 1.5rem; letter-spacing: -.01em }
h2 { margin: 2.5rem 0 .75rem; font-size: 1rem }
header p, td small, .hint { margin: 0; color: var(--soft) }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr)); gap: .75rem; margin-top: 1.5rem }
.tiles div { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .75rem 1rem }
.tiles b { display: block; font-size: 1.35rem; font-weight: 600; font-variant-numeric: tabular-nums }
.tiles span { color: var(--soft); font-size: .85rem }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums }
th { text-align: left; font-weight: 500; color: var(--soft); font-size: .85rem }
th, td { padding: .5rem .75rem .5rem 0; border-bottom: 1px solid var(--line); vertical-align: top }
td.number, th.number { text-align: right }
textarea, select, button { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line);
  border-radius: .4rem; padding: .5rem .7rem }
textarea { width: 100%; min-height: 6rem; font-family: ui-monospace, monospace; font-size: 13px }
button { background: var(--green); border-color: var(--green); color: var(--paper); cursor: pointer; padding-inline: 1.4rem }
form p { display: flex; gap: .75rem; margin: .6rem 0 }
pre { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-left: 4px solid var(--green);
  border-radius: .4rem; padding: .75rem 1rem }
pre.bad { border-left-color: var(--bad); white-space: pre-wrap }
a { color: var(--green) }
</style>
)";

/// Fewer rows fill no histogram: the index would be large by chance.
constexpr std::uint64_t kRowsOfDrift = 500;

std::string escaped_html(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

std::string seconds_text(double seconds) {
  if (seconds < 1e-3) return fmt::format("{:.0f} µs", seconds * 1e6);
  if (seconds < 1) return fmt::format("{:.3g} ms", seconds * 1e3);
  return fmt::format("{:.3g} s", seconds);
}

std::string uptime_text(std::chrono::seconds uptime) {
  const auto hours = std::chrono::floor<std::chrono::hours>(uptime);
  const auto minutes = std::chrono::floor<std::chrono::minutes>(uptime - hours);
  return fmt::format("{} h {:02} min {:02} s", hours.count(), minutes.count(),
                     (uptime - hours - minutes).count());
}

class Page {
 public:
  explicit Page(std::string& html) : html_(html) { html_ = kHead; }

  template <class... Values>
  void add(fmt::format_string<Values...> text, Values&&... values) {
    fmt::format_to(std::back_inserter(html_), text, std::forward<Values>(values)...);
  }

  void add_header(const Service& service) {
    const auto uptime =
        std::chrono::floor<std::chrono::seconds>(std::chrono::steady_clock::now() - service.started());
    add("<header><h1>Coppice</h1><p>{} {} &middot; up {} &middot; <a href=\"/\">refresh</a> &middot; "
        "<a href=\"/metrics\">metrics</a></p></header>\n",
        version(), service.is_draining ? "is stopping" : "is serving", uptime_text(uptime));
  }

  void add_tiles(const Service& service) {
    const Totals now = add_up(service.metrics());
    const Totals recent = service.history().recent(now);
    const double seconds =
        std::chrono::duration<double>(now.time - std::max(recent.time, service.started())).count();
    add("<section class=\"tiles\">\n");
    const auto tile = [this](const std::string& value, std::string_view name) {
      add("<div><b>{}</b><span>{}</span></div>\n", value, name);
    };
    tile(fmt::format("{:.0f}", static_cast<double>(recent.requests) / std::max(seconds, 1.0)),
         "requests a second");
    tile(seconds_text(recent.latency_quantile(0.5)), "median in the server");
    tile(seconds_text(recent.latency_quantile(0.99)), "99th percentile");
    tile(seconds_text(recent.latency_quantile(0.999)), "99.9th percentile");
    tile(fmt::to_string(now.requests), "requests since the start");
    tile(fmt::to_string(now.failures), "failed");
    tile(fmt::format("{} / {}", service.queue().size(), service.queue().capacity()), "queued");
    add("</section>\n<p class=\"hint\">Rate and latencies are those of the last minute.</p>\n");
  }

  void add_models(const ModelSet& models) {
    add("<h2>Models</h2>\n<table>\n<tr><th>model<th class=\"number\">version<th>loaded<th>objective"
        "<th class=\"number\">features<th class=\"number\">trees<th class=\"number\">rows scored"
        "<th>drift (PSI)</tr>\n");
    for (const auto& [name, model] : models.models) add_model(*model);
    add("</table>\n");
    if (models.models.empty()) add("<p class=\"hint\">No model is loaded.</p>\n");
  }

  void add_form(const ModelSet& models, std::string_view chosen, std::string_view rows) {
    add("<h2>Score rows</h2>\n<form method=\"post\" action=\"/\">\n"
        "<textarea name=\"rows\" spellcheck=\"false\" placeholder=\"CSV: one row a line, with or without a "
        "line of "
        "names\">\n{}</textarea>\n<p><select name=\"model\">",
        escaped_html(rows));
    for (const auto& [name, model] : models.models) {
      add("<option{}>{}</option>", name == chosen ? " selected" : "", name);
    }
    add("</select><button>Score</button></p>\n</form>\n");
  }

  void add_result(std::string_view text, bool is_good) {
    add("<pre{}>{}</pre>\n", is_good ? "" : " class=\"bad\"", escaped_html(text));
  }

 private:
  void add_model(const ServedModel& model) {
    add("<tr><td>{}<br><small>{}</small><td class=\"number\">{}<td>{:%Y-%m-%d %H:%M:%S} UTC<td>{}"
        "<td class=\"number\">{}<td class=\"number\">{}<td class=\"number\">{}<td>{}</tr>\n",
        model.name, escaped_html(model.path), model.version,
        fmt::gmtime(std::chrono::system_clock::to_time_t(model.loaded_at)), to_string(model.model.objective),
        model.model.schema.features.size(), model.model.trees.size(),
        model.n_rows.load(std::memory_order_relaxed), drift_text(model));
  }

  static std::string drift_text(const ServedModel& model) {
    const DriftReport report = model.drift.report();
    const auto furthest = std::ranges::max_element(
        report.features, {}, [](const DriftEntry& entry) { return entry.psi.value_or(-1); });
    std::string text =
        report.score && report.score->psi ? fmt::format("score {:.3f}", *report.score->psi) : "";
    if (furthest != report.features.end() && furthest->psi) {
      if (!text.empty()) text += ", ";
      text += fmt::format("{} {:.3f}", escaped_html(furthest->name), *furthest->psi);
    }
    if (text.empty() || report.rows < kRowsOfDrift) return "<small>too few rows yet</small>";
    return fmt::format("<a href=\"/models/{}/drift\">{}</a>", model.name, text);
  }

  std::string& html_;
};

/// Scores the rows of the form: CSV under the names of the outputs.
std::string score_form(const ModelSet& models, const std::string& name, const std::string& rows,
                       Worker& worker) {
  const ServedModel& model = require_model(models, name);
  worker.answer_options = model.answer;
  worker.answer_options.format = AnswerFormat::kCsv;
  worker.answer_options.comma_joined = false;
  score(model, {BodyFormat::kCsv}, rows, worker);
  std::string text;
  for (const AnswerField& field : worker.answer_options.fields) {
    text += fmt::format("{}{}", text.empty() ? "" : ",", field.name);
  }
  return text + '\n' + worker.answer.body;
}

}  // namespace

void status_page(const Service& service, const Request& request, Worker& worker, Response& response) {
  const ModelSet& models = worker.models.current();
  response.content_type = "text/html; charset=utf-8";
  response.add_header(
      "Content-Security-Policy",
      "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'");
  response.add_header("Cache-Control", "no-store");
  Page page(response.body);
  page.add_header(service);
  page.add_tiles(service);
  page.add_models(models);
  const std::string name = form_field(request.body, "model");
  const std::string rows = form_field(request.body, "rows");
  page.add_form(models, name, rows);
  if (request.method != Method::kPost) return;
  try {
    page.add_result(score_form(models, name, rows, worker), true);
  } catch (const Error& error) {
    page.add_result(error.what(), false);
  }
}

}  // namespace coppice::serve
