#pragma once
// From the logits of a CTA's compressed keys to the blocks that a decode step attends to: probabilities summed over the
// heads (Eq. 8 and 10), scores of blocks (Eq. 9), the best of the CTA's, and the best of the cluster's.
//
// Fields: group, l, d, l_sel, n_sel, cluster.

#include "decode/decode_shared.cuh"
#include "scoring/block_rule.cuh"

namespace nsajit::decode {

// The compressed keys that a CTA has logits of, and the blocks that are its own.
template <class Fields>
struct CtaKeys {
  using Shared = DecodeShared<Fields>;
  int seen;   // by the position, of all
  int chunk;  // of a CTA
  int first;  // of this one
  int own;
  int local;           // block of the position
  int candidates_end;  // blocks 1 .. this - 1 are chosen by their scores
  int tail;            // of the n blocks, those at the end that are always in
  int wanted;          // of the candidates

  // length: of the sequence.
  __device__ __forceinline__ CtaKeys(int length, int n, int rank) {
    seen = length < Fields::l ? 0 : (length - Fields::l) / Fields::d + 1;
    const scoring::BlockRule rule{length == 0 ? 0 : (length - 1) / Fields::l_sel};
    local = rule.local;
    candidates_end = rule.candidates_end();
    tail = rule.tail(n);
    wanted = max(rule.wanted(n), 0);
    chunk = Shared::chunk(max(seen, candidates_end * Shared::kBlockKeys));
    first = rank * chunk;
    own = max(0, min(chunk, seen - first));
  }

  // Logits of a key lie at place(key) of each head's row.
  __device__ __forceinline__ int place(int key) const { return Shared::kHalo + key - first; }
};

template <class Fields>
class BlockScores {
 public:
  using Shared = DecodeShared<Fields>;
  using Keys = CtaKeys<Fields>;
  using Best = typename Shared::Best;

  Keys keys;
  float* logits;  // [head][pitch]
  int pitch;
  int rank;
  bool spilled;  // logits of all CTAs lie behind each other in the workspace: they do not fit shared memory

