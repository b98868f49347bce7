#pragma once
// CudaDriver: the functions of libcuda that nsajit calls, opened at run time. The door to the driver; its types
// stay in this folder's cuda_* files. Immutable after open(): safe to share between threads.

#include <cuda.h>

#include <memory>
#include <string>
#include <string_view>

#include "runtime/shared_library.h"

namespace nsajit { struct Environment; }

namespace nsajit::runtime {

// Symbols by the name they have inside libcuda. cuda.h maps plain names to versioned ones by macros, which is
// why the versioned ones are spelled out.
#define NSAJIT_CUDA_FUNCTIONS(X)                                                                              \
  X(cuInit) X(cuDriverGetVersion) X(cuGetErrorName) X(cuGetErrorString)                                       \
  X(cuDeviceGetCount) X(cuDeviceGet) X(cuDeviceGetName) X(cuDeviceGetAttribute) X(cuDeviceTotalMem_v2)        \
  X(cuDeviceGetPCIBusId) X(cuDevicePrimaryCtxRetain) X(cuDevicePrimaryCtxRelease_v2) X(cuCtxSetCurrent)       \
  X(cuCtxGetCurrent)                                                                                          \
  X(cuCtxSynchronize) X(cuMemAlloc_v2) X(cuMemFree_v2) X(cuMemGetInfo_v2) X(cuMemcpyHtoD_v2)                  \
  X(cuMemcpyDtoH_v2) X(cuMemsetD8_v2) X(cuMemsetD8Async) X(cuModuleLoadDataEx) X(cuModuleUnload)              \
  X(cuModuleGetFunction) X(cuFuncSetAttribute) X(cuFuncGetAttribute) X(cuLaunchKernel) X(cuEventCreate)       \
  X(cuEventRecord) X(cuEventSynchronize) X(cuEventDestroy_v2) X(cuStreamCreate) X(cuStreamDestroy_v2)         \
  X(cuStreamWaitEvent) X(cuStreamSynchronize) X(cuStreamIsCapturing) X(cuStreamBeginCapture_v2)               \
  X(cuStreamEndCapture) X(cuGraphLaunch) X(cuGraphDestroy) X(cuGraphExecDestroy)

class CudaDriver {
 public:
  // Opens NSAJIT_LIBCUDA or libcuda.so.1 and calls cuInit. Throws Error{Driver} saying what was looked for,
  // what it answered and what to do; the toolkit's stub counts as no driver.
  static std::shared_ptr<const CudaDriver> open(const Environment& environment);

#define NSAJIT_DECLARE(name) decltype(&::name) name = nullptr;
  NSAJIT_CUDA_FUNCTIONS(NSAJIT_DECLARE)
#undef NSAJIT_DECLARE
  // Newer headers rename it to a _v2 that older drivers lack; the signature is the same.
  CUresult (*cuEventElapsedTime)(float*, CUevent, CUevent) = nullptr;
  // Since CUDA 12.4; nullptr before.
  CUresult (*cuFuncGetParamInfo)(CUfunction, std::size_t, std::size_t*, std::size_t*) = nullptr;
  // Since CUDA 11.8; nullptr before.
  CUresult (*cuLaunchKernelEx)(const CUlaunchConfig*, CUfunction, void**, void**) = nullptr;
  // Since CUDA 11.4; nullptr before.
  CUresult (*cuGraphInstantiateWithFlags)(CUgraphExec*, CUgraph, unsigned long long) = nullptr;

  // "CUDA_ERROR_ILLEGAL_ADDRESS (an illegal memory access was encountered)": names verbatim, they are
  // classified on.
  std::string message(CUresult status) const;
  // Throws Error{Driver} "<attempt>: <message>" unless `status` is success.
  void check(CUresult status, std::string_view attempt) const {
    if (status != CUDA_SUCCESS) fail(status, attempt);
  }

  int version() const { return version_; }   // 13000 = CUDA 13.0

 private:
  explicit CudaDriver(const std::string& path) : library_(path) {}
  [[noreturn]] void fail(CUresult status, std::string_view attempt) const;
  void find_functions();
  void initialize();

  SharedLibrary library_;
  int version_ = 0;
};

// "13.0" of 13000.
std::string cuda_version_text(int version);

}  // namespace nsajit::runtime
