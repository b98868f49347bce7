// Captured workloads: lines of JSON to a list without near-duplicates.

#include "cli/captured_workloads.h"

#include <algorithm>
#include <bit>
#include <filesystem>
#include <fstream>
#include <map>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "nsajit/error.h"
#include "nsajit/op.h"

namespace nsajit::cli {
namespace {

std::int64_t octave(std::int64_t size) { return static_cast<std::int64_t>(std::bit_width(static_cast<std::uint64_t>(size - 1))); }

// The sizes by their power of two; what remains is compared as it is.
Workload bucket_of(Workload workload) {
  for (std::int64_t* size : {&workload.B, &workload.S, &workload.S_kv, &workload.G}) *size = octave(*size);
  return workload;
}

// A program pads its rows with entries that are not used; a generated selection has as many as there are blocks.
Workload as_generated(Workload workload) {
  if (workload.selection != kOwnSelection) return workload;
  workload.selection = 0;
  const std::int64_t blocks = (workload.S_kv + workload.problem.l_sel - 1) / workload.problem.l_sel;
  workload.n = static_cast<int>(std::min<std::int64_t>(workload.n, blocks));
  return workload;
}

Workload parse_line(const std::string& line, const std::string& where) {
  try {
    const Workload workload = as_generated(parse_workload(nlohmann::json::parse(line).at("workload").get<std::string>()));
    validate(workload);
    return canonical(find_op(workload.problem), workload);
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorCode::InvalidArgument, fmt::format("{}: no captured workload: {}", where, error.what()));
  } catch (const Error& error) { throw Error(ErrorCode::InvalidArgument, fmt::format("{}: {}", where, error.what())); }
}

void read_file(const std::filesystem::path& path, std::map<Workload, Workload>& largest) {
  std::ifstream file(path);
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    const Workload workload = parse_line(line, fmt::format("{}:{}", path.string(), ++number));
    const auto [known, is_new] = largest.try_emplace(bucket_of(workload), workload);
    if (!is_new) known->second = std::max(known->second, workload);
  }
}

}  // namespace

Sweep read_captured(const std::string& folder) {
  std::error_code error;
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error))
    if (entry.path().extension() == ".jsonl") paths.push_back(entry.path());
  if (paths.empty())
    throw Error(
        ErrorCode::NotFound,
        fmt::format("--captured {}: no *.jsonl file is there; run the program with NSAJIT_CAPTURE={} first", folder, folder));
  std::sort(paths.begin(), paths.end());
  std::map<Workload, Workload> largest;
  for (const auto& path : paths) read_file(path, largest);
  Sweep sweep;
  for (const auto& [bucket, workload] : largest) sweep.workloads.push_back(workload);
  return sweep;
}

}  // namespace nsajit::cli
