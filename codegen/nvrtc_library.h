#pragma once
// NVRTC library: libnvrtc opened at run time, as a table of functions. The door to NVRTC: nvrtc_library.cpp and
// nvrtc_compiler.cpp see its header through this file alone. Thread-safe once made, as NVRTC itself is.

#include <nvrtc.h>

#include <memory>
#include <string>
#include <vector>

#include "codegen/nvrtc_archs.h"

namespace nsajit {
struct Environment;
}

namespace nsajit::codegen {

class NvrtcLibrary {
 public:
  // Tries NSAJIT_NVRTC alone where it is set, else the loader, the CUDA toolkit and pip's packages.
  // Throws Error{NotFound} with each place that was tried, Error{Unsupported} where it is older than 11.2.
  explicit NvrtcLibrary(const Environment& environment);

  const std::string& path() const { return path_; }
  NvrtcVersion version() const { return version_; }
  // SMs as numbers (90, 120), without suffixes.
  const std::vector<int>& supported_archs() const { return supported_archs_; }

  decltype(&nvrtcGetErrorString) get_error_string = nullptr;
  decltype(&nvrtcCreateProgram) create_program = nullptr;
  decltype(&nvrtcDestroyProgram) destroy_program = nullptr;
  decltype(&nvrtcCompileProgram) compile_program = nullptr;
  decltype(&nvrtcGetProgramLogSize) get_program_log_size = nullptr;
  decltype(&nvrtcGetProgramLog) get_program_log = nullptr;
  decltype(&nvrtcGetCUBINSize) get_cubin_size = nullptr;
  decltype(&nvrtcGetCUBIN) get_cubin = nullptr;

 private:
  void open(const Environment& environment);
  void resolve();
  void ask_version();

  // Never closed: NVRTC keeps threads and thread-local state that outlive a compilation.
  void* handle_ = nullptr;
  std::string path_;
  NvrtcVersion version_;
  std::vector<int> supported_archs_;
  decltype(&nvrtcVersion) get_version_ = nullptr;
  decltype(&nvrtcGetNumSupportedArchs) get_num_supported_archs_ = nullptr;
  decltype(&nvrtcGetSupportedArchs) get_supported_archs_ = nullptr;
};

}  // namespace nsajit::codegen
