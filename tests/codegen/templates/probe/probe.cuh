#pragma once
// A small template for tests of the NVRTC path: fields, element type, static shared memory, a nested include.

#include "common/factor.cuh"
/* #include "not/followed.cuh" */
// #include "not/followed_either.cuh"

namespace nsajit {

template <class Fields>
__device__ void probe(const nsajit_selection_args& args, long long first_row) {
  __shared__ float tile[Fields::tile];
  constexpr int unused_here = Fields::dk;
  tile[threadIdx.x % Fields::tile] = factor() * static_cast<float>(sizeof(typename Fields::element));
  __syncthreads();
  args.lse[first_row + threadIdx.x] = tile[(threadIdx.x + 1) % Fields::tile];
}

template <class Fields>
__device__ void probe_clear(const nsajit_selection_args& args, long long first_row) {
  args.lse[first_row + threadIdx.x] = 0.0f;
}

}  // namespace nsajit
