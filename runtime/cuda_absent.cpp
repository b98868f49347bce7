// The CUDA backend of a build without CUDA headers: there is none, and this says why.

#include "nsajit/error.h"
#include "runtime/cuda_device.h"

namespace nsajit::runtime {
namespace {

constexpr const char* kReason =
    "this build has no CUDA backend: the CUDA headers were not found (or NSAJIT_CUDA=OFF) when it was configured";

}  // namespace

CudaList list_cuda(const Environment&) { return {.absent_reason = kReason}; }

std::unique_ptr<Device> make_cuda_device(int, const Environment&) { throw Error(ErrorCode::Driver, kReason); }

}  // namespace nsajit::runtime
