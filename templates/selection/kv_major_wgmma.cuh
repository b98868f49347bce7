#pragma once
// KV-block-major selection forward on warpgroup instructions (SM 90a): as kv_major.cuh, but 64 (query, head) rows share
// each read of K and V from shared memory, which is what limits the form with mma.sync. dk and dv are multiples of 64.
//
// A warpgroup walks its share of the tile's rows, 64 at a time: who they are (a ring of three lists), their Q (a ring of
// two, gathered while the previous 64 are computed), the product, the partial results.
//
// Fields: those of kv_major, with warpgroups in place of warps, and near (1: partial results are for kv_near.cuh).

#include "common/wgmma.cuh"
#include "selection/kv_combine.cuh"

namespace nsajit::selection {

template <class Fields>
struct KvWgmmaShape {
  static constexpr int kKPanel = Fields::tile * kPanelRowBytes;
  static constexpr int kKBytes = Fields::dk / kPanelWidth * kKPanel;
  static constexpr int kVBytes = Fields::dv / kPanelWidth * kKPanel;
  static constexpr int kQueryPanel = 64 * kPanelRowBytes;
  static constexpr int kQueryBytes = Fields::dk / kPanelWidth * kQueryPanel;
  static constexpr int kListBytes = 3 * 64 * 16;
  static constexpr int kGroupBytes = 2 * kQueryBytes;
  static constexpr int kSmem = kKBytes + kVBytes + Fields::warpgroups * (kGroupBytes + kListBytes);
};

// A row of a 64-row step.
template <class Element>
struct alignas(16) StepRow {
  const Element* query;  // its Q; where there is no row, some other's
  int out;               // its partial result: slot * group + head; -1: no row
  int bounds;
};

template <class Fields>
class WarpgroupRows : public SoftmaxRows<Fields> {
  using Base = SoftmaxRows<Fields>;
  using Base::mask;
  using Base::max_;
  using Base::o_;
  using Base::sum_;
  using Base::update_softmax;
  using Shape = KvWgmmaShape<Fields>;

 public:
  using Element = typename Fields::element;

  // s = 64 rows of Q times 64 keys from `key` on.
  static __device__ __forceinline__ void score(float (&s)[8][4], uint32 queries, uint32 k, int key) {
    const unsigned long long a = uniform_descriptor(queries);
    const unsigned long long b = uniform_descriptor(k + key * kPanelRowBytes);
    wgmma_fence();
#pragma unroll
    for (int step = 0; step < Fields::dk / 16; ++step) {
      const int inside = step % 4 * 32;
      wgmma_shared(Element{}, s, panel_step(a, step / 4 * Shape::kQueryPanel + inside),
                   panel_step(b, step / 4 * Shape::kKPanel + inside), step > 0);
    }
    wgmma_commit();
    wgmma_wait();
  }

  __device__ __forceinline__ void accumulate(float (&s)[8][4], const KeyBounds& bounds, bool masked, uint32 v, int key, float scale,
                                             int lane) {
    if (masked) mask(s, bounds, lane);
    update_softmax(s, scale);
    uint32 p[4][4];
#pragma unroll
    for (int step = 0; step < 4; ++step) {
#pragma unroll
      for (int part = 0; part < 4; ++part) {
        p[step][part] = pack2<Element>(s[2 * step + part / 2][2 * (part % 2)], s[2 * step + part / 2][2 * (part % 2) + 1]);
      }
    }
    const unsigned long long values = uniform_descriptor(v + key * kPanelRowBytes);
    wgmma_fence();
#pragma unroll
    for (int step = 0; step < 4; ++step) {
#pragma unroll
      for (int panel = 0; panel < Fields::dv / kPanelWidth; ++panel) {
        wgmma_registers(Element{}, o_ + panel * 8, p[step], panel_step(values, panel * Shape::kKPanel + step * 16 * kPanelRowBytes));
      }
    }
    wgmma_commit();
    wgmma_wait();
  }

  // As finish_row. A sum is at least 1: that of the row's maximum.
  __device__ __forceinline__ float finish_partial_row(int half, float scale) {
    const float sum = reduce_sum<1, 2>(sum_[half]);
    scale_fragment_row(o_, half, sum > 0.0f ? reciprocal_fast(sum) : 0.0f);
    return sum > 0.0f ? max_[half] * scale + log2_fast(sum) : negative_infinity();
  }

