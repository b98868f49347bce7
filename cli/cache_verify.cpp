// cache verify: every row of a cache file held against what should be true of it.

#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cache/verify.h"
#include "cli/cache_commands.h"
#include "cli/session.h"

namespace nsajit::cli {
namespace {

ExitCode run_verify(const std::string& path) {
  auto cache = open_existing_cache(path, cache::OpenMode::ReadOnly);
  const cache::VerifyReport report = cache.verify();
  for (const auto& finding : report.findings) fmt::print("{}: {}\n    {}\n", finding.row, finding.fault, finding.remedy);
  if (report.findings.empty()) {
    fmt::print("{}: {} rows, nothing wrong\n", path, report.rows);
    return ExitCode::Done;
  }
  fmt::print("{}: {} rows, {} thing{} wrong\n", path, report.rows, report.findings.size(),
             report.findings.size() == 1 ? "" : "s");
  return ExitCode::Rejected;
}

}  // namespace

void add_cache_verify(CLI::App& cache, Session& session) {
  auto* command = cache.add_subcommand("verify", "Checks the file's structure, references, digests and texts, row by row");
  command->footer(
      "Example:\n  nsajit cache verify\n"
      "Exit code 0: nothing wrong; 1: something is, each with its row and what to do; 4: no file, or it cannot be read.");
  const auto path = std::make_shared<std::string>();
  add_cache_option(*command, *path, session);
  command->callback([&session, path] { session.result = run_verify(*path); });
}

}  // namespace nsajit::cli