  // From a warp's scores of a tile: `key` is this lane's first one, `count` the real ones from it on. The CTAs behind get
  // those that reach into their blocks.
  template <int kTiles>
  __device__ __forceinline__ void store(const float (&s)[kTiles][4], int key, int count, int head) const {
#pragma unroll
    for (int tile = 0; tile < kTiles; ++tile) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        if (head + 8 * half >= Fields::group) continue;
        float* const row = logits + (head + 8 * half) * pitch;
        const int at = key + tile * 8;
        *reinterpret_cast<float2*>(row + keys.place(at)) = make_float2(s[tile][2 * half], s[tile][2 * half + 1]);
        if constexpr (Shared::kCtas > 1 && Shared::kBefore > 0) {
#pragma unroll
          for (int j = 0; j < 2; ++j)
            if (tile * 8 + j < count) push_ahead(row, at + j, s[tile][2 * half + j]);
        }
      }
    }
  }

  // log2 of the softmax sums of all heads from those of the CTAs; every warp takes some.
  __device__ __forceinline__ void find_lse(float scale2, int warp, int lane) const {
    constexpr int kLanes = Shared::kCtas;  // of a head
    constexpr int kTogether = 32 / kLanes;
    const int source = lane % kLanes;
    for (int base = warp * kTogether; base < Shared::kHeads; base += Shared::kWarps * kTogether) {
      const int head = base + lane / kLanes;
      const float2 part = head < Shared::kHeads ? Shared::sums(0, source)[head] : make_float2(negative_infinity(), 0.0f);
      const float top = reduce_max<1, kLanes / 2>(part.x);
      const float sum = reduce_sum<1, kLanes / 2>(part.y > 0.0f ? part.y * exp2_fast((part.x - top) * scale2) : 0.0f);
      if (source == 0 && head < Shared::kHeads) Shared::template at<float>(Shared::kLse)[head] = top * scale2 + log2f(sum);
    }
  }

  // Probabilities summed over the heads, in the place of the first head's logits. In the workspace four keys at a time: fewer
  // loads wait for each other.
  __device__ __forceinline__ void sum_heads(float scale2, int thread) const {
    float lse[Fields::group];
#pragma unroll
    for (int head = 0; head < Fields::group; ++head) lse[head] = Shared::template at<float>(Shared::kLse)[head];
    const int halo = max(0, keys.first - Shared::kBefore);
    const int end = min(keys.first + keys.chunk, keys.seen);
    int key = halo + thread;
    if (spilled) {
      for (int four = keys.first + 4 * thread; four < end; four += 4 * Shared::kThreads) sum_four(scale2, lse, four);
      if (key >= keys.first) return;
    }
    for (; key < (spilled ? min(keys.first, end) : end); key += Shared::kThreads) {
      float* const row = logits + keys.place(key);
      float sum = 0.0f;
#pragma unroll
      for (int head = 0; head < Fields::group; ++head) sum += exp2_fast(fmaf(row[head * pitch], scale2, -lse[head]));
      *row = sum;
    }
  }

  // One of the warps that offer: the best of its share of the CTA's blocks, told to all CTAs.
  __device__ __forceinline__ void offer(int warp, int lane) const {
    const int blocks = keys.chunk / Shared::kBlockKeys;
    const int share = round_up(ceil_div(blocks, Shared::kOffering), 32);
    const int first = keys.first / Shared::kBlockKeys + warp * share;
    const int begin = max(1, first);
    const int end = min(keys.candidates_end, keys.first / Shared::kBlockKeys + min(blocks, (warp + 1) * share));
    const int source = rank * Shared::kOffering + warp;
    int count = 0;
    if constexpr (Fields::n_sel <= WarpBest::kMost) {
      int* const scratch = Shared::template at<int>(Shared::kWarpBest + warp * WarpBest::kBytes);
      WarpBest best(scratch, keys.wanted, lane);
#pragma unroll 1
      for (int base = begin; keys.wanted > 0 && base < end; base += 32) best.add(bits_of(base + lane, end), base + lane);
      count = best.count();
      if (lane < count) push_candidate(source * Fields::n_sel + lane, best.bits(), best.block());
    } else {
      const Best best = own_best();
      int2 state = Best::none();
      for (int base = begin; keys.wanted > 0 && base < end; base += 32) {
        const int bits = bits_of(base + lane, end);
        const uint32 mask = __ballot_sync(kAllLanes, bits > state.y);
        if (mask != 0) best.keep(state, bits, base + lane, mask, keys.wanted, lane);
        __syncwarp();
      }
      if (state.x > keys.wanted) best.keep_best(keys.wanted, state, lane);
      count = state.x;
      for (int nth = lane; nth < count; nth += 32)
        push_candidate(source * Fields::n_sel + nth, best.scores[nth], best.blocks[nth]);
    }
    if (lane < Shared::kCtas) Shared::push(Shared::template at<float>(Shared::kCounts) + source, lane, __int_as_float(count));
  }

  // The same warp: the best of what all CTAs offered, with the blocks that are always in. Says how many there are.
  __device__ __forceinline__ int choose(int length, int lane) const {
    const int middle = merge_candidates(lane);
    const Best best = own_best();
    const int count = length == 0 ? 0 : 1 + middle + keys.tail;
    int* const chosen = Shared::template at<int>(Shared::kChosen);
    for (int i = lane; i < count; i += 32)
      chosen[i] = i == 0 ? 0 : i <= middle ? best.blocks[i - 1] : keys.local - (count - 1 - i);
    return count;
  }

 private:
  // Candidates lie in rising order, in as many places as there could be. Says how many are kept.
  __device__ __forceinline__ int merge_candidates(int lane) const {
    constexpr int kPlaces = Shared::kSources * Fields::n_sel;
    constexpr int kSlots = ceil_div(kPlaces, 32);
    const Best best = own_best();
    if constexpr (kSlots <= 8) {  // all of them in registers
      uint32 bits[kSlots];
      int block[kSlots];
#pragma unroll
      for (int slot = 0; slot < kSlots; ++slot) {
        const int2 candidate = candidate_at(slot * 32 + lane);
        bits[slot] = candidate.x + 1;
        block[slot] = candidate.y;
      }
      int all = 0;
      for (int source = lane; source < Shared::kSources; source += 32) all += Shared::template at<int>(Shared::kCounts)[source];
      all = __reduce_add_sync(kAllLanes, all);
      best.store_best(bits, block, all, keys.wanted, lane);
      return min(all, keys.wanted);
    } else {
      int2 state = Best::none();
      for (int base = 0; base < kPlaces; base += 32) {
        const int2 candidate = candidate_at(base + lane);
        const uint32 mask = __ballot_sync(kAllLanes, candidate.x > state.y);
        if (mask != 0) best.keep(state, candidate.x, candidate.y, mask, keys.wanted, lane);
        __syncwarp();
      }
      if (state.x > keys.wanted) best.keep_best(keys.wanted, state, lane);
      return state.x;
    }
  }

  // Bits of the score, and the block; -1: none is there.
  __device__ __forceinline__ int2 candidate_at(int place) const {
    const int source = place / Fields::n_sel;
    const bool there = source < Shared::kSources && place % Fields::n_sel < Shared::template at<int>(Shared::kCounts)[source];
    return there ? Shared::template at<int2>(Shared::kCandidates)[place] : make_int2(-1, 0);
  }

  __device__ __forceinline__ Best own_best() const {
    int* const room = Shared::template at<int>(Shared::kBest);
    return {room, room + Best::kRoom};
  }

  // To all CTAs.
  __device__ __forceinline__ void push_candidate(int place, int bits, int block) const {
    float* const own = Shared::template at<float>(Shared::kCandidates) + 2 * place;
#pragma unroll
    for (int to = 0; to < Shared::kCtas; ++to) Shared::push_2(own, to, __int_as_float(bits), __int_as_float(block));
  }

  // Of the score of a block before `end`; -1: there is none.
  __device__ __forceinline__ int bits_of(int block, int end) const {
    return block < end ? __float_as_int(score(block)) & 0x7fffffff : -1;
  }

  __device__ __forceinline__ void sum_four(float scale2, const float (&lse)[Fields::group], int key) const {
    float* const row = logits + keys.place(key);
    float4 sum = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
#pragma unroll
    for (int head = 0; head < Fields::group; ++head) {
      const float4 four = *reinterpret_cast<const float4*>(row + head * pitch);
      sum.x += exp2_fast(fmaf(four.x, scale2, -lse[head]));
      sum.y += exp2_fast(fmaf(four.y, scale2, -lse[head]));
      sum.z += exp2_fast(fmaf(four.z, scale2, -lse[head]));
      sum.w += exp2_fast(fmaf(four.w, scale2, -lse[head]));
    }
    *reinterpret_cast<float4*>(row) = sum;
  }

  __device__ __forceinline__ void push_ahead(float* row, int key, float logit) const {
    for (int to = rank + 1; to < Shared::kCtas && to * keys.chunk - Shared::kBefore <= key; ++to) {
      float* const own = row + keys.place(key) - (to - rank) * keys.chunk;
      if (spilled) {
        own[(to - rank) * Fields::group * pitch] = logit;
      } else {
        Shared::push(own, to, logit);
      }
    }
  }

  // The terms in the order in which scoring adds them.
  __device__ __forceinline__ float score(int block) const {
    const float* const own = logits + keys.place(block * Shared::kBlockKeys);
    float total = 0.0f;
#pragma unroll(Shared::kBefore + Shared::kBlockKeys <= 20 ? Shared::kBefore + Shared::kBlockKeys : 4)
    for (int o = -Shared::kBefore; o < Shared::kBlockKeys; ++o) {
      const int key = block * Shared::kBlockKeys + o;
      if (key < 0 || key >= keys.seen) continue;
      const int begin = o * Fields::d;  // relative to the block
      const int overlap = min(begin + Fields::l, Fields::l_sel) - max(begin, 0);
      total = fmaf(static_cast<float>(overlap) / static_cast<float>(Fields::l), own[o], total);
    }
    return total;
  }
};

}  // namespace nsajit::decode
