#pragma once
// kv_near (SM 90a): the last step of KV-block-major selection where the index leaves near tiles out (near_tiles.cuh). 64
// consecutive (query, head) rows are one matrix: attention over the near tiles of any of them, a row that did not select a
// tile weighing it with zero, then each row's partial results on top. So three tiles of a row cost no partial result, no
// gathered Q and no memory traffic to speak of, since neighbours share them.
//
// K and V of near tiles are read whole, so they must be finite up to the last row's position, selected or not.
//
// Fields: those of kv_major_wgmma.

#include "common/panel_copy.cuh"
#include "common/shared.cuh"
#include "common/warpgroup_attention.cuh"
#include "selection/kv_major_wgmma.cuh"

namespace nsajit::selection {

template <class Fields>
struct NearFields : Fields {
  static constexpr int tile = 64;  // keys of a step
  static constexpr int q_registers = 0;
};

template <class Fields>
struct NearShape {
  using Rows = WarpgroupAttention<NearFields<Fields>>;
  static constexpr int kThreads = 128;
  static constexpr int kSteps = Fields::tile / Rows::kTile;                                  // of a near tile
  static constexpr int kPanelBytes = Rows::kQueryBytes + Rows::kKBytes + 2 * Rows::kVBytes;  // the weights lie behind
  // The merge: each thread copies what it adds, `kPieces` times 16 bytes of each of its two rows, into a ring of its own.
  static constexpr int kPieces = Fields::dv / 32;
  static constexpr int kPieceBytes = kThreads * 16;
  static constexpr int kStageBytes = 2 * kPieces * kPieceBytes;
  static constexpr int kStages = smaller(kPanelBytes / kStageBytes, 8);
};

template <class Fields>
class KvNear {
 public:
  using Element = typename Fields::element;
  using Shape = NearShape<Fields>;
  using Rows = typename Shape::Rows;

  const nsajit_selection_args& args;
  const KvWorkspace<Fields>& space;
  const Row<Element>& group;  // the chunk's first row, of which q and o are advanced
  int first;                  // (query, head) row of the chunk
  int rows;                   // of the chunk
  int thread = threadIdx.x;
  int lane = threadIdx.x % 32;

  // One of the two rows that a lane holds.
  struct MyRow {
    int query;  // of the chunk
    int head;
    int pairs;    // partial results
    uint32 near;  // tiles
    bool real;    // else there is no such row, or it is not in the index
    bool alone;   // not in the index
  };

  __device__ __forceinline__ int limit_of(int query) const { return group.limit + query; }

  __device__ __forceinline__ MyRow my_row(int half) const {
    const int row = first + thread / 32 * 16 + lane / 4 + 8 * half;
    const int query = row / Fields::group;
    const int packed = row < rows ? space.pairs_of_row[query] : 0;
    const bool alone = packed == kTooManyPairs;
    return {query,
            row - query * Fields::group,
            alone ? 0 : packed & ((1 << kNearShift) - 1),
            alone ? 0 : static_cast<uint32>(packed) >> kNearShift,
            row < rows && !alone,
            alone};
  }

  // The near tiles of all rows: 0, then from `second` to `last`.
  struct Tiles {
    int second;
    int last;
    __device__ __forceinline__ int steps() const { return (1 + max(last - second + 1, 0)) * Shape::kSteps; }
    // The first key of a step.
    __device__ __forceinline__ int key(int step) const {
      const int number = step / Shape::kSteps;
      return (number == 0 ? 0 : second + number - 1) * Fields::tile + step % Shape::kSteps * Rows::kTile;
    }
  };

  __device__ __forceinline__ Tiles find_tiles() const {
    const int own = (limit_of(first / Fields::group) - 1) / Fields::tile;
    return {max(own - 1, 1), (limit_of((min(first + Rows::kRows, rows) - 1) / Fields::group) - 1) / Fields::tile};
  }

  __device__ __forceinline__ void copy_queries(uint32 destination) const {
    Rows::copy_queries(destination, thread, [&](int row) {
      const int query = (first + row) / Fields::group;
      const int head = first + row - query * Fields::group;
      return typename Rows::QueryRow{group.q + query * args.q_s + head * args.q_h, first + row < rows};
    });
  }

  __device__ __forceinline__ void copy_keys(int key, int keys, uint32 k, uint32 v) const {
    copy_panels<Fields::dk, Rows::kTile>(group.k + key * group.k_stride, group.k_stride, keys - key, k, thread);
    copy_panels<Fields::dv, Rows::kTile>(group.v + key * group.v_stride, group.v_stride, keys - key, v, thread);
    commit_copies();
  }

