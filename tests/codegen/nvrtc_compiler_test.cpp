// Compilation with NVRTC, on any machine that has libnvrtc: no GPU is needed. Without the library the cases that
// compile say so and end.
#include <catch2/catch_all.hpp>

#include <optional>
#include <thread>

#include "codegen/compiler.h"
#include "core/env.h"
#include "nsajit/error.h"
#include "tests/codegen/test_templates.h"

using namespace nsajit;
using namespace nsajit::codegen;
using namespace nsajit::codegen::testing;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

std::unique_ptr<Compiler> find_compiler() {
  try {
    return make_compiler(Backend::Cuda, read_environment());
  } catch (const Error& error) {
    if (error.code() != ErrorCode::NotFound) throw;
    WARN("skipped: " << error.what());
    return nullptr;
  }
}

// The compiler, where it knows `arch`: an older NVRTC on this machine is no fault of ours.
std::unique_ptr<Compiler> find_compiler_for(const std::string& arch) {
  auto compiler = find_compiler();
  if (!compiler) return nullptr;
  const KernelSource empty{.name = "test.empty",
                           .text = "extern \"C\" __global__ void k() {}",
                           .template_path = {},
                           .closure_digest = {},
                           .entries = {"k"},
                           .fields = {}};
  const CompileResult result = compiler->compile(empty, cuda_profile(arch));
  const auto* failure = std::get_if<CompileFailure>(&result);
  if (!failure) return compiler;
  CHECK_THAT(failure->reason, Contains("or newer is needed"));
  WARN("skipped: " << failure->reason);
  return nullptr;
}

// A unit of plain text, without templates.
KernelSource plain_source(std::string text) {
  return {.name = "test.plain",
          .text = std::move(text),
          .template_path = {},
          .closure_digest = {},
          .entries = {"k"},
          .fields = {}};
}

CompileFailure failure_of(Compiler& compiler, const KernelSource& source, const Target& target) {
  const CompileResult result = compiler.compile(source, target);
  REQUIRE(std::holds_alternative<CompileFailure>(result));
  return std::get<CompileFailure>(result);
}

Binary binary_of(Compiler& compiler, const KernelSource& source, const Target& target) {
  CompileResult result = compiler.compile(source, target);
  const auto* failure = std::get_if<CompileFailure>(&result);
  INFO((failure ? failure->reason + "\n" + failure->log : std::string()));
  REQUIRE(failure == nullptr);
  return std::get<Binary>(std::move(result));
}

}  // namespace

TEST_CASE("a template compiles to a cubin for each SM, with its figures") {
  const std::string arch = GENERATE("80", "86", "89", "90a", "100a", "120");
  const auto compiler = find_compiler_for(arch);
  if (!compiler) return;
  const TemplateFolder folder;
  folder.use();
  const Binary binary = binary_of(*compiler, probe_cuda_source(), cuda_profile(arch));
  CHECK(binary.arch == arch_name(cuda_profile(arch)));
  CHECK(binary.entries == std::vector<std::string>{"probe_main", "probe_reset"});
  REQUIRE(binary.resources.size() == 2);
  CHECK(binary.resources[0].name == "probe_main");
  CHECK(binary.resources[0].registers > 0);
  CHECK(binary.resources[0].static_smem_bytes >= 1024);
  CHECK(binary.resources[0].code_bytes > 0);
  CHECK(binary.resources[1].static_smem_bytes < 1024);
  CHECK(binary.compile_ms > 0);
}

TEST_CASE("instructions of Hopper alone compile for 90a") {
  const auto compiler = find_compiler_for("90a");
  if (!compiler) return;
  const auto source = plain_source("extern \"C\" __global__ void k() { asm volatile(\"wgmma.fence.sync.aligned;\"); }");
  CHECK(binary_of(*compiler, source, cuda_profile("90")).arch == "90a");
}

TEST_CASE("spills reach the figures") {
  const auto compiler = find_compiler();
  if (!compiler) return;
  const auto source =
      plain_source(R"(extern "C" __global__ void __launch_bounds__(1024, 2) k(float* o, const float* in) {
    float a[96];
    for (int i = 0; i < 96; i++) a[i] = in[i * 1024 + threadIdx.x];
    #pragma unroll
    for (int j = 0; j < 8; j++) {
      #pragma unroll
      for (int i = 0; i < 96; i++) a[i] = a[i] * a[(i * 7 + j) % 96];
    }
    for (int i = 0; i < 96; i++) o[i * 1024 + threadIdx.x] = a[i];
  })");
  const Binary binary = binary_of(*compiler, source, cuda_profile("80"));
  CHECK(binary.resources[0].registers <= 32);
  CHECK(binary.resources[0].spill_store_bytes > 0);
}

