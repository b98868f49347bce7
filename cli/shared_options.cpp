// Options that several commands share, worded once.

#include <CLI/CLI.hpp>

#include "cli/session.h"

namespace nsajit::cli {

void add_device_option(CLI::App& command, std::string& device) {
  command.add_option("--device", device, "auto (the first GPU, else the CPU), cpu, cuda or cuda:N")->capture_default_str();
}

void add_cache_option(CLI::App& command, std::string& cache, const Session& session) {
  cache = default_cache_path(session.environment);
  command.add_option("--cache", cache, "Database file (or NSAJIT_CACHE)")->capture_default_str();
}

}  // namespace nsajit::cli
