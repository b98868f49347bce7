#pragma once
// Scoring with top-n on warpgroup instructions (SM 90a; arXiv 2502.11089, equations 8 to 12): a CTA holds the queries of a few
// neighbouring positions with all their heads as columns (query_columns.cuh), a producer warpgroup streams the compressed keys
// past them, each warpgroup computes on 64 keys of a tile. The keys pass twice: for the softmax sums, unless the caller gives
// the log-sum-exp of the compressed branch, then for the probabilities (block_choice.cuh).
//
// K is read as whole tiles; what a query does not see may be anything finite.
//
// Fields: element, dk, group, l, d, l_sel, n_sel, ranges, ranges_v2, room, columns, stages, warpgroups, blocks_per_sm, ahead (1:
// the next tile's product runs beside this one's probabilities, for twice the registers of a tile). The host computes the same
// sizes: scoring_cuda_space.cpp.

#include "common/barrier.cuh"
#include "common/panel_copy.cuh"
#include "common/warpgroup_attention.cuh"
#include "common/wgmma_wide.cuh"
#include "scoring/tile_scores.cuh"

namespace nsajit::scoring {

template <class Fields>
class ScoreWgmma : public WarpgroupCta<Fields::warpgroups, Fields::blocks_per_sm> {
 public:
  using Element = typename Fields::element;
  using Columns = QueryColumns<Fields>;
  using Scores = typename Columns::Scores;
  static constexpr int kWarps = 4 * Fields::warpgroups;
  static constexpr int kTile = 64 * Fields::warpgroups;
  using Choice = BlockChoice<Fields, kTile, kWarps>;
  using Tile = TileScores<Fields, kTile, kWarps>;
  static constexpr int kPanels = Fields::dk / kPanelWidth;
  static constexpr int kQueryPanel = Columns::kColumns * kPanelRowBytes;
  static constexpr int kKeyPanel = kTile * kPanelRowBytes;
  static constexpr int kStage = kPanels * kKeyPanel;
  static constexpr int kRing = Fields::stages * kStage;
  static constexpr int kBarriers = kRing + kPanels * kQueryPanel;  // the ring, Q, barriers, then what BlockChoice holds
  static constexpr int kChoice = kBarriers + 16 * Fields::stages;
  static constexpr bool kSumsAhead = Fields::ahead && Columns::kColumns <= 96;  // sums and offsets take registers too
  static constexpr int kAhead = 1;  // tiles whose copies may be under way when the next one's start
  static_assert(Fields::stages >= kAhead + 2, "a warpgroup holds one tile while it waits for the next");

  const nsajit_scoring_args& args;
  uint32 ring;

  __device__ __forceinline__ uint32 full(int stage) const { return ring + kBarriers + stage * 8; }
  __device__ __forceinline__ uint32 empty(int stage) const { return full(Fields::stages + stage); }

  using Place = RingPlace<Fields::stages>;

  // Tiles of each pass.
  struct Passes {
    int sums;
    int scores;
    __device__ __forceinline__ Passes(const nsajit_scoring_args& args, const typename Choice::Queries& queries)
        : sums(0), scores(0) {
      if (!queries.decides(queries.count - 1, args.n)) return;
      if (args.lse == nullptr) sums = max(1, ceil_div(queries.seen(queries.count - 1), kTile));
      scores = max(1, ceil_div(queries.scored_keys(), kTile));
    }
  };

  __device__ __forceinline__ void produce(const Item& item, const typename Choice::Queries& queries, const Passes& passes,
                                          int thread) const {
    const Element* const keys =
        locate(static_cast<const Element*>(args.k), args.k_b, args.k_s, args.k_g, item, queries.sequence.first_key);
    const int64 stride = args.k_s * 2;
    Place place;
    place.parity = 1;  // the first pass finds every stage empty
    int landed = 0;    // stage of the oldest tile not yet signalled
    const auto signal = [&] {
      publish_to_tensor_cores();
      __syncwarp();
      if (thread % 32 == 0) barrier_arrive(full(landed));
      landed = landed + 1 == Fields::stages ? 0 : landed + 1;
    };
    const int tiles = passes.sums + passes.scores;
    for (int index = 0; index < tiles; ++index) {
      const int tile = index < passes.sums ? index : index - passes.sums;
      barrier_wait(empty(place.stage), place.parity);
      copy_panels<Fields::dk, kTile>(reinterpret_cast<const char*>(keys) + static_cast<int64>(tile) * kTile * stride, stride,
                                     queries.sequence.keys - tile * kTile, ring + place.stage * kStage, thread);
      commit_copies();
      place.advance();
      if (index >= kAhead) {
        wait_copies<kAhead>();
        signal();
      }
    }
    wait_copies<0>();
    for (int index = 0; index < smaller(tiles, kAhead); ++index) signal();
  }

  // Starts to copy Q, a row per column, by all threads that compute.
  __device__ __forceinline__ void copy_queries(const Item& item, const typename Choice::Queries& queries, int thread) const {
    const Element* const q = locate(static_cast<const Element*>(args.q), args.q_b, args.q_s, args.q_g, item,
                                    queries.sequence.first_row + queries.first);
    Columns::template copy<32 * kWarps>(args, q, queries.count, thread, [&](int column, int chunk) {
      return ring + kRing + chunk / 8 * kQueryPanel + panel_offset(column, chunk % 8);
    });
    commit_copies();
  }

