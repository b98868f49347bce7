#pragma once
// HeadsAsLanes: one warp attends in fp32 on the plain arithmetic units, which keep all 24 bits; matrix units would
// round to tf32. Every lane works for all heads of the warp, so each loaded key or value serves all of them:
// scores with one key a lane (lanes that share a key take parts of dk), O with four columns of dv a lane (lanes that
// share columns take parts of the keys). Q and the tile's probabilities are broadcast from the warp's scratch. What is a head
// here may be any row of Q, as long as they all read the same tiles.
//
// Fields: dk, dv, heads (1..8), keys (8, 16 or 32).

#include "common/async_copy.cuh"
#include "common/shared.cuh"
#include "common/warp.cuh"

namespace nsajit {

template <class Fields>
class HeadsAsLanes {
 public:
  using Element = float;
  static constexpr int kHeads = Fields::heads;
  static constexpr int kKeys = Fields::keys;
  static constexpr int kScoreParts = 32 / kKeys;
  static constexpr int kColumns = Fields::dv / 4;                 // of four elements
  static constexpr int kLaneColumns = ceil_div(kColumns, 32);
  static constexpr int kValueParts = smaller(larger(32 / kColumns, 1), kKeys / 4);
  static constexpr int kScratchBytes = kHeads * (Fields::dk + kKeys) * 4;

  // Requires: kScratchBytes of this warp's own, 16-byte aligned. Comes before anything else.
  __device__ __forceinline__ void set_scratch(char* scratch) {
    q_ = smem_address(scratch);
    p_ = q_ + kHeads * Fields::dk * 4;
#pragma unroll
    for (int head = 0; head < kHeads; ++head) {
      max_[head] = negative_infinity();
      sum_[head] = 0.0f;
    }
  }

  // q: first head of this warp; heads beyond `heads` count as zero.
  __device__ __forceinline__ void load_query(const float* q, int64 head_stride, int heads, int lane) {
    load_queries(lane, [&](int head) { return head < heads ? q + head * head_stride : nullptr; });
  }

  // source(head): where its query lies; null: it counts as zero.
  template <class Source>
  __device__ __forceinline__ void load_queries(int lane, Source&& source) {
    constexpr int kChunks = Fields::dk / 4;
    for (int i = lane; i < kHeads * kChunks; i += 32) {
      const float* const q = source(i / kChunks);
      store_shared_4(q_ + i * 16, q != nullptr ? *reinterpret_cast<const float4*>(q + i % kChunks * 4)
                                               : make_float4(0.0f, 0.0f, 0.0f, 0.0f));
    }
    __syncwarp();
  }

  // One tile of kKeys keys in shared memory, of which the first `count` are real. scale: of base 2.
  template <int kKRow, int kVRow>
  __device__ __forceinline__ void attend(uint32 k_tile, uint32 v_tile, int count, float scale, int lane) {
    attend_masked<kKRow, kVRow>(k_tile, v_tile, scale, lane, [&](float (&s)[kHeads]) {
      if (lane % kKeys < count) return;
#pragma unroll
      for (int head = 0; head < kHeads; ++head) s[head] = negative_infinity();
    });
  }

  // The same with bounds for each head: lane `head` has those of it, keys [first, last). `masked`: some bound cuts.
  template <int kKRow, int kVRow>
  __device__ __forceinline__ void attend_bounded(uint32 k_tile, uint32 v_tile, int first, int last, bool masked, float scale,
                                                 int lane) {
    attend_masked<kKRow, kVRow>(k_tile, v_tile, scale, lane, [&](float (&s)[kHeads]) {
      if (!masked) return;
      const int key = lane % kKeys;
#pragma unroll
      for (int head = 0; head < kHeads; ++head) {
        const int begin = __shfl_sync(kAllLanes, first, head);
        const int end = __shfl_sync(kAllLanes, last, head);
        s[head] = key >= begin && key < end ? s[head] : negative_infinity();
      }
    });
  }