TEST_CASE("two compilations give the same bytes") {
  const auto compiler = find_compiler();
  if (!compiler) return;
  const TemplateFolder folder;
  folder.use();
  const KernelSource source = probe_cuda_source();
  CHECK(binary_of(*compiler, source, cuda_profile("80")).code == binary_of(*compiler, source, cuda_profile("80")).code);
}

TEST_CASE("threads compile side by side") {
  const auto compiler = find_compiler();
  if (!compiler) return;
  const TemplateFolder folder;
  folder.use();
  const KernelSource source = probe_cuda_source();
  const Binary expected = binary_of(*compiler, source, cuda_profile("80"));
  std::vector<std::optional<CompileResult>> results(4);
  {
    std::vector<std::jthread> threads;
    for (auto& result : results) threads.emplace_back([&] { result = compiler->compile(source, cuda_profile("80")); });
  }
  for (const auto& result : results) {
    REQUIRE(std::holds_alternative<Binary>(*result));
    CHECK(std::get<Binary>(*result).code == expected.code);
  }
}

TEST_CASE("a unit with a mistake is a failure that shows the line and keeps the log") {
  const auto compiler = find_compiler();
  if (!compiler) return;
  const CompileFailure failure =
      failure_of(*compiler, plain_source("\nextern \"C\" __global__ void k() { int x = y; }"), cuda_profile("80"));
  CHECK_THAT(failure.reason, Contains("sm_80") && Contains("test.plain.cu(2): error: identifier \"y\" is undefined"));
  CHECK_THAT(failure.log, Contains("1 error detected"));
}

TEST_CASE("too much static shared memory is a failure that says how much") {
  const auto compiler = find_compiler();
  if (!compiler) return;
  const auto source = plain_source(
      "extern \"C\" __global__ void k(float* o) { __shared__ float t[100000]; t[threadIdx.x] = o[0]; __syncthreads(); "
      "o[1] = t[5]; }");
  CHECK_THAT(failure_of(*compiler, source, cuda_profile("80")).reason,
             Contains("400000 bytes of static shared memory"));
}

TEST_CASE("a unit that lacks its entry is a failure that names it") {
  const auto compiler = find_compiler();
  if (!compiler) return;
  const auto source = plain_source("extern \"C\" __global__ void other() {}");
  CHECK_THAT(failure_of(*compiler, source, cuda_profile("80")).reason, Contains("no kernel 'k'"));
}

TEST_CASE("an SM that this NVRTC does not know is a failure before compiling") {
  const auto compiler = find_compiler();
  if (!compiler) return;
  Target target = cuda_profile("80");
  target.arch = 30;
  CHECK_THAT(failure_of(*compiler, plain_source("extern \"C\" __global__ void k() {}"), target).reason,
             Contains("cannot compile for sm_30"));
}

TEST_CASE("a header that the templates lack is an error that names it and the unit") {
  const auto compiler = find_compiler();
  if (!compiler) return;
  const auto source = plain_source("#include <cuda_bf16.h>\nextern \"C\" __global__ void k() {}");
  CHECK_THROWS_WITH(compiler->compile(source, cuda_profile("80")), Contains("cuda_bf16.h") && Contains("test.plain"));
}

TEST_CASE("constants that an instantiation does not use bring no warnings") {
  const auto compiler = find_compiler();
  if (!compiler) return;
  const TemplateFolder folder;
  folder.use();
  CHECK(binary_of(*compiler, probe_cuda_source(), cuda_profile("80")).log.find("warning") == std::string::npos);
}

TEST_CASE("the identity names NVRTC, its version and its options") {
  const auto compiler = find_compiler();
  if (!compiler) return;
  const CompilerIdentity identity = compiler->identity();
  CHECK(identity.name == "nvrtc");
  CHECK(identity.version.find('.') != std::string::npos);
  CHECK_THAT(identity.options, Contains("--std=c++17") && Contains("--ptxas-options=-v"));
}

TEST_CASE("a libnvrtc that is not there is an error that says where it was looked for and what to do") {
  Environment environment;
  environment.nvrtc_path = "/nonexistent/libnvrtc.so";
  CHECK_THROWS_WITH(make_compiler(Backend::Cuda, environment),
                    Contains("/nonexistent/libnvrtc.so") && Contains("NSAJIT_NVRTC") && Contains("Install"));
}

TEST_CASE("a library that is no NVRTC is refused by the function it lacks") {
  Environment environment;
  environment.nvrtc_path = "libc.so.6";
  CHECK_THROWS_WITH(make_compiler(Backend::Cuda, environment), Contains("nvrtcVersion"));
}
