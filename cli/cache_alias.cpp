// cache alias: lets a device model without results of its own be served by those of another one.

#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/cache_commands.h"
#include "cli/session.h"
#include "nsajit/error.h"

namespace nsajit::cli {
namespace {

struct AliasSettings {
  std::string cache;
  std::string model;
  std::string measured_on;
  bool remove = false;
};

ExitCode print_aliases(const std::string& path) {
  auto cache = open_existing_cache(path, cache::OpenMode::ReadOnly);
  const auto aliases = cache.aliases();
  for (const auto& alias : aliases) fmt::print("{} is served by what was measured on {}\n", alias.model, alias.measured_on);
  if (aliases.empty()) fmt::print("no aliases in {}\n", path);
  return ExitCode::Done;
}

ExitCode run_alias(const AliasSettings& settings) {
  if (settings.model.empty()) return print_aliases(settings.cache);
  if (settings.measured_on.empty()) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("cannot give '{}' an alias: name the model that was measured too", settings.model));
  }
  auto cache = cache::Cache::open(settings.cache, cache::OpenMode::ReadWrite);
  if (!settings.remove) {
    cache.store_alias({.model = settings.model, .measured_on = settings.measured_on});
    fmt::print("{} is served by what was measured on {}, where it has no results of its own\n", settings.model,
               settings.measured_on);
    return ExitCode::Done;
  }
  if (cache.remove_alias(settings.model, settings.measured_on)) return ExitCode::Done;
  fmt::print("{} is not served by {}: nothing was removed\n", settings.model, settings.measured_on);
  return ExitCode::NothingFound;
}

}  // namespace

void add_cache_alias(CLI::App& cache, Session& session) {
  auto* command = cache.add_subcommand("alias", "Lets one device model be served by the results of another");
  command->footer(
      "Examples:\n  nsajit cache alias \"NVIDIA H200 NVL\" \"NVIDIA H200\"\n  nsajit cache alias\n"
      "  nsajit cache alias --remove \"NVIDIA H200 NVL\" \"NVIDIA H200\"\n"
      "Results of the model itself always come first. Backend and arch must be the same. Aliases are not exported.");
  const auto settings = std::make_shared<AliasSettings>();
  command->add_option("model", settings->model, "Model that is served, as `nsajit doctor` names it; none: list the aliases");
  command->add_option("measured_on", settings->measured_on, "Model that was measured, as `nsajit cache info` names it");
  command->add_flag("--remove", settings->remove, "Take the alias back");
  add_cache_option(*command, settings->cache, session);
  command->callback([&session, settings] { session.result = run_alias(*settings); });
}

}  // namespace nsajit::cli
