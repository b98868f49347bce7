#pragma once
// Scoring with top-n on warpgroup instructions (SM 90a; arXiv 2502.11089, equations 8 to 12): each warpgroup holds the queries of
// a few neighbouring positions with all their heads as columns (query_columns.cuh), a producer warpgroup streams the compressed
// keys past all of them. The keys pass twice: for the softmax sums, unless the caller gives the log-sum-exp of the compressed
// branch, then for the probabilities (block_choice.cuh). A CTA goes on to further queries: while the warpgroups write what they
// chose, the next queries and keys arrive.
//
// K is read as whole tiles; what a query does not see may be anything finite.
//
// Fields: element, dk, group, query_lanes, l, d, l_sel, n_sel, ranges, ranges_v2, room, columns (of a warpgroup), stages,
// warpgroups, blocks_per_sm, ahead (1: the next tile's product runs beside this one's probabilities, for twice the registers of a
// tile). The host computes the same sizes: scoring_cuda_space.cpp.

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
  static constexpr int kWarps = 4;  // of a warpgroup
  static constexpr int kTile = 64;
  using Choice = BlockChoice<Fields, kTile, kWarps>;
  using Queries = typename Choice::Queries;
  using Tile = TileScores<Fields, kTile, kWarps>;
  static constexpr int kPanels = Fields::dk / kPanelWidth;
  static constexpr int kQueryPanel = Columns::kColumns * kPanelRowBytes;
  static constexpr int kQueryBytes = kPanels * kQueryPanel;  // of a warpgroup
  static constexpr int kKeyPanel = kTile * kPanelRowBytes;
  static constexpr int kStage = kPanels * kKeyPanel;
  static constexpr int kRing = Fields::stages * kStage;
  static constexpr int kBarriers =
      kRing + Fields::warpgroups * kQueryBytes;  // the ring, Q, barriers, then what BlockChoice holds
  static constexpr int kChoice = kBarriers + 16 * Fields::stages + 16;
  static constexpr bool kSumsAhead = Fields::ahead && Columns::kColumns <= 96;  // sums and offsets take registers too
  static constexpr int kSumParts = Fields::warpgroups == 3 && Columns::kColumns == 128 ? 2 : 1;  // passes for them
  using SumFields = PartFields<Fields, kSumParts>;
  static constexpr bool kLseKept = Fields::warpgroups < 3 || Columns::kColumns <= 96;
  static constexpr int kAhead = 1;  // tiles whose copies may be under way when the next one's start
  static_assert(Fields::stages >= kAhead + 2, "a warpgroup holds one tile while it waits for the next");

  const nsajit_scoring_args& args;
  uint32 ring;

  __device__ __forceinline__ uint32 full(int stage) const { return ring + kBarriers + stage * 8; }
  __device__ __forceinline__ uint32 empty(int stage) const { return full(Fields::stages + stage); }
  __device__ __forceinline__ uint32 queries_read() const { return full(2 * Fields::stages); }

  using Place = RingPlace<Fields::stages>;

  // The queries of a warpgroup: those of the first one are the latest, which see the most keys.
  __device__ __forceinline__ Queries queries_of(const Item& item, int warpgroup) const {
    return Queries(args, item.b, item.block * Fields::warpgroups + warpgroup);
  }

  // Tiles of each pass; no pass where nothing is to be chosen.
  struct Passes {
    int sums;
    int scores;
    __device__ __forceinline__ Passes(const nsajit_scoring_args& args, const Queries& latest) : sums(0), scores(0) {
      if (latest.count == 0 || !latest.decides(latest.count - 1, args.n)) return;
      if (args.lse == nullptr) sums = max(1, ceil_div(latest.seen(latest.count - 1), kTile));
      scores = max(1, ceil_div(latest.scored_keys(), kTile));
    }
  };

  // visit(item) for the items of this CTA. The longest queries of all groups come first, so that CTAs end together.
  template <class Visit>
  __device__ __forceinline__ void for_each_item(Visit&& visit) const {
    constexpr int kQueries = Fields::warpgroups * Columns::kQueries;
    const int groups = static_cast<int>(args.B * args.G);
    const int items = static_cast<int>((args.S + kQueries - 1) / kQueries) * groups;
    for (int index = blockIdx.x; index < items; index += gridDim.x) {
      const int outer = index / groups;
      const int bg = index - outer * groups;
      const int b = bg / static_cast<int>(args.G);
      visit(Item{b, bg - b * static_cast<int>(args.G), outer});
    }
  }

  __device__ __forceinline__ void produce(int thread) const {
    const int64 stride = args.k_s * 2;
    Place place;
    place.parity = 1;  // the first pass finds every stage empty
    uint32 queries_parity = 1;
    int landed = 0;  // stage of the oldest tile not yet signalled
    const auto signal = [&] {
      publish_to_tensor_cores();
      __syncwarp();
      if (thread % 32 == 0) barrier_arrive(full(landed));
      landed = landed + 1 == Fields::stages ? 0 : landed + 1;
    };
    for_each_item([&](const Item& item) {
      const Queries latest = queries_of(item, 0);
      const Passes passes(args, latest);
      const int tiles = passes.sums * kSumParts + passes.scores;
      if (tiles == 0) return;
      barrier_wait(queries_read(), queries_parity);
      queries_parity ^= 1;
#pragma unroll 1
      for (int warpgroup = 0; warpgroup < Fields::warpgroups; ++warpgroup) copy_queries(item, warpgroup, thread);
      const char* const keys = reinterpret_cast<const char*>(
          locate(static_cast<const Element*>(args.k), args.k_b, args.k_s, args.k_g, item, latest.sequence.first_key));
      for (int index = 0; index < tiles; ++index) {
        const int left = index - passes.sums * kSumParts;  // of the sums' tiles, if negative
        const int tile = left >= 0 ? left : kSumParts == 1 || index < passes.sums ? index : index - passes.sums;
        barrier_wait(empty(place.stage), place.parity);
        copy_panels<Fields::dk, kTile>(keys + static_cast<int64>(tile) * kTile * stride, stride,
                                       latest.sequence.keys - tile * kTile, ring + place.stage * kStage, thread);
        commit_copies();  // the queries with the first tile
        place.advance();
        if (index >= kAhead) {
          wait_copies<kAhead>();
          signal();
        }
      }
      wait_copies<0>();
      for (int index = 0; index < smaller(tiles, kAhead); ++index) signal();
    });
  }

  // Starts to copy the queries of a warpgroup, a row per column.
  __device__ __forceinline__ void copy_queries(const Item& item, int warpgroup, int thread) const {
    const Queries queries = queries_of(item, warpgroup);
    const Element* const q = locate(static_cast<const Element*>(args.q), args.q_b, args.q_s, args.q_g, item,
                                    queries.sequence.first_row + queries.first);
    Columns::template copy<128>(args, q, queries.count, thread, [&](int column, int chunk) {
      return ring + kRing + warpgroup * kQueryBytes + chunk / 8 * kQueryPanel + panel_offset(column, chunk % 8);
    });
  }

  // Scores of `tiles` tiles in turn, of the columns of a part; visit(scores, tile), then visited(tile), where two are under way
  // only of every other tile, and the last: it is long, and takes time to compile. kOverlap: two tiles are under way.
  template <class Part, bool kOverlap, class Visit, class Visited>
  __device__ __forceinline__ void walk(Place& place, int tiles, int warpgroup, int part, int lane, Visit&& visit,
                                       Visited&& visited) const {
    constexpr int kPart = QueryColumns<Part>::kColumns;
    using PartScores = typename QueryColumns<Part>::Scores;
    if (tiles == 0) return;
    const unsigned long long queries = uniform_descriptor(ring + kRing + warpgroup * kQueryBytes + part * kPart * kPanelRowBytes);
    int before = 0;
    const auto start = [&](PartScores& s) {
      const unsigned long long keys = uniform_descriptor(ring + place.stage * kStage);
      barrier_wait(full(place.stage), place.parity);
      wgmma_fence();
#pragma unroll
      for (int step = 0; step < Fields::dk / 16; ++step) {
        wgmma_wide<kPart>(Element{}, s, panel_step(keys, step / 4 * kKeyPanel + step % 4 * 32),
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
      PartScores a, b;
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
        visited(tile + 1);
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
      visited(tiles - 1);
    } else {
      for (int tile = 0; tile < tiles; ++tile) {
        PartScores s;
        start(s);
        wgmma_wait<0>();
        release();
        visit(s, tile);
        visited(tile);
      }
    }
  }

  __device__ __forceinline__ void consume(int warpgroup, int thread, char* memory) const {
    const int warp = thread / 32;
    const int lane = thread % 32;
    const auto sync = [warpgroup] { warps_sync<kWarps>(1 + warpgroup); };
    Place place;
    for_each_item([&](const Item& item) {
      const Queries queries = queries_of(item, warpgroup);
      const Passes passes(args, queries_of(item, 0));
      const Choice choice(args, queries, memory);
      typename Choice::Best best;
      if (passes.scores > 0 && queries.count == 0) {
        let_pass(place, passes, lane);
      } else if (passes.scores > 0) {
        const Tile tiles{choice, args.scale * kLog2E, queries.seen(0), warp * 16 + lane / 4, warp, lane};
        sync();  // the blocks of the queries before are read
        if (passes.sums > 0) {
#pragma unroll 1
          for (int part = 0; part < kSumParts; ++part) {
            ColumnSums<SumFields> column_sums;
            walk<SumFields, kSumsAhead>(
                place, passes.sums, warpgroup, part, lane, [&](auto& s, int tile) { tiles.add(column_sums, s, tile, part); },
                [](int) {});
            tiles.merge(column_sums, part, sync);
          }
        } else {
          tiles.read_lse(item, sync);
        }
        choice.begin(best, warp, lane);
        const typename Tile::template ColumnLse<kLseKept> lse(tiles);
        static_assert(!Fields::ahead || Choice::Ring::kTake % 2 == 0, "no blocks are read between the tiles of a pair");
        walk<Fields, Fields::ahead != 0>(
            place, passes.scores, warpgroup, 0, lane,
            [&](Scores& s, int tile) {
              if (tile + 1 == passes.scores && lane == 0) barrier_arrive(queries_read());
              tiles.store_sums(s, lse, tile);
            },
            [&](int tile) {
              const bool last = tile + 1 == passes.scores;
              if (!Choice::Ring::takes(tile, last)) return;
              sync();
              choice.take_tiles(best, tile, last, warp, lane);
              if (!Choice::Ring::kSpare) sync();
            });
      }
      choice.write(best, item, warp, lane);
    });
  }

  // A warpgroup without queries takes the tiles off the ring that the others need.
  __device__ __forceinline__ void let_pass(Place& place, const Passes& passes, int lane) const {
    for (int tile = 0; tile < passes.sums * kSumParts + passes.scores; ++tile, place.advance()) {
      barrier_wait(full(place.stage), place.parity);
      if (lane == 0) barrier_arrive(empty(place.stage));
    }
    if (lane == 0) barrier_arrive(queries_read());
  }
};

template <class Fields>
__device__ __forceinline__ void score_wgmma(const nsajit_scoring_args& args, int64) {
  using Kernel = ScoreWgmma<Fields>;
  extern __shared__ __align__(1024) char nsajit_panels[];
  const Kernel kernel{{}, args, smem_address(nsajit_panels)};
  if (threadIdx.x == 0) {
    for (int stage = 0; stage < Fields::stages; ++stage) {
      barrier_init(kernel.empty(stage), Kernel::kWarps * Fields::warpgroups);
      barrier_init(kernel.full(stage), 4);
    }
    barrier_init(kernel.queries_read(), Kernel::kWarps * Fields::warpgroups);
  }
  __syncthreads();
  const int warpgroup = threadIdx.x / 128;
  if (warpgroup == Fields::warpgroups) {
    keep_registers<Kernel::kProducerRegisters>();
    kernel.produce(threadIdx.x % 128);
  } else {
    take_registers<Kernel::kConsumerRegisters>();
    kernel.consume(warpgroup, threadIdx.x % 128, nsajit_panels + Kernel::kChoice + warpgroup * Kernel::Choice::kBytes);
  }
}

}  // namespace nsajit::scoring
