// The gate on a small attention: the right kernel passes, and each wrong one is rejected for its own reason.

#include "tuner/parity.h"

#include <cstring>

#include <catch2/catch_all.hpp>

#include "tests/tuner/attention_op.h"
#include "tests/tuner/host_device.h"

namespace {

using namespace nsajit;
using nsajit::testing::AttentionOp;
using nsajit::testing::HostDevice;
using nsajit::testing::HostKernel;
using nsajit::testing::Wrong;
using tuner::ParityChecker;
using tuner::ParityReport;

Workload attention_workload() {
  return {.problem = {.dk = 16, .dv = 16, .l_sel = 16, .n_sel = 4, .group = 2}, .B = 2, .S = 600, .S_kv = 600, .G = 2, .n = 4};
}

struct Gate {
  AttentionOp op;
  HostDevice device;
  ParityChecker checker{op, device};
  int launches = 0;

  ParityReport check(Wrong wrong) {
    const HostKernel kernel([&](std::span<const std::byte> args) { run_attention(args, wrong, ++launches); });
    return checker.check(attention_workload(), {.variant = "test"}, kernel);
  }
};

class CaselessOp final : public AttentionOp {
 public:
  std::vector<ParityCase> parity_cases(const Workload&) const override { return {}; }
};

// Shared by the table below: preparing the cases costs more than checking a candidate.
Gate& shared_gate() {
  static Gate gate;
  return gate;
}

}  // namespace

TEST_CASE("a right kernel passes every case on every output") {
  Gate gate;
  const ParityReport report = gate.check(Wrong::Nothing);
  CHECK(report.reason.empty());
  CHECK(report.passed);
  CHECK(report.verdicts.size() == 7 * 2);
  for (const auto& verdict : report.verdicts) CHECK(verdict.error.max_abs <= verdict.allowed.max_abs);
}

TEST_CASE("a wrong kernel is rejected with its own reason") {
  const auto [wrong, where, why] = GENERATE(table<Wrong, const char*, const char*>({
      {Wrong::NanRow, "random seed=1: o: ", "nan at row 49"},
      {Wrong::DropsOwnToken, "random seed=1: o: ", "row 0 (b=0 s=0 g=0) is wrong: relative error 1,"},
      {Wrong::DropsFirstToken, "random seed=1: o: ", "is wrong: relative error"},
      {Wrong::ReadsNextToken, "random seed=1: o: ", "is wrong: relative error"},
      {Wrong::DropsLastBlock, "random seed=1: o: ", "is wrong: relative error"},
      {Wrong::SwapsHeads, "random seed=1: o: ", "is wrong: relative error"},
      {Wrong::LeavesRowsUnwritten, "random seed=1: o: ", "nan at row 72"},
      {Wrong::WritesNothing, "random seed=1: o: ", "nan at row 0"},
      {Wrong::WritesPastEnd, "random seed=1: o: ", "guard after the end overwritten: 2 bytes, the first 0 bytes past it"},
      {Wrong::WritesBeforeStart,
       "random seed=1: lse: ", "guard before the start overwritten: 4 bytes, the first 4 bytes ahead of it"},
      {Wrong::ChangesInput, "random seed=1: k: ", "input changed by the kernel at byte 10"},
      {Wrong::PeeksAhead, "random seed=1: lse: ", "looks ahead: row "},
      {Wrong::Unsteady, "random seed=1: lse: ", "not deterministic: element 6 is "},
      {Wrong::WrongScale, "random seed=1: o: ", "is wrong: relative error"},
      {Wrong::LseBase2, "random seed=1: lse: ", "max-abs error"},
      {Wrong::LseZeroWhenEmpty, "ragged: lse: ", "where -inf is right"},
      {Wrong::MeanWhenEmpty, "ragged: o: ", "an empty row must be exactly 0"},
      {Wrong::OneWrongRow, "whole: o: ", "row 1200 (b=1 s=0 g=0) is wrong: relative error 0.0"},
      {Wrong::NoMaximum, "large logits: o: ", "nan at row "},
      {Wrong::AddsToOutput, "random seed=1: o: ", "nan at row 0"},
      {Wrong::ReadsWorkspace, "random seed=1: o: ", "nan at row 0"},
      {Wrong::OverrunsWorkspace, "random seed=1: workspace: ", "guard after the end overwritten: 4 bytes"},
      {Wrong::WrongHeadOfValues, "random seed=1: o: ", "is wrong: relative error"},
      {Wrong::BlurredSum, "random seed=1: o: ", "is wrong: relative error"},
      {Wrong::IgnoresSelection, "random seed=1: o: ", "is wrong: relative error"},
  }));
  const ParityReport report = shared_gate().check(wrong);
  CHECK_FALSE(report.passed);
  CHECK_THAT(report.reason, Catch::Matchers::StartsWith(where));
  INFO(report.reason);
  CHECK(report.reason.find(why) != std::string::npos);
}

TEST_CASE("one wrong row among thousands is found although the whole tensor's figures allow it") {
  const ParityReport report = shared_gate().check(Wrong::OneWrongRow);
  REQUIRE_FALSE(report.passed);
  const auto& verdict = report.verdicts[report.verdicts.size() - 2];
  CHECK(verdict.tensor == "o");
  CHECK_FALSE(verdict.passed);
  CHECK(verdict.error.mean_abs <= verdict.allowed.mean_abs);
  CHECK(verdict.error.relative_l2 <= verdict.allowed.relative_l2);
}

TEST_CASE("a wrong kernel that spoils its inputs does not spoil the next check") {
  Gate gate;
  REQUIRE_FALSE(gate.check(Wrong::ChangesInput).passed);
  CHECK(gate.check(Wrong::Nothing).passed);
}

TEST_CASE("what candidates of a workload need alike stays on the device: only the workspace is their own") {
  Gate gate;
  gate.check(Wrong::Nothing);
  const int first = gate.device.allocations;
  gate.check(Wrong::Nothing);
  CHECK(gate.device.allocations - first == 7);
}

TEST_CASE("what a wrong kernel left in kept buffers is not taken for the next one's output") {
  Gate gate;
  REQUIRE(gate.check(Wrong::Nothing).passed);
  const auto* name = GENERATE("stale", "input");
  CHECK_FALSE(gate.check(name[0] == 's' ? Wrong::WritesNothing : Wrong::ChangesInput).passed);
  CHECK(gate.check(Wrong::Nothing).passed);
  CHECK_FALSE(gate.check(Wrong::WritesNothing).passed);
}

TEST_CASE("a device with little memory keeps nothing between checks") {
  Gate gate;
  gate.device.facts.memory_bytes = 0;
  gate.check(Wrong::Nothing);
  const int first = gate.device.allocations;
  gate.check(Wrong::Nothing);
  CHECK(gate.device.allocations - first == first);
}

TEST_CASE("an operation without parity cases passes nothing") {
  const CaselessOp op;
  HostDevice device;
  ParityChecker checker(op, device);
  const ParityReport report = checker.check(attention_workload(), {}, HostKernel([](std::span<const std::byte>) {}));
  CHECK_FALSE(report.passed);
  CHECK(report.reason == "the operation has no parity cases");
}
