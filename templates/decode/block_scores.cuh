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
  Shared shared;
  int pitch;
  int rank;
  bool spilled;  // logits of all CTAs lie behind each other in the workspace: they do not fit shared memory
  float* spill;  // those of this one, [head][pitch]
  int sums;  // where probabilities summed over the heads lie, at place(key); may be the first head's logits; -1: in the workspace

  // From a warp's scores of a tile: `key` is this lane's first one.
  template <int kTiles>
  __device__ __forceinline__ void store(const float (&s)[kTiles][4], int key, int head) const {
    const int at = head * pitch + keys.place(key);
    if (spilled) {
      store_at(spill + at, s, head);
    } else {
      store_at(own_logits() + at, s, head);
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
        const int from = i % Fields::group * pitch + keys.place(begin + i / Fields::group);
        const int at = from - (to - rank) * keys.chunk;
        if (spilled) {
          spill[at + (to - rank) * Fields::group * pitch] = spill[from];
        } else {
          Shared::push(own_logits() + at, to, own_logits()[from]);
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
      const float2 part = head < Shared::kHeads ? shared.sums(0, source)[head] : make_float2(negative_infinity(), 0.0f);
      const float top = reduce_max<1, kLanes / 2>(part.x);
      const float sum = reduce_sum<1, kLanes / 2>(part.y > 0.0f ? part.y * exp2_fast((part.x - top) * scale2) : 0.0f);
      if (source == 0 && head < Shared::kHeads) shared.template at<float>(Shared::kLse)[head] = top * scale2 + log2f(sum);
    }
  }

  // Probabilities summed over the heads. From the workspace four keys at a time: fewer loads wait for each other.
  __device__ __forceinline__ void sum_heads(float scale2, int thread) const {
    float lse[Fields::group];
#pragma unroll
    for (int head = 0; head < Fields::group; ++head) lse[head] = shared.template at<float>(Shared::kLse)[head];
    const int end = min(keys.first + keys.chunk, keys.seen);
    const int key = max(0, keys.first - Shared::kBefore) + thread;
    if (spilled) {
      for (int four = keys.first + 4 * thread; four < end; four += 4 * Shared::kThreads) sum_four(scale2, lse, four);
      sum_keys(spill, key, min(keys.first, end), scale2, lse);
    } else {
      sum_keys(own_logits(), key, end, scale2, lse);
    }
  }

  // So that all places hold something, before any CTA offers.
  __device__ __forceinline__ void clear_candidates(int thread) const {
    for (int place = thread; place < Shared::kPlaces; place += Shared::kThreads) candidate_bits()[place] = -1;
  }

  // The best of the CTA's blocks, told to all CTAs: few the best first, many in their order.
  __device__ __forceinline__ void offer(int warp, int lane) const {
    if (Shared::kFew && compares()) {
      offer_compared(warp * 32 + lane);
    } else if (warp < Shared::kOffering) {
      offer_share(warp, lane);
    }
  }

  // How many are chosen.
  __device__ __forceinline__ int count() const {
    return keys.seen_blocks == 0 ? 0 : 1 + min(max(keys.candidates_end - 1, 0), keys.wanted) + keys.tail;
  }

  // From what all CTAs offered, with the blocks that are always in; ordered() is of the outcome.
  __device__ __forceinline__ void choose(int warp, int lane) const {
    int* const chosen = shared.template at<int>(Shared::kChosen);
    if constexpr (Shared::kFew) {
      const int thread = warp * 32 + lane;
      if (thread <= keys.tail) chosen[thread] = thread == 0 ? 0 : keys.local - (thread - 1);
      for (int place = thread; place < Shared::kPlaces; place += Shared::kThreads) {
        const int bits = candidate_bits()[place];
        const int block = candidate_blocks()[place];
        if (bits < 0) continue;
        const int better = count_better(bits, place);
        if (better < keys.wanted) chosen[1 + keys.tail + better] = block;
      }
    } else if (warp == 0) {
      const int middle = merge_candidates(lane);
      const int all = count();
      for (int i = lane; i < all; i += 32)
        chosen[i] = i == 0 ? 0 : i <= middle ? best_of(0).blocks[i - 1] : keys.local - (all - 1 - i);
    }
  }

  // The place of chosen block `nth` in rising order.
  __device__ __forceinline__ int ordered(int nth, int all) const {
    if constexpr (!Shared::kFew) return nth;
    const int* const chosen = shared.template at<int>(Shared::kChosen);
    int before = 0;
    for (int i = 0; i < all; ++i) before += chosen[i] < chosen[nth] ? 1 : 0;
    return before;
  }

 private:
  __device__ __forceinline__ float* own_logits() const { return shared.template at<float>(Shared::kLogits); }
  __device__ __forceinline__ int* candidate_bits() const { return shared.template at<int>(Shared::kCandidates); }
  __device__ __forceinline__ int* candidate_blocks() const { return candidate_bits() + Shared::kPlaces; }
  // One source of a CTA offers, and compares its blocks all with all.
  __device__ __forceinline__ bool compares() const { return keys.chunk <= kCompared * Shared::kBlockKeys; }

  template <int kTiles>
  __device__ __forceinline__ void store_at(float* at, const float (&s)[kTiles][4], int head) const {
#pragma unroll
    for (int tile = 0; tile < kTiles; ++tile) {
      if (head < Fields::group) *reinterpret_cast<float2*>(at + tile * 8) = make_float2(s[tile][0], s[tile][1]);
      if (head + 8 < Fields::group) *reinterpret_cast<float2*>(at + 8 * pitch + tile * 8) = make_float2(s[tile][2], s[tile][3]);
    }
  }

  __device__ __forceinline__ void sum_keys(const float* from, int key, int end, float scale2,
                                           const float (&lse)[Fields::group]) const {
#pragma unroll 1
    for (; key < end; key += Shared::kThreads) {
      const float* const row = from + keys.place(key);
      float sum = 0.0f;
#pragma unroll
      for (int head = 0; head < Fields::group; ++head) sum += exp2_fast(fmaf(row[head * pitch], scale2, -lse[head]));
      if (sums >= 0) {
        shared.template at<float>(sums)[keys.place(key)] = sum;
      } else {
        spill[keys.place(key)] = sum;
      }
    }
  }

  // Few blocks: some threads of each count those that are better.
  __device__ __forceinline__ void offer_compared(int thread) const {
    constexpr int kParts = larger(1, Shared::kThreads / kCompared);
    int* const all = best_of(0).scores;
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
      better += (is_better(four.x, at, bits, nth) + is_better(four.y, at + 1, bits, nth)) +
                (is_better(four.z, at + 2, bits, nth) + is_better(four.w, at + 3, bits, nth));
    }
#pragma unroll
    for (int bit = 1; bit < kParts; bit *= 2) better += __shfl_xor_sync(kAllLanes, better, bit);
    if (bits < 0 || better >= keys.wanted) return;
    const int place = rank * Shared::kOffering * Shared::kList + better;
    for (int to = part; to < Shared::kCtas; to += kParts) push_candidate(place, to, bits, first + nth);
  }

  static __device__ __forceinline__ int is_better(int other, int other_place, int bits, int place) {
    return other > bits || (other == bits && other_place < place) ? 1 : 0;
  }

  // Candidates better than the one at `place`, or kList - 1 of a source where more of it are. Each source's lie in falling order;
  // where scores are equal, those of sources before are the lower blocks.
  __device__ __forceinline__ int count_better(int bits, int place) const {
    return compares() ? count_better_of<Shared::kOffering>(bits, place) : count_better_of<1>(bits, place);
  }
  template <int kStep>
  __device__ __forceinline__ int count_better_of(int bits, int place) const {
    const int own = place / Shared::kList;
    int better = place % Shared::kList;
#pragma unroll(smaller(Shared::kSources / kStep, 16))
    for (int source = 0; source < Shared::kSources; source += kStep) {
      const int* const list = candidate_bits() + source * Shared::kList;
      const int least = source < own ? bits : bits + 1;
      int reached = 0;
#pragma unroll
      for (int half = Shared::kList / 2; half > 0; half /= 2) reached += list[reached + half - 1] >= least ? half : 0;
      better += source == own ? 0 : reached;
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
    const int place = (rank * Shared::kOffering + warp) * Shared::kList;
    const Best best = best_of(warp);
    int2 state = Best::none();
#pragma unroll 1
    for (int base = begin; keys.wanted > 0 && base < end; base += 32) {
      const int bits = bits_of(base + lane, end);
      const uint32 mask = __ballot_sync(kAllLanes, bits > state.y);
      if (mask != 0) best.keep(state, bits, base + lane, mask, keys.wanted, lane);
      __syncwarp();
    }
    if (state.x > keys.wanted) best.keep_best(keys.wanted, state, lane);
#pragma unroll 1
    for (int nth = lane; nth < state.x; nth += 32) {
      int at = nth;
      if constexpr (Shared::kFew) at = rank_of(nth, best.scores, state.x);
      for (int to = 0; to < Shared::kCtas; ++to) push_candidate(place + at, to, best.scores[nth], best.blocks[nth]);
    }
  }

  // Of block `nth` among `count` by their scores.
  static __device__ __forceinline__ int rank_of(int nth, const int* scores, int count) {
    const int bits = scores[nth];
    int better = 0;
#pragma unroll 4
    for (int i = 0; i < count; ++i) better += is_better(scores[i], i, bits, nth);
    return better;
  }

  // Candidates lie in rising order, in as many places as there could be. Says how many are kept.
  __device__ __forceinline__ int merge_candidates(int lane) const {
    const Best best = best_of(0);
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

  __device__ __forceinline__ Best best_of(int warp) const {
    int* const room = shared.template at<int>(Shared::kBest + warp * 8 * Best::kRoom);
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
    const float* const row = spill + keys.place(key);
    float4 sum = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
#pragma unroll
    for (int head = 0; head < Fields::group; ++head) {
      const float4 four = *reinterpret_cast<const float4*>(row + head * pitch);
      sum.x += exp2_fast(fmaf(four.x, scale2, -lse[head]));
      sum.y += exp2_fast(fmaf(four.y, scale2, -lse[head]));
      sum.z += exp2_fast(fmaf(four.z, scale2, -lse[head]));
      sum.w += exp2_fast(fmaf(four.w, scale2, -lse[head]));
    }
    if (sums >= 0) {
      *reinterpret_cast<float4*>(shared.template at<float>(sums) + keys.place(key)) = sum;
    } else {
      *reinterpret_cast<float4*>(spill + keys.place(key)) = sum;
    }
  }

  __device__ __forceinline__ float score(int block) const {
    const int place = keys.place(block * Shared::kBlockKeys);
    return sums >= 0 ? add_terms(shared.template at<float>(sums) + place, block) : add_terms(spill + place, block);
  }

  // The terms in the order in which scoring adds them.
  __device__ __forceinline__ float add_terms(const float* own, int block) const {
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
