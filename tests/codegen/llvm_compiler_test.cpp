// Compilation with LLVM: what is emitted runs, with the constants in it.
#include "codegen/llvm_compiler.h"

#include <catch2/catch_all.hpp>

#include <array>
#include <optional>
#include <thread>

#include "codegen/embedded_templates.h"
#include "codegen/host_cpu.h"
#include "core/env.h"
#include "nsajit/error.h"
#include "runtime/device.h"
#include "tests/codegen/test_templates.h"

using namespace nsajit;
using namespace nsajit::codegen;
using namespace nsajit::codegen::testing;
using Catch::Matchers::Contains;

namespace {

struct ProbeArgs {
  const float* in;
  float* out;
};

// The probe template in use, and the compiler.
struct Probe {
  Probe() { folder.use(); }
  CompileResult compile(const KernelSource& source, const Target& target = {}) {
    return compiler->compile(source, target);
  }
  Binary binary(const KernelSource& source, const Target& target = {}) {
    CompileResult result = compile(source, target);
    const auto* failure = std::get_if<CompileFailure>(&result);
    INFO((failure ? failure->reason : std::string()));
    REQUIRE(failure == nullptr);
    return std::get<Binary>(std::move(result));
  }
  CompileFailure failure(const KernelSource& source) {
    const CompileResult result = compile(source);
    REQUIRE(std::holds_alternative<CompileFailure>(result));
    return std::get<CompileFailure>(result);
  }
  TemplateFolder folder;
  std::unique_ptr<Compiler> compiler = make_llvm_compiler();
};

// probe_scale over three values.
std::array<float, 3> run_scale(const Binary& binary) {
  const std::array<float, 3> in{1, 2, 4};
  std::array<float, 3> out{};
  const std::array args{ProbeArgs{in.data(), out.data()}};
  const auto device = runtime::make_device("cpu", Environment{});
  const auto kernel = device->load(binary);
  kernel->launch({.steps = {LaunchStep{.entry = 0, .grid = {1, 1, 1}, .block = {3, 1, 1}}}},
                 std::as_bytes(std::span(args)), nullptr);
  device->synchronize();
  return out;
}

bool mentions(const Binary& binary, std::string_view text) {
  const std::string_view bytes(reinterpret_cast<const char*>(binary.code.data()), binary.code.size());
  return bytes.find(text) != std::string_view::npos;
}

}  // namespace

TEST_CASE("a template runs with the values of its fields") {
  Probe probe;
  CHECK(run_scale(probe.binary(probe_cpu_source())) == std::array<float, 3>{2, 5, 11});
}

TEST_CASE("other values give another kernel") {
  Probe probe;
  KernelSource source = probe_cpu_source();
  source.fields = {{"scale", 10}, {"offset", 7}, {"element", 2}};
  CHECK(run_scale(probe.binary(source)) == std::array<float, 3>{17, 27, 47});
}

TEST_CASE("constants and helpers are folded away, entries stay") {
  Probe probe;
  const Binary binary = probe.binary(probe_cpu_source());
  CHECK_FALSE(mentions(binary, "nsajit_field_"));
  CHECK_FALSE(mentions(binary, "apply"));
  CHECK(mentions(binary, "probe_scale"));
  CHECK(mentions(binary, "probe_sum"));
}

TEST_CASE("a field that the template declares and nobody sets is a failure that names it") {
  Probe probe;
  KernelSource source = probe_cpu_source();
  source.fields = {{"scale", 3}, {"element", 2}};
  CHECK_THAT(probe.failure(source).reason, Contains("nsajit_field_offset") && Contains("probe/probe_cpu.bc"));
}

TEST_CASE("an entry that the template lacks is a failure that names it") {
  Probe probe;
  KernelSource source = probe_cpu_source();
  source.entries = {"probe_gone"};
  CHECK_THAT(probe.failure(source).reason, Contains("probe_gone"));
}

TEST_CASE("damaged bitcode is a failure") {
  const TemplateFolder folder;
  folder.write("probe/damaged.bc", "BC\xC0\xDEnot bitcode");
  folder.use();
  KernelSource source = probe_cpu_source();
  source.template_path = "probe/damaged.bc";
  const CompileResult result = make_llvm_compiler()->compile(source, {});
  REQUIRE(std::holds_alternative<CompileFailure>(result));
  CHECK_THAT(std::get<CompileFailure>(result).reason, Contains("probe/damaged.bc"));
}

TEST_CASE("a module that is not embedded is an error") {
  KernelSource source{.name = "test.gone",
                      .text = {},
                      .template_path = "probe/gone.bc",
                      .closure_digest = {},
                      .entries = {"k"},
                      .fields = {}};
  CHECK_THROWS_AS(make_llvm_compiler()->compile(source, {}), Error);
}

TEST_CASE("two LLVM compilations give the same bytes") {
  Probe probe;
  CHECK(probe.binary(probe_cpu_source()).code == probe.binary(probe_cpu_source()).code);
}

TEST_CASE("threads compile side by side with LLVM") {
  Probe probe;
  const KernelSource source = probe_cpu_source();
  const Binary expected = probe.binary(source);
  std::vector<std::optional<CompileResult>> results(4);
  {
    std::vector<std::jthread> threads;
    for (auto& result : results) threads.emplace_back([&] { result = probe.compile(source); });
  }
  for (const auto& result : results) {
    REQUIRE(std::holds_alternative<Binary>(*result));
    CHECK(std::get<Binary>(*result).code == expected.code);
  }
}

TEST_CASE("the features of the target decide the instructions") {
  Probe probe;
  Target plain, wide;
  plain.features = "+sse2,-avx,-avx2,-avx512f";
  wide.features = "+sse2,+avx,+avx2,+avx512f,+avx512vl,+avx512bw,+avx512dq,+evex512";
  CHECK(probe.binary(probe_cpu_source(), plain).code != probe.binary(probe_cpu_source(), wide).code);
}

TEST_CASE("a target without features means this machine") {
  Probe probe;
  Target host;
  host.features = host_cpu_features();
  CHECK(probe.binary(probe_cpu_source()).code == probe.binary(probe_cpu_source(), host).code);
}

TEST_CASE("a CPU binary says what it is") {
  Probe probe;
  const Binary binary = probe.binary(probe_cpu_source());
  CHECK(binary.backend == Backend::Cpu);
  CHECK(binary.arch == "host");
  REQUIRE(binary.resources.size() == 2);
  CHECK(binary.resources[0].name == "probe_scale");
  CHECK(binary.resources[0].code_bytes > 0);
  CHECK(binary.compile_ms > 0);
}

TEST_CASE("the identity names LLVM, its version and its options") {
  const CompilerIdentity identity = make_llvm_compiler()->identity();
  CHECK(identity.name == "llvm");
  CHECK_THAT(identity.version, Catch::Matchers::StartsWith("19."));
  CHECK_THAT(identity.options, Contains("O3"));
}
