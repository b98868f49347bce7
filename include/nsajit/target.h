#pragma once
// Target: the machine that a kernel is compiled for and measured on, as plain facts.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nsajit {

enum class Backend : std::uint8_t { Cpu, Cuda };

struct Target {
  Backend backend = Backend::Cpu;
  std::string name;               // "NVIDIA H200", or the CPU's model name
  int arch = 0;                   // SM: 80, 86, 89, 90, 100, 120; 0 on the CPU
  std::string features;           // CPU: LLVM feature string, the JIT keys on it; CUDA: empty
  int processors = 1;             // SMs, or hardware threads
  std::int64_t smem_bytes = 0;    // largest dynamic shared memory of one block
  std::int64_t smem_sm_bytes = 0; // shared memory of one SM
  std::int64_t registers_sm = 0;  // 32-bit registers of one SM
  std::int64_t l2_bytes = 0;      // last-level cache
  std::int64_t memory_bytes = 0;
  int driver_version = 0;         // as cuDriverGetVersion: 13000 = 13.0

  bool operator==(const Target&) const = default;
};

std::string_view to_string(Backend backend);

// "80", "90a", "120": the name of the architecture as compilers take it (90, 100 and 103 carry the suffix
// "a"); "host" on the CPU.
std::string arch_name(const Target& target);

// Published limits of an SM, to compile and to check configs without the GPU; the sizes of the chip
// (processors, L2, memory) stay unknown. Accepts "90", "90a", "sm_90a". Throws Error{InvalidArgument} listing the known SMs.
Target cuda_profile(std::string_view arch);
std::vector<std::string> known_archs();

// What results are keyed and grouped by: backend, name, arch, processors, memory, L2, CPU features.
std::string to_string(const Target& target);

}  // namespace nsajit
