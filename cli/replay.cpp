// replay: compares search strategies on recorded spaces, without a device.

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/replay_files.h"
#include "cli/replay_report.h"
#include "cli/session.h"
#include "nsajit/error.h"
#include "tuner/final_race.h"
#include "tuner/replay.h"

namespace nsajit::cli {
namespace {

struct ReplaySettings {
  std::vector<std::string> recorded;
  std::vector<std::string> strategies{"exhaustive", "random", "ranked", "halving", "local", "learned"};
  std::vector<std::string> budgets{"10%", "20", "40"};
  std::uint64_t seeds = 20;
  std::size_t ahead = 1;
  bool complete_only = false;
  bool untaught = false;
  std::string device;
  std::string format = "table";
  std::string save;
};

// "20": that many; "10%": of the space's configs, rounded up; "all".
struct Budget {
  std::string text;
  double value = 0;
  bool percent = false;

  std::size_t trials(std::size_t configs) const {
    if (!percent) return static_cast<std::size_t>(value);
    return static_cast<std::size_t>(std::max(1.0, std::ceil(value / 100 * static_cast<double>(configs))));
  }
};

Budget parse_budget(const std::string& text) {
  Budget budget{.text = text, .percent = text.ends_with('%')};
  if (text == "all") return budget;
  const char* const end = text.data() + text.size() - (budget.percent ? 1 : 0);
  const auto [stop, problem] = std::from_chars(text.data(), end, budget.value);
  const bool whole = budget.percent ? budget.value <= 100 : budget.value == std::floor(budget.value) && budget.value < 1e9;
  if (problem != std::errc() || stop != end || !(budget.value > 0) || !whole) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("--trials {}: a budget is a number of trials (20), a share of the space (10%) or all", text));
  }
  return budget;
}

std::vector<tuner::RecordedSpace> read_spaces(const ReplaySettings& settings) {
  auto spaces = load_recorded(settings.recorded);
  std::erase_if(spaces, [&](const tuner::RecordedSpace& space) {
    return (settings.complete_only && !space.complete) || space.device.find(settings.device) == std::string::npos;
  });
  if (spaces.empty()) {
    throw Error(ErrorCode::NotFound,
                "nothing to replay: no space with two measured trials in these files (or none is left by "
                "--device and --complete-only)");
  }
  return spaces;
}

std::vector<tuner::ReplaySpace> prepare(std::vector<tuner::RecordedSpace> recorded, const ReplaySettings& settings) {
  std::vector<tuner::ReplaySpace> spaces;
  for (auto& space : recorded) {
    auto expected = expect_trials(space);
    spaces.push_back(tuner::make_replay_space(std::move(space), std::move(expected)));
  }
  if (!settings.untaught) tuner::teach_spaces(spaces);
  return spaces;
}

double quantile(const std::vector<double>& sorted, double share) {
  return sorted[static_cast<std::size_t>(std::floor(share * static_cast<double>(sorted.size() - 1) + 0.5))];
}

ReplayRow run_row(const std::vector<tuner::ReplaySpace>& spaces, const std::string& strategy, const Budget& budget,
                  const ReplaySettings& settings) {
  ReplayRow row{.strategy = strategy, .budget = budget.text};
  std::vector<double> regrets;
  for (const auto& space : spaces) {
    const std::size_t configs = space.recorded.trials.size();
    for (std::uint64_t seed = 1; seed <= settings.seeds; ++seed) {
      const auto outcome =
          tuner::replay(space, {.strategy = strategy, .trials = budget.trials(configs), .seed = seed, .ahead = settings.ahead});
      regrets.push_back(outcome.regret);
      row.trials += static_cast<double>(outcome.trials);
      row.share += static_cast<double>(outcome.trials) / static_cast<double>(configs);
      row.samples += static_cast<double>(outcome.samples);
      if ((1 + outcome.regret) > (1 + outcome.default_regret) * (1 + tuner::kTieBand)) ++row.worse_than_default;
    }
  }
  std::sort(regrets.begin(), regrets.end());
  const auto searches = static_cast<double>(regrets.size());
  row.searches = static_cast<std::int64_t>(regrets.size());
  row.trials /= searches;
  row.share /= searches;
  row.samples /= searches;
  row.median = quantile(regrets, 0.5);
  row.p95 = quantile(regrets, 0.95);
  row.worst = regrets.back();
  return row;
}

std::string format(const ReplayReport& report, const std::string& name) {
  if (name == "json") return format_replay_json(report);
  return name == "md" ? format_replay_markdown(report) : format_replay_table(report);
}

ExitCode run_replay(const ReplaySettings& settings) {
  auto recorded = read_spaces(settings);
  if (!settings.save.empty()) {
    save_recorded(settings.save, recorded);
    fmt::print("{}: {} spaces\n", settings.save, recorded.size());
    return ExitCode::Done;
  }
  std::vector<Budget> budgets;
  for (const auto& text : settings.budgets) budgets.push_back(parse_budget(text));
  for (const auto& name : settings.strategies) tuner::make_strategy(name, {.candidates = 1});  // refuses an unknown one
  const auto spaces = prepare(std::move(recorded), settings);

  ReplayReport report{.spaces = spaces.size(), .seeds = settings.seeds};
  for (const auto& space : spaces) {
    report.complete += space.recorded.complete ? 1 : 0;
    report.configs += space.recorded.trials.size();
  }
  const auto begin = std::chrono::steady_clock::now();
  double trials = 0;
  for (const auto& budget : budgets) {
    for (const auto& strategy : settings.strategies) {
      report.rows.push_back(run_row(spaces, strategy, budget, settings));
      trials += report.rows.back().trials * static_cast<double>(report.rows.back().searches);
    }
  }
  report.trials_per_s = trials / std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  fmt::print("{}", format(report, settings.format));
  return ExitCode::Done;
}

}  // namespace

void add_replay(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("replay", "Compares search strategies on recorded trials, without a device");
  command->footer(
      "Examples:\n  nsajit replay --recorded bench/replay/h200.txt --strategy ranked,learned --trials 10,20,10% --seeds 50\n"
      "  nsajit replay --recorded my-cache.db --save my-spaces.txt");
  const auto settings = std::make_shared<ReplaySettings>();
  command->add_option("--recorded", settings->recorded, "Caches, or texts written with --save")->required();
  command->add_option("--strategy", settings->strategies, "Strategies to compare")->delimiter(',')->capture_default_str();
  command->add_option("--trials", settings->budgets, "Budgets: 20, 10% of a space, all")->delimiter(',')->capture_default_str();
  command->add_option("--seeds", settings->seeds, "Searches per space, strategy and budget")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command->add_option("--ahead", settings->ahead, "Candidates under way at once (compile threads + 1)")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  command->add_flag("--complete-only", settings->complete_only, "Leave out spaces of which only a sample was tried");
  command->add_flag("--untaught", settings->untaught, "Nothing is learned from the other spaces");
  command->add_option("--device", settings->device, "Only devices whose identity contains this: H200, cpu");
  command->add_option("--format", settings->format, "table, md or json")
      ->check(CLI::IsMember({"table", "md", "json"}))
      ->capture_default_str();
  command->add_option("--save", settings->save, "Write the spaces as text to this file instead");
  command->callback([&session, settings] { session.result = run_replay(*settings); });
}

}  // namespace nsajit::cli
