// NVRTC library: see the header.

#include "codegen/nvrtc_library.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "codegen/nvrtc_search.h"
#include "core/env.h"
#include "nsajit/error.h"

namespace nsajit::codegen {
namespace {

// 11.2 is the first version whose libraries of one major number are interchangeable.
constexpr NvrtcVersion kOldest{11, 2};

template <typename Function>
bool look_up(void* handle, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(handle, name));
  return function != nullptr;
}

template <typename Function>
void look_up_or_throw(void* handle, const char* name, Function& function, const std::string& path) {
  if (look_up(handle, name, function)) return;
  throw Error(ErrorCode::Unsupported, fmt::format("'{}' has no function {}: it is no NVRTC, or older than CUDA {}",
                                                  path, name, to_string(kOldest)));
}

}  // namespace

NvrtcLibrary::NvrtcLibrary(const Environment& environment) {
  open(environment);
  resolve();
  ask_version();
}

void NvrtcLibrary::open(const Environment& environment) {
  std::vector<std::string> answers;
  for (const std::string& path : nvrtc_candidates(environment)) {
    handle_ = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    path_ = path;
    if (handle_ != nullptr) return;
    answers.emplace_back(::dlerror());
  }
  const auto places = environment.nvrtc_path ? std::vector<std::string>{"NSAJIT_NVRTC alone, since it is set"}
                                             : nvrtc_folders(environment);
  throw Error(
      ErrorCode::NotFound,
      fmt::format("cannot open libnvrtc, which compiles CUDA kernels. Looked in the loader's path and in: {}. Answers: "
                  "{}. Install CUDA's "
                  "NVRTC (package cuda-nvrtc, or `pip install nvidia-cuda-nvrtc`), or set NSAJIT_NVRTC to the library.",
                  fmt::join(places, ", "), fmt::join(answers, "; ")));
}

void NvrtcLibrary::resolve() {
  look_up_or_throw(handle_, "nvrtcVersion", get_version_, path_);
  look_up_or_throw(handle_, "nvrtcGetErrorString", get_error_string, path_);
  look_up_or_throw(handle_, "nvrtcCreateProgram", create_program, path_);
  look_up_or_throw(handle_, "nvrtcDestroyProgram", destroy_program, path_);
  look_up_or_throw(handle_, "nvrtcCompileProgram", compile_program, path_);
  look_up_or_throw(handle_, "nvrtcGetProgramLogSize", get_program_log_size, path_);
  look_up_or_throw(handle_, "nvrtcGetProgramLog", get_program_log, path_);
  look_up_or_throw(handle_, "nvrtcGetCUBINSize", get_cubin_size, path_);
  look_up_or_throw(handle_, "nvrtcGetCUBIN", get_cubin, path_);
  // A library without these still compiles; it only answers less well to an unknown SM.
  look_up(handle_, "nvrtcGetNumSupportedArchs", get_num_supported_archs_);
  look_up(handle_, "nvrtcGetSupportedArchs", get_supported_archs_);
}

void NvrtcLibrary::ask_version() {
  if (const nvrtcResult status = get_version_(&version_.major, &version_.minor); status != NVRTC_SUCCESS)
    throw Error(ErrorCode::Unsupported,
                fmt::format("'{}' does not tell its version: {}", path_, get_error_string(status)));
  if (version_ < kOldest)
    throw Error(ErrorCode::Unsupported,
                fmt::format("'{}' is NVRTC {}; {} or newer is needed. Name another in NSAJIT_NVRTC.", path_,
                            to_string(version_), to_string(kOldest)));
  int count = 0;
  if (!get_num_supported_archs_ || !get_supported_archs_ || get_num_supported_archs_(&count) != NVRTC_SUCCESS) return;
  supported_archs_.resize(static_cast<std::size_t>(count));
  if (get_supported_archs_(supported_archs_.data()) != NVRTC_SUCCESS) supported_archs_.clear();
}

}  // namespace nsajit::codegen
