#pragma once
// CacheKey: what makes two compiled kernels, and so two trials, the same. Each field is here because a
// change of it can change the code or its speed.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nsajit::cache {

struct CacheKey {
  std::string op;                // another operation computes something else
  std::string problem;           // to_string(Problem): fixes every compile-time constant of the tuple
  std::string config;            // to_string(Config): variant and tile parameters
  std::string arch;              // the exact code target, "90a" or "host"
  std::string cpu_features;      // the JIT emits other code for another feature string
  std::string closure;           // digest of the template and its includes
  int generator_version = 0;     // how the unit is written
  std::string compiler;          // "nvrtc"
  std::string compiler_version;  // other code from the same source
  std::string compiler_options;  // likewise
  int format_version = 1;        // of the stored record itself

  std::string text() const;    // "name=value" lines, in declaration order; kept beside the digest
  std::string digest() const;  // 32 hexadecimal digits
};

// A trial is a compiled kernel run on one workload, device and judge.
struct TrialKey {
  CacheKey kernel;
  std::string workload;  // to_string(Workload)
  std::string device;    // GPU identity: name, SM count, memory, L2
  int driver_version = 0;
  int gate_version = 0;     // parity rules
  int measure_version = 0;  // how times are taken

  std::string text() const;
  std::string digest() const;
};

// Back from the text. nullopt: it has no such field.
std::optional<std::string> find_key_field(std::string_view key_text, std::string_view name);
// The part of a trial's text that is its kernel's; empty where `key_text` is no trial's.
std::string_view kernel_key_text(std::string_view key_text);

}  // namespace nsajit::cache
