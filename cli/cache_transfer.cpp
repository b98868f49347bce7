// cache export, import and merge: decisions and measurements from one cache file to another, by text or directly.

#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cache/content.h"
#include "cache/export_file.h"
#include "cli/cache_commands.h"
#include "cli/session.h"
#include "nsajit/error.h"

namespace nsajit::cli {
namespace {

struct TransferSettings {
  std::string cache;
  std::string output = "-";
  bool decisions = false;
  std::vector<std::string> sources;
  cache::ImportLimits limits;
};

void print_report(const std::string& source, const cache::MergeReport& report) {
  fmt::print("{}: {} trials, {} winners, {} thresholds, {} runs and {} devices taken in\n", source, report.trials, report.winners,
             report.thresholds, report.runs, report.devices);
}

// Written beside the target and renamed, so that nobody ever finds half an export.
void write_file(const std::string& path, const cache::Content& content) {
  const std::string unfinished = path + ".unfinished";
  std::ofstream out(unfinished, std::ios::binary | std::ios::trunc);
  cache::write_export(out, content);
  out.close();
  std::error_code problem;
  if (out) std::filesystem::rename(unfinished, path, problem);
  if (out && !problem) return;
  std::error_code ignored;
  std::filesystem::remove(unfinished, ignored);
  throw Error(ErrorCode::Io, fmt::format("cannot write the export {}: {}; check the folder and its free space", path,
                                         problem ? problem.message() : "the disk refused"));
}

ExitCode run_export(const TransferSettings& settings) {
  auto cache = open_existing_cache(settings.cache, cache::OpenMode::ReadOnly);
  const cache::Content content = settings.decisions ? cache::keep_decisions(cache.content()) : cache.content();
  if (settings.output != "-") {
    write_file(settings.output, content);
    fmt::print("{}: {} trials, {} winners, {} thresholds\n", settings.output, content.trials.size(), content.winners.size(),
               content.thresholds.size());
    return ExitCode::Done;
  }
  cache::write_export(std::cout, content);
  std::cout.flush();
  if (!std::cout) throw Error(ErrorCode::Io, "cannot write the export to standard output: it was closed, or its disk is full");
  return ExitCode::Done;
}

cache::Content read_source(const std::string& path, const cache::ImportLimits& limits) {
  std::ifstream in(path, std::ios::binary);
  if (!in || std::filesystem::is_directory(path)) {
    throw Error(ErrorCode::NotFound,
                fmt::format("cannot import {}: it cannot be opened; give a file of `nsajit cache export`", path));
  }
  return cache::read_export(in, path, limits);
}

// All are read before anything is stored.
ExitCode take_in(const TransferSettings& settings, const std::vector<cache::Content>& contents) {
  auto cache = cache::Cache::open(settings.cache, cache::OpenMode::ReadWrite);
  for (std::size_t i = 0; i < contents.size(); ++i) print_report(settings.sources[i], cache.merge(contents[i]));
  return ExitCode::Done;
}

ExitCode run_import(const TransferSettings& settings) {
  std::vector<cache::Content> contents;
  for (const std::string& path : settings.sources) contents.push_back(read_source(path, settings.limits));
  return take_in(settings, contents);
}

ExitCode run_merge(const TransferSettings& settings) {
  std::vector<cache::Content> contents;
  for (const std::string& path : settings.sources) {
    contents.push_back(open_existing_cache(path, cache::OpenMode::ReadOnly).content());
  }
  return take_in(settings, contents);
}

constexpr const char* kRule =
    "Under one key the trial with more samples stays, then the later, then the smaller text; the order of files does not\n"
    "matter, and the same again changes nothing. Code is never carried: kernels are compiled where they run.";

}  // namespace

void add_cache_export(CLI::App& cache, Session& session) {
  auto* command =
      cache.add_subcommand("export", "Writes decisions and measurements as text, the same bytes for the same content");
  command->footer("Example:\n  nsajit cache export --output h200.jsonl");
  const auto settings = std::make_shared<TransferSettings>();
  add_cache_option(*command, settings->cache, session);
  command->add_option("--output", settings->output, "File to write; - is standard output")->capture_default_str();
  command->add_flag("--decisions", settings->decisions,
                    "Only what serving needs: the latest winner of each workload, its trial and the baseline's, thresholds");
  command->callback([&session, settings] { session.result = run_export(*settings); });
}

void add_cache_import(CLI::App& cache, Session& session) {
  auto* command = cache.add_subcommand("import", "Takes in exported files; a bad line is named, and nothing of any file is kept");
  command->footer(fmt::format("Example:\n  nsajit cache import h200.jsonl team.jsonl\n{}", kRule));
  const auto settings = std::make_shared<TransferSettings>();
  command->add_option("files", settings->sources, "Files of `nsajit cache export`")->required();
  add_cache_option(*command, settings->cache, session);
  command->add_option("--max-size", settings->limits.file_bytes, "Refuse a larger file: 256MB, 2GB")
      ->transform(CLI::AsSizeValue(false))
      ->capture_default_str();
  command->add_option("--max-rows", settings->limits.rows, "Refuse a file of more lines")->capture_default_str();
  command->callback([&session, settings] { session.result = run_import(*settings); });
}

void add_cache_merge(CLI::App& cache, Session& session) {
  auto* command = cache.add_subcommand("merge", "Takes in the decisions and measurements of other cache files");
  command->footer(fmt::format("Example:\n  nsajit cache merge /shared/team-cache.db\n{}", kRule));
  const auto settings = std::make_shared<TransferSettings>();
  command->add_option("caches", settings->sources, "Cache files; they are only read")->required();
  add_cache_option(*command, settings->cache, session);
  command->callback([&session, settings] { session.result = run_merge(*settings); });
}

}  // namespace nsajit::cli
