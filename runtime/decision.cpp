// Decision: winners and thresholds of the cache -> the config that serves.

#include "runtime/decision.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

#include "cache/record_json.h"
#include "core/log.h"
#include "nsajit/error.h"
#include "runtime/expected_speed_up.h"
#include "runtime/pretuned.h"

namespace nsajit::runtime {
namespace {

// Quarters of the blocks that neighbouring rows share, rounded: what a caller knows of the overlap is an estimate.
int overlap_bucket(const Workload& workload) { return (workload.overlap_percent + 12) / 25; }

// How far two workloads of one problem are apart: powers of two in each size, added up. Tile choices follow sizes by
// their order of magnitude, and no size is known to matter more than another. A quarter of overlap weighs as an octave:
// from a half on, each halves about what a tile of rows reads that the row before did not. Within a quarter, overlap
// decides between equals, and the same selection between those: a recorded one and a generated one of its overlap are not
// the same work, but nothing that is known of a launch says more than their overlap.
double distance_between(const Workload& a, const Workload& b) {
  const auto octaves = [](std::int64_t x, std::int64_t y) {
    return std::abs(std::log2(static_cast<double>(x) / static_cast<double>(y)));
  };
  return octaves(a.S, b.S) + octaves(a.S_kv, b.S_kv) + octaves(a.B, b.B) + octaves(a.G, b.G) + octaves(a.n, b.n) +
         std::abs(overlap_bucket(a) - overlap_bucket(b)) + std::abs(a.overlap_percent - b.overlap_percent) / 1000.0 +
         (a.selection == b.selection ? 0 : 1 / 2000.0);
}

std::optional<StoredWinner> make_winner(const Op& op, const Problem& problem, const Target& target, const Config& baseline,
                                        cache::WinnerRecord record, std::set<std::string>& passed_over) {
  try {
    StoredWinner winner{.workload = parse_workload(record.workload), .config = parse_config(record.config)};
    const auto violation = winner.config == baseline ? std::nullopt : op.space(problem, target).find_violation(winner.config);
    if (violation) {
      passed_over.insert(fmt::format("stored winner {} for {} is passed over: {}", record.config, record.workload, *violation));
      return std::nullopt;
    }
    winner.record = std::move(record);
    return winner;
  } catch (const Error& error) {
    passed_over.insert(fmt::format("a stored winner is passed over: {}", error.what()));
    return std::nullopt;
  }
}

// Kernels take strides, so what was measured on inputs of one layout serves the other.
Problem without_layout(const Op& op, const Problem& problem) {
  Problem stripped = op.canonical(problem);
  if (stripped.layout == Layout::Flash) stripped.layout = Layout::Grouped;
  return stripped;
}

// Where winners of a device lie.
struct WinnerSource {
  std::vector<cache::WinnerRecord> winners;  // of all tuples, or of the one that is asked for
  std::function<std::optional<cache::ThresholdRecord>(const std::string& name, const cache::WinnerRecord&)> find_threshold;
  bool pretuned = false;
  std::set<std::string>* passed_over =
      nullptr;  // why a record is left out, each once: own records are looked at again as akin ones
};

// Without the text of a ladder that cannot be read there is the threshold's value.
std::vector<cache::LadderPoint> read_ladder(const std::optional<cache::ThresholdRecord>& threshold) {
  auto ladder = threshold ? cache::find_ladder(threshold->ladder_json).value_or(std::vector<cache::LadderPoint>{})
                          : std::vector<cache::LadderPoint>{};
  std::stable_sort(ladder.begin(), ladder.end(), [](const auto& a, const auto& b) { return a.length < b.length; });
  return ladder;
}

void add_winner(TupleWinners& tuple, const Op& op, const Problem& problem, const Target& target, const WinnerSource& source,
                cache::WinnerRecord record) {
  const std::string name(op.threshold_name(problem));
  const auto threshold = name.empty() ? std::nullopt : source.find_threshold(name, record);
  auto winner = make_winner(op, problem, target, tuple.baseline, std::move(record), *source.passed_over);
  if (!winner) return;
  winner->workload = canonical(op, winner->workload);
  winner->workload.problem = op.canonical(problem);
  winner->threshold = threshold;
  winner->ladder = read_ladder(threshold);
  winner->pretuned = source.pretuned;
  tuple.winners.push_back(std::move(*winner));
}

void add_own_winners(TupleWinners& tuple, const Op& op, const Problem& problem, const Target& target,
                     const WinnerSource& source) {
  const std::string text = to_string(op.canonical(problem));
  for (const cache::WinnerRecord& record : source.winners)
    if (record.op == op.name() && record.problem == text) add_winner(tuple, op, problem, target, source, record);
}

// Those of tuples whose kernels are the same code.
void add_akin_winners(TupleWinners& tuple, const Op& op, const Problem& problem, const Target& target,
                      const WinnerSource& source) {
  const Problem stripped = without_layout(op, problem);
  for (const cache::WinnerRecord& record : source.winners) {
    if (record.op != op.name()) continue;
    try {
      if (without_layout(op, parse_problem(record.problem)) != stripped) continue;
    } catch (const Error&) { continue; }  // not of this build: nothing that could be akin
    add_winner(tuple, op, problem, target, source, record);
  }
}

WinnerSource make_source(cache::Cache& cache, std::vector<cache::WinnerRecord> winners, const std::string& device,
                         std::set<std::string>& passed_over) {
  std::erase_if(winners, [&](const cache::WinnerRecord& record) { return record.device != device; });
  const auto find = [&cache](const std::string& name, const cache::WinnerRecord& winner) {
    return cache.find_threshold(name, winner);
  };
  return {.winners = std::move(winners), .find_threshold = find, .passed_over = &passed_over};
}

TupleWinners read_first_source(const Op& op, const Problem& problem, const Target& target, cache::Cache& cache,
                               std::set<std::string>& passed_over) {
  TupleWinners tuple{.baseline = op.baseline_config(problem, target)};
  const std::string device = to_string(target), text = to_string(op.canonical(problem));
  add_own_winners(tuple, op, problem, target, make_source(cache, cache.find_winners(text, device), device, passed_over));
  if (!tuple.winners.empty()) return tuple;
  add_akin_winners(tuple, op, problem, target, make_source(cache, cache.winners(), device, passed_over));
  if (!tuple.winners.empty()) return tuple;
  for (const std::string& other : cache.find_aliased_devices(target.name, to_string(target.backend), arch_name(target)))
    add_own_winners(tuple, op, problem, target, make_source(cache, cache.find_winners(text, other), other, passed_over));
  if (!tuple.winners.empty()) return tuple;
  const WinnerSource pretuned{
      .winners = pretuned_winners(device), .find_threshold = pretuned_threshold, .pretuned = true, .passed_over = &passed_over};
  add_own_winners(tuple, op, problem, target, pretuned);
  if (tuple.winners.empty()) add_akin_winners(tuple, op, problem, target, pretuned);
  return tuple;
}

// Among equals the first, which is the newest of its device. Null: there is none.
const StoredWinner* find_nearest(const TupleWinners& tuple, const Workload& workload) {
  const StoredWinner* nearest = nullptr;
  double shortest = 0;
  for (const StoredWinner& winner : tuple.winners) {
    const double distance = distance_between(workload, winner.workload);
    if (nearest != nullptr && distance >= shortest) continue;
    nearest = &winner;
    shortest = distance;
  }
  return nearest;
}

std::string sizes_text(const Workload& workload) {
  const std::string text = to_string(workload);
  return text.substr(text.find(';') + 1);
}

// How the baseline was as fast when the winner was tuned; empty where it was not.
std::string reason_lost(const StoredWinner& winner, const Config& baseline) {
  const cache::WinnerRecord& record = winner.record;
  if (winner.config == baseline) return "packed SDPA was the fastest when this was tuned";
  if (record.baseline_us <= 0 || record.time_us < record.baseline_us) return "";
  return fmt::format("the best tuned kernel, {}, took {:.1f} us and packed SDPA {:.1f} us", record.config, record.time_us,
                     record.baseline_us);
}

// Of a threshold without a ladder: an older build's, or another program's.
std::string reason_too_short(std::string_view name, std::int64_t length, const std::optional<cache::ThresholdRecord>& threshold) {
  if (!threshold) return "";
  if (threshold->value < 0)
    return fmt::format("{} is -1: at no measured length was the tuned kernel {:.2f} times as fast as packed SDPA", name,
                       threshold->margin);
  if (length >= threshold->value) return "";
  return fmt::format("length {} is below {} = {}, from where the tuned kernel is {:.2f} times as fast as packed SDPA", length,
                     name, threshold->value, threshold->margin);
}

// Why the baseline is served although a winner won; empty where the winner is.
std::string reason_slower(std::string_view name, std::int64_t length, const StoredWinner& winner) {
  if (winner.ladder.empty()) return reason_too_short(name, length, winner.threshold);
  const double speed_up = expected_speed_up(winner.ladder, length);
  if (speed_up >= 1) return "";
  if (speed_up <= 0)
    return fmt::format("{} failed at length {} or beside it when both were raced over lengths", winner.record.config, length);
  return fmt::format(
      "at length {} {} is expected to be {:.2f} times as fast as packed SDPA, by the lengths at which both were raced", length,
      winner.record.config, speed_up);
}

// Of a winner that is served where the stored threshold, which host apps read, has not begun; else empty.
std::string note_before_threshold(std::string_view name, std::int64_t length, const StoredWinner& winner) {
  if (winner.ladder.empty() || (winner.threshold->value >= 0 && length >= winner.threshold->value)) return "";
  return fmt::format("; at length {} expected to be {:.2f} times as fast as packed SDPA ({} is {}, for {:.2f} times)", length,
                     expected_speed_up(winner.ladder, length), name, winner.threshold->value, winner.threshold->margin);
}

StoredMatch describe_match(const StoredWinner& winner, const Workload& workload, const Target& target, const Config& baseline) {
  StoredMatch match{.config = winner.config, .time_us = winner.record.time_us, .lost = reason_lost(winner, baseline)};
  match.measured_here = winner.record.device == to_string(target) && !winner.pretuned;
  if (winner.pretuned) {
    match.why = fmt::format("pretuned: measured for {} on this GPU model before this build was made; `nsajit tune` measures here",
                            sizes_text(winner.workload));
  } else if (!match.measured_here) {
    match.why = fmt::format("not tuned on this device; served as tuned for {} on {}, which an alias lets serve {}",
                            sizes_text(winner.workload), winner.record.device, target.name);
  } else if (winner.workload == workload) {
    match.grade = Grade::Exact;
    match.why = fmt::format("tuned for this workload on this device ({} configs considered, {})", winner.record.candidates,
                            winner.record.created_utc);
  } else {
    match.why = fmt::format("not tuned for {}; served as tuned for {}, the nearest on this device ({:.1f} octaves away)",
                            sizes_text(workload), sizes_text(winner.workload), distance_between(workload, winner.workload));
  }
  return match;
}

}  // namespace

std::string_view to_string(Grade grade) {
  switch (grade) {
    case Grade::Exact: return "exact";
    case Grade::Nearest: return "nearest";
    case Grade::Fallback: return "fallback";
  }
  return "unknown";
}

TupleWinners read_winners(const Op& op, const Problem& problem, const Target& target, cache::Cache& cache) {
  std::set<std::string> passed_over;
  TupleWinners tuple = read_first_source(op, problem, target, cache, passed_over);
  for (const std::string& text : passed_over) log_warn(text);
  return tuple;
}

Decision find_decision(const Op& op, const Workload& workload, const Target& target, cache::Cache& cache) {
  return decide(op, workload, target, read_winners(op, workload.problem, target, cache));
}

Decision decide(const Op& op, const Workload& asked, const Target& target, const TupleWinners& tuple) {
  const Workload workload = canonical(op, asked);
  const Problem& problem = asked.problem;
  const Config& baseline = tuple.baseline;
  const StoredWinner* winner = find_nearest(tuple, workload);
  if (winner == nullptr)
    return {.config = op.untuned_config(workload, target).value_or(baseline),
            .baseline = baseline,
            .why = fmt::format("nothing is stored for {} on {}; `nsajit tune` it to have a tuned kernel", to_string(problem),
                               target.name)};

  const std::string_view name = op.threshold_name(problem);
  Decision decision{.baseline = baseline,
                    .baseline_us = winner->record.baseline_us,
                    .threshold = name.empty()        ? 0
                                 : winner->threshold ? winner->threshold->value
                                                     : -1,
                    .match = describe_match(*winner, workload, target, baseline)};
  const StoredMatch& match = *decision.match;
  const std::int64_t length = op.threshold_length(workload);
  const std::string declined = match.lost.empty() ? reason_slower(name, length, *winner) : match.lost;
  if (declined.empty()) {
    decision.config = match.config;
    decision.time_us = match.time_us;
    decision.grade = match.grade;
    decision.why = match.why + note_before_threshold(name, length, *winner);
  } else {
    decision.config = baseline;
    decision.time_us = winner->workload == workload ? winner->record.baseline_us : 0;
    decision.why = declined;
  }
  return decision;
}

}  // namespace nsajit::runtime
