#include "text.h"

#include <coppice/error.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

namespace coppice::cli {
namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

/// Characters of a UTF-8 text.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace

TextTable::TextTable(std::vector<std::string> header) : align_(header.size(), Align::kRight) {
  align_.front() = Align::kLeft;
  add_row(std::move(header));
}

void TextTable::align(std::size_t column, Align align) { align_[column] = align; }

void TextTable::add_row(std::vector<std::string> cells) {
  for (std::string& cell : cells) std::ranges::replace_if(cell, is_control, '?');
  rows_.push_back(std::move(cells));
}

std::string TextTable::text(std::size_t indent) const {
  std::vector<std::size_t> widths(align_.size(), 0);
  for (const auto& row : rows_) {
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], width(row[c]));
  }
  std::string text;
  for (const auto& row : rows_) {
    std::string line(indent, ' ');
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string padding(widths[c] - width(row[c]), ' ');
      if (c > 0) line += "  ";
      line += align_[c] == Align::kLeft ? row[c] + padding : padding + row[c];
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  return text;
}

std::string count_text(std::uint64_t count) {
  std::string text = fmt::to_string(count);
  for (std::size_t digits = 3; digits < text.size(); digits += 4) text.insert(text.size() - digits, 1, ',');
  return text;
}

std::string number_text(double value) {
  if (std::isnan(value)) return "-";
  const std::string text = fmt::format("{:.6g}", value);
  return text == "-0" ? "0" : text;
}

std::string sum_text(double value) {
  const bool is_count = value >= 0 && value < 1e15 && value == std::floor(value);
  return is_count ? count_text(static_cast<std::uint64_t>(value)) : number_text(value);
}

std::string percent_text(double part) { return fmt::format("{:.4g} %", 100 * part); }

std::string metric_text(double value) { return std::isnan(value) ? "nan" : fmt::format("{:.5f}", value); }

std::string seconds_text(double seconds) {
  if (seconds < 1) return fmt::format("{:.3f} s", seconds);
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<std::uint64_t>(std::llround(seconds));
  return fmt::format("{} min {:02} s", whole / 60, whole % 60);
}

std::string bytes_text(std::uint64_t bytes) {
  return fmt::format("{} MB", count_text((bytes + 500'000) / 1'000'000));
}

void write_output(std::string_view text) {
  const bool written =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (!written) {
    throw Error("cli.output",
                fmt::format("cannot write to standard output: {}", std::generic_category().message(errno)));
  }
}

void write_json(const nlohmann::ordered_json& value) {
  write_output(value.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n');
}

void write_log(std::string_view text) noexcept { std::fwrite(text.data(), 1, text.size(), stderr); }

}  // namespace coppice::cli
