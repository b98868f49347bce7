#pragma once
// A whole decode step in one launch (SM 80 and up): each (sequence, group) has one CTA, or a cluster of them (SM 90 and up).
// 1. The CTAs share the compressed keys. A warp attends to tiles of its own ring, with the heads as the rows of its fragments,
//    and keeps the logits. The window's tiles follow in the same ring.
// 2. Softmax sums go round. Each CTA scores its own blocks, their best go round, and each chooses the same among them.
// 3. While the first tiles of the chosen blocks are on their way, the window is attended to; then those tiles, which the CTAs
//    share, too.
// 4. Of each branch, the warps' outputs are added up in the CTA and pushed to the CTA that finishes their columns: it weighs
//    them by their softmax sums and gates and stores o.
// Between CTAs there are three barriers, none of which waits for data from memory.
// Where logits lie in the workspace, many CTAs wait for memory: every other row has its window first, so that some choose blocks
// while others read.
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
  // Threads that finish two outputs together, each with the outputs of some CTAs.
  static constexpr int kFinishing = [] {
    int lanes = 1;
    while (2 * lanes <= kCtas && 2 * lanes * Shared::kShare * 4 <= Shared::kThreads) lanes *= 2;
    return lanes;
  }();

  __device__ __forceinline__ DecodeStep(const nsajit_decode_args& arguments, int64 row, int cta)
      : args(arguments),
        shared(Shared::make()),
        b(static_cast<uint32>(row) / static_cast<uint32>(arguments.G)),
        g(static_cast<uint32>(row) % static_cast<uint32>(arguments.G)),
        rank(cta),
        warp(threadIdx.x / 32),
        lane(threadIdx.x % 32),
        length(static_cast<int>(arguments.lengths == nullptr ? arguments.S_kv : arguments.lengths[b])),
        scale2(arguments.scale * kLog2E),
        window(arguments.forced == kCompressed || arguments.forced == kSelection ? 0 : max(0, min(length, Fields::w))),
        window_first(arguments.workspace != nullptr && row % 2 != 0 ? 1 : 0),
        scores{Keys(length, arguments.n, cta), shared, Shared::pitch(arguments.S_kv), cta, arguments.workspace != nullptr} {
    if (args.forced == kSliding) scores.keys.own = 0;
    place_logits(row);
    compressed_tiles = share(ceil_div(scores.keys.own, kTile), warp, kWarps);
    window_tiles = share(ceil_div(window, kTile), window_rank(), kStep);
  }

  // One loop, so that what attends is in the code once: instructions come from memory, too.
  __device__ __forceinline__ void run() {
    HeadsAsRows<Fields> heads;
#pragma unroll 1
    for (int step = 0; step < kBranches; ++step) {
      const int phase = step == 2 ? 2 : step ^ window_first;
      attend(step, phase, heads);
      put_aside(phase, heads);
      __syncthreads();
      if (step == 0) Shared::wait_begun();
      push_sums(phase);
      if (phase == 0) {
        scores.push_ahead(threadIdx.x);
        Shared::arrive();
      }
      push_outputs(phase);
      if (phase == 0) {
        choose_blocks();
      } else {
        __syncthreads();  // stages are free again
      }
    }
    Shared::arrive();
    write_blocks();
    Shared::wait();
    finish();
  }

 private:
  static constexpr int kStep = kCtas * kWarps;  // of tiles of the window and of the selection

  // Phases: compressed, sliding, selection.
  static __device__ __forceinline__ int branch_of(int phase) {
    return phase == 0 ? kCompressed : phase == 1 ? kSliding : kSelection;
  }

  // The last warps have the window's tiles, the first ones those of the selection.
  __device__ __forceinline__ int window_rank() const { return rank + kCtas * (kWarps - 1 - warp); }

  // Spilled logits lie in the workspace, but sums of probabilities where there is room: in the ring, which is empty when the
  // window is done, or where outputs of later phases will be.
  __device__ __forceinline__ void place_logits(int64 row) {
    scores.sums = Shared::kLogits;
    if (!scores.spilled) return;
    scores.spill = static_cast<float*>(args.workspace) + (row * kCtas + rank) * Fields::group * scores.pitch;
    constexpr int kBegin = kCtas == 1 ? 0 : Shared::kHalo;
    const int room = window_first != 0 ? Shared::kParts / 4 : Shared::kLaterParts;
    const int at = window_first != 0 ? Shared::kRing : Shared::kParts + kCtas * Shared::kShare * 32;
    scores.sums = scores.keys.chunk + kBegin > room ? -1 : at + (kBegin - Shared::kHalo) * 4;
  }

  // Of `tiles`, those from `first` on in steps of `step`.
  static __device__ __forceinline__ int share(int tiles, int first, int step) {
    return tiles > first ? (tiles - first + step - 1) / step : 0;
  }

  // While the first tiles are on their way.
  __device__ __forceinline__ void begin(HeadsAsRows<Fields>& heads, float gate) const {
    if (threadIdx.x < kBranches * Shared::kHeads) shared.template at<float>(Shared::kGates)[threadIdx.x] = gate;
    if (threadIdx.x < 8) shared.template at<float>(Shared::kNothing)[threadIdx.x] = 0.0f;
    scores.clear_candidates(threadIdx.x);
    wait_copies<Fields::bulk != 0 ? 0 : kStages>();  // the query
    __syncthreads();
    heads.template load_query_smem<Shared::kQueryRow>(smem_address(shared.template at<char>(Shared::kQuery)), lane);
    Shared::arrive();  // nobody's memory is written before all have begun
  }

  __device__ __forceinline__ void begin_ring() const {
    if constexpr (Fields::bulk != 0) {
      if (lane < kStages) barrier_init(shared.barrier(warp, lane), 1);
      fence_barriers();
      __syncwarp();
    }
  }

  // By all threads, a group of copies of its own. Heads that are not there are zero.
  __device__ __forceinline__ void copy_query() const {
    constexpr int kChunks = Fields::dk / 8;
    const Element* const q = static_cast<const Element*>(args.q) + b * args.q_b + g * args.q_g;
    const uint32 to = smem_address(shared.template at<char>(Shared::kQuery));
#pragma unroll 1
    for (int i = threadIdx.x; i < Shared::kHeads * kChunks; i += Shared::kThreads) {
      const int head = i / kChunks;
      const int chunk = i % kChunks;
      const bool there = head < Fields::group;
      copy_16_async<CopyPath::kL2Only>(to + head * Shared::kQueryRow + chunk * 16, q + (there ? head : 0) * args.q_h + chunk * 8,
                                       there ? 16 : 0);
    }
    commit_copies();
  }

  // A gate of a head, long before it is needed.
  __device__ __forceinline__ float load_gate() const {
    const int branch = threadIdx.x / Shared::kHeads;
    const int head = threadIdx.x % Shared::kHeads;
    if (branch >= kBranches || head >= Fields::group) return 0.0f;
    if (args.forced >= 0) return args.forced == branch ? 1.0f : 0.0f;
    const int64 at = b * args.gate_b + g * args.gate_g + head * args.gate_h;
    return args.fp32_gates != 0 ? static_cast<const float*>(args.gate[branch])[at]
                                : load_value(static_cast<const Element*>(args.gate[branch]) + at);
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
      const int token = length - window + (window_rank() + nth * kStep) * kTile;
      return {token, min(kTile, length - token)};
    }
    const int tile = rank + kCtas * warp + nth * kStep;
    const int offset = tile % kBlockTiles * kTile;
    const int token = shared.template at<int>(Shared::kChosen)[tile / kBlockTiles] * Fields::l_sel + offset;
    return {token, max(0, min(min(kTile, Fields::l_sel - offset), length - token))};
  }

  __device__ __forceinline__ int tiles_of(int phase) const {
    return phase == 0 ? compressed_tiles : phase == 1 ? window_tiles : selection_tiles;
  }

  // The warp's tiles are numbered in the order of phases. Without bulk copies each tile is one group of copies; behind the last
  // one groups are empty.
  __device__ __forceinline__ void fill(int end) {
#pragma unroll 1
    for (; loaded < end; ++loaded) {
      const int second = window_first != 0 ? window_tiles : compressed_tiles;
      const int third = compressed_tiles + window_tiles;
      if (loaded < third + selection_tiles) {
        const int phase = loaded >= third ? 2 : (loaded >= second ? 1 : 0) ^ window_first;
        const int begin = loaded >= third ? third : loaded >= second ? second : 0;
        const Tile tile = tile_of(phase, loaded - begin);
        const nsajit_decode_cache& cache = phase == 0 ? args.cmp : phase == 1 ? args.win : args.sel;
        const CacheRows rows = CacheRows::make<Element>(args, cache, b, g, phase == 0 ? args.page / Fields::d : args.page);
        const uint32 slot = shared.slot(warp, loaded % kStages);
        if constexpr (Fields::bulk != 0) {
          Copy::copy_bulk(rows, tile.first, tile.count, slot, shared.barrier(warp, loaded % kStages), lane);
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
      barrier_wait(shared.barrier(warp, used % kStages), used / kStages & 1);
    } else {
      wait_copies<kStages - 1>();
    }
  }

  // Attends to the warp's tiles of a phase. The last one's stage is left free for what comes out.
  __device__ __forceinline__ void attend(int step, int phase, HeadsAsRows<Fields>& heads) {
    const int tiles = tiles_of(phase);
    float gate = 0.0f;
    heads.clear();
    if (step == 0) {
      gate = load_gate();
      copy_query();
      begin_ring();
    }
#pragma unroll 1
    for (int nth = 0;; ++nth, ++used) {
      fill(used + kStages - (nth > 0 && nth == tiles ? 1 : 0));
      if (step == 0 && nth == 0) begin(heads, gate);
      if (nth == tiles) break;
      wait_tile();
      __syncwarp();
      const uint32 slot = shared.slot(warp, used % kStages);
      const Tile tile = tile_of(phase, nth);
      heads.template attend_seen<Copy::kKRow, Copy::kVRow>(slot, slot + kTile * Copy::kKRow,
                                                           KeyBounds{{0, 0}, {tile.count, tile.count}}, tile.count < kTile,
                                                           scale2, lane, [&](const auto& s) {
                                                             const int key = 2 * (lane % 4);
                                                             if (phase == 0) scores.store(s, tile.first + key, lane / 4);
                                                           });
      __syncwarp();
    }
  }

  // The warp's output and softmax sums.
  __device__ __forceinline__ void put_aside(int phase, HeadsAsRows<Fields>& heads) const {
    float* const maxima = shared.warp_maxima(phase, warp);
    float* const sums = shared.warp_sums(phase, warp);
    if (tiles_of(phase) > 0) {
      heads.template store_partial<Shared::kORow>(shared.template at<float>(Shared::slot_offset(warp, (used - 1) % kStages)),
                                                  maxima, sums, lane);
    } else if (lane < Shared::kHeads) {
      maxima[lane] = negative_infinity();
      sums[lane] = 0.0f;
    }
    if (lane == 0) shared.template at<int>(Shared::kSlots)[warp] = (used + kStages - 1) % kStages;
  }

  // Of a head over the warps.
  __device__ __forceinline__ float top_of(int phase, int head) const {
    float top = shared.warp_maxima(phase, 0)[head];
#pragma unroll
    for (int of = 1; of < kWarps; ++of) top = fmaxf(top, shared.warp_maxima(phase, of)[head]);
    return top;
  }
  __device__ __forceinline__ float weight_of(int phase, int of, int head, float top) const {
    return shared.warp_sums(phase, of)[head] > 0.0f ? exp2_fast((shared.warp_maxima(phase, of)[head] - top) * scale2) : 0.0f;
  }

  // What the warps put aside, to the CTAs.
  __device__ __forceinline__ void push_sums(int phase) const {
#pragma unroll 1
    for (int i = threadIdx.x; i < Shared::kHeads * kCtas; i += Shared::kThreads) {
      const int head = i % Shared::kHeads;
      const float top = top_of(phase, head);
      float sum = 0.0f;
#pragma unroll
      for (int of = 0; of < kWarps; ++of) sum += weight_of(phase, of, head, top) * shared.warp_sums(phase, of)[head];
      Shared::push_2(reinterpret_cast<float*>(shared.sums(phase, rank) + head), i / Shared::kHeads, top, sum);
    }
  }

  // Outputs of the warps, relative to the CTA's maximum, to the CTAs that finish them.
  __device__ __forceinline__ void push_outputs(int phase) const {
    const int* const slots = shared.template at<int>(Shared::kSlots);
#pragma unroll 1
    for (int item = threadIdx.x; item < Shared::kItems; item += Shared::kThreads) {
      const int head = item / (Fields::dv / 8);
      const int column = item % (Fields::dv / 8) * 8;
      const int half = item % 2;  // neighbours begin with different ones, so that their loads share no bank
      const float top = top_of(phase, head);
      float4 sums[2] = {make_float4(0.0f, 0.0f, 0.0f, 0.0f), make_float4(0.0f, 0.0f, 0.0f, 0.0f)};
#pragma unroll
      for (int of = 0; of < kWarps; ++of) {  // without branches, so that all are read at once
        const float weight = weight_of(phase, of, head, top);
        // Where nothing was put, a tile may be on its way: zeros are read.
        const int put = Shared::slot_offset(of, slots[of]) + (head * Shared::kORow + column) * 4;
        const float4* const from = shared.template at<float4>(weight > 0.0f ? put : Shared::kNothing);
        add_weighted(sums[0], weight, from[half]);
        add_weighted(sums[1], weight, from[1 - half]);
      }
      const int owner = item / Shared::kShare;
      float* const to = shared.parts(phase, rank) + (item - owner * Shared::kShare) * 8;
      Shared::push_4(to + 4 * half, owner, sums[0]);
      Shared::push_4(to + 4 - 4 * half, owner, sums[1]);
    }
  }

  static __device__ __forceinline__ void add_weighted(float4& sum, float weight, const float4& value) {
    sum.x = fmaf(weight, value.x, sum.x);
    sum.y = fmaf(weight, value.y, sum.y);
    sum.z = fmaf(weight, value.z, sum.z);
    sum.w = fmaf(weight, value.w, sum.w);
  }

  // Once the softmax sums of all CTAs are there.
  __device__ __forceinline__ void choose_blocks() {
    Shared::wait();
    scores.find_lse(scale2, warp, lane);
    __syncthreads();
    scores.sum_heads(scale2, threadIdx.x);
    __syncthreads();
    scores.offer(warp, lane);
    Shared::arrive();
    Shared::wait();
    scores.choose(warp, lane);
    __syncthreads();
    const bool wanted = args.forced < 0 || args.forced == kSelection;
    selection_tiles = share(wanted ? scores.count() * kBlockTiles : 0, rank + kCtas * warp, kStep);
    loaded = min(loaded, compressed_tiles + window_tiles);  // groups behind were empty
  }

  __device__ __forceinline__ void write_blocks() const {
    if (rank != 0 || args.blocks == nullptr || args.forced == kSliding) return;
    int* const to = args.blocks + b * args.blocks_b + g * args.blocks_g;
    const int count = scores.count();
    for (int i = threadIdx.x; i < args.n; i += Shared::kThreads) {
      const bool there = i < count;
      to[there ? scores.ordered(i, count) : i] = there ? shared.template at<int>(Shared::kChosen)[i] : -1;
    }
  }

  // This CTA's columns.
  __device__ __forceinline__ void finish() const {
    Element* const o = static_cast<Element*>(args.o) + b * args.o_b + g * args.o_g;
    for (int base = 0; base < Shared::kShare * 4; base += Shared::kThreads / kFinishing) {
      const int i = base + threadIdx.x / kFinishing;
      const int item = rank * Shared::kShare + i / 4;
      const bool there = i < Shared::kShare * 4 && item < Shared::kItems;
      const int head = there ? item / (Fields::dv / 8) : 0;
      float2 total = make_float2(0.0f, 0.0f);
#pragma unroll
      for (int phase = 0; phase < kBranches; ++phase) add_branch(phase, head, there ? 2 * i : 0, total);
      const int column = item % (Fields::dv / 8) * 8 + i % 4 * 2;
      if (there && threadIdx.x % kFinishing == 0)
        *reinterpret_cast<uint32*>(o + head * args.o_h + column) = pack2<Element>(total.x, total.y);
    }
  }

  __device__ __forceinline__ void add_branch(int phase, int head, int at, float2& total) const {
    const int first = threadIdx.x % kFinishing;
    float top = negative_infinity();
#pragma unroll
    for (int source = 0; source < kCtas; source += kFinishing) top = fmaxf(top, shared.sums(phase, first + source)[head].x);
    top = reduce_max<1, kFinishing / 2>(top);
    float sum = 0.0f;
    float2 value = make_float2(0.0f, 0.0f);
#pragma unroll
    for (int source = 0; source < kCtas; source += kFinishing) {
      const float2 part = shared.sums(phase, first + source)[head];
      const float2 output = *reinterpret_cast<const float2*>(shared.parts(phase, first + source) + at);
      const float weight = part.y > 0.0f ? exp2_fast((part.x - top) * scale2) : 0.0f;
      sum = fmaf(weight, part.y, sum);
      value.x = fmaf(weight, output.x, value.x);
      value.y = fmaf(weight, output.y, value.y);
    }
    sum = reduce_sum<1, kFinishing / 2>(sum);
    const float gate = shared.template at<float>(Shared::kGates)[branch_of(phase) * Shared::kHeads + head];
    const float factor = sum > 0.0f ? __fdividef(gate, sum) : 0.0f;
    total.x = fmaf(factor, reduce_sum<1, kFinishing / 2>(value.x), total.x);
    total.y = fmaf(factor, reduce_sum<1, kFinishing / 2>(value.y), total.y);
  }

  const nsajit_decode_args& args;
  Shared shared;
  int64 b;
  int64 g;
  int rank;
  int warp;
  int lane;
  int length;
  float scale2;
  int window;        // tokens
  int window_first;  // 1: before the compressed keys
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
  DecodeStep<Fields>(args, blockIdx.x / Fields::cluster, rank).run();
}

}  // namespace nsajit::decode
