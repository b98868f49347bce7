#pragma once
// Query-tile union on warpgroup instructions (SM 90a): a CTA owns 64 * warpgroups consecutive (query, head) rows of one KV
// group, 64 a warpgroup. A producer warpgroup streams every key tile that any of the rows selected, once; a warpgroup
// takes those that one of its own rows selected, and there a row that did not select the tile weighs it with zero.
//
// While S / l_sel is a small multiple of n_sel, a tile that one row of 64 selected is selected by many of them, and
// neighbouring queries share their forced blocks at any length: the zeros cost less than the tensor cores gain.
//
// K and V are read as whole tiles, so they must be finite in every token up to the last query's, selected or not.
//
// Fields: element, dk, dv, block (0: ranges), group, tile (64), stages, warpgroups, q_registers, blocks_per_sm, queries
// (that a CTA's rows can belong to).
// The host computes the same sizes: cuda_query_union_wgmma.cpp.

#include "common/barrier.cuh"
#include "common/panel_copy.cuh"
#include "common/shared.cuh"
#include "common/warpgroup_attention.cuh"
#include "selection/row.cuh"
#include "selection/selection_map.cuh"

namespace nsajit::selection {

template <class Fields>
struct UnionWgmmaShape : WarpgroupCta<Fields::warpgroups, Fields::blocks_per_sm> {
  using Rows = WarpgroupAttention<Fields>;
  static constexpr int kStage = Rows::kKBytes + Rows::kVBytes;
  static constexpr int kQueries = Fields::q_registers ? 0 : Fields::warpgroups * Rows::kQueryBytes;  // else in the ring at first
  static constexpr int kRing = Fields::stages * kStage;
  static constexpr int kAhead = SelectionMap<Fields>::kAhead;
  static constexpr int kBarriers = (1 + Fields::warpgroups) * Fields::stages * 8 + 16;
};

template <class Fields>
class QueryUnionWgmma {
 public:
  using Element = typename Fields::element;
  using Shape = UnionWgmmaShape<Fields>;
  using Rows = typename Shape::Rows;
  using Map = SelectionMap<Fields>;
  static constexpr int kTile = Fields::tile;

  const nsajit_selection_args& args;
  const Map& map;
  uint32 ring;
  uint32 barriers;
  int64 first_query;  // of the CTA
  int first_head;     // the CTA's first row is this head of it
  int first_limit;    // tokens that the first query may see
  int queries;        // of the CTA

  // A stage is full for each warpgroup that wants it, and empty for all. For those that do not, the producer gives it back.
  __device__ __forceinline__ uint32 empty(int stage) const { return barriers + stage * 8; }
  __device__ __forceinline__ uint32 full(int stage, int warpgroup) const {
    return barriers + ((1 + warpgroup) * Fields::stages + stage) * 8;
  }

  __device__ __forceinline__ void produce(const Row<Element>& row, int last_token, int thread) const {
    const int count = map.counts[0];
    const int lane = thread % 32;
    int stage = 0;
    int landed = 0;  // the oldest tile not yet signalled
    int landed_stage = 0;
    uint32 parity = 1;  // the first pass finds every stage empty
    const auto signal = [&] {
      publish_to_tensor_cores();
      __syncwarp();
      const uint32 wanted = map.tiles[landed++] >> 24;
      if (lane < Fields::warpgroups) barrier_arrive(wanted >> lane & 1 ? full(landed_stage, lane) : empty(landed_stage));
      landed_stage = landed_stage + 1 == Fields::stages ? 0 : landed_stage + 1;
    };
    for (int place = 0; place < count; ++place) {
      const int tile = map.tiles[place] & 0xffffff;
      barrier_wait(empty(stage), parity);
      const uint32 k = ring + stage * Shape::kStage;
      const int tokens = last_token - tile * kTile;
      copy_panels<Fields::dk, kTile>(row.k + static_cast<int64>(tile) * kTile * row.k_stride, row.k_stride, tokens, k, thread);
      copy_panels<Fields::dv, kTile>(row.v + static_cast<int64>(tile) * kTile * row.v_stride, row.v_stride, tokens,
                                     k + Rows::kKBytes, thread);
      commit_copies();
      if (++stage == Fields::stages) {
        stage = 0;
        parity ^= 1;
      }
      if (place >= Shape::kAhead) {
        wait_copies<Shape::kAhead>();
        signal();
      }
    }
    wait_copies<0>();
    while (landed < count) signal();
  }