  // As store_fragments.
  __device__ __forceinline__ void store_partial_row(int half, Element* out, bool real, int lane) const {
    store_fragments(o_, half, out, real, lane);
  }
};

// kRows rows of kWidth elements, `count` real ones, into swizzled panels by all threads of the block.
template <int kWidth, int kRows>
__device__ __forceinline__ void copy_tile_panels(const char* source, int64 stride, int count, uint32 destination) {
  constexpr int kChunks = kWidth / 8;
  for (int i = threadIdx.x; i < kRows * kChunks; i += blockDim.x) {
    const int row = i / kChunks;
    const int chunk = i % kChunks;
    copy_16_async<CopyPath::kL2Only>(destination + chunk / 8 * kRows * kPanelRowBytes + panel_offset(row, chunk % 8),
                                     source + row * stride + chunk * 16, row < count ? 16 : 0);
  }
}

template <class Fields>
class KvMajorWgmma {
 public:
  using Element = typename Fields::element;
  using Shape = KvWgmmaShape<Fields>;
  const nsajit_selection_args& args;
  const KvWorkspace<Fields>& space;
  const Element* q;      // row first_row of this (b, g)
  const Pair* pairs;
  int rows;              // of the work item
  int thread = threadIdx.x % 128;

  // The list of the 64 rows from `first` on is made by the first 64 threads, one row each: in two parts, so that the pair
  // can be under way while other work is done. slot -1: no row.
  __device__ __forceinline__ Pair find_pair(int first) const {
    const int row = first + thread;
    if (thread >= 64 || row >= rows) return {-1, 0};
    return pairs[row / Fields::group];
  }

  __device__ __forceinline__ StepRow<Element> find_row(Pair pair, int first) const {
    const int head = (first + thread) % Fields::group;
    if (pair.slot < 0) return {q, -1, 0};
    return {q + (pair.slot / Fields::slots) * args.q_s + head * args.q_h, pair.slot * Fields::group + head, pair.bounds};
  }

  __device__ __forceinline__ void copy_queries(const StepRow<Element>* list, uint32 destination) const {
    constexpr int kChunks = Fields::dk / 8;
    constexpr int kEach = 64 * kChunks / 128;                           // copies of a thread
    constexpr int kDown = 128 % kChunks == 0 ? 128 / kChunks : 0;       // rows from one to the next, or it is not the same chunk
    const Element* from[kEach];  // all are read before the first copy, or the compiler would keep the order
    const auto row_of = [&](int i) { return kDown > 0 ? thread / kChunks + i * kDown : (thread + i * 128) / kChunks; };
    const auto chunk_of = [&](int i) { return kDown > 0 ? thread % kChunks : (thread + i * 128) % kChunks; };
#pragma unroll
    for (int i = 0; i < kEach; ++i) from[i] = list[row_of(i)].query + chunk_of(i) * 8;
    const uint32 first = destination + chunk_of(0) / 8 * Shape::kQueryPanel + panel_offset(row_of(0), chunk_of(0) % 8);
#pragma unroll
    for (int i = 0; i < kEach; ++i) {
      const uint32 to = kDown % 8 == 0 && kDown > 0
                            ? first + i * kDown * kPanelRowBytes
                            : destination + chunk_of(i) / 8 * Shape::kQueryPanel + panel_offset(row_of(i), chunk_of(i) % 8);
      copy_16_async<CopyPath::kL2Only>(to, from[i], 16);
    }
  }