  struct NearRow {
    int limit;    // tokens that the row may see
    uint32 near;  // tiles that it selected
  };

  __device__ __forceinline__ NearRow near_row(int half) const {
    const MyRow row = my_row(half);
    return {group.limit + row.query, row.near};
  }

  // Scores of keys that a row may not see become -inf; those of tiles that it did not select stay, `seen` says so.
  __device__ __forceinline__ void mask(typename Rows::Scores& s, const NearRow (&mine)[2], int key, bool (&seen)[2]) const {
    bool whole = true;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int own = (mine[half].limit - 1) / Fields::tile;
      const int visible = mine[half].limit - key;
      seen[half] = (mine[half].near & near_bit(key / Fields::tile, own)) != 0 && visible > 0;
      whole &= !seen[half] | (visible >= Rows::kTile);
    }
    if (__all_sync(kAllLanes, whole)) return;
#pragma unroll
    for (int i = 0; i < Rows::kTile / 8; ++i) {
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        if (8 * i + 2 * (lane % 4) + j % 2 >= mine[j / 2].limit - key) s[i][j] = negative_infinity();
      }
    }
  }

  // Attention of the rows over the near tiles. `panels`: Q, K, V twice.
  __device__ __forceinline__ void attend(Rows& attention, uint32 panels, int keys, float scale2) const {
    const uint32 k = panels + Rows::kQueryBytes;
    const uint32 v = k + Rows::kKBytes;
    const Tiles tiles = find_tiles();
    copy_queries(panels);
    copy_keys(0, keys, k, v);
    attention.load_query(panels, thread);
    const NearRow mine[2] = {near_row(0), near_row(1)};
    const int steps = tiles.steps();
    typename Rows::Scores s;
    for (int step = 0; step < steps; ++step) {
      const int key = tiles.key(step);
      wait_copies<0>();
      publish_to_tensor_cores();
      warps_sync<4>(1);
      attention.start_scores(s, uniform_descriptor(k));
      wgmma_wait<0>();
      warps_sync<4>(1);  // K is read, and so is the other V
      if (step + 1 < steps) copy_keys(tiles.key(step + 1), keys, k, v + (step + 1) % 2 * Rows::kVBytes);
      bool seen[2];
      mask(s, mine, key, seen);
      attention.soften(s, seen, scale2);
      attention.settle_output();
      attention.take_probabilities(s);
      attention.start_output(uniform_descriptor(v + step % 2 * Rows::kVBytes));
      wgmma_wait<0>();
    }
  }

  // Starts to copy this thread's part of the partial results `slot` of its two rows to a stage of its own.
  __device__ __forceinline__ void copy_partials(const MyRow (&mine)[2], int slot, uint32 stage) const {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const bool there = slot < mine[half].pairs;
      const Element* const from = space.partial + partial_of(mine[half], there ? slot : 0) * Fields::dv + lane % 4 * 8;
#pragma unroll
      for (int i = 0; i < Shape::kPieces; ++i)
        copy_16_async<CopyPath::kL2Only>(stage + (half * Shape::kPieces + i) * Shape::kPieceBytes, from + i * 32, there ? 16 : 0);
    }
    commit_copies();
  }

  // Where slot `slot` of a row lies among the partial results.
  __device__ __forceinline__ int64 partial_of(const MyRow& row, int slot) const {
    return (static_cast<int64>(row.query) * Fields::slots + slot) * Fields::group + row.head;
  }

  // How a row's partial results are weighed against each other.
  struct Weights {
    float near;  // of the near tiles' attention
    float sum;   // of all
    float top;   // logarithm, base 2, that they are relative to
  };

  // Leaves the weight of slot s at weights + s * 64 words for all lanes of the row. `near`: log2 of the near tiles' softmax sum.
  __device__ __forceinline__ Weights find_weights(const MyRow& row, float near, uint32 weights) const {
    float lse[Fields::slots];
    Weights found{near, 0.0f, near};
#pragma unroll
    for (int slot = 0; slot < Fields::slots; ++slot) {
      lse[slot] = slot < row.pairs ? space.lse[partial_of(row, slot)] : negative_infinity();
      found.top = fmaxf(found.top, lse[slot]);
    }
    const auto weigh = [&](float sum) { return sum > negative_infinity() ? exp2_fast(sum - found.top) : 0.0f; };
    found.near = found.sum = weigh(near);
#pragma unroll
    for (int slot = 0; slot < Fields::slots; ++slot) {
      const float weight = weigh(lse[slot]);
      found.sum += weight;
      if (lane % 4 == 0) store_shared(weights + slot * Rows::kRows * 4, weight);
    }
    return found;
  }

  // Adds the partial results of the rows to their attention over near tiles; O and LSE go out. `panels` are free.
  __device__ __forceinline__ void merge(Rows& attention, uint32 panels, float scale2) const {
    const MyRow mine[2] = {my_row(0), my_row(1)};
    constexpr int kAhead = Shape::kStages - 1;
    const uint32 stages = panels + thread * 16;
#pragma unroll
    for (int slot = 0; slot < kAhead; ++slot) copy_partials(mine, slot, stages + slot * Shape::kStageBytes);
    const uint32 slot_weights = panels + Shape::kPanelBytes + (thread / 32 * 16 + lane / 4) * 4;
    auto& o = attention.output();
    Weights weights[2];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const float near = attention.finish_row_log2(half, scale2);
      weights[half] = find_weights(mine[half], near, slot_weights + half * 32);
      scale_fragment_row(o, half, weights[half].near);
    }
    __syncwarp();
    const int slots = __reduce_max_sync(kAllLanes, max(mine[0].pairs, mine[1].pairs));
    int ahead = kAhead;  // stage that is copied to
    int stage = 0;
