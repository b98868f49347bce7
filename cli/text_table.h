#pragma once
// Text table: columns as wide as their widest cell, two blanks between them, a rule below the headings.

#include <string>
#include <vector>

namespace nsajit::cli {

std::string format_text_table(const std::vector<std::string>& headings, const std::vector<std::vector<std::string>>& rows);

}  // namespace nsajit::cli
