#pragma once
// From the logits of a CTA's compressed keys to the blocks that a decode step attends to: probabilities summed over the
// heads (Eq. 8 and 10), scores of blocks (Eq. 9), the best of the CTA's, and the best of the cluster's.
//
// Fields: group, l, d, l_sel, n_sel, cluster, warps.

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
  int seen_blocks;     // that begin at or before the position
  int local;           // block of the position
  int candidates_end;  // blocks 1 .. this - 1 are chosen by their scores
  int tail;            // of the n blocks, those at the end that are always in
  int wanted;          // of the candidates

  // length: of the sequence.
  __device__ __forceinline__ CtaKeys(int length, int n, int rank) {
    seen = length < Fields::l ? 0 : (length - Fields::l) / Fields::d + 1;
    seen_blocks = ceil_div(length, Fields::l_sel);
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
  static constexpr int kCompared = 64;  // blocks of a CTA that are compared all with all

  Keys keys;
  float* logits;  // [head][pitch]
  int pitch;
  int rank;
  bool spilled;  // logits of all CTAs lie behind each other in the workspace: they do not fit shared memory
  float* sums;   // over the heads, of probabilities; at place(key). May be the first head's logits

  // From a warp's scores of a tile: `key` is this lane's first one.
  template <int kTiles>
  __device__ __forceinline__ void store(const float (&s)[kTiles][4], int key, int head) const {
#pragma unroll
    for (int tile = 0; tile < kTiles; ++tile) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        if (head + 8 * half >= Fields::group) continue;
        float* const at = logits + (head + 8 * half) * pitch + keys.place(key + tile * 8);
        *reinterpret_cast<float2*>(at) = make_float2(s[tile][2 * half], s[tile][2 * half + 1]);
      }
    }
  }

  // Once a CTA's are there: those that reach into blocks of the CTAs behind, to these.
  __device__ __forceinline__ void push_ahead(int thread) const {
    if constexpr (Shared::kCtas == 1 || Shared::kBefore == 0) return;
    const int end = keys.first + keys.own;
    for (int to = rank + 1; to < Shared::kCtas; ++to) {
      const int begin = max(keys.first, to * keys.chunk - Shared::kBefore);
      if (begin >= end) return;
      for (int i = thread; i < (end - begin) * Fields::group; i += Shared::kThreads) {
        const int place = keys.place(begin + i / Fields::group);
        float* const row = logits + i % Fields::group * pitch;
        float* const own = row + place - (to - rank) * keys.chunk;
        if (spilled) {
          own[(to - rank) * Fields::group * pitch] = row[place];
        } else {
          Shared::push(own, to, row[place]);
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

  // Probabilities summed over the heads. From the workspace four keys at a time: fewer loads wait for each other.
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
      const float* const row = logits + keys.place(key);
      float sum = 0.0f;
#pragma unroll
      for (int head = 0; head < Fields::group; ++head) sum += exp2_fast(fmaf(row[head * pitch], scale2, -lse[head]));
      sums[keys.place(key)] = sum;
    }
  }

  // So that all places hold something, before any CTA offers.
  __device__ __forceinline__ void clear_candidates(int thread) const {
    for (int place = thread; place < Shared::kPlaces; place += Shared::kThreads) candidate_bits()[place] = -1;
  }

  // The best of the CTA's blocks, told to all CTAs. Of a source they lie in rising order of the blocks, or the best first:
  // where scores are equal, the one that lies before is better either way.
  __device__ __forceinline__ void offer(int warp, int lane) const {
    if constexpr (Shared::kFew) {
      if (keys.chunk / Shared::kBlockKeys <= kCompared) {
        offer_compared(warp * 32 + lane);
        return;
      }
    }
    if (warp < Shared::kOffering) offer_share(warp, lane);
  }

  // How many are chosen.
  __device__ __forceinline__ int count() const {
    return keys.seen_blocks == 0 ? 0 : 1 + min(max(keys.candidates_end - 1, 0), keys.wanted) + keys.tail;
  }

  // From what all CTAs offered, with the blocks that are always in; ordered() is of the outcome.
  __device__ __forceinline__ void choose(int warp, int lane) const {
    int* const chosen = Shared::template at<int>(Shared::kChosen);
    if constexpr (Shared::kFew) {
      const int thread = warp * 32 + lane;
      if (thread <= keys.tail) chosen[thread] = thread == 0 ? 0 : keys.local - (thread - 1);
      for (int base = warp * 32; base < Shared::kPlaces; base += Shared::kThreads) {
        const int bits = candidate_bits()[base + lane];
        const int block = candidate_blocks()[base + lane];
        if (!__any_sync(kAllLanes, bits >= 0)) continue;
        const int better = count_better(bits, base, lane);
        if (bits >= 0 && better < keys.wanted) chosen[1 + keys.tail + better] = block;
      }
    } else if (warp == 0) {
      const int middle = merge_candidates(lane);
      const int all = count();
      for (int i = lane; i < all; i += 32)
        chosen[i] = i == 0 ? 0 : i <= middle ? own_best().blocks[i - 1] : keys.local - (all - 1 - i);
    }
  }

  // The place of chosen block `nth` in rising order.
  __device__ __forceinline__ int ordered(int nth, int all) const {
    if constexpr (!Shared::kFew) return nth;
    const int* const chosen = Shared::template at<int>(Shared::kChosen);
    int before = 0;
    for (int i = 0; i < all; ++i) before += chosen[i] < chosen[nth] ? 1 : 0;
    return before;
  }

 private:
  static __device__ __forceinline__ int* candidate_bits() { return Shared::template at<int>(Shared::kCandidates); }
  static __device__ __forceinline__ int* candidate_blocks() { return candidate_bits() + Shared::kPlaces; }

  // Few blocks: some threads of each count those that are better.
  __device__ __forceinline__ void offer_compared(int thread) const {
    constexpr int kParts = larger(1, Shared::kThreads / kCompared);
    int* const all = Shared::template at<int>(Shared::kWarpBest);
    const int first = keys.first / Shared::kBlockKeys;
    const int end = min(keys.candidates_end, first + keys.chunk / Shared::kBlockKeys);
    for (int i = thread; i < kCompared; i += Shared::kThreads) all[i] = first + i > 0 ? bits_of(first + i, end) : -1;
    __syncthreads();
    const int nth = thread / kParts;
    const int part = thread % kParts;
    if (nth >= kCompared) return;
    const int bits = all[nth];
    int better = 0;
#pragma unroll
    for (int i = 0; i < kCompared / kParts; i += 4) {
      const int at = part * (kCompared / kParts) + i;
      const int4 four = *reinterpret_cast<const int4*>(all + at);
      better += is_better(four.x, at, bits, nth) + is_better(four.y, at + 1, bits, nth);
      better += is_better(four.z, at + 2, bits, nth) + is_better(four.w, at + 3, bits, nth);
    }
#pragma unroll
    for (int bit = 1; bit < kParts; bit *= 2) better += __shfl_xor_sync(kAllLanes, better, bit);
    if (bits < 0 || better >= keys.wanted) return;
    const int place = rank * Shared::kOffering * Fields::n_sel + better;
    for (int to = part; to < Shared::kCtas; to += kParts) push_candidate(place, to, bits, first + nth);
  }

  static __device__ __forceinline__ int is_better(int other, int other_place, int bits, int place) {
    return other > bits || (other == bits && other_place < place) ? 1 : 0;
  }

  // Candidates better than this lane's, which lies at base + lane.
  __device__ __forceinline__ int count_better(int bits, int base, int lane) const {
    int better = 0;
#pragma unroll 1
    for (int from = 0; from < Shared::kPlaces; from += 32) {
      const int4* const fours = reinterpret_cast<const int4*>(candidate_bits() + from);
      if (from == base) {
#pragma unroll
        for (int i = 0; i < 32; i += 4) {
          const int4 four = fours[i / 4];
          better += is_better(four.x, i, bits, lane) + is_better(four.y, i + 1, bits, lane);
          better += is_better(four.z, i + 2, bits, lane) + is_better(four.w, i + 3, bits, lane);
        }
      } else {
        const int least = from < base ? bits : bits + 1;
#pragma unroll
        for (int i = 0; i < 32; i += 4) {
          const int4 four = fours[i / 4];
          better += (four.x >= least ? 1 : 0) + (four.y >= least ? 1 : 0);
          better += (four.z >= least ? 1 : 0) + (four.w >= least ? 1 : 0);
        }
      }
    }
    return better;
  }

  // One of the warps that offer: the best of its share of the CTA's blocks.
  __device__ __forceinline__ void offer_share(int warp, int lane) const {
    const int blocks = keys.chunk / Shared::kBlockKeys;
    const int share = round_up(ceil_div(blocks, Shared::kOffering), 32);
    const int first = keys.first / Shared::kBlockKeys + warp * share;
    const int begin = max(1, first);
    const int end = min(keys.candidates_end, keys.first / Shared::kBlockKeys + min(blocks, (warp + 1) * share));
    const int place = (rank * Shared::kOffering + warp) * Fields::n_sel;
    if constexpr (Shared::kFew) {
      WarpBest best(Shared::template at<int>(Shared::kWarpBest + warp * WarpBest::kBytes), keys.wanted, lane);
#pragma unroll 1
      for (int base = begin; keys.wanted > 0 && base < end; base += 32) best.add(bits_of(base + lane, end), base + lane);
      if (lane < best.count())
        for (int to = 0; to < Shared::kCtas; ++to) push_candidate(place + lane, to, best.bits(), best.block());
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
      for (int nth = lane; nth < state.x; nth += 32)
        for (int to = 0; to < Shared::kCtas; ++to) push_candidate(place + nth, to, best.scores[nth], best.blocks[nth]);
    }
  }

  // Candidates lie in rising order, in as many places as there could be. Says how many are kept.
  __device__ __forceinline__ int merge_candidates(int lane) const {
    const Best best = own_best();
    int2 state = Best::none();
    for (int base = 0; base < Shared::kPlaces; base += 32) {
      const int bits = candidate_bits()[base + lane];
      const uint32 mask = __ballot_sync(kAllLanes, bits > state.y);
      if (mask != 0) best.keep(state, bits, candidate_blocks()[base + lane], mask, keys.wanted, lane);
      __syncwarp();
    }
    if (state.x > keys.wanted) best.keep_best(keys.wanted, state, lane);
    return state.x;
  }

  __device__ __forceinline__ Best own_best() const {
    int* const room = Shared::template at<int>(Shared::kBest);
    return {room, room + Best::kRoom};
  }

  __device__ __forceinline__ void push_candidate(int place, int to, int bits, int block) const {
    Shared::push(reinterpret_cast<float*>(candidate_bits() + place), to, __int_as_float(bits));
    Shared::push(reinterpret_cast<float*>(candidate_blocks() + place), to, __int_as_float(block));
  }

  // Of the score of a block before `end`; -1: there is none.
  __device__ __forceinline__ int bits_of(int block, int end) const {
    return block < end ? __float_as_int(score(block)) & 0x7fffffff : -1;
  }

  __device__ __forceinline__ void sum_four(float scale2, const float (&lse)[Fields::group], int key) const {
    const float* const row = logits + keys.place(key);
    float4 sum = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
#pragma unroll
    for (int head = 0; head < Fields::group; ++head) {
      const float4 four = *reinterpret_cast<const float4*>(row + head * pitch);
      sum.x += exp2_fast(fmaf(four.x, scale2, -lse[head]));
      sum.y += exp2_fast(fmaf(four.y, scale2, -lse[head]));
      sum.z += exp2_fast(fmaf(four.z, scale2, -lse[head]));
      sum.w += exp2_fast(fmaf(four.w, scale2, -lse[head]));
    }
    *reinterpret_cast<float4*>(sums + keys.place(key)) = sum;
  }

  // The terms in the order in which scoring adds them.
  __device__ __forceinline__ float score(int block) const {
    const float* const own = sums + keys.place(block * Shared::kBlockKeys);
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
