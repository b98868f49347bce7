#pragma once
// Mean pooling, by backend. The baseline sums l tokens for each compressed one, as
// an average pooling does that knows nothing of its overlapping windows.

#include "templates/common/backend_op.h"

namespace nsajit::templates::pooling {

inline constexpr const char* kPoolChunks = "pool_chunks";  // sums of d tokens are kept, l/d of them make a token
inline constexpr const char* kPoolTokens = "pool_tokens";  // l tokens are summed for each

extern const BackendFunctions kCudaFunctions;
extern const BackendFunctions kCpuFunctions;

}  // namespace nsajit::templates::pooling
