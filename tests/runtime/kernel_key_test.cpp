// kernel_key: every input of a compilation reaches the key.

#include "runtime/kernel_key.h"

#include <catch2/catch_all.hpp>
#include <set>

#include "tests/support/fake_device.h"
#include "tests/support/fake_op.h"

namespace nsajit::runtime {
namespace {

struct Inputs {
  Problem problem{};
  Config config{.variant = "query_major", .values = {{"tile", 16}}};
  Target target = testing::fake_target();
  codegen::KernelSource source{.closure_digest = "c0"};
  codegen::CompilerIdentity compiler{.name = "llvm", .version = "19", .options = "-O3"};
};

std::string digest_after(const std::function<void(Inputs&)>& change) {
  Inputs inputs;
  change(inputs);
  return make_kernel_key(testing::FakeOp(), inputs.problem, inputs.config, inputs.target, inputs.source, inputs.compiler).digest();
}

}  // namespace

TEST_CASE("a change of anything that can change the code changes the kernel's key", "[runtime]") {
  const std::vector<std::function<void(Inputs&)>> changes{
      [](Inputs&) {},
      [](Inputs& i) { i.problem.dk = 64; },
      [](Inputs& i) { i.config.values["tile"] = 32; },
      [](Inputs& i) { i.config.variant = "packed_sdpa"; },
      [](Inputs& i) { i.target.features = "+other"; },
      [](Inputs& i) { i.target = Target{.backend = Backend::Cuda, .arch = 90}; },
      [](Inputs& i) { i.target = Target{.backend = Backend::Cuda, .arch = 100}; },
      [](Inputs& i) { i.source.closure_digest = "c1"; },
      [](Inputs& i) { i.compiler.name = "nvrtc"; },
      [](Inputs& i) { i.compiler.version = "20"; },
      [](Inputs& i) { i.compiler.options = "-O2"; },
  };
  std::set<std::string> digests;
  for (const auto& change : changes) digests.insert(digest_after(change));
  CHECK(digests.size() == changes.size());
}

TEST_CASE("what does not change the code leaves the kernel's key alone", "[runtime]") {
  const auto base = digest_after([](Inputs&) {});
  CHECK(digest_after([](Inputs& i) { i.target.name = "another CPU of the same features"; }) == base);
  CHECK(digest_after([](Inputs& i) { i.target.processors = 64; }) == base);
}

}  // namespace nsajit::runtime
