// NSA_DEBUG_TIMING, NSA_DEBUG_COMPARE and NSA_STRICT_ASSERTS: what they say of launches, and that results stay what they are.

#include <catch2/catch_all.hpp>

#include <string>

#include "tests/abi/attention_case.h"
#include "tests/abi/forward_case.h"
#include "tests/cache/captured_stderr.h"
#include "tests/support/variable.h"

namespace nsajit::testing {
using Catch::Matchers::Contains;
namespace {

int count(const std::string& text, const std::string& part) {
  int found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

}  // namespace

TEST_CASE("NSA_DEBUG_TIMING says how long each step of each launch took, at most NSA_LOG_LIMIT times", "[abi]") {
  const Variable timing("NSA_DEBUG_TIMING", "1"), limit("NSA_LOG_LIMIT", "2");
  const CpuContext context;
  AttentionCase test(40, 71);
  const nsajit_call call = test.call();
  const cache::CapturedStderr captured;
  for (int i = 0; i < 3; ++i) REQUIRE(nsajit_sliding_forward(context.get(), &call) == NSAJIT_OK);
  CHECK(test.largest_error([](std::int64_t t, std::int64_t token) { return token > t - 20; }) < 1e-5);
  REQUIRE(nsajit_selection_forward(context.get(), &call) == NSAJIT_OK);
  CHECK(test.selection_error() < 1e-5);
  const std::string text = captured.text();
  INFO(text);
  CHECK(count(text, "timing sliding,") == 2);
  CHECK(count(text, "(NSA_LOG_LIMIT reached)") == 1);
  CHECK_THAT(text, Contains("timing selection,") && Contains("packed_sdpa") && Contains(" us of the host"));
}

TEST_CASE("NSA_DEBUG_COMPARE says what a tuned kernel's output differs from packed SDPA by", "[abi]") {
  const Variable compare("NSA_DEBUG_COMPARE", "1"), tuned("NSA_TRITON_SEL_FORCE", "1");
  const CpuContext context;
  for (const CaseLayout layout : {CaseLayout::Grouped, CaseLayout::Flash}) {
    AttentionCase test(40, 71, layout);
    const nsajit_call call = test.call();
    const cache::CapturedStderr captured;
    REQUIRE(nsajit_selection_forward(context.get(), &call) == NSAJIT_OK);
    INFO(captured.text());
    CHECK(test.selection_error() < 1e-5);
    REQUIRE_THAT(captured.text(),
                 Contains("compare selection,forward,fp32") && Contains("MAE ") && Contains("against packed SDPA"));
    const std::string text = captured.text();
    CHECK(std::stod(text.substr(text.find("MAE ") + 4)) < 1e-6);
    // The baseline beside itself says nothing.
    REQUIRE(nsajit_sliding_forward(context.get(), &call) == NSAJIT_OK);
    CHECK(count(captured.text(), "compare ") == 1);
  }
}

TEST_CASE("NSA_STRICT_ASSERTS refuses a selection of the future, and one that names a token twice, by row", "[abi]") {
  AttentionCase test(40, 71);
  nsajit_call call = test.call();
  const CpuContext trusting;
  const Variable strict("NSA_STRICT_ASSERTS", "1");
  const CpuContext context;
  REQUIRE(nsajit_selection_forward(context.get(), &call) == NSAJIT_OK);
  CHECK(test.selection_error() < 1e-5);
  test.blocks[2 * (2 * 3 + 1)] = 4;  // of row b=0, s=3, g=1 at position 34
  CHECK(nsajit_selection_forward(trusting.get(), &call) == NSAJIT_OK);
  CHECK(nsajit_selection_forward(context.get(), &call) == NSAJIT_INVALID_ARGUMENT);
  CHECK_THAT(std::string(nsajit_last_error()),
             Contains("row (b=0, s=3, g=1), entry 0: block 4 begins at 64, behind position 34"));
  test.blocks[2 * (2 * 3 + 1)] = test.blocks[2 * (2 * 3 + 1) + 1];
  CHECK(nsajit_selection_forward(context.get(), &call) == NSAJIT_INVALID_ARGUMENT);
  CHECK_THAT(std::string(nsajit_last_error()), Contains("s=3") && Contains("twice"));
}

TEST_CASE("a forward pass under all three is the same pass", "[abi]") {
  ForwardCase test(40, 131);
  const CpuContext plain;
  const ForwardCase::Parts parts = test.run_parts(plain.get());
  const Variable timing("NSA_DEBUG_TIMING", "1"), compare("NSA_DEBUG_COMPARE", "1"), strict("NSA_STRICT_ASSERTS", "1");
  const CpuContext context;
  const cache::CapturedStderr captured;
  REQUIRE(test.run(context.get(), test.call()) == NSAJIT_OK);
  CHECK(test.o == parts.o);
  for (const char* branch : {"compressed", "scoring", "selection", "sliding", "gate"})
    CHECK(count(captured.text(), std::string("timing ") + branch) == 1);
}

}  // namespace nsajit::testing