  // Normalises the results of a head; log2 of the softmax sum. Lanes that share columns then have the same.
  __device__ __forceinline__ float finish_head(int head, float scale) {
    const float sum = reduce_sum<1, kKeys / 2>(sum_[head]);
    const float inverse = sum > 0.0f ? 1.0f / sum : 0.0f;
    const int lane = threadIdx.x % 32;
#pragma unroll
    for (int column = 0; column < kLaneColumns; ++column) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        float all = o_[head][column][i];
        if constexpr (kValueParts > 1) {
          const float part = all;
          all = 0.0f;
#pragma unroll
          for (int turn = 0; turn < kValueParts; ++turn) all += __shfl_sync(kAllLanes, part, lane % kColumns + turn * kColumns);
        }
        o_[head][column][i] = all * inverse;
      }
    }
    return sum > 0.0f ? max_[head] * scale + log2f(sum) : negative_infinity();
  }

  // Stores what finish_head has made to `out`, which is 16-byte aligned.
  __device__ __forceinline__ void store_head(int head, float* out, int lane) const {
#pragma unroll
    for (int column = 0; column < kLaneColumns; ++column) {
      const float (&own)[4] = o_[head][column];
      if (lane + 32 * column < kColumns)
        *reinterpret_cast<float4*>(out + (lane + 32 * column) * 4) = make_float4(own[0], own[1], own[2], own[3]);
    }
  }

  // Partial result of this warp's keys: o[head][kORow] not normalised, row maxima (unscaled) and sums.
  template <int kORow>
  __device__ __forceinline__ void store_partial(float* o, float* maxima, float* sums, int lane) {
#pragma unroll
    for (int head = 0; head < kHeads; ++head) {
      const float sum = reduce_sum<1, kKeys / 2>(sum_[head]);
      if (lane == 0) {
        maxima[head] = max_[head];
        sums[head] = sum;
      }
    }
    const int part = lane / kColumns;
    for (int turn = 0; turn < kValueParts; ++turn) {
      if (part == turn || kColumns >= 32) store_columns<kORow>(o, lane, turn);
      __syncwarp();
    }
  }

 private:
  // mask(scores): those of keys that are not seen become -inf.
  template <int kKRow, int kVRow, class Mask>
  __device__ __forceinline__ void attend_masked(uint32 k_tile, uint32 v_tile, float scale, int lane, Mask&& mask) {
    float s[kHeads] = {};
    add_scores<kKRow>(s, k_tile, lane);
    mask(s);
    update_softmax(s, scale, lane);
    __syncwarp();  // probabilities are there for all lanes
    add_values<kVRow>(v_tile, lane);
    __syncwarp();  // and may be overwritten
  }

  template <int kKRow>
  __device__ __forceinline__ void add_scores(float (&s)[kHeads], uint32 k_tile, int lane) const {
    const uint32 part = lane / kKeys * 16;
    const uint32 k_lane = k_tile + lane % kKeys * kKRow + part;
#pragma unroll 4
    for (int step = 0; step < Fields::dk / 4 / kScoreParts; ++step) {
      const float4 k = load_shared_4(k_lane + step * kScoreParts * 16);
#pragma unroll
      for (int head = 0; head < kHeads; ++head) {
        const float4 q = load_shared_4(q_ + head * Fields::dk * 4 + part + step * kScoreParts * 16);
        s[head] = fmaf(q.x, k.x, s[head]);
        s[head] = fmaf(q.y, k.y, s[head]);
        s[head] = fmaf(q.z, k.z, s[head]);
        s[head] = fmaf(q.w, k.w, s[head]);
      }
    }
#pragma unroll
    for (int head = 0; head < kHeads; ++head) s[head] = reduce_sum<kKeys, 16>(s[head]);
  }

  // Scores become probabilities relative to the running maximum; O and the sums follow a new maximum. All lanes
  // hold the same maxima, so the branch does not diverge.
  __device__ __forceinline__ void update_softmax(const float (&s)[kHeads], float scale, int lane) {
#pragma unroll
    for (int head = 0; head < kHeads; ++head) {
      const float new_max = fmaxf(max_[head], reduce_max<1, kKeys / 2>(s[head]));
      if (new_max > max_[head]) {
        const float shrink = exp2_fast((max_[head] - new_max) * scale);
        sum_[head] *= shrink;
#pragma unroll
        for (int column = 0; column < kLaneColumns; ++column) {
#pragma unroll
          for (int i = 0; i < 4; ++i) o_[head][column][i] *= shrink;
        }
        max_[head] = new_max;
      }
      const float base = new_max > negative_infinity() ? new_max : 0.0f;  // nothing seen yet: all terms are 0
      const float p = exp2_fast((s[head] - base) * scale);
      sum_[head] += p;
      if (lane < kKeys) store_shared(p_ + (head * kKeys + lane) * 4, p);
    }
  }

  // Four keys at a time. Lanes beyond the columns repeat some other lane's work and store nothing.
  template <int kVRow>
  __device__ __forceinline__ void add_values(uint32 v_tile, int lane) {
    const int part = lane / kColumns % kValueParts;
#pragma unroll
    for (int block = 0; block < kKeys / 4 / kValueParts; ++block) {
      const int key = (block * kValueParts + part) * 4;
      float4 v[4][kLaneColumns];
#pragma unroll
      for (int i = 0; i < 4; ++i) {
#pragma unroll
        for (int column = 0; column < kLaneColumns; ++column) {
          v[i][column] = load_shared_4(v_tile + (key + i) * kVRow + lane_column(lane, column) * 16);
        }
      }
#pragma unroll
      for (int head = 0; head < kHeads; ++head) {
        const float4 p = load_shared_4(p_ + (head * kKeys + key) * 4);
        const float weights[4] = {p.x, p.y, p.z, p.w};
#pragma unroll
        for (int i = 0; i < 4; ++i) {
#pragma unroll
          for (int column = 0; column < kLaneColumns; ++column) {
            float (&o)[4] = o_[head][column];
            o[0] = fmaf(weights[i], v[i][column].x, o[0]);
            o[1] = fmaf(weights[i], v[i][column].y, o[1]);
            o[2] = fmaf(weights[i], v[i][column].z, o[2]);
            o[3] = fmaf(weights[i], v[i][column].w, o[3]);
          }
        }
      }
    }
  }

  static __device__ __forceinline__ int lane_column(int lane, int column) {
    return kColumns < 32 ? lane % kColumns : min(lane + 32 * column, kColumns - 1);
  }

  // The first of the lanes that share columns stores, the others add.
  template <int kORow>
  __device__ __forceinline__ void store_columns(float* o, int lane, int turn) const {
#pragma unroll
    for (int column = 0; column < kLaneColumns; ++column) {
      if (kColumns >= 32 && lane + 32 * column >= kColumns) continue;
#pragma unroll
      for (int head = 0; head < kHeads; ++head) {
        float4* const to = reinterpret_cast<float4*>(o + head * kORow + lane_column(lane, column) * 4);
        const float4 before = turn == 0 ? make_float4(0.0f, 0.0f, 0.0f, 0.0f) : *to;
        const float (&own)[4] = o_[head][column];
        *to = make_float4(before.x + own[0], before.y + own[1], before.z + own[2], before.w + own[3]);
      }
    }
  }

  uint32 q_ = 0;       // [kHeads][dk] in shared memory
  uint32 p_ = 0;       // [kHeads][kKeys]
  float o_[kHeads][kLaneColumns][4] = {};
  float max_[kHeads];
  float sum_[kHeads];  // of this lane's keys
};

}  // namespace nsajit