#pragma unroll 1
    for (int slot = 0; slot < slots; ++slot) {
      copy_partials(mine, slot + kAhead, stages + ahead * Shape::kStageBytes);
      wait_copies<kAhead>();
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const float weight = __uint_as_float(load_shared(slot_weights + (slot * Rows::kRows + half * 8) * 4));
        const uint32 pieces = stages + stage * Shape::kStageBytes + half * Shape::kPieces * Shape::kPieceBytes;
#pragma unroll
        for (int i = 0; i < Shape::kPieces; ++i)
          add_fragments<Element>(o, half, 4 * i, load_shared_16(pieces + i * Shape::kPieceBytes), weight);
      }
      ahead = ahead + 1 == Shape::kStages ? 0 : ahead + 1;
      stage = stage + 1 == Shape::kStages ? 0 : stage + 1;
    }
    wait_copies<0>();
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const MyRow& row = mine[half];
      const float sum = weights[half].sum;
      scale_fragment_row(o, half, sum > 0.0f ? 1.0f / sum : 0.0f);
      attention.store_row(half, group.o + row.query * args.o_s + row.head * args.o_h, row.real, lane);
      if (row.real && group.lse != nullptr && lane % 4 == 0) {
        group.lse[row.query * args.lse_s + row.head * args.lse_h] =
            sum > 0.0f ? (weights[half].top + log2f(sum)) * 0.6931471805599453f : negative_infinity();
      }
    }
  }

  // Rows that are not in the index, a warp each.
  __device__ __forceinline__ void attend_those_alone(int half) const {
    const MyRow row = my_row(half);
    uint32 waiting = __ballot_sync(kAllLanes, row.alone && lane % 4 == 0);
    while (waiting != 0) {
      const int owner = __ffs(waiting) - 1;
      waiting &= waiting - 1;
      const int64 query = space.first_row + __shfl_sync(kAllLanes, row.query, owner);
      const int head = __shfl_sync(kAllLanes, row.head, owner);
      attend_alone<Fields>(make_row<Element>(args, blockIdx.z, blockIdx.y, query), head, args.scale, lane);
    }
  }
};

template <class Fields>
__device__ __forceinline__ void kv_near(const nsajit_selection_args& args, int64 first_row) {
  using Element = typename Fields::element;
  using Kernel = KvNear<Fields>;
  extern __shared__ __align__(1024) char nsajit_panels[];
  const KvWorkspace<Fields> space(args, first_row);
  const int rows = space.present * Fields::group;
  const int first = blockIdx.x * Kernel::Rows::kRows;
  if (first >= rows) return;
  const Row<Element> group = make_row<Element>(args, blockIdx.z, blockIdx.y, first_row);
  const Kernel kernel{args, space, group, first, rows};
  typename Kernel::Rows attention;
  const uint32 panels = smem_address(nsajit_panels);
  const float scale2 = args.scale * 1.4426950408889634f;
  kernel.attend(attention, panels, static_cast<int>(sequence_keys(args, blockIdx.z)), scale2);
  warps_sync<4>(1);
  kernel.merge(attention, panels, scale2);
#pragma unroll
  for (int half = 0; half < 2; ++half) kernel.attend_those_alone(half);
}

}  // namespace nsajit::selection
