// Text table: a column whose cells are all numbers is set flush right.

#include "cli/text_table.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

namespace nsajit::cli {
namespace {

// Numbers and their dashes: "12", "-", "1.25x", "0.4 %".
bool is_number(const std::string& cell) {
  return !cell.empty() && (std::isdigit(static_cast<unsigned char>(cell.front())) != 0 || cell.front() == '-') &&
         cell.size() < 12;
}

std::string format_line(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths,
                        const std::vector<bool>& right) {
  std::string line;
  for (std::size_t column = 0; column < cells.size(); ++column) {
    if (column > 0) line += "  ";
    line += right[column] ? fmt::format("{:>{}}", cells[column], widths[column])
                          : fmt::format("{:<{}}", cells[column], widths[column]);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

}  // namespace

std::string format_text_table(const std::vector<std::string>& headings, const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  std::vector<bool> right;
  for (std::size_t column = 0; column < headings.size(); ++column) {
    widths.push_back(headings[column].size());
    for (const auto& row : rows) widths.back() = std::max(widths.back(), row[column].size());
    right.push_back(!rows.empty() &&
                    std::all_of(rows.begin(), rows.end(), [&](const auto& row) { return is_number(row[column]); }));
  }
  std::string text = format_line(headings, widths, right);
  std::size_t width = 2 * (headings.size() - 1);
  for (const auto each : widths) width += each;
  text += std::string(width, '-') + "\n";
  for (const auto& row : rows) text += format_line(row, widths, right);
  return text;
}

}  // namespace nsajit::cli