  __device__ __forceinline__ void attend(const StepRow<Element>* list, uint32 queries, uint32 k, uint32 v, float scale2) const {
    const int lane = thread % 32;
    const int row = thread / 32 * 16 + lane / 4;
    const StepRow<Element> mine[2] = {list[row], list[row + 8]};
    KeyBounds bounds;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      bounds.first[half] = mine[half].bounds & 0xffff;
      bounds.last[half] = mine[half].bounds >> 16;
    }
    WarpgroupRows<Fields> heads;
#pragma unroll
    for (int key = 0; key < Fields::tile; key += 64) {
      float s[8][4] = {};
      heads.score(s, queries, k, key);
      const bool cut = bounds.first[0] > key || bounds.first[1] > key || bounds.last[0] < key + 64 || bounds.last[1] < key + 64;
      const KeyBounds inside{{bounds.first[0] - key, bounds.first[1] - key}, {bounds.last[0] - key, bounds.last[1] - key}};
      heads.accumulate(s, inside, __any_sync(kAllLanes, cut), v, key, scale2, lane);
    }
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const float lse = heads.finish_partial_row(half, scale2);
      const bool real = mine[half].out >= 0;
      const int64 out = mine[half].out;
      if (real && lane % 4 == 0) space.lse[out] = lse;
      if constexpr (Fields::near) {
        heads.store_partial_row(half, space.partial + out * Fields::dv, real, lane);
      } else {
        heads.store_row(half, space.partial + out * Fields::dv, real, lane);
      }
    }
  }
};

template <class Fields>
__device__ __forceinline__ void kv_major_wgmma(const nsajit_selection_args& args, int64 first_row) {
  using Element = typename Fields::element;
  using Shape = KvWgmmaShape<Fields>;
  extern __shared__ __align__(1024) char nsajit_panels[];
  const KvWorkspace<Fields> space(args, first_row);
  const WorkItem item = find_item(space, threadIdx.x % 32);
  if (item.pair_count <= 0) return;

  const Row<Element> group = make_row<Element>(args, blockIdx.z, blockIdx.y, first_row);
  const uint32 k = smem_address(nsajit_panels);
  const uint32 v = k + Shape::kKBytes;
  const int64 token = static_cast<int64>(item.tile) * Fields::tile;
  const int64 keys = sequence_keys(args, blockIdx.z) - token;
  const int tokens = static_cast<int>(keys < Fields::tile ? keys : Fields::tile);
  copy_tile_panels<Fields::dk, Fields::tile>(group.k + token * group.k_stride, group.k_stride, tokens, k);
  copy_tile_panels<Fields::dv, Fields::tile>(group.v + token * group.v_stride, group.v_stride, tokens, v);

  const int warpgroup = threadIdx.x / 128;
  const int barrier = 1 + warpgroup;
  const uint32 stages = v + Shape::kVBytes + warpgroup * Shape::kGroupBytes;
  StepRow<Element>* const lists = reinterpret_cast<StepRow<Element>*>(nsajit_panels + Shape::kKBytes + Shape::kVBytes + Fields::warpgroups * Shape::kGroupBytes) +
                         warpgroup * 3 * 64;
  const KvMajorWgmma<Fields> kernel{args, space, group.q, space.pairs + item.first_pair, item.pair_count * Fields::group};
  constexpr int kStep = 64 * Fields::warpgroups;
  const float scale2 = args.scale * 1.4426950408889634f;
  int first = warpgroup * 64;
  if (kernel.thread < 64) {
    lists[kernel.thread] = kernel.find_row(kernel.find_pair(first), first);
    lists[64 + kernel.thread] = kernel.find_row(kernel.find_pair(first + kStep), first + kStep);
  }
  Pair ahead = kernel.find_pair(first + 2 * kStep);
  warps_sync<4>(barrier);
  kernel.copy_queries(lists, stages);
  commit_copies();
  wait_copies<0>();
  publish_to_tensor_cores();
  __syncthreads();                             // K and V are there for all
  int list = 0;                                // of the current 64 rows in the ring of lists
  for (int stage = 0; first < kernel.rows; first += kStep, stage ^= 1) {
    const int next = list == 2 ? 0 : list + 1;
    const int after = next == 2 ? 0 : next + 1;
    wait_copies<0>();                          // before the next copies start, or the fence would wait for them too
    publish_to_tensor_cores();
    warps_sync<4>(barrier);                    // Q is there for all, and all are done with the 64 rows before
    if (kernel.thread < 64) lists[after * 64 + kernel.thread] = kernel.find_row(ahead, first + 2 * kStep);
    ahead = kernel.find_pair(first + 3 * kStep);
    if (first + kStep < kernel.rows) kernel.copy_queries(lists + next * 64, stages + (stage ^ 1) * Shape::kQueryBytes);
    commit_copies();
    kernel.attend(lists + list * 64, stages + stage * Shape::kQueryBytes, k, v, scale2);
    list = next;
  }
  wait_copies<0>();
}

}  // namespace nsajit::selection
