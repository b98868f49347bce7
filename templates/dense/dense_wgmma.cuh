#pragma once
// Dense attention over a window of keys per row, on warpgroup instructions (SM 90a): the sliding branch (arXiv 2502.11089,
// section 3.3.3) and the compressed one (Eq. 7). A block of 64 * warpgroups consecutive (query, head) rows of one KV group
// shares each read of K and V among all heads of a query; a producer warpgroup streams the tiles that any row sees, a
// warpgroup computes on those that its own rows see. Only tiles at an end of some window are masked.
//
// A CTA takes every gridDim.x-th block of rows: where there are fewer CTAs than blocks, the next block's Q and first tiles are
// on their way while this one's results are stored.
//
// K and V are read as whole tiles, so keys of a tile that any row sees must be finite.
//
// Fields: element, dk, dv, group, sliding, w, l, d, tile, stages, warpgroups, q_registers, blocks_per_sm.
// The host computes the same sizes: dense_cuda_space.cpp.

#include "common/barrier.cuh"
#include "common/panel_copy.cuh"
#include "common/warpgroup_attention.cuh"
#include "dense/dense_rows.cuh"

namespace nsajit::dense {

template <class Fields>
struct DenseWgmmaShape : WarpgroupCta<Fields::warpgroups, Fields::blocks_per_sm> {
  using Rows = WarpgroupAttention<Fields>;
  static constexpr int kStage = Rows::kKBytes + Rows::kVBytes;
  static constexpr int kRing = Fields::stages * kStage;
  static constexpr int kQueries = Fields::warpgroups * Rows::kQueryBytes;
  static constexpr int kAhead = Fields::stages > 4 ? 2 : 1;  // tiles whose copies may be under way when the next one's start
  static_assert(Fields::stages >= kAhead + 2, "a warpgroup holds one tile while it waits for the next");
};

// The blocks of rows of a launch, dealt to its CTAs in turn. Short windows are alike everywhere: those of a group together, so
// that its K and V stay in L2. Else rows are the longer the later: the longest of all groups first, so that CTAs end together.
// Fewer than 2^31 blocks, as the host sees to. A block is three digits, counted on without divisions.
template <class Fields>
class ItemCursor {
 public:
  __device__ __forceinline__ ItemCursor(const nsajit_dense_args& args, int rows)
      : alike_(Fields::sliding && Fields::w <= args.S_kv / 2) {
    const uint32 groups = args.G;
    const uint32 blocks = (args.S * Fields::group + rows - 1) / rows;
    radix_[0] = alike_ ? blocks : groups;
    radix_[1] = alike_ ? groups : static_cast<uint32>(args.B);
    all_ = radix_[0] * radix_[1] * (alike_ ? static_cast<uint32>(args.B) : blocks);
    at_ = blockIdx.x;
    split(at_, digits_);
    if constexpr (kStepKept) split(gridDim.x, step_);
  }

  __device__ __forceinline__ bool done() const { return at_ >= all_; }
  __device__ __forceinline__ void next() {
    at_ += gridDim.x;
    if constexpr (kStepKept) {
      add_step();
    } else {
      split(at_, digits_);
    }
  }
  __device__ __forceinline__ Item item() const {
    return alike_ ? Item{digits_[2], digits_[1], digits_[0]} : Item{digits_[1], digits_[0], digits_[2]};
  }

 private:
  static constexpr bool kStepKept = Fields::dk <= 192 && Fields::dv <= 192;  // longer rows leave no registers for it

  __device__ __forceinline__ void add_step() {
    digits_[0] += step_[0];
    digits_[1] += step_[1];
    digits_[2] += step_[2];
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      const bool carry = digits_[i] >= radix_[i];
      digits_[i] -= carry ? radix_[i] : 0;
      digits_[i + 1] += carry ? 1 : 0;
    }
  }
  __device__ __forceinline__ void split(uint32 index, uint32 (&digits)[3]) const {
    const uint32 upper = index / radix_[0];
    digits[0] = index - upper * radix_[0];
    digits[2] = upper / radix_[1];
    digits[1] = upper - digits[2] * radix_[1];
  }

  uint32 radix_[2];
  uint32 all_;
  uint32 at_;
  uint32 digits_[3];  // the one that changes fastest comes first
  uint32 step_[3];
  bool alike_;
};

template <class Fields>
class DenseWgmma {
 public:
  using Element = typename Fields::element;
  using Shape = DenseWgmmaShape<Fields>;
  using Rows = typename Shape::Rows;
  static constexpr int kTile = Fields::tile;
  static constexpr int kRows = 64 * Fields::warpgroups;
  using Cta = CtaRows<Fields, kRows>;

  const nsajit_dense_args& args;
  uint32 ring;
  uint32 barriers;

  __device__ __forceinline__ uint32 full(int stage) const { return barriers + stage * 8; }
  __device__ __forceinline__ uint32 empty(int stage) const { return barriers + (Fields::stages + stage) * 8; }

  using Place = RingPlace<Fields::stages>;