  // One of the two rows that a lane holds.
  struct MyRow {
    int query;  // of the CTA
    int head;
    int limit;     // tokens that it may see; 0: no such row
    uint32 units;  // address of its query's bitmap
  };

  // Of the CTA's rows, the first belongs to head first_head of its query.
  __device__ __forceinline__ MyRow my_row(int row_of_cta) const {
    const uint32 row = first_head + row_of_cta;
    const int query = row / Fields::group;
    const int limit = query < queries ? first_limit + query : 0;
    return {query, static_cast<int>(row - query * Fields::group), limit, smem_address(map.units + query * map.unit_words)};
  }

  struct Entry {
    int start;
    int end;
  };

  __device__ __forceinline__ Entry read_entry_of(int query, int entry) const {
    Entry tokens;
    read_entry<Fields::block>(make_row<Element>(args, blockIdx.z, blockIdx.y, first_query + query), entry, tokens.start,
                              tokens.end);
    return tokens;
  }

  __device__ __forceinline__ void mark(int query, Entry tokens) const {
    const int first = query * Fields::group - first_head;  // of the query's rows, as a row of the CTA
    map.mark(query, max(first, 0) / 64, min((first + Fields::group - 1) / 64, Fields::warpgroups - 1), tokens.start, tokens.end,
             first_limit + query);
  }

  // Starts to copy the 64 rows of Q of a warpgroup.
  __device__ __forceinline__ void copy_queries(const Element* q, int warpgroup, uint32 destination, int thread) const {
    Rows::copy_queries(destination, thread, [&](int row) {
      const MyRow at = my_row(warpgroup * 64 + row);
      return typename Rows::QueryRow{q + at.query * args.q_s + at.head * args.q_h, at.limit > 0};
    });
  }

  // The tokens [32 word, 32 word + 32) of a tile that the row sees, as bits.
  __device__ __forceinline__ uint32 visible_tokens(const MyRow& row, uint32 units, int tile, int word, bool cut) const {
    const int first = tile * kTile + word * 32;
    const int count = row.limit - first;
    uint32 visible = (units >> (2 * word) & 1 ? 0xffffu : 0u) | (units >> (2 * word + 1) & 1 ? 0xffff0000u : 0u);
    if (count < 32) visible &= count <= 0 ? 0u : 0xffffffffu >> (32 - count);
    if (cut && visible != 0) {
      const Row<Element> entries = make_row<Element>(args, blockIdx.z, blockIdx.y, first_query + row.query);
      uint32 exact = 0;
      for (int entry = 0; entry < entries.n; ++entry) {
        int start, end;
        read_entry<Fields::block>(entries, entry, start, end);
        const int from = max(start - first, 0);
        const int to = min(end - first, 32);
        if (from < to) exact |= (0xffffffffu >> (32 - (to - from))) << from;
      }
      visible &= exact;
    }
    return visible;
  }

  // What a lane's two rows see of a tile.
  struct View {
    uint32 units[2];
    bool seen[2];
    bool whole;  // every row of the warp sees all of the tile or nothing
  };

  __device__ __forceinline__ View look(const MyRow (&rows)[2], int tile, bool cut) const {
    constexpr uint32 kAll = (1u << Map::kUnitsPerTile) - 1;
    constexpr int kTilesPerWord = 32 / Map::kUnitsPerTile;
    View view;
    bool whole = !cut;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      if (half == 1 && Fields::group % 16 == 0) {  // a warp's 16 rows are of one query
        view.units[1] = view.units[0];
        view.seen[1] = view.seen[0];
        continue;
      }
      view.units[half] =
          load_shared(rows[half].units + tile / kTilesPerWord * 4) >> (tile % kTilesPerWord * Map::kUnitsPerTile) & kAll;
      view.seen[half] = view.units[half] != 0;
      whole &= (view.units[half] == 0) | ((view.units[half] == kAll) & ((tile + 1) * kTile <= rows[half].limit));
    }
    view.whole = __all_sync(kAllLanes, whole);
    return view;
  }

