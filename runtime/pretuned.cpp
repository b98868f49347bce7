// Pretuned: the files, read once into content when the first tuple is asked for.

#include "runtime/pretuned.h"

#include <algorithm>
#include <span>
#include <sstream>

#include <fmt/format.h>

#include "cache/content.h"
#include "cache/export_file.h"
#include "codegen/embedded_templates.h"
#include "core/log.h"
#include "nsajit/error.h"

namespace nsajit::codegen {
std::span<const EmbeddedFile> pretuned_files();  // written by cmake/NsajitEmbed.cmake
}

namespace nsajit::runtime {
namespace {

cache::Content read_files() {
  cache::Content content;
  for (const codegen::EmbeddedFile& file : codegen::pretuned_files()) {
    try {
      std::istringstream text{std::string(file.text)};
      cache::merge(content, cache::read_export(text, file.path));
    } catch (const Error& error) { log_warn(fmt::format("pretuned decisions are passed over: {}", error.what())); }
  }
  return content;
}

const cache::Content& pretuned_content() {
  static const cache::Content content = read_files();
  return content;
}

}  // namespace

PretunedTuple find_pretuned(const std::string& problem, const std::string& device, const std::string& threshold_name) {
  const cache::Content& content = pretuned_content();
  PretunedTuple tuple;
  if (!content.devices.contains(device)) return tuple;
  for (const auto& [key, winner] : content.winners) {
    const cache::TrialRecord& trial = content.trials.at(winner.trial).record;
    if (trial.problem != problem || trial.device != device) continue;
    cache::WinnerRecord record = winner.record;
    record.op = trial.op;
    record.problem = trial.problem;
    record.workload = trial.workload;
    record.device = trial.device;
    record.config = trial.config;
    tuple.winners.push_back(std::move(record));
  }
  std::sort(tuple.winners.begin(), tuple.winners.end(),
            [](const cache::WinnerRecord& a, const cache::WinnerRecord& b) { return a.created_utc > b.created_utc; });
  const auto threshold = content.thresholds.find({threshold_name, problem, device});
  if (threshold != content.thresholds.end()) tuple.threshold = threshold->second.record;
  return tuple;
}

}  // namespace nsajit::runtime
