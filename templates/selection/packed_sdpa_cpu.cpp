// Selection forward on the CPU, the packed-SDPA baseline: each row gathers its selected keys and values to packed
// fp32 [L, dk] and [L, dv], then runs one dense attention over them, with the same vector code, register blocks
// and threads as the tuned variant. Longer rows than the scratch holds are attended in several gathers.

#include "templates/common/cpu_attention.h"
#include "templates/selection/selection_cpu_row.h"

namespace nsajit::cpu {

template <int W>
NSAJIT_INLINE void attend_packed_row(Row& row) {
  using Math = RowMath<W, Row>;
  int attended = 0;
  while (const int gathered = take_tokens(row.cursor, row.tokens, nsajit_field_tokens)) {
    if (!attended) Math::begin(row);
    attended = 1;
    pad_tokens(row, gathered);
    Math::pack_keys(row, padded_count(gathered));
    Math::pack_values(row, gathered);
    for (int first = 0; first < gathered; first += nsajit_field_tile)
      Math::attend_tile(row, first, gathered - first < nsajit_field_tile ? gathered - first : nsajit_field_tile);
  }
  Math::finish(row, attended);
}

}  // namespace nsajit::cpu

extern "C" void selection_packed_sdpa(const nsajit_selection_args* args, long long begin, long long end, void* scratch) {
  using namespace nsajit::cpu;
  const long long rows = args->B * args->S * args->G;
  for (long long index = begin; index < (end < rows ? end : rows); ++index) {
    Row row = open_row(args, index, scratch);
    if (!row.present) continue;
    if (nsajit_field_width == 16)
      attend_packed_row<16>(row);
    else
      attend_packed_row<8>(row);
  }
}
