#pragma once
// Report format: prints report rows for people (table, md), programs (json, csv) and shells (env).

#include <string>
#include <vector>

#include "cli/report_rows.h"

namespace nsajit::cli {

std::string format_table(const std::vector<ReportRow>& rows);
std::string format_markdown(const std::vector<ReportRow>& rows);
std::string format_csv(const std::vector<ReportRow>& rows);
std::string format_json(const std::vector<ReportRow>& rows);

// NAME=value per threshold, after a comment per tuple and device. A host app reads one value for all tuples, so the
// value is the one that makes none of them slower: the largest, and -1 (never) where any tuple's is -1 or not known.
std::string format_env(const std::vector<ReportRow>& rows);

}  // namespace nsajit::cli
