// Search: a queue of offered candidates whose kernels are compiled ahead, and a loop that takes them in order.

#include "tuner/search.h"

#include <algorithm>
#include <deque>
#include <future>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "nsajit/error.h"
#include "runtime/stored_binary.h"
#include "tuner/compile_queue.h"
#include "tuner/stored_costs.h"
#include "tuner/strategy.h"
#include "tuner/trial_record.h"

namespace nsajit::tuner {
namespace {

// The model and the stored trials are asked only where the strategy reads them.
std::unique_ptr<Strategy> make_search_strategy(Engine& engine, const Op& op, const Workload& workload, const CandidateSet& set,
                                               const TuneOptions& tuning) {
  const Target& target = engine.runner.target();
  const bool modelled = uses_model(tuning.strategy);
  StrategyOptions options{.candidates = set.offered.size(),
                          .first = 0,
                          .max_trials = static_cast<std::size_t>(std::max<std::int64_t>(tuning.max_trials, 0)),
                          .seed = tuning.seed};
  options.landscape = std::make_shared<const Landscape>(
      make_landscape(op, workload, target, set, modelled ? Modelled::Modelled : Modelled::Unmodelled));
  if (modelled) options.prior = std::make_shared<const CostPrior>(learn_from_stored(engine.cache, op, target, workload));
  return make_strategy(tuning.strategy, options);
}

// Compiled ahead, so that all threads have work and one kernel is waiting.
std::size_t count_ahead(const CompileQueue& queue) { return queue.threads() + 1; }

// Submits what the next tuning will begin with, as far as nothing is known of it.
void compile_early(Engine& engine, const TuneOptions& options) {
  const Op& op = *engine.next.op;
  const Target& target = engine.runner.target();
  const Workload workload = canonical(op, *engine.next.workload);
  const CandidateSet set = make_candidates(op, workload, target, engine.compiler.identity());
  if (!options.fresh && engine.cache.find_winner(make_search_key(op, workload, target, set, options).digest)) return;
  const auto submit = [&](const Candidate& candidate) {
    if (!options.fresh && engine.cache.find_trial(candidate.trial_key.digest())) return;
    if (runtime::find_stored_binary(engine.cache, candidate.trial_key.kernel)) return;
    engine.compilations.submit_early(candidate.source, candidate.trial_key.kernel);
  };
  submit(set.baseline);
  const auto strategy = make_search_strategy(engine, op, workload, set, options);
  for (std::size_t count = 1; count < count_ahead(engine.compilations); ++count) {
    const auto offer = strategy->next();
    if (!offer) return;
    submit(set.offered[offer->candidate]);
  }
}

struct Pending {
  const Candidate* candidate = nullptr;
  std::size_t index = 0;                    // as the strategy knows it
  int rounds = 0;                           // samples to take; 0: the screening's
  bool required = false;                    // the default and the baseline: tried whatever the budget
  std::optional<cache::TrialRecord> known;  // found among the stored trials
  std::optional<codegen::Binary> stored;    // else its binary was
  std::future<runtime::Built> compiled;     // else it is being compiled
};

// What another process compiled is none of this run's work.
codegen::CompileResult count_compiled(Tuning& tuning, runtime::Built built) {
  if (built.compiled_here) {
    ++tuning.counts.compiled;
    tuning.phases.compile_s += 1e-3 * std::visit([](const auto& answer) { return answer.compile_ms; }, built.result);
  }
  return std::move(built.result);
}

class Search {
 public:
  explicit Search(Tuning& tuning)
      : tuning_(tuning),
        queue_(tuning.engine.compilations),
        strategy_(make_search_strategy(tuning.engine, tuning.engine.op, tuning.workload, tuning.set, tuning.options)) {}
  ~Search() { queue_.drop_waiting(); }
  Search(const Search&) = delete;
  Search& operator=(const Search&) = delete;

  SearchOutcome run();

 private:
  void fill();
  void use_first_compilations();
  void offer(const Candidate& candidate, const Offer& offer, bool required);
  bool over_budget() const { return tuning_.options.budget_s > 0 && clock_.seconds() > tuning_.options.budget_s; }
  cache::TrialRecord resolve(Pending& pending);
  cache::TrialRecord sample_again(const Pending& pending);
  MeasureOptions measure_options(const Pending& pending) const;
  codegen::CompileResult take_binary(Pending& pending);
  std::optional<std::string> find_obstacle(cache::TrialRecord& trial, const Pending& pending, const codegen::Binary& binary);
  cache::TrialRecord try_binary(const Pending& pending, const codegen::Binary& binary);
  bool was_tried(const Candidate& candidate) const;
  void keep(const Pending& pending, cache::TrialRecord trial);
  void show_progress();

