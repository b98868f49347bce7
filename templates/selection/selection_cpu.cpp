// Selection forward on the CPU, variant query_major: each row walks its selected tokens tile by tile with an online
// softmax; keys and values are read once per row for all heads of the group. Compiled to bitcode; the JIT fixes
// the fields, drops the other vector width and unrolls the register blocks.

#include "templates/common/cpu_attention.h"
#include "templates/selection/selection_cpu_row.h"

namespace nsajit::cpu {

template <int W>
NSAJIT_INLINE void attend_row(Row& row) {
  using Math = RowMath<W, Row>;
  int attended = 0;
  while (const int count = take_tokens(row.cursor, row.tokens, nsajit_field_tile)) {
    if (!attended) Math::begin(row);
    attended = 1;
    pad_tokens(row, count);
    if (nsajit_field_pack_k) Math::pack_keys(row, padded_count(count));
    if (nsajit_field_pack_v) Math::pack_values(row, count);
    Math::attend_tile(row, 0, count);
  }
  Math::finish(row, attended);
}

}  // namespace nsajit::cpu

extern "C" void selection_query_major(const nsajit_selection_args* args, long long begin, long long end, void* scratch) {
  using namespace nsajit::cpu;
  const long long rows = args->B * args->S * args->G;
  for (long long index = begin; index < (end < rows ? end : rows); ++index) {
    Row row = open_row(args, index, scratch);
    if (!row.present) continue;
    if (nsajit_field_width == 16)
      attend_row<16>(row);
    else
      attend_row<8>(row);
  }
}
