// Routing format: the text of every kind of decision, against a checked-in file.

#include "cli/routing_format.h"

#include <map>

#include <catch2/catch_all.hpp>
#include <nlohmann/json.hpp>

#include "nsajit/op.h"

// The assembler reads the file that the build names.
asm(".section .rodata\nnsajit_golden_routing: .incbin \"" NSAJIT_GOLDEN_ROUTING "\"\nnsajit_golden_routing_end:\n.previous\n");
extern "C" const char nsajit_golden_routing[], nsajit_golden_routing_end[];

namespace {

using namespace nsajit;
using Variables = std::map<std::string, std::string>;

Toggles toggles_of(const Variables& variables) {
  return parse_toggles([&](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  });
}

// Not those of today's spaces, which may change.
const Config kBaseline = parse_config("packed_sdpa{stages=3,warps=8}"), kWinner = parse_config("query_major{stages=2,warps=4}");

// L = n * 64 tokens per row.
Workload selecting(int n) { return {.S = 8192, .S_kv = 8192, .G = 4, .n = n}; }

runtime::Decision nothing_stored(const Target& target) {
  return {.config = kBaseline,
          .baseline = kBaseline,
          .why = "nothing is stored for this tuple on " + target.name + "; `nsajit tune` it to have a tuned kernel"};
}

// As decide answers of a winner with NSA_SEL_TRITON_MIN_L = 512.
runtime::Decision tuned(const Workload& w, bool measured_here = true) {
  const Op& op = find_op(w.problem);
  const runtime::StoredMatch match{.config = kWinner,
                                   .grade = measured_here ? runtime::Grade::Exact : runtime::Grade::Nearest,
                                   .why = measured_here ? "tuned for this workload on this device" : "served as an alias says",
                                   .time_us = 1210,
                                   .measured_here = measured_here};
  if (op.threshold_length(w) >= 512)
    return {.grade = match.grade,
            .config = match.config,
            .baseline = kBaseline,
            .why = match.why,
            .time_us = 1210,
            .baseline_us = 8530,
            .threshold = 512,
            .match = match};
  return {.config = kBaseline,
          .baseline = kBaseline,
          .why = "length 256 is below NSA_SEL_TRITON_MIN_L = 512",
          .baseline_us = 8530,
          .threshold = 512,
          .match = match};
}

cli::RoutingRow route(const Workload& w, const Target& target, runtime::Decision decision, const Toggles& toggles) {
  return {.workload = w, .route = runtime::choose_route(find_op(w.problem), w, target, std::move(decision), toggles)};
}

std::string of_nothing(const std::string& title, const char* arch, const Variables& variables) {
  cli::RoutingReport report{.target = cuda_profile(arch), .cache = "cache.db", .toggles = toggles_of(variables)};
  report.rows = {route(selecting(16), report.target, nothing_stored(report.target), report.toggles)};
  return "# " + title + "\n" + cli::format_routing(report) + "\n";
}

std::string of_tuned(const std::string& title, const char* arch, const Variables& variables, bool measured_here = true) {
  cli::RoutingReport report{.target = cuda_profile(arch), .cache = "cache.db", .toggles = toggles_of(variables)};
  for (const int n : {16, 4})
    report.rows.push_back(route(selecting(n), report.target, tuned(selecting(n), measured_here), report.toggles));
  return "# " + title + "\n" + cli::format_routing(report) + "\n";
}

std::string of_every_branch(const std::string& title, const Variables& variables) {
  cli::RoutingReport report{.target = cuda_profile("90a"), .cache = "cache.db", .toggles = toggles_of(variables)};
  for (const char* branch : {"compressed", "scoring", "selection", "sliding", "gate"}) {
    Workload w = selecting(16);
    w.problem.branch = parse_branch(branch);
    report.rows.push_back(route(w, report.target, nothing_stored(report.target), report.toggles));
  }
  return "# " + title + "\n" + cli::format_routing(report) + "\n";
}

std::string every_kind() {
  return of_nothing("nothing tuned", "90a", {}) + of_tuned("tuned", "90a", {}) +
         of_tuned("everything on packed SDPA", "90a", {{"NSA_FORCE_PARITY", "1"}}) +
         of_tuned("the cached threshold overridden downwards", "90a", {{"NSA_SEL_TRITON_MIN_L", "64"}}) +
         of_tuned("the cached threshold overridden upwards", "90a", {{"NSA_SEL_TRITON_MIN_L", "4096"}}) +
         of_tuned("never", "90a", {{"NSA_SEL_TRITON_MIN_L", "-1"}}) + of_nothing("SM 8.9, nothing tuned", "89", {}) +
         of_nothing("SM 8.9, nothing tuned, forced", "89", {{"NSA_TRITON_SEL_FORCE", "1"}}) +
         of_tuned("SM 8.9, tuned elsewhere", "89", {}, false) +
         of_tuned("SM 8.9, tuned elsewhere, forced", "89", {{"NSA_TRITON_SEL_FORCE", "1"}}, false) +
         of_tuned("SM 8.9, tuned on it", "89", {}) + of_every_branch("one branch forced", {{"NSA_FORCE_BRANCH", "sel"}});
}

}  // namespace

TEST_CASE("routing says what is served and why, for every kind of decision") {
  CHECK(every_kind() == std::string(nsajit_golden_routing, nsajit_golden_routing_end));
}

TEST_CASE("routing as JSON carries the same, and the toggles that are set") {
  cli::RoutingReport report{.target = cuda_profile("90a"), .cache = "c.db", .toggles = toggles_of({{"NSA_FORCE_PARITY", "1"}})};
  report.rows = {route(selecting(16), report.target, tuned(selecting(16)), report.toggles),
                 {.workload = selecting(4), .refused = "no kernel"}};
  const auto json = nlohmann::json::parse(cli::format_routing_json(report));
  CHECK(json["toggles"]["NSA_FORCE_PARITY"] == "1");
  CHECK(json["forced_branch"] == -1);
  CHECK(json["routes"][0]["served"] == "baseline");
  CHECK(json["routes"][0]["grade"] == "fallback");
  CHECK(json["routes"][0]["why"] == "NSA_FORCE_PARITY=1 keeps everything on packed SDPA");
  CHECK(json["routes"][1]["served"].is_null());
  CHECK(json["routes"][1]["why"] == "no kernel");
}
