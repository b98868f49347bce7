// The whole forward pass through the C interface: the bits of its parts, one workspace, forced branches, refusals.

#include <catch2/catch_all.hpp>

#include <string>

#include "nsajit/forward.h"
#include "tests/abi/allocation_count.h"
#include "tests/abi/forward_case.h"
#include "tests/support/variable.h"

namespace nsajit::testing {
using Catch::Matchers::Contains;

TEST_CASE("a forward pass of several queries has the bits of its five calls, in both layouts", "[abi]") {
  const CpuContext context;
  for (const CaseLayout layout : {CaseLayout::Grouped, CaseLayout::Flash}) {
    for (const auto& [S, S_kv] : {std::pair{70, 70}, std::pair{13, 131}, std::pair{2, 131}, std::pair{7, 7}}) {
      ForwardCase test(S, S_kv, layout);
      const ForwardCase::Parts parts = test.run_parts(context.get());
      INFO("S=" << S << " S_kv=" << S_kv << " " << nsajit_last_error());
      REQUIRE(test.run(context.get(), test.call()) == NSAJIT_OK);
      CHECK(test.o == parts.o);
    }
  }
}

TEST_CASE("the choice can be taken, as ranges and as blocks", "[abi]") {
  const CpuContext context;
  ForwardCase test(40, 131);
  const ForwardCase::Parts parts = test.run_parts(context.get());
  std::vector<int> ranges(parts.ranges.size()), blocks(parts.ranges.size() / 2);
  nsajit_forward_call call = test.call();
  call.sel = AttentionCase::tensor(ranges.data(), {2, 40, 2, 4, 2}, NSAJIT_INT32);
  REQUIRE(test.run(context.get(), call) == NSAJIT_OK);
  CHECK(ranges == parts.ranges);
  CHECK(test.o == parts.o);
  call.sel = AttentionCase::tensor(blocks.data(), {2, 40, 2, 4}, NSAJIT_INT32);
  REQUIRE(test.run(context.get(), call) == NSAJIT_OK);
  CHECK(blocks[0] == 0);
  CHECK(blocks[3] == 91 / 16);  // the block of the first query's position
}

TEST_CASE("one branch alone writes its own output, and nothing else is launched or read", "[abi]") {
  const CpuContext context;
  ForwardCase test(40, 131);
  const ForwardCase::Parts parts = test.run_parts(context.get());
  const auto only = [&](int branch) {
    nsajit_forward_call call = test.call();
    call.only_branch = branch;
    call.gates = {};
    if (branch == 1) call.k_win = call.v_win = call.v_sel = {};
    if (branch == 2) call.k_win = call.v_win = call.v_cmp = {};
    if (branch == 3) call.k_cmp = call.v_cmp = call.v_sel = {};
    REQUIRE(test.run(context.get(), call) == NSAJIT_OK);
    return test.o;
  };
  CHECK(only(1) == parts.o_cmp);
  CHECK(only(2) == parts.o_sel);
  CHECK(only(3) == parts.o_win);
}

TEST_CASE("NSA_FORCE_BRANCH is the branch of a call that leaves it open", "[abi]") {
  const CpuContext open;
  ForwardCase test(40, 131);
  const ForwardCase::Parts parts = test.run_parts(open.get());
  const Variable variable("NSA_FORCE_BRANCH", "win");
  const CpuContext forced;
  nsajit_forward_call call = test.call();
  std::int64_t all_bytes = 0, one_bytes = -1;
  REQUIRE(nsajit_forward_workspace_bytes(open.get(), &call, &all_bytes) == NSAJIT_OK);
  REQUIRE(nsajit_forward_workspace_bytes(forced.get(), &call, &one_bytes) == NSAJIT_OK);
  CHECK(one_bytes < all_bytes);
  REQUIRE(test.run(forced.get(), call) == NSAJIT_OK);
  CHECK(test.o == parts.o_win);
  call.only_branch = 1;  // the call says more
  REQUIRE(test.run(forced.get(), call) == NSAJIT_OK);
  CHECK(test.o == parts.o_cmp);
}

TEST_CASE("the workspace is less than its pieces, and more where two streams run at once", "[abi]") {
  const CpuContext context;
  ForwardCase test(70, 131);
  nsajit_forward_call call = test.call();
  std::int64_t bytes = 0, beside = 0;
  REQUIRE(nsajit_forward_workspace_bytes(context.get(), &call, &bytes) == NSAJIT_OK);
  call.side_stream = &bytes;
  REQUIRE(nsajit_forward_workspace_bytes(context.get(), &call, &beside) == NSAJIT_OK);
  const std::int64_t rows = 2 * 70 * 2 * 3, output = rows * 16 * 4, lse = rows * 4, sel = rows / 3 * 4 * 2 * 4;
  CHECK(bytes >= 2 * output);
  CHECK(beside >= bytes);
  INFO("lse " << lse << ", sel " << sel);
  call.side_stream = nullptr;
  call.workspace_bytes = bytes - 1, call.workspace = &bytes;
  CHECK(nsajit_forward(context.get(), &call) == NSAJIT_INVALID_ARGUMENT);
  CHECK_THAT(std::string(nsajit_last_error()), Contains("nsajit_forward: a workspace of " + std::to_string(bytes) + " bytes"));
}

TEST_CASE("a forward pass that is bound allocates nothing", "[abi]") {
  const CpuContext context;
  ForwardCase test(GENERATE(40, 1), 131);  // one query is one launch
  nsajit_forward_call call = test.call();
  REQUIRE(nsajit_forward_workspace_bytes(context.get(), &call, &call.workspace_bytes) == NSAJIT_OK);
  const Workspace workspace(call.workspace_bytes);
  call.workspace = workspace.get();
  const std::int64_t before = count_allocations();
  for (int i = 0; i < 10; ++i) REQUIRE(nsajit_forward(context.get(), &call) == NSAJIT_OK);
  CHECK(count_allocations() == before);
}

TEST_CASE("what is wrong with a forward call is said by part, tensor and dimension", "[abi]") {
  const CpuContext context;
  ForwardCase test(40, 131);
  const auto refused = [&](auto&& change) {
    nsajit_forward_call call = test.call();
    change(call);
    CHECK(test.run(context.get(), call) == NSAJIT_INVALID_ARGUMENT);
    return std::string(nsajit_last_error());
  };
  CHECK_THAT(refused([](nsajit_forward_call& c) { c.q.ndim = 3; }), Contains("forward: q has 3 dimensions"));
  CHECK_THAT(refused([](nsajit_forward_call& c) { c.k_sel.ndim = 3; }), Contains("forward: k_sel has 3 dimensions"));
  CHECK_THAT(refused([](nsajit_forward_call& c) { c.v_cmp.shape[2] = 2; }), Contains("forward: compressed_forward: v has shape"));
  CHECK_THAT(refused([](nsajit_forward_call& c) { c.k_win.data = nullptr; }),
             Contains("forward: sliding_forward: k is a null pointer"));
  CHECK_THAT(refused([](nsajit_forward_call& c) { c.gates.shape[4] = 2; }), Contains("forward: combine: gates has shape"));
  CHECK_THAT(refused([](nsajit_forward_call& c) { c.only_branch = 4; }), Contains("only_branch is 4"));
  CHECK_THAT(refused([](nsajit_forward_call& c) { c.struct_bytes = 3; }), Contains("sizeof(nsajit_forward_call)"));
}

TEST_CASE("a forward pass without rows does nothing", "[abi]") {
  const CpuContext context;
  ForwardCase test(40, 131);
  nsajit_forward_call call = test.call();
  call.q.shape[1] = call.o.shape[1] = 0;
  std::int64_t bytes = -1;
  CHECK(nsajit_forward_workspace_bytes(context.get(), &call, &bytes) == NSAJIT_OK);
  CHECK(bytes == 0);
  CHECK(nsajit_forward(context.get(), &call) == NSAJIT_OK);
}

}  // namespace nsajit::testing