  // Scores of `tiles` tiles in turn; visit(scores, tile). kOverlap: two tiles are under way.
  template <bool kOverlap, class Visit>
  __device__ __forceinline__ void walk(Place& place, int tiles, int warpgroup, int lane, Visit&& visit) const {
    if (tiles == 0) return;
    const unsigned long long queries = uniform_descriptor(ring + kRing);
    int before = 0;
    const auto start = [&](Scores& s) {
      const unsigned long long keys = uniform_descriptor(ring + place.stage * kStage + warpgroup * 64 * kPanelRowBytes);
      barrier_wait(full(place.stage), place.parity);
      wgmma_fence();
#pragma unroll
      for (int step = 0; step < Fields::dk / 16; ++step) {
        wgmma_wide<Columns::kColumns>(Element{}, s, panel_step(keys, step / 4 * kKeyPanel + step % 4 * 32),
                                      panel_step(queries, step / 4 * kQueryPanel + step % 4 * 32), step > 0);
      }
      wgmma_commit();
      place.advance();
    };
    const auto release = [&] {
      if (lane == 0) barrier_arrive(empty(before));
      before = before + 1 == Fields::stages ? 0 : before + 1;
    };
    before = place.stage;
    if constexpr (kOverlap) {
      Scores a, b;
      int tile = 0;
      start(a);
      for (; tile + 2 < tiles; tile += 2) {
        start(b);
        wgmma_wait<1>();
        release();
        visit(a, tile);
        start(a);
        wgmma_wait<1>();
        release();
        visit(b, tile + 1);
      }
      if (tile + 1 < tiles) {
        start(b);
        wgmma_wait<1>();
        release();
        visit(a, tile);
        wgmma_wait<0>();
        release();
        visit(b, tile + 1);
      } else {
        wgmma_wait<0>();
        release();
        visit(a, tile);
      }
    } else {
      for (int tile = 0; tile < tiles; ++tile) {
        Scores s;
        start(s);
        wgmma_wait<0>();
        release();
        visit(s, tile);
      }
    }
  }

  __device__ __forceinline__ void consume(const Item& item, const Choice& choice, const Passes& passes, int thread) const {
    const int warp = thread / 32;
    const int lane = thread % 32;
    const auto sync = [] { warps_sync<kWarps>(1); };
    typename Choice::Best best;
    choice.begin(best, warp, lane);
    if (passes.scores > 0) {
      copy_queries(item, choice.queries, thread);
      const Tile tiles{choice, args.scale * kLog2E, choice.queries.seen(0), warp * 16 + lane / 4, warp, lane};
      wait_copies<0>();
      publish_to_tensor_cores();
      sync();
      Place place;
      if (passes.sums > 0) {
        ColumnSums<Fields> column_sums;
        walk<kSumsAhead>(place, passes.sums, warp / 4, lane, [&](Scores& s, int tile) { tiles.add(column_sums, s, tile); });
        tiles.merge(column_sums, sync);
      } else {
        tiles.read_lse(item, sync);
      }
      float lse[Columns::kOwn];
      tiles.load_lse(lse);
      walk<Fields::ahead != 0>(place, passes.scores, warp / 4, lane, [&](Scores& s, int tile) {
        tiles.store_sums(s, lse, tile);
        if (!Choice::Ring::takes(tile, tile + 1 == passes.scores)) return;
        sync();
        choice.take_tiles(best, tile, tile + 1 == passes.scores, warp, lane);
      });
    }
    choice.write(best, item, warp, lane);
  }
};

template <class Fields>
__device__ __forceinline__ void score_wgmma(const nsajit_scoring_args& args, int64) {
  using Kernel = ScoreWgmma<Fields>;
  extern __shared__ __align__(1024) char nsajit_panels[];
  // The longest queries of all groups first, so that CTAs end together.
  const int64 all = args.B * args.G;
  const int64 outer = blockIdx.x / all;
  const int64 bg = blockIdx.x - outer * all;
  const Item item{bg / args.G, bg % args.G, outer};
  const typename Kernel::Choice::Queries queries(args, item.b, item.block);
  if (queries.count == 0) return;
  const Kernel kernel{{}, args, smem_address(nsajit_panels)};
  const typename Kernel::Passes passes(args, queries);
  if (threadIdx.x == 0) {
    for (int stage = 0; stage < Fields::stages; ++stage) {
      barrier_init(kernel.empty(stage), Kernel::kWarps);
      barrier_init(kernel.full(stage), 4);
    }
  }
  __syncthreads();
  if (threadIdx.x / 128 == Fields::warpgroups) {
    keep_registers<Kernel::kProducerRegisters>();
    kernel.produce(item, queries, passes, threadIdx.x % 128);
  } else {
    take_registers<Kernel::kConsumerRegisters>();
    kernel.consume(item, typename Kernel::Choice(args, queries, nsajit_panels + Kernel::kChoice), passes, threadIdx.x);
  }
}

}  // namespace nsajit::scoring