  Tuning& tuning_;
  CompileQueue& queue_;
  const Stopwatch clock_;
  std::unique_ptr<Strategy> strategy_;
  std::deque<Pending> pending_;
  std::int64_t done_ = 0;
  double best_us_ = 0;
  SearchOutcome outcome_;
};

SearchOutcome Search::run() {
  for (bool first = true;; first = false) {
    fill();
    if (first) use_first_compilations();
    if (pending_.empty()) return std::move(outcome_);
    if (stop_requested(tuning_.engine)) {
      outcome_.interrupted = true;
      return std::move(outcome_);
    }
    Pending next = std::move(pending_.front());
    pending_.pop_front();
    if (!next.required && over_budget()) continue;
    keep(next, resolve(next));
  }
}

// Nothing can be tried before the first kernel is compiled: what else is to be done is done now.
void Search::use_first_compilations() {
  Engine& engine = tuning_.engine;
  queue_.drop_early();  // what the strategy has asked for now is its own
  if (engine.next.workload != nullptr) compile_early(engine, tuning_.options);
  const bool news = std::any_of(pending_.begin(), pending_.end(), [](const Pending& pending) { return !pending.known; });
  if (news && !stop_requested(engine)) engine.runner.make_ready(tuning_.workload);
}

// Keeps the compile threads busy without holding many binaries, and without offering far ahead of what the strategy knows.
void Search::fill() {
  const std::size_t ahead = count_ahead(queue_);
  const bool first = !outcome_.baseline && outcome_.tried.empty() && pending_.empty();
  while (pending_.size() < ahead && (first || !over_budget())) {
    const auto next = strategy_->next();
    if (next) offer(tuning_.set.offered[next->candidate], *next, next->candidate == 0);
    if (first && pending_.size() <= 1) offer(tuning_.set.baseline, {}, true);
    if (!next) return;
  }
}

void Search::offer(const Candidate& candidate, const Offer& offer, bool required) {
  Pending pending{.candidate = &candidate, .index = offer.candidate, .rounds = offer.rounds, .required = required};
  // A strategy that offers a candidate again builds on what this search measured.
  if (!tuning_.options.fresh || was_tried(candidate))
    pending.known = tuning_.engine.cache.find_trial(candidate.trial_key.digest());
  if (!pending.known) {
    // What was compiled early is this tuning's work: it is not looked for among what was stored before.
    const cache::CacheKey& key = candidate.trial_key.kernel;
    if (!queue_.has_early(key)) pending.stored = runtime::find_stored_binary(tuning_.engine.cache, key);
    if (!pending.stored) pending.compiled = queue_.submit(candidate.source, key);
  }
  pending_.push_back(std::move(pending));
}

MeasureOptions Search::measure_options(const Pending& pending) const {
  MeasureOptions options = tuning_.options.screening;
  if (pending.rounds > 0) options.rounds = pending.rounds;
  return options;
}

cache::TrialRecord Search::resolve(Pending& pending) {
  if (pending.known) {
    const bool enough = pending.known->status != cache::TrialStatus::Measured || pending.known->samples >= pending.rounds;
    if (!enough) return sample_again(pending);
    if (!was_tried(*pending.candidate)) ++tuning_.counts.reused;
    return *pending.known;
  }
  const auto result = take_binary(pending);
  if (const auto* binary = std::get_if<codegen::Binary>(&result)) return try_binary(pending, *binary);

  auto trial = make_trial_record(tuning_.engine.op, tuning_.workload, *pending.candidate);
  trial.run = tuning_.engine.run;
  add_failure(trial, std::get<codegen::CompileFailure>(result));
  trial.id = tuning_.engine.cache.store_trial(trial, {}, std::nullopt);
  return trial;
}

codegen::CompileResult Search::take_binary(Pending& pending) {
  if (pending.stored) return std::move(*pending.stored);
  return count_compiled(tuning_, pending.compiled.get());
}

// Why the kernel is not run: the workload cannot be launched with it, or its registers spill to memory (the baseline
// excepted: something has to be compared with). Adds its plan and resources to `trial`.
std::optional<std::string> Search::find_obstacle(cache::TrialRecord& trial, const Pending& pending,
                                                 const codegen::Binary& binary) {
  try {
    add_binary(trial, binary,
               tuning_.engine.op.plan(tuning_.workload, pending.candidate->config, tuning_.engine.runner.target()));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::Unsupported) throw;
    return error.what();
  }
  if (trial.spill_bytes == 0 || pending.candidate->baseline) return std::nullopt;
  return fmt::format("spills {} bytes of registers per thread", trial.spill_bytes);
}

// Only a kernel that passed leaves its code in the cache: nobody ever has a use for a rejected one.
cache::TrialRecord Search::try_binary(const Pending& pending, const codegen::Binary& binary) {
  Engine& engine = tuning_.engine;
  const Candidate& candidate = *pending.candidate;
  auto trial = make_trial_record(engine.op, tuning_.workload, candidate);
  trial.run = engine.run;
  if (const auto reason = find_obstacle(trial, pending, binary)) {
    trial.status = cache::TrialStatus::Resources;
    trial.reason = *reason;
    trial.id = engine.cache.store_trial(trial, {}, std::nullopt);
    return trial;
  }
  const auto result = engine.runner.run({.workload = tuning_.workload,
                                         .config = candidate.config,
                                         .binary = &binary,
                                         .gate = true,
                                         .measure = measure_options(pending)});
  add_result(trial, result);
  tuning_.phases.parity_s += 1e-3 * result.parity_ms;
  tuning_.phases.measure_s += 1e-3 * result.measure_ms;

  const bool passed = trial.status == cache::TrialStatus::Measured;
  if (passed) ++tuning_.counts.measured;
  std::optional<cache::BinaryRecord> code;
  if (passed) code = runtime::make_binary_record(candidate.trial_key.kernel, binary);
  trial.id = engine.cache.store_trial(trial, make_parity_records(result.parity), code);
  return trial;
}

// More samples of a candidate that passed the gate. What goes wrong now is no verdict on it: its earlier time stands.
cache::TrialRecord Search::sample_again(const Pending& pending) {
  Engine& engine = tuning_.engine;
  cache::TrialRecord trial = *pending.known;
  const auto binary = find_or_compile(tuning_, *pending.candidate);
  if (!binary) return trial;
  const auto result = engine.runner.run({.workload = tuning_.workload,
                                         .config = pending.candidate->config,
                                         .binary = &*binary,
                                         .gate = false,
                                         .measure = measure_options(pending)});
  tuning_.phases.measure_s += 1e-3 * result.measure_ms;
  if (result.status != cache::TrialStatus::Measured) return trial;
  add_timing(trial, result.timing);
  engine.cache.update_timing(trial);
  return trial;
}

bool Search::was_tried(const Candidate& candidate) const {
  return std::any_of(outcome_.tried.begin(), outcome_.tried.end(),
                     [&](const Tried& tried) { return tried.candidate == &candidate; });
}

void Search::keep(const Pending& pending, cache::TrialRecord trial) {
  const bool passed = trial.status == cache::TrialStatus::Measured;
  const auto before = std::find_if(outcome_.tried.begin(), outcome_.tried.end(),
                                   [&](const Tried& tried) { return tried.candidate == pending.candidate; });
  if (before != outcome_.tried.end()) {
    strategy_->tell(pending.index, passed ? std::optional(trial.time_us) : std::nullopt);
    before->trial = std::move(trial);
    return;
  }
  if (!passed) ++tuning_.counts.rejected;
  if (pending.candidate->baseline) {
    outcome_.baseline = Tried{pending.candidate, std::move(trial)};
  } else {
    strategy_->tell(pending.index, passed ? std::optional(trial.time_us) : std::nullopt);
    if (passed) best_us_ = best_us_ == 0 ? trial.time_us : std::min(best_us_, trial.time_us);
    outcome_.tried.push_back({pending.candidate, std::move(trial)});
  }
  ++done_;
  show_progress();
}

void Search::show_progress() {
  const auto offered = static_cast<std::int64_t>(tuning_.set.offered.size());
  const auto limit = tuning_.options.max_trials > 0 ? std::min(tuning_.options.max_trials, offered) : offered;
  // Rejected ones make room for others, so that more may be done than were to be timed.
  report_progress(tuning_.engine, {.done = done_, .total = std::max(done_, limit + 1), .phase = "tuning", .best_us = best_us_});
}

}  // namespace

SearchOutcome run_search(Tuning& tuning) { return Search(tuning).run(); }

std::optional<codegen::Binary> find_or_compile(Tuning& tuning, const Candidate& candidate) {
  Engine& engine = tuning.engine;
  const cache::CacheKey& key = candidate.trial_key.kernel;
  if (auto stored = runtime::find_stored_binary(engine.cache, key)) return stored;
  auto result = count_compiled(tuning, runtime::compile_once(engine.compiler, candidate.source, engine.runner.target(), key,
                                                             runtime::shared_cache_path(engine.cache)));
  if (auto* binary = std::get_if<codegen::Binary>(&result)) return std::move(*binary);
  return std::nullopt;
}

bool stop_requested(const Engine& engine) { return engine.stop != nullptr && engine.stop->load(); }

void report_progress(const Engine& engine, const Progress& progress) {
  if (engine.on_progress) engine.on_progress(progress);
}

}  // namespace nsajit::tuner
