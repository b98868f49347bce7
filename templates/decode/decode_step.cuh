#pragma once
// A whole decode step in one launch (SM 80 and up): each (sequence, group) has one CTA, or a cluster of them (SM 90 and up).
// 1. The CTAs share the compressed keys. A warp attends to tiles of its own ring, with the heads as the rows of its fragments,
//    and keeps the logits. The window's tiles follow in the same ring.
// 2. Softmax sums go round. Each CTA scores its own blocks, their best go round. One warp chooses, the others attend to the
//    window and are done with it before the choice is there.
// 3. The CTAs share the tiles of the chosen blocks.
// 4. Of each branch, the warps' outputs are added up in the CTA and pushed to the CTA that finishes their columns: it weighs
//    them by their softmax sums and gates and stores o.
// Between CTAs there are three barriers, none of which waits for data from memory.
//
// Fields: element, dk, dv, group, l, d, l_sel, n_sel, w, warps, stages, keys, cluster, bulk (1: the copy engine copies).

#include "common/heads_as_rows.cuh"
#include "common/vectors.cuh"
#include "decode/block_scores.cuh"

namespace nsajit::decode {

inline constexpr float kLog2E = 1.4426950408889634f;

template <class Fields>
class DecodeStep {
 public:
  using Element = typename Fields::element;
  using Shared = DecodeShared<Fields>;
  using Copy = typename Shared::Copy;
  using Keys = CtaKeys<Fields>;
  using Scores = BlockScores<Fields>;
  static constexpr int kTile = Fields::keys;
  static constexpr int kStages = Fields::stages;
  static constexpr int kWarps = Fields::warps;
  static constexpr int kCtas = Fields::cluster;
  static constexpr int kBlockTiles = ceil_div(Fields::l_sel, kTile);
  static constexpr int kChoosing = 1;  // warps that choose blocks while the others attend to the window
  static_assert(kWarps > kChoosing, "the window is attended to");

  __device__ __forceinline__ DecodeStep(const nsajit_decode_args& arguments, int64 batch, int64 group, int cta)
      : args(arguments),
        b(batch),
        g(group),
        rank(cta),
        warp(threadIdx.x / 32),
        lane(threadIdx.x % 32),
        length(static_cast<int>(arguments.lengths == nullptr ? arguments.S_kv : arguments.lengths[batch])),
        scale2(arguments.scale * kLog2E),
        window(arguments.forced == kCompressed || arguments.forced == kSelection ? 0 : max(0, min(length, Fields::w))),
        scores{Keys(length, arguments.n, cta), Shared::template at<float>(Shared::kLogits), Shared::pitch(arguments.S_kv), cta,
               arguments.workspace != nullptr} {
    if (scores.spilled)
      scores.logits = static_cast<float*>(args.workspace) + ((b * args.G + g) * kCtas + rank) * Fields::group * scores.pitch;
    if (args.forced == kSliding) scores.keys.own = 0;
    compressed_tiles = share(ceil_div(scores.keys.own, kTile), warp, kWarps);
    window_tiles = warp < kChoosing ? 0 : share(ceil_div(window, kTile), rank + kCtas * (warp - kChoosing), kWindowStep);
  }

  // One loop, so that what attends is in the code once: instructions come from memory, too.
  __device__ __forceinline__ void run() {
    HeadsAsRows<Fields> heads;
    Shared::arrive();  // nobody's memory is written before all have begun
    if constexpr (Fields::bulk != 0) {
      if (lane < kStages) barrier_init(Shared::barrier(warp, lane), 1);
      fence_barriers();
      __syncwarp();
    }
#pragma unroll 1
    for (int phase = 0; phase < kBranches; ++phase) {
      if (phase == 1) {
        Shared::wait();
        sum_probabilities();
      }
      fill(used + kStages);
      if (phase == 0) begin(heads);
      if (phase == 1) offer_blocks();
      attend(phase, heads);
      if (phase != 1 || warp >= kChoosing) {
        put_aside(phase, heads);
        push_aside(phase);
      }
      if (phase == 1) {
        choose_blocks();
        __syncthreads();
        begin_selection();
      }
    }
    Shared::arrive();
    Shared::wait();
    finish();
  }

 private:
  static constexpr int kWindowStep = kCtas * (kWarps - kChoosing);

  // Phases: compressed, sliding, selection.
  static __device__ __forceinline__ int branch_of(int phase) {
    return phase == 0 ? kCompressed : phase == 1 ? kSliding : kSelection;
  }

  // Of `tiles`, those from `first` on in steps of `step`.
  static __device__ __forceinline__ int share(int tiles, int first, int step) {
    return tiles > first ? (tiles - first + step - 1) / step : 0;
  }

