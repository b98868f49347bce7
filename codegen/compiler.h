#pragma once
// Compiler: KernelSource + Target -> Binary or CompileFailure. Two implementations: NVRTC (CUDA) and
// LLVM (CPU). Third step of the data flow. compile() may be called from several threads at once.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "codegen/kernel_source.h"
#include "nsajit/target.h"

namespace nsajit {
struct Environment;
}

namespace nsajit::codegen {

// What one kernel of a binary takes, read from the compile log without a device. CPU: code_bytes only.
struct EntryResources {
  std::string name;
  int registers = 0;
  int static_smem_bytes = 0;
  int stack_bytes = 0;
  int spill_store_bytes = 0;
  int spill_load_bytes = 0;
  std::int64_t code_bytes = 0;
};

struct Binary {
  Backend backend = Backend::Cpu;
  std::string arch;                       // "90a"; CPU: "host"
  std::vector<std::byte> code;            // cubin or ELF object
  std::vector<std::string> entries;       // in LaunchStep::entry order
  std::vector<EntryResources> resources;  // one per entry
  std::string log;                        // the compiler's, whole
  double compile_ms = 0;
};

struct CompileFailure {
  std::string reason;  // one line
  std::string log;     // the compiler's, whole
  double compile_ms = 0;
  bool timed_out = false;  // stopped at a time limit; nothing is known of the source
};

using CompileResult = std::variant<Binary, CompileFailure>;

struct CompilerIdentity {
  std::string name;     // "nvrtc", "llvm"
  std::string version;  // "13.0"
  std::string options;  // every option that changes the output
};

class Compiler {
 public:
  virtual ~Compiler() = default;
  virtual CompilerIdentity identity() const = 0;
  virtual CompileResult compile(const KernelSource& source, const Target& target) = 0;
};

// Throws Error{NotFound} or Error{Unsupported} saying what was looked for, where, and what to install.
std::unique_ptr<Compiler> make_compiler(Backend backend, const Environment& environment);

}  // namespace nsajit::codegen