  // Starts to copy the 64 rows of Q of a warpgroup.
  __device__ __forceinline__ void copy_queries(const Item& item, const Cta& cta, int warpgroup, uint32 destination,
                                               int thread) const {
    const Element* const q =
        locate(static_cast<const Element*>(args.q), args.q_b, args.q_s, args.q_g, item, cta.sequence.first_row + cta.first_query);
    Rows::copy_queries(destination, thread, [&](int row) {
      const auto at = cta.row(warpgroup * 64 + row);
      return typename Rows::QueryRow{q + at.query * args.q_s + at.head * args.q_h, at.real};
    });
  }

  __device__ __forceinline__ void produce(int thread) const {
    const int64 k_stride = args.k_s * 2;
    const int64 v_stride = args.v_s * 2;
    Place place;
    place.parity = 1;  // the first pass finds every stage empty
    int landed = 0;    // stage of the oldest tile not yet signalled
    int pending = 0;
    const auto signal = [&] {
      publish_to_tensor_cores();
      __syncwarp();
      if (thread % 32 == 0) barrier_arrive(full(landed));
      landed = landed + 1 == Fields::stages ? 0 : landed + 1;
    };
    const auto signal_all = [&] {
      wait_copies<0>();
      for (; pending > 0; --pending) signal();
    };
    for (ItemCursor<Fields> cursor(args, kRows); !cursor.done(); cursor.next()) {
      const Item item = cursor.item();
      const Cta cta(args, item.b, item.block);
      if (cta.queries == 0) continue;
      const int64 key = cta.sequence.first_key;
      const char* const k =
          reinterpret_cast<const char*>(locate(static_cast<const Element*>(args.k), args.k_b, args.k_s, args.k_g, item, key));
      const char* const v =
          reinterpret_cast<const char*>(locate(static_cast<const Element*>(args.v), args.v_b, args.v_s, args.v_g, item, key));
      const TileSpan tiles = cta.seen(0, kRows - 1);
      for (int tile = tiles.first; tile < tiles.last; ++tile) {
        // Where the ring is full, tiles that have landed are given before it is waited for.
        if (__any_sync(kAllLanes, !barrier_done(empty(place.stage), place.parity))) {
          signal_all();
          barrier_wait(empty(place.stage), place.parity);
        }
        const uint32 destination = ring + place.stage * Shape::kStage;
        const int count = cta.sequence.keys - tile * kTile;
        copy_panels<Fields::dk, kTile>(k + static_cast<int64>(tile) * kTile * k_stride, k_stride, count, destination, thread);
        copy_panels<Fields::dv, kTile>(v + static_cast<int64>(tile) * kTile * v_stride, v_stride, count,
                                       destination + Rows::kKBytes, thread);
        commit_copies();
        place.advance();
        if (pending == Shape::kAhead) {
          wait_copies<Shape::kAhead>();
          signal();
        } else {
          ++pending;
        }
      }
    }
    signal_all();
  }

  // Of a lane's columns of a tile, two of each eight, those before column `end` of it: a bit each, the first one the lowest.
  static __device__ __forceinline__ uint32 columns_before(int end, int lane) {
    static_assert(kTile <= 128, "a bit for each of a lane's columns");
    const int from_own = min(max(end - 2 * (lane % 4), 0), kTile);
    const int count = from_own / 8 * 2 + min(from_own % 8, 2);
    return (count < 32 ? 1u << count : 0u) - 1;
  }

