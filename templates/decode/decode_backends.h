#pragma once
// The decode step, by backend.

#include "templates/common/backend_op.h"

namespace nsajit::templates::decode {

extern const BackendFunctions kCpuFunctions;
// One kernel for every SM (decode_single), and the same spread over clusters of CTAs from SM 90 on (decode_cluster).
extern const BackendFunctions kCudaFunctions;

}  // namespace nsajit::templates::decode
