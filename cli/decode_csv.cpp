// Decode CSV: see the header.

#include "cli/decode_csv.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "nsajit/error.h"

namespace nsajit::cli {
namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0;;) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    if (end == text.size()) return parts;
    begin = end + 1;
  }
}

// One line of the file, by the names of the header.
class Line {
 public:
  Line(const std::string& path, std::size_t number, const std::vector<std::string_view>& names, std::string_view text)
      : path_(path), number_(number) {
    const auto values = split(text, ',');
    if (values.size() != names.size()) fail(fmt::format("{} values under {} names", values.size(), names.size()));
    for (std::size_t i = 0; i < names.size(); ++i) values_[names[i]] = values[i];
  }

  template <class Number>
  std::optional<Number> find(std::string_view name) const {
    const auto value = values_.find(name);
    if (value == values_.end() || value->second.empty()) return std::nullopt;
    Number number{};
    const char* const end = value->second.data() + value->second.size();
    const auto [rest, status] = std::from_chars(value->second.data(), end, number);
    if (status != std::errc() || rest != end) fail(fmt::format("{} is '{}', which is no number", name, value->second));
    return number;
  }
  template <class Number>
  Number get(std::string_view name) const {
    const auto number = find<Number>(name);
    if (!number) fail(fmt::format("there is no {}; the header is {}", name, kDecodeCsvHeader));
    return *number;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::InvalidArgument, fmt::format("{}, line {}: {}", path_, number_, what));
  }

  const std::string& path_;
  std::size_t number_;
  std::map<std::string_view, std::string_view> values_;
};

DecodeRow read_row(const Line& line) {
  return {.S = line.get<std::int64_t>("S"),
          .ms_total = line.get<double>("ms_total"),
          .ms_cmp = line.get<double>("ms_cmp"),
          .ms_sel = line.get<double>("ms_sel"),
          .ms_win = line.get<double>("ms_win"),
          .reads_actual = line.get<std::int64_t>("reads_actual"),
          .reads_expected = line.get<std::int64_t>("reads_expected"),
          .reads_actual_decode = line.find<std::int64_t>("reads_actual_decode").value_or(0),
          .reads_expected_decode = line.find<std::int64_t>("reads_expected_decode").value_or(0)};
}

std::string reads_text(std::int64_t actual, std::int64_t expected) { return fmt::format("{}/{}", actual, expected); }

}  // namespace

std::string format_decode_csv(const std::vector<DecodeRow>& rows) {
  std::string text = fmt::format("{}\n", kDecodeCsvHeader);
  for (const DecodeRow& row : rows)
    text += fmt::format("{},{:.6f},{:.6f},{:.6f},{:.6f},{},{},{},{}\n", row.S, row.ms_total, row.ms_cmp, row.ms_sel, row.ms_win,
                        row.reads_actual, row.reads_expected, row.reads_actual_decode, row.reads_expected_decode);
  return text;
}

std::vector<DecodeRow> parse_decode_csv(std::string_view text, const std::string& path) {
  std::vector<DecodeRow> rows;
  std::vector<std::string_view> names;
  std::size_t number = 0;
  for (std::string_view line : split(text, '\n')) {
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    if (names.empty())
      names = split(line, ',');
    else
      rows.push_back(read_row(Line(path, number, names, line)));
  }
  if (rows.empty())
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("{}: there are no rows; `nsajit bench decode --csv` writes such a file", path));
  return rows;
}

std::string format_decode_summary(const std::vector<DecodeRow>& rows) {
  std::string text = fmt::format("{:>6}  {:>8}  {:>6}  {:>6}  {:>6}  {:>14}  {:>14}\n", "S", "total", "cmp%", "sel%", "win%",
                                 "reads(dec)", "reads(tot)");
  for (const DecodeRow& row : rows) {
    const double total = row.ms_total > 0 ? row.ms_total : 1e-9;
    const bool knows_decode = row.reads_expected_decode > 0 || row.reads_actual_decode > 0;
    text += fmt::format("{:>6}  {:>8.4f}  {:>6.1f}  {:>6.1f}  {:>6.1f}  {:>14}  {:>14}\n", row.S, row.ms_total,
                        100 * row.ms_cmp / total, 100 * row.ms_sel / total, 100 * row.ms_win / total,
                        knows_decode ? reads_text(row.reads_actual_decode, row.reads_expected_decode) : "-/-",
                        reads_text(row.reads_actual, row.reads_expected));
  }
  return text;
}

}  // namespace nsajit::cli
