// Capture: appends and flushes, so that a program which is killed leaves what it asked for.

#include "runtime/capture.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>

#include "core/log.h"

namespace nsajit::runtime {

Capture::Capture(const std::string& folder) : path_(fmt::format("{}/{}.jsonl", folder, ::getpid())) {
  std::error_code ignored;  // the file says whether it can be written
  std::filesystem::create_directories(folder, ignored);
  file_.open(path_, std::ios::app);
  if (!file_)
    log_warn(fmt::format("workloads are not captured: {} cannot be written; does its folder exist, is it writable?", path_));
}

void Capture::record(const Workload& workload) {
  if (!file_ || !seen_.insert(workload).second) return;
  // A workload's text has neither quotes nor backslashes.
  file_ << "{\"workload\":\"" << to_string(workload) << "\"}\n" << std::flush;
  if (!file_) log_warn(fmt::format("workloads are not captured any more: {} refuses; is the disk full?", path_));
}

}  // namespace nsajit::runtime
