#pragma once
// FakeCompiler: "compiles" a unit of FakeOp into a text that FakeDevice runs: the entry, then "name=value"
// lines. Counts its calls; refuses Fault::CompileError. compile() may be called from several threads.

#include <atomic>
#include <span>
#include <string>

#include "codegen/compiler.h"
#include "tests/support/fake_op.h"

namespace nsajit::testing {

class FakeCompiler final : public codegen::Compiler {
 public:
  std::atomic<int> calls{0};
  std::string version = "1";
  std::string refuse_variant;   // units of this variant do not compile
  bool refuse_by_time = false;  // what does not compile was stopped at its limit

  codegen::CompilerIdentity identity() const override {
    return {.name = "fake", .version = version, .options = "-O0"};
  }

  codegen::CompileResult compile(const codegen::KernelSource& source, const Target& target) override {
    ++calls;
    if (!refuse_variant.empty() && source.entries.front() == "fake_" + refuse_variant) return failure();
    std::string text = source.entries.front() + "\n";
    for (const auto& [name, value] : source.fields) {
      if (name == "fault" && value == static_cast<int>(Fault::CompileError)) return failure();
      text += name + "=" + std::to_string(value) + "\n";
    }
    codegen::Binary binary{.backend = target.backend, .arch = target.backend == Backend::Cpu ? "host" : arch_name(target)};
    const auto bytes = std::as_bytes(std::span(text));
    binary.code.assign(bytes.begin(), bytes.end());
    binary.entries = source.entries;
    binary.resources = {{.name = source.entries.front(), .registers = 32, .code_bytes = static_cast<std::int64_t>(text.size())}};
    binary.log = "fake: 0 errors\n";
    binary.compile_ms = 1;
    return binary;
  }

 private:
  codegen::CompileFailure failure() const {
    return {.reason = "error: fault asked for",
            .log = "unit:1: error: fault asked for\n",
            .compile_ms = 1,
            .timed_out = refuse_by_time};
  }
};

}  // namespace nsajit::testing
