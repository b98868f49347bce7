// Policy: the order of the questions is that of choose_route.

#include "runtime/policy.h"

#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace nsajit::runtime {
namespace {

constexpr std::int64_t kRangesV2MinS = 1024;

// Of the toggles that turn a branch's tuned kernels off. Empty: none does.
std::string reason_off(const Problem& problem, const Toggles& toggles) {
  const auto off = [&](const char* name) { return fmt::format("{}=0 keeps {} on packed SDPA", name, to_string(problem.branch)); };
  if (toggles.force_parity) return "NSA_FORCE_PARITY=1 keeps everything on packed SDPA";
  if (problem.branch == Branch::Selection && toggles.use_triton_sel == false) return off("NSA_USE_TRITON_SEL");
  if (problem.branch == Branch::Sliding && toggles.use_fa2_win == false) return off("NSA_USE_FA2_WIN");
  if (problem.branch == Branch::Compressed && toggles.use_fa2_cmp == false) return off("NSA_USE_FA2_CMP");
  if (problem.branch == Branch::Sliding && toggles.use_fa2 == false && !toggles.use_fa2_win) return off("NSA_USE_FA2");
  if (problem.branch == Branch::Compressed && toggles.use_fa2 == false && !toggles.use_fa2_cmp) return off("NSA_USE_FA2");
  const bool converts = problem.branch == Branch::Scoring && problem.input == SelectionInput::Ranges;
  if (converts && toggles.sel_ranges_v2 == false)
    return "NSA_SEL_RANGES_V2=0 asks for ranges formed entry by entry, as the baseline does";
  return "";
}

bool is_forced(const Problem& problem, const Toggles& toggles) {
  return problem.branch == Branch::Selection && toggles.triton_sel_force;
}

// SM 8.9: published selection kernels lost to packed SDPA on it, so what others measured does not count.
bool waits_for_own_win(const Problem& problem, const Target& target) {
  return problem.branch == Branch::Selection && target.backend == Backend::Cuda && target.arch == 89;
}

std::string reason_to_wait(const Decision& decision) {
  return fmt::format(
      "SM 8.9 stays on packed SDPA until a win is measured on it, and {}; `nsajit tune` it there, or set "
      "NSA_TRITON_SEL_FORCE=1 to test",
      decision.match ? "the stored one is another device's" : "nothing is stored");
}

// A length that the environment gives in place of the cached threshold.
struct Override {
  std::string name;  // as set
  std::int64_t value = 0;
};

std::optional<Override> find_override(const Problem& problem, const Toggles& toggles) {
  const auto of = [](const char* name, const std::optional<std::int64_t>& value) {
    return value ? std::optional(Override{fmt::format("{}={}", name, *value), *value}) : std::nullopt;
  };
  switch (problem.branch) {
    case Branch::Selection: return of("NSA_SEL_TRITON_MIN_L", toggles.sel_min_l);
    case Branch::Sliding: return of("NSA_FA2_MIN_LEN_WIN", toggles.win_min_len);
    case Branch::Compressed: return of("NSA_FA2_MIN_LEN_CMP", toggles.cmp_min_len);
    case Branch::Scoring:
      if (toggles.sel_ranges_v2 == true) return Override{"NSA_SEL_RANGES_V2=1", 0};
      return of("NSA_SEL_RANGES_V2_MIN_S", toggles.ranges_v2_min_s);
    default: return std::nullopt;
  }
}

std::string cached_text(std::int64_t threshold) {
  return threshold < 0 ? "the cache says never, or does not know" : fmt::format("the cache says {}", threshold);
}

Route serve_baseline(Decision decision, std::string why) {
  if (decision.config != decision.baseline) decision.time_us = 0;
  decision.config = decision.baseline;
  decision.grade = Grade::Fallback;
  decision.why = std::move(why);
  return {.tuned = false, .decision = std::move(decision)};
}

Route serve_match(Decision decision, const std::string& because) {
  const StoredMatch match = *decision.match;
  decision.config = match.config;
  decision.grade = match.grade;
  decision.time_us = match.time_us;
  decision.why = because.empty() ? match.why : fmt::format("{}; {}", because, match.why);
  return {.tuned = true, .decision = std::move(decision)};
}

// Nothing was measured.
Route serve_default(Decision decision, const Config& config, const std::string& because) {
  decision.config = config;
  decision.why = fmt::format("{} has the default config served, of which nothing is measured", because);
  return {.tuned = true, .decision = std::move(decision)};
}

// Both of scoring's ways compute the same, from the same code; the length from which the vectorised one serves has a usual value.
Route serve_untuned_scoring(const Op& op, const Workload& workload, const Target& target, Decision decision,
                            const Toggles& toggles) {
  const auto given = find_override(workload.problem, toggles);
  const std::string name = given ? given->name : fmt::format("NSA_SEL_RANGES_V2_MIN_S (untuned: {})", kRangesV2MinS);
  decision.threshold = given ? given->value : kRangesV2MinS;
  const std::int64_t length = op.threshold_length(workload);
  if (decision.threshold < 0) return serve_baseline(decision, fmt::format("{} means never; {}", name, decision.why));
  if (length < decision.threshold)
    return serve_baseline(decision, fmt::format("length {} is below {}; {}", length, name, decision.why));
  return serve_default(std::move(decision), op.default_config(workload.problem, target), name);
}

// The winner won; is the launch long enough for it?
Route compare_length(const Workload& workload, std::int64_t length, Decision decision, const Toggles& toggles) {
  const auto given = find_override(workload.problem, toggles);
  if (!given) {
    // Without a toggle the decision stands, whichever it is.
    return decision.config == decision.baseline ? serve_baseline(decision, decision.why) : serve_match(decision, "");
  }
  const std::string cached = cached_text(std::exchange(decision.threshold, given->value));
  if (given->value < 0) return serve_baseline(std::move(decision), fmt::format("{} means never ({})", given->name, cached));
  if (length < given->value)
    return serve_baseline(std::move(decision), fmt::format("length {} is below {} ({})", length, given->name, cached));
  return serve_match(std::move(decision), fmt::format("{} lets length {} be tuned ({})", given->name, length, cached));
}

Route choose(const Op& op, const Workload& workload, const Target& target, Decision decision, const Toggles& toggles) {
  const Problem& problem = workload.problem;
  if (std::string off = reason_off(problem, toggles); !off.empty()) return serve_baseline(std::move(decision), std::move(off));
  const bool forced = is_forced(problem, toggles);
  if (!decision.match && forced)
    return serve_default(std::move(decision), op.default_config(problem, target), "NSA_TRITON_SEL_FORCE=1");
  if (waits_for_own_win(problem, target) && !forced && (!decision.match || !decision.match->measured_here))
    return serve_baseline(decision, reason_to_wait(decision));
  if (!decision.match && problem.branch == Branch::Scoring)
    return serve_untuned_scoring(op, workload, target, std::move(decision), toggles);
  if (!decision.match) return {.tuned = false, .decision = std::move(decision)};
  if (!decision.match->lost.empty()) return serve_baseline(decision, decision.match->lost);
  return compare_length(workload, op.threshold_length(workload), std::move(decision), toggles);
}

bool is_needed(Branch branch, const Toggles& toggles) {
  if (!toggles.force_branch || branch == *toggles.force_branch) return true;
  // Scoring is what chooses for selection.
  if (branch == Branch::Scoring) return *toggles.force_branch == Branch::Selection;
  return branch != Branch::Selection && branch != Branch::Compressed && branch != Branch::Sliding;
}

}  // namespace

Route choose_route(const Op& op, const Workload& workload, const Target& target, Decision decision, const Toggles& toggles) {
  Route route = choose(op, workload, target, std::move(decision), toggles);
  route.needed = is_needed(workload.problem.branch, toggles);
  return route;
}

std::string_view reason_apart(const Toggles& toggles) {
  if (toggles.force_parity) return "NSA_FORCE_PARITY=1 keeps everything on packed SDPA";
  if (toggles.force_branch) return "NSA_FORCE_BRANCH asks for one branch";
  if (toggles.use_triton_sel || toggles.triton_sel_force || toggles.triton_sel_group || toggles.sel_min_l)
    return "a toggle says what serves selection";
  if (toggles.use_fa2 || toggles.use_fa2_win || toggles.use_fa2_cmp || toggles.win_min_len || toggles.cmp_min_len)
    return "a toggle says what serves sliding and compressed";
  return "";
}

int forced_branch(const Toggles& toggles) {
  if (!toggles.force_branch) return -1;
  if (*toggles.force_branch == Branch::Compressed) return 0;
  return *toggles.force_branch == Branch::Selection ? 1 : 2;
}

}  // namespace nsajit::runtime
