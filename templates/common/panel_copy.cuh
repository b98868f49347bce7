#pragma once
// Copies rows of K or V into the swizzled panels of wgmma.cuh.

#include "common/async_copy.cuh"
#include "common/wgmma.cuh"

namespace nsajit {

// kRows rows of kWidth 16-bit elements, `stride` bytes apart, by 128 threads; rows from `count` on become zero and are not
// read. The destination is kWidth / 64 panels of kRows rows.
template <int kWidth, int kRows>
__device__ __forceinline__ void copy_panels(const char* source, int64 stride, int count, uint32 destination, int thread) {
  const int row = thread / 8;
  const int chunk = thread % 8;
  source += row * stride + chunk * 16;
  destination += panel_offset(row, chunk);
#pragma unroll
  for (int down = 0; down < kRows; down += 16) {
    const int bytes = down + row < count ? 16 : 0;
#pragma unroll
    for (int panel = 0; panel < kWidth / kPanelWidth; ++panel) {
      copy_16_async<CopyPath::kL2Only>(destination + panel * kRows * kPanelRowBytes + down * kPanelRowBytes,
                                       source + panel * kPanelRowBytes, bytes);
    }
    source += 16 * stride;
  }
}

}  // namespace nsajit
