#pragma once
// WarpgroupAttention (SM 90a): attention of the 64 rows of one warpgroup over tiles of kTile keys in shared memory, with
// a running softmax. Matrix products are asynchronous: the caller starts the scores of the next tile, then O += P V of
// this one, and works on the next tile's softmax while the second product runs.
//
// K, V and Q lie in panels (wgmma.cuh). A lane holds rows lane / 4 and lane / 4 + 8 of its warp's 16, and of them columns
// 8 i + 2 (lane % 4) + {0, 1}.
//
// Fields: element, dk, dv, tile (multiples of 64), q_registers (1: Q is kept in registers, which halves the traffic of
// shared memory in the first product and takes dk / 4 registers).

#include "common/async_copy.cuh"
#include "common/fragment_rows.cuh"
#include "common/ldmatrix.cuh"
#include "common/warp.cuh"
#include "common/wgmma.cuh"

namespace nsajit {

// Threads and registers of a CTA of kWarpgroups that compute and one that copies for them, which leaves them most of its share.
// The host counts the same: warpgroup_launch.h.
template <int kWarpgroups, int kBlocksPerSm>
struct WarpgroupCta {
  static constexpr int kThreads = 128 * (kWarpgroups + 1);
  static constexpr int kRegisters = 65536 / (kThreads * kBlocksPerSm) / 8 * 8 * (kWarpgroups + 1);
  static constexpr int kProducerRegisters = kWarpgroups < 3 ? 40 : 32;
  static constexpr int kConsumerRegisters = smaller((kRegisters - kProducerRegisters) / kWarpgroups / 8 * 8, 240);
};

template <class Fields>
class WarpgroupAttention {
 public:
  using Element = typename Fields::element;
  static constexpr int kTile = Fields::tile;
  static constexpr int kRows = 64;
  static constexpr int kPanel = kTile * kPanelRowBytes;
  static constexpr int kKBytes = Fields::dk / kPanelWidth * kPanel;
  static constexpr int kVBytes = Fields::dv / kPanelWidth * kPanel;
  static constexpr int kQueryPanel = kRows * kPanelRowBytes;
  static constexpr int kQueryBytes = Fields::dk / kPanelWidth * kQueryPanel;
  static constexpr float kSlack = 8.0f;  // probabilities up to 2^8: exact in every storage type's range
  using Scores = float[kTile / 8][4];

  struct QueryRow {
    const Element* q;
    bool real;  // else zeros, and q is not read
  };

  // Starts to copy the 64 rows of Q, find(row) each, into this warpgroup's panels by its 128 threads.
  template <class Find>
  static __device__ __forceinline__ void copy_queries(uint32 destination, int thread, Find&& find) {
    constexpr int kChunks = Fields::dk / 8;
    for (int i = thread; i < kRows * kChunks; i += 128) {
      const int row = i / kChunks;
      const int chunk = i % kChunks;
      const QueryRow from = find(row);
      copy_16_async<CopyPath::kL2Only>(destination + chunk / 8 * kQueryPanel + panel_offset(row, chunk % 8), from.q + chunk * 8,
                                       from.real ? 16 : 0);
    }
    commit_copies();
  }

  // `queries`: this warpgroup's panels, written and published by all of its threads.
  __device__ __forceinline__ void load_query(uint32 queries, int thread) {
    queries_ = uniform_descriptor(queries);
    if constexpr (Fields::q_registers) {
      const int row = thread / 32 * 16 + thread % 16;
#pragma unroll
      for (int step = 0; step < Fields::dk / 16; ++step) {
        ldmatrix_x4(q_[step], queries + step / 4 * kQueryPanel + panel_offset(row, step % 4 * 2 + thread % 32 / 16));
      }
    }
  }

  // Starts s = Q K^T; one group. `keys`: uniform_descriptor of the tile's K.
  __device__ __forceinline__ void start_scores(Scores& s, unsigned long long keys) {
    wgmma_fence();
#pragma unroll
    for (int step = 0; step < Fields::dk / 16; ++step) {
      const uint32 inside = step % 4 * 32;
#pragma unroll
      for (int key = 0; key < kTile; key += 64) {
        const unsigned long long b = panel_step(keys, step / 4 * kPanel + key * kPanelRowBytes + inside);
        if constexpr (Fields::q_registers) {
          wgmma_registers_rows(Element{}, s + key / 8, q_[step], b, step > 0);
        } else {
          wgmma_shared(Element{}, s + key / 8, panel_step(queries_, step / 4 * kQueryPanel + inside), b, step > 0);
        }
      }
    }
    wgmma_commit();
  }

  // Starts O += P V; one group. `values`: uniform_descriptor of the tile's V.
  __device__ __forceinline__ void start_output(unsigned long long values) {
    wgmma_fence();
#pragma unroll
    for (int step = 0; step < kTile / 16; ++step) {
#pragma unroll
      for (int panel = 0; panel < Fields::dv / kPanelWidth; ++panel) {
        wgmma_registers(Element{}, o_ + panel * 8, p_[step], panel_step(values, panel * kPanel + step * 16 * kPanelRowBytes));
      }
    }
    wgmma_commit();
  }