  // Of the warps that choose, which never attend to it.
  __device__ __forceinline__ void forget_window() const {
    if (warp >= kChoosing || lane >= Shared::kHeads) return;
    Shared::warp_maxima(1, warp)[lane] = negative_infinity();
    Shared::warp_sums(1, warp)[lane] = 0.0f;
  }

  __device__ __forceinline__ void begin(HeadsAsRows<Fields>& heads) const {
    forget_window();
    heads.load_query(static_cast<const Element*>(args.q) + b * args.q_b + g * args.q_g, args.q_h, Fields::group, lane);
    load_gates();
    Shared::wait();
  }

  // Gates of all heads, long before they are needed.
  __device__ __forceinline__ void load_gates() const {
    const int branch = threadIdx.x / Shared::kHeads;
    const int head = threadIdx.x % Shared::kHeads;
    if (branch >= kBranches || head >= Fields::group) return;
    float gate = args.forced == branch ? 1.0f : 0.0f;
    if (args.forced < 0) {
      const int64 at = b * args.gate_b + g * args.gate_g + head * args.gate_h;
      gate = args.fp32_gates != 0 ? static_cast<const float*>(args.gate[branch])[at]
                                  : load_value(static_cast<const Element*>(args.gate[branch]) + at);
    }
    Shared::template at<float>(Shared::kGates)[branch * Shared::kHeads + head] = gate;
  }

  // What a tile holds: tokens of the branch of a phase, from `first` on.
  struct Tile {
    int first;
    int count;
  };

  __device__ __forceinline__ Tile tile_of(int phase, int nth) const {
    if (phase == 0) {
      const int key = (warp + nth * kWarps) * kTile;
      return {scores.keys.first + key, min(kTile, scores.keys.own - key)};
    }
    if (phase == 1) {
      const int token = length - window + (rank + kCtas * (warp - kChoosing) + nth * kWindowStep) * kTile;
      return {token, min(kTile, length - token)};
    }
    const int tile = rank + kCtas * (warp + nth * kWarps);
    const int offset = tile % kBlockTiles * kTile;
    const int token = Shared::template at<int>(Shared::kChosen)[tile / kBlockTiles] * Fields::l_sel + offset;
    return {token, max(0, min(min(kTile, Fields::l_sel - offset), length - token))};
  }

  __device__ __forceinline__ int tiles_of(int phase) const {
    return phase == 0 ? compressed_tiles : phase == 1 ? window_tiles : selection_tiles;
  }

  // The warp's tiles are numbered: compressed ones, those of the window, those of the selection. Without bulk copies each tile is
  // one group of copies; behind the last one groups are empty.
  __device__ __forceinline__ void fill(int end) {
#pragma unroll 1
    for (; loaded < end; ++loaded) {
      const int window_begin = compressed_tiles;
      const int selection_begin = window_begin + window_tiles;
      if (loaded < selection_begin + selection_tiles) {
        const int phase = (loaded >= window_begin ? 1 : 0) + (loaded >= selection_begin ? 1 : 0);
        const Tile tile = tile_of(phase, loaded - (phase == 0 ? 0 : phase == 1 ? window_begin : selection_begin));
        const nsajit_decode_cache& cache = phase == 0 ? args.cmp : phase == 1 ? args.win : args.sel;
        const CacheRows rows = CacheRows::make<Element>(args, cache, b, g, phase == 0 ? args.page / Fields::d : args.page);
        const uint32 slot = Shared::slot(warp, loaded % kStages);
        if constexpr (Fields::bulk != 0) {
          Copy::copy_bulk(rows, tile.first, tile.count, slot, Shared::barrier(warp, loaded % kStages), lane);
        } else {
          Copy::copy_chunks(rows, tile.first, tile.count, slot, lane);
        }
      }
      if constexpr (Fields::bulk == 0) commit_copies();
    }
  }

  // For tile `used`.
  __device__ __forceinline__ void wait_tile() const {
    if constexpr (Fields::bulk != 0) {
      barrier_wait(Shared::barrier(warp, used % kStages), used / kStages & 1);
    } else {
      wait_copies<kStages - 1>();
    }
  }

