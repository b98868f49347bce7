// The wrong CUDA kernels of the KV-major variants: the index, the partial results and their merge.

#include "tests/mutants/mutant.h"

namespace nsajit::testing {
namespace {

constexpr const char* kIndex = "selection/kv_index.cuh";
constexpr const char* kCombine = "selection/kv_combine.cuh";
constexpr const char* kKvMajor = "selection/kv_major.cuh";
constexpr const char* kNear = "selection/kv_near.cuh";
constexpr const char* kNearTiles = "selection/near_tiles.cuh";

constexpr const char* kGroup4 = "bf16,dk=64,dv=64,group=4,l_sel=64,n_sel=6;S=200,S_kv=512,G=2";

const std::vector<std::string> kIndexed{"kv_major{", "kv_major_wgmma{", "kv_near_wgmma{"};
const std::vector<std::string> kCombined{"kv_major{", "kv_major_wgmma{"};
const std::vector<std::string> kMergedNear{"kv_near_wgmma{"};

}  // namespace

std::vector<Mutant> cuda_kv_mutants() {
  return {
      {"the index drops the last entry's pairs",
       {kIndex, "if (base + lane < row.n) read_entry", "if (base + lane + 1 < row.n) read_entry"},
       kIndexed,
       kGroup4},
      {"partial results are merged unweighted",
       {kCombine, "const float weight = exp2_fast(lse[slot] - top);", "const float weight = 1.0f;"},
       kCombined,
       kGroup4},
      {"the last slot of a row is not merged",
       {kCombine, "if (slot >= pairs) lse", "if (slot >= pairs - 1) lse"},
       kCombined,
       kGroup4},
      {"a row weighs near tiles that it did not select",
       {kNear, "near_bit(key / Fields::tile, own)) != 0 && visible > 0;",
        "near_bit(key / Fields::tile, own)) < 8 && visible > 0;"},
       kMergedNear,
       kGroup4},
      {"a row sees the token behind it in its near tile",
       {kNear, "j % 2 >= mine[j / 2].limit - key", "j % 2 > mine[j / 2].limit - key"},
       kMergedNear,
       kGroup4},
      {"partial results are merged unweighted beside near tiles",
       {kNear, "const float weight = weigh(lse[slot]);", "const float weight = lse[slot] > negative_infinity() ? 1.0f : 0.0f;"},
       kMergedNear,
       kGroup4},
      {"near tiles weigh nothing beside partial results",
       {kNear, "found.near = found.sum = weigh(near);", "found.sum = weigh(near);\n    found.near = 0.0f;"},
       kMergedNear,
       kGroup4},
      {"the last partial result is not merged beside near tiles",
       {kNear, "max(mine[0].pairs, mine[1].pairs));", "max(mine[0].pairs, mine[1].pairs)) - 1;"},
       kMergedNear,
       kGroup4},
      {"the tile before a row's own is not left out of the index",
       {kNearTiles, "tile == own - 1 ? 2u", "tile == own - 1 ? 0u"},
       kMergedNear,
       kGroup4},
      {"a near tile counts as whole that ends early",
       {kNearTiles, "end >= min((tile + 1) * kTile, limit)", "end > tile * kTile"},
       kMergedNear,
       kGroup4},
      {"a pair's last key is masked",
       {kKvMajor, "bounds.last[half] = packed >> 16;", "bounds.last[half] = (packed >> 16) - 1;"},
       {"kv_major{"},
       kGroup4},
  };
}

}  // namespace nsajit::testing
