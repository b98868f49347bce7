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

// Most devices are not: their programs do not read the files.
bool is_named(const std::string& device) {
  const auto files = codegen::pretuned_files();
  return std::any_of(files.begin(), files.end(),
                     [&](const codegen::EmbeddedFile& file) { return file.text.find(device) != std::string_view::npos; });
}

const cache::Content& pretuned_content() {
  static const cache::Content content = read_files();
  return content;
}

}  // namespace

std::vector<cache::WinnerRecord> pretuned_winners(const std::string& device) {
  std::vector<cache::WinnerRecord> winners;
  if (!is_named(device)) return winners;
  const cache::Content& content = pretuned_content();
  for (const auto& [key, winner] : content.winners) {
    const cache::TrialRecord& trial = content.trials.at(winner.trial).record;
    if (trial.device != device) continue;
    winners.push_back(winner.record);
    winners.back().op = trial.op;
    winners.back().problem = trial.problem;
    winners.back().workload = trial.workload;
    winners.back().device = trial.device;
    winners.back().config = trial.config;
  }
  std::sort(winners.begin(), winners.end(),
            [](const cache::WinnerRecord& a, const cache::WinnerRecord& b) { return a.created_utc > b.created_utc; });
  return winners;
}

std::optional<cache::ThresholdRecord> pretuned_threshold(const std::string& name, const cache::WinnerRecord& winner) {
  const auto& thresholds = pretuned_content().thresholds;
  for (const std::string& workload : {winner.workload, std::string()}) {  // as Cache::find_threshold
    const auto found = thresholds.find({name, winner.problem, workload, winner.device});
    if (found != thresholds.end()) return found->second.record;
  }
  return std::nullopt;
}

}  // namespace nsajit::runtime
