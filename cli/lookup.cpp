// lookup: what the runtime would serve for one workload on a device, and why.

#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cache/cache.h"
#include "cli/session.h"
#include "cli/tuple_options.h"
#include "runtime/dispatcher.h"

namespace nsajit::cli {
namespace {

struct LookupSettings {
  TupleOptions tuples;
  std::string device = "auto";
  std::string cache;
  bool json = false;
};

void print_json(const runtime::Decision& decision, const Workload& workload, const Target& target) {
  const nlohmann::json text{
      {"grade", to_string(decision.grade)}, {"config", to_string(decision.config)}, {"why", decision.why},
      {"time_us", decision.time_us},        {"baseline_us", decision.baseline_us},  {"threshold", decision.threshold},
      {"workload", to_string(workload)},    {"device", to_string(target)},
  };
  fmt::print("{}\n", text.dump(2));
}

void print_text(const runtime::Decision& decision, const Workload& workload, const Target& target) {
  fmt::print("workload   {}\ndevice     {}\ngrade      {}\nconfig     {}\nwhy        {}\n", to_string(workload),
             to_string(target), to_string(decision.grade), to_string(decision.config), decision.why);
  if (decision.time_us > 0) fmt::print("time       {:.4g} ms\n", decision.time_us / 1e3);
  if (decision.baseline_us > 0) fmt::print("baseline   {:.4g} ms\n", decision.baseline_us / 1e3);
  fmt::print("threshold  {}\n", decision.threshold);
}

ExitCode run_lookup(const Session& session, const LookupSettings& settings) {
  const Workload workload = read_tuple(settings.tuples).workload;
  const Op& op = find_op(workload.problem);
  const auto device = runtime::make_device(settings.device, session.environment);
  auto cache = cache::Cache::open(settings.cache, cache::OpenMode::ReadOnly);
  const auto decision = runtime::find_decision(op, workload, device->target(), cache);
  if (settings.json)
    print_json(decision, workload, device->target());
  else
    print_text(decision, workload, device->target());
  return decision.grade == runtime::Grade::Fallback ? ExitCode::NothingFound : ExitCode::Done;
}

}  // namespace

void add_lookup(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("lookup", "Says which kernel serves a workload, how well it matches and why");
  command->footer(
      "Example:\n  nsajit lookup --dtype bf16 --dk 128 --dv 128 --group 16 --S 8192 --G 4 --json\n"
      "Exit code 0: exact or nearest; 3: the fallback (packed SDPA) serves.");
  const auto settings = std::make_shared<LookupSettings>();
  add_tuple_options(*command, settings->tuples, TupleSource::OneTuple);
  add_device_option(*command, settings->device);
  add_cache_option(*command, settings->cache, session);
  command->add_flag("--json", settings->json, "Print JSON");
  command->callback([&session, settings] { session.result = run_lookup(session, *settings); });
}

}  // namespace nsajit::cli
