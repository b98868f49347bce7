// Decode inputs: see the header.

#include "templates/decode/decode_inputs.h"

#include <algorithm>
#include <array>

#include "templates/common/compression.h"
#include "templates/common/host_elements.h"
#include "templates/common/host_tensors.h"
#include "templates/decode/decode_rows.h"
#include "templates/scoring/scoring_inputs.h"

namespace nsajit::templates::decode {
namespace {

struct CacheTensors {
  Tensor k, v;
  bool compressed;
};
constexpr std::array<CacheTensors, 3> kCaches{{{kKCmp, kVCmp, true}, {kKSel, kVSel, false}, {kKWin, kVWin, false}}};

// Elements of a row of a cache lie together; rows of one group are `stride` elements apart, from `group` on.
void fill_row(HostTensor& tensor, std::int64_t at, std::int64_t size) {
  const auto width = static_cast<std::int64_t>(element_bytes(tensor.spec.type));
  std::fill_n(tensor.data.begin() + at * width, size * width, std::byte{0xff});
}

// All of a sequence's rows from `length` on, in every group.
void hide_rest(const Workload& w, const DecodeMode& mode, const CacheTensors& cache, std::int64_t b, std::int64_t length,
               HostTensor& k, HostTensor& v) {
  const Problem& p = w.problem;
  const std::int64_t capacity = count_pages(w) * page_tokens(p) / (cache.compressed ? p.d : 1);
  const nsajit_decode_args args = make_args(w, mode);
  const nsajit_decode_cache& strides = cache.compressed ? args.cmp : args.sel;
  const std::vector<std::int64_t> rows = cache_rows(w, mode, cache.compressed, b, capacity);
  for (std::int64_t i = length; i < capacity; ++i)
    for (std::int64_t g = 0; g < w.G; ++g) {
      fill_row(k, g * strides.k_g + rows[static_cast<std::size_t>(i)] * strides.k_s, p.dk);
      fill_row(v, g * strides.v_g + rows[static_cast<std::size_t>(i)] * strides.v_s, p.dv);
    }
}

void tie_keys(const Workload& w, const InputRecipe& recipe, HostTensor& k) {
  const nsajit_decode_args args = make_args(w, {});
  const std::int64_t keys = count_compressed(w.problem, w.S_kv);
  for (std::int64_t b = 0; b < w.B; ++b)
    for (std::int64_t g = 0; g < w.G; ++g)
      for (std::int64_t i = 0; i < keys; ++i)
        store_element(k.data.data(), k.spec.type, b * args.cmp.k_b + g * args.cmp.k_g + i * args.cmp.k_s,
                      scoring::tied_key(w, recipe, g, i));
}

}  // namespace

std::vector<HostTensor> make_inputs(const Workload& w, const InputRecipe& recipe) {
  const std::vector<TensorSpec> specs = make_tensors(w);
  const DecodeMode mode = mode_of(recipe);
  std::vector<HostTensor> all(specs.size());
  for (std::size_t i = 0; i < specs.size(); ++i) {
    if (specs[i].output || specs[i].type == ElementType::INT32) continue;
    all[i] = make_normal(specs[i], recipe, i, i == kQ && recipe.kind == InputKind::LargeLogits ? kLargeLogits : 1.0f);
  }
  std::vector<std::int32_t> lengths, table;
  for (std::int64_t b = 0; b < w.B; ++b) {
    const std::int64_t length = sequence_tokens(w, recipe, b);
    lengths.push_back(static_cast<std::int32_t>(length));
    for (std::int64_t nth = 0; nth < count_pages(w); ++nth) table.push_back(page_of(w, b, nth));
    for (const CacheTensors& cache : kCaches)
      if (cache.k < all.size())
        hide_rest(w, mode, cache, b, cache.compressed ? count_compressed(w.problem, length) : length, all[cache.k], all[cache.v]);
  }
  all[kLengths] = make_int_tensor(specs[kLengths], lengths);
  all[kTable] = make_int_tensor(specs[kTable], table);
  if (recipe.kind == InputKind::Ties) {
    scoring::tie_queries(w, all[kQ]);
    tie_keys(w, recipe, all[kKCmp]);
  }
  all.erase(all.begin() + kO, all.begin() + kBlocks + 1);
  return all;
}

}  // namespace nsajit::templates::decode