  // Scores become probabilities relative to the row's reference: a maximum it once had, at most 2^kSlack below the present
  // one, so that most tiles neither exchange maxima nor rescale O. `seen[half]`: the row takes part in this tile at all;
  // scores that it may not see are -inf already.
  __device__ __forceinline__ void soften(Scores& s, const bool (&seen)[2], float scale) {
    float tops[2][4];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
#pragma unroll
      for (int i = 0; i < kTile / 8; ++i) {
        const float top = fmaxf(s[i][2 * half], s[i][2 * half + 1]);
        tops[half][i % 4] = i < 4 ? top : fmaxf(tops[half][i % 4], top);
      }
      tops[half][0] = fmaxf(fmaxf(tops[half][0], tops[half][1]), fmaxf(tops[half][2], tops[half][3]));
    }
    const bool above[2] = {(tops[0][0] - reference_[0]) * scale > kSlack, (tops[1][0] - reference_[1]) * scale > kSlack};
    moved_ = __any_sync(kAllLanes, (above[0] & seen[0]) | (above[1] & seen[1]));
    if (__builtin_expect(moved_, false)) move_references(tops[0][0], tops[1][0], seen, scale);
    float offset[2];
#pragma unroll
    for (int half = 0; half < 2; ++half)
      offset[half] = seen[half] & (reference_[half] > negative_infinity()) ? -reference_[half] * scale : negative_infinity();
    float sums[2][2] = {};
#pragma unroll
    for (int i = 0; i < kTile / 8; ++i) {
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        s[i][j] = exp2_fast(fmaf(s[i][j], scale, offset[j / 2]));
        sums[j / 2][j % 2] += s[i][j];
      }
    }
#pragma unroll
    for (int half = 0; half < 2; ++half) sum_[half] += sums[half][0] + sums[half][1];
      // Computed here, not after the wait for the product that they are to run beside.
#pragma unroll
    for (int i = 0; i < kTile / 8; ++i) asm volatile("" : "+f"(s[i][0]), "+f"(s[i][1]), "+f"(s[i][2]), "+f"(s[i][3]));
  }

  // Waits for the product under way; O follows the reference. The wait stands in two branches, or the compiler would have it
  // before the exponentials that are to run beside the product.
  __device__ __forceinline__ void settle_output() {
    if (__builtin_expect(moved_, false)) {
      wgmma_wait<0>();
#pragma unroll
      for (int i = 0; i < Fields::dv / 8; ++i) {
#pragma unroll
        for (int j = 0; j < 4; ++j) o_[i][j] *= shrink_[j / 2];
      }
    } else {
      asm volatile("wgmma.wait_group.sync.aligned 0; // O stays" ::: "memory");
    }
  }

  // The probabilities become the next product's operand. No product may be under way.
  __device__ __forceinline__ void take_probabilities(const Scores& s) {
#pragma unroll
    for (int step = 0; step < kTile / 16; ++step) {
#pragma unroll
      for (int part = 0; part < 4; ++part) {
        p_[step][part] = pack2<Element>(s[2 * step + part / 2][2 * (part % 2)], s[2 * step + part / 2][2 * (part % 2) + 1]);
      }
    }
  }

  // Normalises row `half`; returns the natural log of its softmax sum, -inf where it saw no key. `scale`: of natural logits.
  __device__ __forceinline__ float finish_row(int half, float scale) {
    const float sum = normalise_row(half);
    return sum > 0.0f ? reference_[half] * scale + logf(sum) : negative_infinity();
  }

  // The same with the log of base 2; `scale` is that of base 2 too.
  __device__ __forceinline__ float finish_row_log2(int half, float scale) {
    const float sum = normalise_row(half);
    return sum > 0.0f ? reference_[half] * scale + log2f(sum) : negative_infinity();
  }

  // Of finished rows, to be changed before they are stored.
  __device__ __forceinline__ float (&output())[Fields::dv / 8][4] { return o_; }

  // As store_fragment_row.
  __device__ __forceinline__ void store_row(int half, Element* out, bool real, int lane) const {
    store_fragment_row(o_, half, out, real, lane);
  }

 private:
  // Returns the row's softmax sum.
  __device__ __forceinline__ float normalise_row(int half) {
    const float sum = reduce_sum<1, 2>(sum_[half]);
    scale_fragment_row(o_, half, sum > 0.0f ? reciprocal_fast(sum) : 0.0f);
    return sum;
  }

  // The four lanes of a row agree on its maximum. A row goes by its own scores alone, whoever else of the warp asked: its result
  // is the same to the bit whatever later rows see.
  __device__ __forceinline__ void move_references(float top0, float top1, const bool (&seen)[2], float scale) {
    const float tops[2] = {reduce_max<1, 2>(top0), reduce_max<1, 2>(top1)};
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const bool up = seen[half] && (tops[half] - reference_[half]) * scale > kSlack;
      shrink_[half] = up ? exp2_fast((reference_[half] - tops[half]) * scale) : 1.0f;
      if (up) reference_[half] = tops[half];
      sum_[half] *= shrink_[half];
    }
  }

  unsigned long long queries_ = 0;  // descriptor
  uint32 q_[Fields::q_registers ? Fields::dk / 16 : 1][4];
  uint32 p_[kTile / 16][4];
  float o_[Fields::dv / 8][4] = {};
  float reference_[2] = {negative_infinity(), negative_infinity()};
  float sum_[2] = {0.0f, 0.0f};
  float shrink_[2] = {1.0f, 1.0f};
  bool moved_ = false;
};

}  // namespace nsajit
