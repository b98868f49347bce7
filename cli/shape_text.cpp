// Shape text: each part becomes fields of a tuple, so that values go through the same checks as flags do.

#include "cli/shape_text.h"

#include <string>
#include <utility>

#include <fmt/format.h>

#include "cli/tuple_fields.h"
#include "core/fields.h"
#include "nsajit/error.h"

namespace nsajit::cli {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

// "64/4" -> 64, 4.
Pair split_pair(std::string_view text, char separator, std::string_view what) {
  const auto at = text.find(separator);
  if (at == std::string_view::npos)
    throw Error(ErrorCode::InvalidArgument, fmt::format("{} takes two numbers, as in 64{}4; got '{}'", what, separator, text));
  return {text.substr(0, at), text.substr(at + 1)};
}

void set_heads(TupleBuilder& builder, std::string_view value) {
  const auto [queries, keys] = split_pair(value, '/', "Hq/Hkv");
  const std::int64_t q_heads = parse_integer(queries, "Hq"), kv_heads = parse_integer(keys, "Hkv");
  if (kv_heads < 1 || q_heads < 1 || q_heads % kv_heads != 0)
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("Hq={} is to be a multiple of Hkv={}, both at least 1", q_heads, kv_heads));
  builder.set("group", std::to_string(q_heads / kv_heads));
  builder.set("G", std::to_string(kv_heads));
}

void set_part(TupleBuilder& builder, const Field& field) {
  if (field.name == "Hq/Hkv" && field.value) {
    set_heads(builder, *field.value);
  } else if (field.name == "dk/dv" && field.value) {
    const auto [dk, dv] = split_pair(*field.value, '/', "dk/dv");
    builder.set("dk", dk);
    builder.set("dv", dv);
  } else if (field.value) {
    builder.set(field.name, *field.value);
  } else {
    const auto [length, count] = split_pair(field.text, 'x', "a part without '='");
    builder.set("l_sel", length);
    builder.set("n_sel", count);
  }
}

}  // namespace

Workload parse_shape(std::string_view text) {
  try {
    TupleBuilder builder;
    for (const Field& field : split_fields(text, "shape")) set_part(builder, field);
    const Workload workload = builder.build();
    validate(workload);
    return workload;
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("shape '{}': {}; a shape is written as S=8192,Hq/Hkv=64/4,dk/dv=128/128,64x16,B=1",
                                          text, error.what()));
  }
}

}  // namespace nsajit::cli
