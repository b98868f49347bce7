// The C interface honours the NSA_* variables that a host app sets before it creates a context.

#include <string>
#include <vector>

#include <catch2/catch_all.hpp>

#include "nsajit/nsajit.h"
#include "tests/abi/attention_case.h"
#include "tests/support/variable.h"

namespace nsajit::testing {
using Catch::Matchers::Contains;
namespace {

// Three outputs of one row of one head: 1, 2 and 3 everywhere, all gates 1.
float combined(nsajit_context* context, int only_branch) {
  std::vector<float> cmp(16, 1.0f), sel(16, 2.0f), win(16, 3.0f), gates(3, 1.0f), o(16, 0.0f);
  const auto row = [](std::vector<float>& values) { return AttentionCase::tensor(values.data(), {1, 1, 1, 1, 16}); };
  nsajit_combine_call call{};
  call.struct_bytes = sizeof call;
  call.o_cmp = row(cmp), call.o_sel = row(sel), call.o_win = row(win), call.o = row(o);
  call.gates = AttentionCase::tensor(gates.data(), {1, 1, 1, 1, 3});
  call.sparsity = {.l = 16, .d = 16, .l_sel = 16, .n_sel = 4, .w = 20};
  call.only_branch = only_branch;
  INFO(nsajit_last_error());
  CHECK(nsajit_combine(context, &call) == NSAJIT_OK);
  return o[7];
}

}  // namespace

TEST_CASE("a gate that the call leaves open is forced by the environment", "[abi]") {
  const CpuContext open;
  CHECK(combined(open.get(), 0) == 6);
  const Variable variable("NSA_FORCE_BRANCH", "sel");
  const CpuContext forced;
  CHECK(combined(forced.get(), 0) == 2);
  CHECK(combined(forced.get(), 3) == 3);  // the call says more
  CHECK(combined(open.get(), 0) == 6);    // it read its environment when it was created
}

TEST_CASE("a toggle that makes no sense fails the context and is named", "[abi]") {
  const Variable variable("NSA_FORCE_PARITY", "yes");
  const CpuContext context;
  CHECK(context.status() == NSAJIT_INVALID_ARGUMENT);
  CHECK_THAT(std::string(nsajit_last_error()), Contains("NSA_FORCE_PARITY: 'yes' is neither 0 nor 1"));
}
}  // namespace nsajit::testing
