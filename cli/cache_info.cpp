// cache info: what a cache file is and how much is in it.

#include <filesystem>
#include <memory>
#include <system_error>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cache/info.h"
#include "cli/cache_commands.h"
#include "cli/session.h"
#include "nsajit/error.h"

namespace nsajit::cli {
namespace {

struct InfoSettings {
  std::string cache;
  bool json = false;
};

void print_json(const cache::CacheInfo& info) {
  nlohmann::ordered_json text{{"path", info.path},
                              {"schema_version", info.schema_version},
                              {"file_bytes", info.file_bytes},
                              {"log_bytes", info.log_bytes},
                              {"code_bytes", info.code_bytes},
                              {"journal", info.journal},
                              {"network_disk", info.network_disk},
                              {"writable", info.writable},
                              {"integrity", info.integrity}};
  for (const auto& [table, rows] : info.rows) text["rows"][table] = rows;
  text["devices"] = nlohmann::ordered_json::array();
  for (const auto& device : info.devices) {
    text["devices"].push_back({{"name", device.name},
                               {"backend", device.backend},
                               {"arch", device.arch},
                               {"trials", device.trials},
                               {"winners", device.winners}});
  }
  text["aliases"] = nlohmann::ordered_json::array();
  for (const auto& [model, measured_on] : info.aliases) {
    text["aliases"].push_back({{"model", model}, {"measured_on", measured_on}});
  }
  fmt::print("{}\n", text.dump(2));
}

void print_text(const cache::CacheInfo& info) {
  fmt::print("file       {}{}\n", info.path, info.writable ? "" : " (read-only)");
  fmt::print("schema     version {}; this nsajit knows {}\n", info.schema_version, cache::kSchemaVersion);
  fmt::print("size       {} KiB, {} KiB of it code; log {} KiB\n", info.file_bytes >> 10, info.code_bytes >> 10,
             info.log_bytes >> 10);
  fmt::print("journal    {}, on a {} disk\n", info.journal, info.network_disk ? "network" : "local");
  fmt::print("integrity  {}\n", info.integrity);
  std::string rows;
  for (const auto& [table, count] : info.rows) rows += fmt::format("{}{} {}", rows.empty() ? "" : ", ", table, count);
  fmt::print("rows       {}\n", rows);
  for (const auto& device : info.devices) {
    fmt::print("device     {} ({}, {}): {} trials, {} winners\n", device.name, device.backend, device.arch, device.trials,
               device.winners);
  }
  for (const auto& [model, measured_on] : info.aliases) fmt::print("alias      {} is served by {}\n", model, measured_on);
}

ExitCode run_info(const InfoSettings& settings) {
  auto cache = open_existing_cache(settings.cache, cache::OpenMode::ReadOnly);
  const cache::CacheInfo info = cache.info();
  if (settings.json)
    print_json(info);
  else
    print_text(info);
  return info.integrity == "ok" ? ExitCode::Done : ExitCode::Rejected;
}

}  // namespace

cache::Cache open_existing_cache(const std::string& path, cache::OpenMode mode) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) {
    throw Error(ErrorCode::NotFound,
                fmt::format("there is no cache file {}; `nsajit tune` makes one, --cache or NSAJIT_CACHE name another", path));
  }
  auto cache = cache::Cache::open(path, mode);
  if (cache.is_usable()) return cache;
  throw Error(ErrorCode::Cache, fmt::format("cannot read cache {}: the warning above says why; move it away, or name another "
                                            "one with --cache or NSAJIT_CACHE",
                                            path));
}

void add_cache_info(CLI::App& cache, Session& session) {
  auto* command = cache.add_subcommand("info", "Says what the file is and how much is in it");
  command->footer(
      "Example:\n  nsajit cache info --json\nExit code 0; 1: SQLite finds the file damaged; 4: there is none, or it cannot be "
      "read.");
  const auto settings = std::make_shared<InfoSettings>();
  add_cache_option(*command, settings->cache, session);
  command->add_flag("--json", settings->json, "Print JSON");
  command->callback([&session, settings] { session.result = run_info(*settings); });
}

}  // namespace nsajit::cli