  // Scores that a row may not see become -inf.
  __device__ __forceinline__ void mask(typename Rows::Scores& s, const MyRow (&rows)[2], const View& view, int tile,
                                       int lane) const {
    const bool cut = *map.cut != 0;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
#pragma unroll
      for (int word = 0; word < kTile / 32; ++word) {
        const uint32 visible = visible_tokens(rows[half], view.units[half], tile, word, cut) >> (2 * (lane % 4));
#pragma unroll
        for (int i = 0; i < 4; ++i) {
#pragma unroll
          for (int j = 0; j < 2; ++j) {
            if ((visible >> (i * 8 + j) & 1) == 0) s[word * 4 + i][2 * half + j] = negative_infinity();
          }
        }
      }
    }
  }

  __device__ __forceinline__ void consume(Rows& attention, const MyRow (&rows)[2], int warpgroup, float scale2, int lane) const {
    uint32 list = smem_address(map.own_tiles + warpgroup * 32 * map.tile_words);
    const uint32 mine = full(0, warpgroup);
    const bool cut = *map.cut != 0;
    uint32 parities = 0;  // one bit a stage
    uint32 entry = 0;
    const auto read = [&] {
      entry = load_shared(list);  // behind the last one: unused
      list += 4;
    };
    const auto keys_of = [&](uint32 stage) { return uniform_descriptor(ring + stage * Shape::kStage); };
    const auto values_of = [&](uint32 stage) { return uniform_descriptor(ring + stage * Shape::kStage + Rows::kKBytes); };
    const auto wait = [&](uint32 stage) {
      barrier_wait(mine + stage * 8, parities >> stage & 1);
      parities ^= 1u << stage;
    };
    const auto release = [&](uint32 stage) {
      if (lane == 0) barrier_arrive(empty(stage));
    };
    typename Rows::Scores s;
    int left = map.counts[1 + warpgroup];
    read();
    while (left > 0) {
      uint32 stage = entry >> 24 & 31;
      wait(stage);
      attention.start_scores(s, keys_of(stage));
      View view = look(rows, entry & 0xffffff, cut);
      wgmma_wait<0>();
      if (__builtin_expect(!view.whole, false)) mask(s, rows, view, entry & 0xffffff, lane);
      attention.soften(s, view.seen, scale2);
      attention.settle_output();
      attention.take_probabilities(s);
      read();
      // The next tile's scores run beside this one's output, where the ring can hold both.
      while (--left > 0 && entry >> 31 == 0) {
        const uint32 next = entry >> 24 & 31;
        const int tile = entry & 0xffffff;
        const unsigned long long keys = keys_of(next);
        const unsigned long long values = values_of(stage);
        wait(next);
        attention.start_scores(s, keys);
        attention.start_output(values);
        view = look(rows, tile, cut);
        read();
        wgmma_wait<1>();
        if (__builtin_expect(!view.whole, false)) mask(s, rows, view, tile, lane);
        attention.soften(s, view.seen, scale2);
        attention.settle_output();
        release(stage);
        attention.take_probabilities(s);
        stage = next;
      }
      attention.start_output(values_of(stage));
      wgmma_wait<0>();
      release(stage);
    }
  }
};

