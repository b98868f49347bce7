// Bench contenders: the choice, from the cache where it knows, else from the space.

#include "cli/bench_contenders.h"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "core/log.h"
#include "nsajit/error.h"
#include "runtime/dispatcher.h"
#include "tuner/candidates.h"

namespace nsajit::cli {
namespace {

class Contenders {
 public:
  Contenders(const Op& op, const Workload& workload, const Target& target, cache::Cache& cache)
      : op_(op),
        workload_(workload),
        target_(target),
        cache_(cache),
        space_(op.space(workload.problem, target)),
        baseline_(op.baseline_config(workload.problem, target)) {}

  void add_default() { add(op_.default_config(workload_.problem, target_), "default", "the built-in default"); }

  // Where nothing is stored the dispatcher would serve packed SDPA; then the default says what tuning starts from.
  void add_served() {
    const auto decision = runtime::find_decision(op_, workload_, target_, cache_);
    if (!decision.match) {
      add_default();
      return;
    }
    add(decision.config, "served", fmt::format("{}: {}", to_string(decision.grade), decision.why));
  }

  void add_each_variant() {
    const auto best = best_trials();
    std::map<std::string, std::vector<Config>> variants;
    for (auto& config : space_.valid_configs()) variants[config.variant].push_back(std::move(config));
    for (const auto& [variant, configs] : variants) {
      const auto known = best.find(variant);
      if (known != best.end())
        add(known->second.config, variant, fmt::format("the fastest of its variant in {}", cache_.path()));
      else
        add_untuned(variant, configs);
    }
  }

  void add_config(const std::string& text) {
    auto config = parse_config(text);
    const auto violation = config == baseline_ ? std::nullopt : space_.find_violation(config);
    if (violation) {
      throw Error(ErrorCode::InvalidArgument,
                  fmt::format("config {} is not in the space of {} on {}: {}; --configs takes default, cached, all-variants or a "
                              "config of the space",
                              text, to_string(workload_.problem), target_.name, *violation));
    }
    add(std::move(config), "chosen", "given on the command line");
  }

  std::vector<BenchEntry> finish() {
    add(baseline_, "packed_sdpa", "the baseline");
    const auto last = std::find_if(entries_.begin(), entries_.end(), [](const BenchEntry& entry) { return entry.baseline; });
    std::rotate(last, last + 1, entries_.end());
    return std::move(entries_);
  }

 private:
  struct Best {
    Config config;
    double time_us = 0;
  };

  void add(Config config, std::string role, std::string source) {
    for (auto& entry : entries_) {
      if (entry.config != config) continue;
      if (std::find(entry.roles.begin(), entry.roles.end(), role) == entry.roles.end()) entry.roles.push_back(std::move(role));
      return;
    }
    const bool baseline = config == baseline_;
    entries_.push_back(
        {.config = std::move(config), .roles = {std::move(role)}, .source = std::move(source), .baseline = baseline});
  }

  // What the model expects to be the fastest; where it knows nothing the built-in default, or the first of the variant.
  void add_untuned(const std::string& variant, const std::vector<Config>& configs) {
    const Config* quickest = nullptr;
    double least = 0;
    for (const Config& config : configs) {
      const double expected = tuner::expect_cost(op_, workload_, config, target_);
      if (expected > 0 && (quickest == nullptr || expected < least)) quickest = &config, least = expected;
    }
    if (quickest != nullptr) return add(*quickest, variant, "untuned: the model's first of its variant");
    const auto usual = op_.default_config(workload_.problem, target_);
    const bool is_usual = usual.variant == variant;
    add(is_usual ? usual : configs.front(), variant, is_usual ? "the built-in default" : "untuned: the first of its variant");
  }

  // Per variant the fastest stored trial of this very workload whose config is still offered.
  std::map<std::string, Best> best_trials() {
    std::map<std::string, Best> best;
    for (const auto& trial : cache_.trials()) {
      if (trial.baseline || trial.status != cache::TrialStatus::Measured || trial.workload != to_string(workload_) ||
          trial.device != to_string(target_))
        continue;
      const auto config = find_offered(trial.config);
      if (!config) continue;
      const auto [known, fresh] = best.try_emplace(config->variant, Best{*config, trial.time_us});
      if (!fresh && trial.time_us < known->second.time_us) known->second = {*config, trial.time_us};
    }
    return best;
  }

  std::optional<Config> find_offered(const std::string& text) const {
    try {
      auto config = parse_config(text);
      if (!space_.find_violation(config)) return config;
    } catch (const Error& error) { log_warn(fmt::format("a stored config is passed over: {}", error.what())); }
    return std::nullopt;
  }

  const Op& op_;
  const Workload& workload_;
  const Target& target_;
  cache::Cache& cache_;
  SearchSpace space_;
  Config baseline_;
  std::vector<BenchEntry> entries_;
};

}  // namespace

std::vector<BenchEntry> pick_contenders(const Op& op, const Workload& workload, const Target& target, cache::Cache& cache,
                                        const std::string& choice) {
  Contenders contenders(op, workload, target, cache);
  if (choice == "default") {
    contenders.add_default();
  } else if (choice == "cached") {
    contenders.add_served();
  } else if (choice == "all-variants") {
    contenders.add_served();
    contenders.add_each_variant();
  } else {
    contenders.add_config(choice);
  }
  return contenders.finish();
}

}  // namespace nsajit::cli
