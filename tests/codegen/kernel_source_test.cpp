// specialize(): from an operation's unit to a source.
#include "codegen/kernel_source.h"

#include <catch2/catch_all.hpp>

#include "codegen/embedded_templates.h"
#include "tests/support/fake_op.h"

using namespace nsajit;
using namespace nsajit::codegen;

namespace {
const nsajit::testing::FakeOp kOp;

KernelSource specialize_default(const Target& target) {
  return specialize(kOp, Problem{}, kOp.default_config(Problem{}, target), target);
}
}  // namespace

TEST_CASE("a CUDA source names its kernel, its problem and its config") {
  const KernelSource source = specialize_default(cuda_profile("90a"));
  CHECK(source.name == "selection.query_major");
  CHECK_THAT(source.text, Catch::Matchers::StartsWith("// selection.query_major: " + to_string(Problem{})));
  CHECK(source.entries == std::vector<std::string>{"fake_query_major"});
}

TEST_CASE("the same unit serves every SM") {
  CHECK(specialize_default(cuda_profile("80")).text == specialize_default(cuda_profile("120")).text);
}

TEST_CASE("the digest of a source is that of its template where the template includes the rest") {
  const KernelSource source = specialize_default(cuda_profile("80"));
  CHECK(source.closure_digest == closure_digest(source.template_path));
}

TEST_CASE("a CPU source carries the element type among its fields") {
  const KernelSource source = specialize_default(Target{});
  CHECK(source.fields.back() == std::pair<std::string, int>("element", 2));
}
