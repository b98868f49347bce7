// CUDA compiler of a build that found no CUDA headers, or was told to leave CUDA out.

#include "codegen/cuda_compiler.h"
#include "nsajit/error.h"

namespace nsajit::codegen {

std::unique_ptr<Compiler> make_cuda_compiler(const Environment&) {
  throw Error(ErrorCode::Unsupported,
              "cannot compile for CUDA: nsajit was built without CUDA's headers (cuda.h, nvrtc.h). Install them "
              "(packages cuda-cudart-dev and "
              "cuda-nvrtc-dev, or a CUDA toolkit in /usr/local/cuda), configure again with NSAJIT_CUDA=ON and rebuild; "
              "the CPU backend works as it is.");
}

}  // namespace nsajit::codegen