  // Attends to the warp's tiles of a phase. The last one's stage is left free for what comes out.
  __device__ __forceinline__ void attend(int phase, HeadsAsRows<Fields>& heads) {
    const int tiles = tiles_of(phase);
#pragma unroll 1
    for (int nth = 0; nth < tiles; ++nth, ++used) {
      wait_tile();
      __syncwarp();
      const uint32 slot = Shared::slot(warp, used % kStages);
      const Tile tile = tile_of(phase, nth);
      heads.template attend_seen<Copy::kKRow, Copy::kVRow>(slot, slot + kTile * Copy::kKRow,
                                                           KeyBounds{{0, 0}, {tile.count, tile.count}}, tile.count < kTile,
                                                           scale2, lane, [&](const auto& s) {
                                                             const int key = 2 * (lane % 4);
                                                             if (phase == 0)
                                                               scores.store(s, tile.first + key, tile.count - key, lane / 4);
                                                           });
      __syncwarp();
      if (nth + 1 < tiles) fill(used + 1 + kStages);
    }
  }

  // The warp's output and softmax sums so far, and a fresh start.
  __device__ __forceinline__ void put_aside(int phase, HeadsAsRows<Fields>& heads) const {
    float* const maxima = Shared::warp_maxima(phase, warp);
    float* const sums = Shared::warp_sums(phase, warp);
    if (tiles_of(phase) > 0) {
      heads.template store_partial<Shared::kORow>(Shared::slot_floats(warp, (used - 1) % kStages), maxima, sums, lane);
      heads.clear();
    } else if (lane < Shared::kHeads) {
      maxima[lane] = negative_infinity();
      sums[lane] = 0.0f;
    }
    if (lane == 0) Shared::template at<int>(Shared::kSlots)[warp] = (used + kStages - 1) % kStages;
  }

  // Of a head over the warps.
  __device__ __forceinline__ float top_of(int phase, int head) const {
    float top = Shared::warp_maxima(phase, 0)[head];
#pragma unroll
    for (int of = 1; of < kWarps; ++of) top = fmaxf(top, Shared::warp_maxima(phase, of)[head]);
    return top;
  }
  __device__ __forceinline__ float weight_of(int phase, int of, int head, float top) const {
    return Shared::warp_sums(phase, of)[head] > 0.0f ? exp2_fast((Shared::warp_maxima(phase, of)[head] - top) * scale2) : 0.0f;
  }

  // What the warps put aside, to the CTAs. The window's comes from those that have attended to it, while one chooses blocks.
  __device__ __forceinline__ void push_aside(int phase) const {
    const int first = phase == 1 ? 32 * kChoosing : 0;
    if (phase == 1) {
      warps_sync<kWarps - kChoosing>(1);
    } else {
      __syncthreads();
    }
    push_sums(phase, threadIdx.x - first, Shared::kThreads - first);
    if (phase == 0) Shared::arrive();
    push_outputs(phase, threadIdx.x - first, Shared::kThreads - first);
  }

  __device__ __forceinline__ void push_sums(int phase, int thread, int threads) const {
    for (int i = thread; i < Shared::kHeads * kCtas; i += threads) {
      const int head = i % Shared::kHeads;
      const float top = top_of(phase, head);
      float sum = 0.0f;
#pragma unroll
      for (int of = 0; of < kWarps; ++of) sum += weight_of(phase, of, head, top) * Shared::warp_sums(phase, of)[head];
      Shared::push_2(reinterpret_cast<float*>(Shared::sums(phase, rank) + head), i / Shared::kHeads, top, sum);
    }
  }

  // Outputs of the warps, relative to the CTA's maximum, to the CTAs that finish them.
  __device__ __forceinline__ void push_outputs(int phase, int thread, int threads) const {
    const int* const slots = Shared::template at<int>(Shared::kSlots);
    for (int item = thread; item < Shared::kItems; item += threads) {
      const int head = item / (Fields::dv / 8);
      const int column = item % (Fields::dv / 8) * 8;
      const float top = top_of(phase, head);
      float4 low = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
      float4 high = low;
#pragma unroll
      for (int of = 0; of < kWarps; ++of) {  // without branches, so that all are read at once
        const float weight = weight_of(phase, of, head, top);
        // Where nothing was put, a tile may be on its way: something else is read.
        const float* const from =
            weight > 0.0f ? Shared::slot_floats(of, slots[of]) + head * Shared::kORow + column : Shared::warp_maxima(phase, 0);
        add_weighted(low, weight, *reinterpret_cast<const float4*>(from));
        add_weighted(high, weight, *reinterpret_cast<const float4*>(from + 4));
      }
      const int owner = item / Shared::kShare;
      float* const to = Shared::parts(phase, rank) + (item - owner * Shared::kShare) * 8;
      Shared::push_4(to, owner, low);
      Shared::push_4(to + 4, owner, high);
    }
  }

