// cache: looks after the cache file. Each of its commands is a file of its own.

#include <CLI/CLI.hpp>

#include "cli/cache_commands.h"
#include "cli/session.h"

namespace nsajit::cli {

void add_cache(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("cache", "Describes, checks, shrinks, carries and unites cache files");
  command->footer(
      "Examples:\n  nsajit cache info\n  nsajit cache export --output h200.jsonl\n  nsajit cache import h200.jsonl\n"
      "Each command has its own --help. docs/cache_format.md describes the file.");
  command->require_subcommand(1);
  add_cache_info(*command, session);
  add_cache_verify(*command, session);
  add_cache_prune(*command, session);
  add_cache_export(*command, session);
  add_cache_import(*command, session);
  add_cache_merge(*command, session);
  add_cache_alias(*command, session);
}

}  // namespace nsajit::cli
