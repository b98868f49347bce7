// Compress arguments: raw keys and values, and the compressed tokens that they become.

#include <fmt/format.h>

#include <algorithm>

#include "core/compressed_count.h"
#include "runtime/call_arguments.h"

namespace nsajit::runtime {
namespace {

struct Reading : CallReader {
  const nsajit_compress_call& call;
  DType dtype = DType::BF16;
  std::int64_t B = 0, G = 0, S_kv = 0, rows = 0;
  bool flash = false;  // [B,S_kv,G,d]
};

struct KeyStrides {
  long long b = 0, g = 0, s = 0;
};

std::int64_t extent(const Reading& reading, const nsajit_tensor& tensor, bool of_keys) {
  return tensor.shape[of_keys == reading.flash ? 1 : 2];
}

KeyStrides read_keys(const Reading& reading, std::string_view name, const nsajit_tensor& tensor, std::int64_t keys,
                     std::int64_t size) {
  if (reading.flash)
    check_tensor(reading, name, tensor, reading.call.k.dtype, {reading.B, keys, reading.G, size}, "[B,tokens,G,d]");
  else
    check_tensor(reading, name, tensor, reading.call.k.dtype, {reading.B, reading.G, keys, size}, "[B,G,tokens,d]");
  check_vectors(reading, name, tensor);
  check_pointer(reading, name, tensor);
  const int group = reading.flash ? 2 : 1, key = reading.flash ? 1 : 2;
  return {stride_of(tensor, 0), stride_of(tensor, group), stride_of(tensor, key)};
}

Reading read_sizes(const nsajit_compress_call& call, const Target& target, CallUse use) {
  Reading reading{{.function = "compress", .target = target, .use = use}, call};
  if (call.k.ndim != 4 || call.k_cmp.ndim != 4)
    refuse(reading, fmt::format("k has {} dimensions and k_cmp {}; both have to be [B,G,tokens,d] or [B,tokens,G,d]", call.k.ndim,
                                call.k_cmp.ndim));
  reading.dtype = check_float(reading, "k", call.k);
  reading.flash = call.flash != 0;
  reading.B = call.k.shape[0];
  reading.G = extent(reading, call.k, false);
  reading.S_kv = extent(reading, call.k, true);
  reading.rows = extent(reading, call.k_cmp, true);
  return reading;
}

// How many new positions complete exactly the tokens from `first` on: what the tuple's sizes say of a launch.
std::int64_t new_positions(const nsajit_sparsity& sparsity, std::int64_t first, std::int64_t S_kv) {
  return first == 0 ? S_kv : std::max<std::int64_t>(1, S_kv - (sparsity.l + first * sparsity.d - 1));
}

}  // namespace

PreparedCall<nsajit_pooling_args> prepare_compress(const nsajit_compress_call& call, const Target& target, CallUse use) {
  const Reading reading = read_sizes(call, target, use);
  const nsajit_sparsity& sparsity = call.sparsity;
  if (reading.B * reading.G * reading.rows == 0) return {.is_empty = true};
  if (sparsity.l < 1 || sparsity.d < 1)
    refuse(reading, fmt::format("l is {} and d {}; both have to be positive", sparsity.l, sparsity.d));
  const std::int64_t complete = count_compressed(sparsity.l, sparsity.d, reading.S_kv);
  if (call.first < 0 || call.first + reading.rows > complete)
    refuse(reading, fmt::format("k_cmp has rows for the tokens {} to {}; {} raw tokens complete {} with l={}, d={}", call.first,
                                call.first + reading.rows - 1, reading.S_kv, complete, sparsity.l, sparsity.d));
  PreparedCall<nsajit_pooling_args> prepared;
  nsajit_pooling_args& args = prepared.args;
  const std::int64_t dk = call.k.shape[3];
  const KeyStrides k = read_keys(reading, "k", call.k, reading.S_kv, dk),
                   k_cmp = read_keys(reading, "k_cmp", call.k_cmp, reading.rows, dk);
  args.k = call.k.data, args.k_b = k.b, args.k_g = k.g, args.k_s = k.s;
  args.k_cmp = call.k_cmp.data, args.k_cmp_b = k_cmp.b, args.k_cmp_g = k_cmp.g, args.k_cmp_s = k_cmp.s;
  const std::int64_t dv = call.v.ndim == 4 ? call.v.shape[3] : dk;
  if (call.v.ndim != 0) {
    const KeyStrides v = read_keys(reading, "v", call.v, reading.S_kv, dv),
                     v_cmp = read_keys(reading, "v_cmp", call.v_cmp, reading.rows, dv);
    args.v = call.v.data, args.v_b = v.b, args.v_g = v.g, args.v_s = v.s;
    args.v_cmp = call.v_cmp.data, args.v_cmp_b = v_cmp.b, args.v_cmp_g = v_cmp.g, args.v_cmp_s = v_cmp.s;
  }
  args.B = reading.B, args.G = reading.G;
  args.first = call.first, args.S_c = call.first + reading.rows;
  // The plan covers the tokens that the sizes complete: those from `first` up to all of S_kv.
  prepared.workload = make_workload({.branch = Branch::Pooling,
                                     .dtype = reading.dtype,
                                     .layout = reading.flash ? Layout::Flash : Layout::Grouped,
                                     .B = reading.B,
                                     .S = new_positions(sparsity, call.first, reading.S_kv),
                                     .S_kv = reading.S_kv,
                                     .G = reading.G,
                                     .group = call.group != 0 ? call.group : 1,
                                     .dk = dk,
                                     .dv = dv},
                                    sparsity);
  return prepared;
}

}  // namespace nsajit::runtime