  // Scores outside the row's window become -inf.
  __device__ __forceinline__ void mask(typename Rows::Scores& s, const RowWindow (&windows)[2], int tile, int lane) const {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const uint32 seen =
          columns_before(windows[half].last - tile * kTile, lane) & ~columns_before(windows[half].first - tile * kTile, lane);
#pragma unroll
      for (int i = 0; i < kTile / 4; ++i)
        if ((seen >> i & 1) == 0) s[i / 2][2 * half + i % 2] = negative_infinity();
    }
  }

  // Tiles of a warpgroup's rows: of the whole block, its own, and of its own those without a mask.
  struct Spans {
    TileSpan all;
    TileSpan own;
    TileSpan inner;
  };

  // `read_queries` is called once no product reads Q any more.
  template <class ReadQueries>
  __device__ __forceinline__ void consume(Rows& attention, const RowWindow (&windows)[2], const Spans& spans, Place& place,
                                          float scale2, int lane, ReadQueries&& read_queries) const {
    constexpr bool kSeen[2] = {true, true};
    const auto release = [&](int stage) {
      if (lane == 0) barrier_arrive(empty(stage));
    };
    const auto pass = [&](int from, int to) {
      for (int tile = from; tile < to; ++tile, place.advance()) {
        barrier_wait(full(place.stage), place.parity);
        release(place.stage);
      }
    };
    const auto keys_of = [&](int stage) { return uniform_descriptor(ring + stage * Shape::kStage); };
    const auto values_of = [&](int stage) { return uniform_descriptor(ring + stage * Shape::kStage + Rows::kKBytes); };
    if (spans.own.first >= spans.own.last) {
      read_queries();
      pass(spans.all.first, spans.all.last);
      return;
    }
    pass(spans.all.first, spans.own.first);
    typename Rows::Scores s;
    int tile = spans.own.first;
    const auto soften = [&] {
      if (__builtin_expect((tile < spans.inner.first) | (tile >= spans.inner.last), false)) mask(s, windows, tile, lane);
      attention.soften(s, kSeen, scale2);
    };
    barrier_wait(full(place.stage), place.parity);
    attention.start_scores(s, keys_of(place.stage));
    wgmma_wait<0>();
    soften();  // there is no output yet that would have to follow
    attention.take_probabilities(s);
    int before = place.stage;
    place.advance();
    // The next tile's scores run beside this one's output.
    for (++tile; tile < spans.own.last; ++tile, place.advance()) {
      const unsigned long long keys = keys_of(place.stage);
      const unsigned long long values = values_of(before);
      barrier_wait(full(place.stage), place.parity);
      attention.start_scores(s, keys);
      attention.start_output(values);
      wgmma_wait<1>();
      soften();
      attention.settle_output();
      release(before);
      attention.take_probabilities(s);
      before = place.stage;
    }
    attention.start_output(values_of(before));
    read_queries();
    wgmma_wait<0>();
    release(before);
    pass(spans.own.last, spans.all.last);
  }

  __device__ __forceinline__ void store(Rows& attention, const Item& item, const Cta& cta, const typename Cta::Row (&rows)[2],
                                        int lane) const {
    const int64 row = cta.sequence.first_row + cta.first_query;
    Element* const o = locate(static_cast<Element*>(args.o), args.o_b, args.o_s, args.o_g, item, row);
    float* const lse = args.lse == nullptr ? nullptr : locate(args.lse, args.lse_b, args.lse_s, args.lse_g, item, row);
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const float sum = attention.finish_row(half, args.scale);
      if (rows[half].real && lse != nullptr && lane % 4 == 0)
        lse[rows[half].query * args.lse_s + rows[half].head * args.lse_h] = sum;
      attention.store_row(half, o + rows[half].query * args.o_s + rows[half].head * args.o_h, rows[half].real, lane);
    }
  }

  // One warpgroup's part of every item. `panels`: its Q.
  __device__ __forceinline__ void attend(uint32 panels, int warpgroup, int thread) const {
    const int lane = thread % 32;
    const int barrier = 1 + warpgroup;
    const int first = warpgroup * 64;
    const int row_of_lane = first + thread / 32 * 16 + lane / 4;
    Place place;
    ItemCursor<Fields> cursor(args, kRows);
    const auto skip_empty = [&] {  // a short sequence has fewer blocks than the longest
      while (args.cu_seqlens != nullptr && !cursor.done() && Cta(args, cursor.item().b, cursor.item().block).queries == 0)
        cursor.next();
    };
    const auto copy_next = [&] {
      skip_empty();
      if (!cursor.done()) copy_queries(cursor.item(), Cta(args, cursor.item().b, cursor.item().block), warpgroup, panels, thread);
    };
    copy_next();
    while (!cursor.done()) {
      const Item item = cursor.item();
      const Cta cta(args, item.b, item.block);
      wait_copies<0>();
      publish_to_tensor_cores();
      warps_sync<4>(barrier);
      Rows attention;
      attention.load_query(panels, thread);
      const typename Cta::Row rows[2] = {cta.row(row_of_lane), cta.row(row_of_lane + 8)};
      const RowWindow windows[2] = {cta.window(rows[0].query), cta.window(rows[1].query)};
      const Spans spans{cta.seen(0, kRows - 1), cta.seen(first, first + 63), cta.whole(first, first + 63)};
      cursor.next();
      consume(attention, windows, spans, place, args.scale * 1.4426950408889634f, lane, [&] {
        warps_sync<4>(barrier);
        copy_next();
      });
      store(attention, item, cta, rows, lane);
    }
  }
};

template <class Fields>
__device__ __forceinline__ void dense_wgmma(const nsajit_dense_args& args, int64) {
  using Kernel = DenseWgmma<Fields>;
  using Shape = DenseWgmmaShape<Fields>;
  extern __shared__ __align__(1024) char nsajit_panels[];
  const uint32 ring = smem_address(nsajit_panels);
  const Kernel kernel{args, ring, ring + Shape::kRing + Shape::kQueries};
  if (threadIdx.x == 0) {
    for (int stage = 0; stage < Fields::stages; ++stage) {
      barrier_init(kernel.empty(stage), 4 * Fields::warpgroups);
      barrier_init(kernel.full(stage), 4);
    }
  }
  __syncthreads();
  const int warpgroup = threadIdx.x / 128;
  if (warpgroup == Fields::warpgroups) {
    keep_registers<Shape::kProducerRegisters>();
    kernel.produce(threadIdx.x % 128);
  } else {
    take_registers<Shape::kConsumerRegisters>();
    kernel.attend(ring + Shape::kRing + warpgroup * Shape::Rows::kQueryBytes, warpgroup, threadIdx.x % 128);
  }
}

}  // namespace nsajit::dense
