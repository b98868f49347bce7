// Replay files: a cache begins with SQLite's magic words, anything else is read as text.

#include "cli/replay_files.h"

#include <fstream>
#include <iterator>

#include <fmt/format.h>

#include "cli/cache_commands.h"
#include "cli/device_text.h"
#include "nsajit/error.h"
#include "nsajit/op.h"
#include "tuner/candidates.h"

namespace nsajit::cli {
namespace {

constexpr std::string_view kDatabase = "SQLite format 3";

std::vector<tuner::RecordedSpace> load_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string head(kDatabase.size(), '\0');
  if (!in || !in.read(head.data(), static_cast<std::streamsize>(head.size()))) {
    throw Error(ErrorCode::NotFound, fmt::format("cannot replay {}: it cannot be read; give a cache file, or a text of recorded "
                                                 "spaces such as bench/replay/h200.txt",
                                                 path));
  }
  if (head == kDatabase) {
    auto cache = open_existing_cache(path, cache::OpenMode::ReadOnly);
    return tuner::collect_spaces(cache);
  }
  in.seekg(0);
  return tuner::read_spaces(in, path);
}

}  // namespace

std::vector<tuner::RecordedSpace> load_recorded(const std::vector<std::string>& paths) {
  std::vector<tuner::RecordedSpace> spaces;
  for (const std::string& path : paths) {
    auto more = load_file(path);
    std::move(more.begin(), more.end(), std::back_inserter(spaces));
  }
  return spaces;
}

void save_recorded(const std::string& path, const std::vector<tuner::RecordedSpace>& spaces) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  tuner::write_spaces(out, spaces);
  out.close();
  if (!out) throw Error(ErrorCode::Io, fmt::format("cannot write {}; check the folder and its free space", path));
}

std::vector<double> expect_trials(const tuner::RecordedSpace& space) {
  const auto target = find_device_target(space.device);
  if (!target) return {};
  std::vector<double> expected;
  try {
    const Workload workload = parse_workload(space.workload);
    const Op& op = find_op(workload.problem);
    for (const auto& trial : space.trials) expected.push_back(tuner::expect_cost(op, workload, trial.config, *target));
  } catch (const Error&) { return {}; }
  return expected;
}

}  // namespace nsajit::cli