  // What has no weight may be anything: nothing was put there.
  static __device__ __forceinline__ void add_weighted(float4& sum, float weight, const float4& value) {
    const bool there = weight > 0.0f;
    sum.x = fmaf(weight, there ? value.x : 0.0f, sum.x);
    sum.y = fmaf(weight, there ? value.y : 0.0f, sum.y);
    sum.z = fmaf(weight, there ? value.z : 0.0f, sum.z);
    sum.w = fmaf(weight, there ? value.w : 0.0f, sum.w);
  }

  // Of the compressed keys, once the softmax sums of all CTAs are there.
  __device__ __forceinline__ void sum_probabilities() const {
    scores.find_lse(scale2, warp, lane);
    __syncthreads();
    scores.sum_heads(scale2, threadIdx.x);
    __syncthreads();
  }

  __device__ __forceinline__ void offer_blocks() const {
    if (warp < Shared::kOffering) scores.offer(warp, lane);
    Shared::arrive();
  }

  __device__ __forceinline__ void choose_blocks() const {
    Shared::wait();
    if (warp != 0) return;
    const int count = scores.choose(length, lane);
    if (lane == 0) Shared::template at<int>(Shared::kCounts)[Shared::kSources] = count;
    __syncwarp();
    if (rank == 0) write_blocks(count);
  }

  __device__ __forceinline__ void begin_selection() {
    const bool wanted = args.forced < 0 || args.forced == kSelection;
    const int tiles = wanted ? Shared::template at<int>(Shared::kCounts)[Shared::kSources] * kBlockTiles : 0;
    selection_tiles = share(tiles, rank + kCtas * warp, kCtas * kWarps);
    loaded = used;  // groups behind the window's were empty
  }

  __device__ __forceinline__ void write_blocks(int count) const {
    if (args.blocks == nullptr || args.forced == kSliding) return;
    int* const to = args.blocks + b * args.blocks_b + g * args.blocks_g;
    for (int i = lane; i < args.n; i += 32) to[i] = i < count ? Shared::template at<int>(Shared::kChosen)[i] : -1;
  }

  // This CTA's columns, two of them a thread.
  __device__ __forceinline__ void finish() const {
    Element* const o = static_cast<Element*>(args.o) + b * args.o_b + g * args.o_g;
    for (int i = threadIdx.x; i < Shared::kShare * 4; i += Shared::kThreads) {
      const int item = rank * Shared::kShare + i / 4;
      if (item >= Shared::kItems) break;
      const int head = item / (Fields::dv / 8);
      const int column = item % (Fields::dv / 8) * 8 + i % 4 * 2;
      float2 total = make_float2(0.0f, 0.0f);
#pragma unroll 1
      for (int phase = 0; phase < kBranches; ++phase) add_branch(phase, head, 2 * i, total);
      *reinterpret_cast<uint32*>(o + head * args.o_h + column) = pack2<Element>(total.x, total.y);
    }
  }

  __device__ __forceinline__ void add_branch(int phase, int head, int at, float2& total) const {
    float top = negative_infinity();
#pragma unroll
    for (int source = 0; source < kCtas; ++source) top = fmaxf(top, Shared::sums(phase, source)[head].x);
    float sum = 0.0f;
    float2 value = make_float2(0.0f, 0.0f);
#pragma unroll 4
    for (int source = 0; source < kCtas; ++source) {
      const float2 part = Shared::sums(phase, source)[head];
      const float2 output = *reinterpret_cast<const float2*>(Shared::parts(phase, source) + at);
      const float weight = part.y > 0.0f ? exp2_fast((part.x - top) * scale2) : 0.0f;
      sum = fmaf(weight, part.y, sum);
      value.x = fmaf(weight, output.x, value.x);
      value.y = fmaf(weight, output.y, value.y);
    }
    const float gate = Shared::template at<float>(Shared::kGates)[branch_of(phase) * Shared::kHeads + head];
    const float factor = sum > 0.0f ? gate / sum : 0.0f;
    total.x = fmaf(factor, value.x, total.x);
    total.y = fmaf(factor, value.y, total.y);
  }

  const nsajit_decode_args& args;
  int64 b;
  int64 g;
  int rank;
  int warp;
  int lane;
  int length;
  float scale2;
  int window;  // tokens
  Scores scores;
  int compressed_tiles;  // of this warp
  int window_tiles;
  int selection_tiles = 0;
  int loaded = 0;
  int used = 0;
};

template <class Fields>
__device__ __forceinline__ void decode_step(const nsajit_decode_args& args, int64) {
  int rank = 0;
  if constexpr (Fields::cluster > 1) rank = cluster_rank();
  const int64 row = blockIdx.x / Fields::cluster;
  DecodeStep<Fields>(args, row / args.G, row % args.G, rank).run();
}

}  // namespace nsajit::decode
