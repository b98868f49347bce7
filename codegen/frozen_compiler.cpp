// FrozenCompiler: see the header.

#include "codegen/frozen_compiler.h"

#include <utility>

#include <fmt/format.h>

#include "nsajit/error.h"

namespace nsajit::codegen {
namespace {

class FrozenCompiler final : public Compiler {
 public:
  explicit FrozenCompiler(std::unique_ptr<Compiler> compiler) : compiler_(std::move(compiler)) {}

  CompilerIdentity identity() const override { return compiler_->identity(); }

  CompileResult compile(const KernelSource& source, const Target& target) override {
    throw Error(ErrorCode::Frozen,
                fmt::format("cannot compile {} for {}: it is not in the cache, and frozen mode never compiles; "
                            "tune without --frozen and NSAJIT_FROZEN, or name a cache that holds it",
                            source.name, arch_name(target)));
  }

 private:
  const std::unique_ptr<Compiler> compiler_;
};

}  // namespace

std::unique_ptr<Compiler> make_frozen_compiler(std::unique_ptr<Compiler> compiler) {
  return std::make_unique<FrozenCompiler>(std::move(compiler));
}

}  // namespace nsajit::codegen
