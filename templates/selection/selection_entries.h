#pragma once
// Selection entries: which blocks or ranges each generated row selects. Written once per tensor, by all hardware
// threads; the result depends on the recipe alone.

#include <cstdint>

#include "nsajit/op.h"

namespace nsajit::templates {

void fill_entries(const Workload& workload, const InputRecipe& recipe, HostTensor& sel);

// Moves the entries of rows at positions up to `position` that lie wholly after their row further away.
void move_ignored_entries(const Workload& workload, std::int64_t position, HostTensor& sel);

}  // namespace nsajit::templates
