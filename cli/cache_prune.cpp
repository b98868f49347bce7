// cache prune: makes a cache file smaller by evicting binaries.

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cache/prune.h"
#include "cli/cache_commands.h"
#include "cli/session.h"

namespace nsajit::cli {
namespace {

struct PruneSettings {
  std::string cache;
  std::uint64_t most_bytes = 0;
  std::int64_t older_than_s = 0;
  CLI::Option* most_bytes_option = nullptr;
  CLI::Option* older_than_option = nullptr;
  bool dry_run = false;
};

ExitCode run_prune(const PruneSettings& settings) {
  cache::PruneOptions options{.dry_run = settings.dry_run};
  if (!settings.most_bytes_option->empty()) options.most_bytes = static_cast<std::int64_t>(settings.most_bytes);
  if (!settings.older_than_option->empty()) options.older_than = std::chrono::seconds(settings.older_than_s);
  auto cache = open_existing_cache(settings.cache, cache::OpenMode::ReadWrite);
  const cache::PruneReport report = cache.prune(options);
  fmt::print("{}: {} binaries of {} KiB {}, {} kept; {} KiB in use\n", settings.cache, report.evicted, report.evicted_bytes >> 10,
             settings.dry_run ? "would be evicted" : "evicted", report.kept, report.live_bytes >> 10);
  if (report.within_limit) return ExitCode::Done;
  fmt::print("the limit is not reached: decisions and measurements are never evicted\n");
  return ExitCode::Rejected;
}

}  // namespace

void add_cache_prune(CLI::App& cache, Session& session) {
  auto* command = cache.add_subcommand("prune", "Evicts compiled code, never decisions or measurements");
  command->footer(
      "Examples:\n  nsajit cache prune --max-size 500MB\n  nsajit cache prune --older-than 30d --dry-run\n"
      "Exit code 0: done; 1: decisions and measurements alone are larger than --max-size.");
  const auto settings = std::make_shared<PruneSettings>();
  add_cache_option(*command, settings->cache, session);
  settings->most_bytes_option =
      command->add_option("--max-size", settings->most_bytes, "Evict until the file is no larger: 500MB, 2GB (units of 1024)")
          ->transform(CLI::AsSizeValue(false));
  settings->older_than_option =
      command->add_option("--older-than", settings->older_than_s, "Evict what was not asked for in that time: 12h, 30d")
          ->transform(CLI::AsNumberWithUnit(std::map<std::string, std::int64_t>{{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}},
                                            CLI::AsNumberWithUnit::UNIT_REQUIRED))
          ->check(CLI::NonNegativeNumber);
  command->add_flag("--dry-run", settings->dry_run, "Say what would be evicted");
  command->callback([&session, settings] {
    if (settings->most_bytes_option->empty() && settings->older_than_option->empty()) {
      throw Error(ErrorCode::InvalidArgument, "cannot prune without a limit: give --max-size, --older-than or both");
    }
    session.result = run_prune(*settings);
  });
}

}  // namespace nsajit::cli