template <class Fields>
__device__ __forceinline__ void query_union_wgmma(const nsajit_selection_args& args, int64) {
  using Element = typename Fields::element;
  using Shape = UnionWgmmaShape<Fields>;
  using Rows = typename Shape::Rows;
  extern __shared__ __align__(1024) char nsajit_panels[];
  const int64 length = sequence_rows(args, blockIdx.z);
  constexpr int kRows = 64 * Fields::warpgroups;
  const int64 ctas = (length * Fields::group + kRows - 1) / kRows;
  const int64 cta = ctas - 1 - static_cast<int64>(blockIdx.x);  // late rows first: they have the most tiles
  if (cta < 0) return;
  const int64 first_row = cta * kRows;  // flattened (query, head)
  const int64 first_query = first_row / Fields::group;
  const int first_head = static_cast<int>(first_row - first_query * Fields::group);
  const int64 left = length - first_query;
  const int most = ceil_div(first_head + kRows, Fields::group);
  const int queries = left < most ? static_cast<int>(left) : most;

  char* const after = nsajit_panels + Shape::kRing + Shape::kQueries;
  const SelectionMap<Fields> map(reinterpret_cast<uint32*>(after + Shape::kBarriers), args.S_kv);
  const QueryUnionWgmma<Fields> kernel{args,
                                       map,
                                       smem_address(nsajit_panels),
                                       smem_address(after),
                                       first_query,
                                       first_head,
                                       static_cast<int>(args.S_kv - args.S + first_query + 1),
                                       queries};
  const Row<Element> group = make_row<Element>(args, blockIdx.z, blockIdx.y, first_query);
  const int warpgroup = threadIdx.x / 128;
  const int thread = threadIdx.x % 128;
  const uint32 panels = smem_address(nsajit_panels) + (Fields::q_registers ? 0 : Shape::kRing) + warpgroup * Rows::kQueryBytes;
  // Everything that comes from far is asked for first.
  const int entries = queries * args.n;
  int at = threadIdx.x;
  typename QueryUnionWgmma<Fields>::Entry entry{0, 0};
  if (at < entries) entry = kernel.read_entry_of(at / args.n, at % args.n);
  if (warpgroup < Fields::warpgroups) kernel.copy_queries(group.q, warpgroup, panels, thread);
  for (int i = threadIdx.x; i < map.words(); i += Shape::kThreads) reinterpret_cast<uint32*>(map.cut)[i] = 0;
  if (threadIdx.x == 0) {
    for (int stage = 0; stage < Fields::stages; ++stage) {
      barrier_init(kernel.empty(stage), 4 * Fields::warpgroups);
      for (int group = 0; group < Fields::warpgroups; ++group) barrier_init(kernel.full(stage, group), 4);
    }
  }
  __syncthreads();
  while (at < entries) {
    kernel.mark(at / args.n, entry);
    at += Shape::kThreads;
    if (at < entries) entry = kernel.read_entry_of(at / args.n, at % args.n);
  }
  __syncthreads();
  if (warpgroup == Fields::warpgroups && thread < 32) map.order(thread);
  wait_copies<0>();
  publish_to_tensor_cores();
  __syncthreads();
  if (warpgroup < Fields::warpgroups && thread < 32) map.list(warpgroup, thread);
  __syncthreads();
  if (warpgroup == Fields::warpgroups) {
    keep_registers<Shape::kProducerRegisters>();
    if constexpr (Fields::q_registers) asm volatile("bar.sync 1, %0;" ::"n"(Shape::kThreads) : "memory");
    kernel.produce(group, kernel.first_limit + queries - 1, thread);
  } else {
    take_registers<Shape::kConsumerRegisters>();
    const int lane = thread % 32;
    const int row_of_warp = warpgroup * 64 + thread / 32 * 16 + lane / 4;
    const typename QueryUnionWgmma<Fields>::MyRow rows[2] = {kernel.my_row(row_of_warp), kernel.my_row(row_of_warp + 8)};
    Rows attention;
    attention.load_query(panels, thread);
    if constexpr (Fields::q_registers) asm volatile("bar.arrive 1, %0;" ::"n"(Shape::kThreads) : "memory");
    kernel.consume(attention, rows, warpgroup, args.scale * 1.4426950408889634f, lane);
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const bool real = rows[half].limit > 0;
      const float lse = attention.finish_row(half, args.scale);
      if (real && group.lse != nullptr && lane % 4 == 0)
        group.lse[rows[half].query * args.lse_s + rows[half].head * args.lse_h] = lse;
      attention.store_row(half, group.o + rows[half].query * args.o_s + rows[half].head * args.o_h, real, lane);
    }
  }
}

}  // namespace nsajit::selection
