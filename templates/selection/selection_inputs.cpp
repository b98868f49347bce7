// Selection inputs: Q, K and V as for every branch, entries from selection_entries.h.

#include "templates/selection/selection_inputs.h"

#include "templates/common/attention_inputs.h"
#include "templates/common/host_tensors.h"
#include "templates/selection/selection_entries.h"
#include "templates/selection/selection_layout.h"
#include "templates/selection/selection_recording.h"

namespace nsajit::templates {
namespace {

const Recording& find_recording(const Workload& workload, const InputRecipe& recipe) {
  static const Recordings none;
  return (recipe.recordings == nullptr ? none : *recipe.recordings).get(workload.selection);
}

}  // namespace

std::vector<HostTensor> make_selection_inputs(const Workload& workload, const InputRecipe& recipe) {
  const std::vector<TensorSpec> specs = make_selection_tensors(workload);
  std::vector<HostTensor> inputs = make_attention_inputs({specs.data(), kSel}, recipe);
  inputs.push_back(make_tensor(specs[kSel]));
  if (workload.selection == 0)
    fill_entries(workload, recipe, inputs.back());
  else
    copy_recording(workload, find_recording(workload, recipe), inputs.back());
  if (has_packed_sequences(workload)) inputs.push_back(make_int_tensor(specs[kSequences], sequence_starts(workload)));
  return inputs;
}

std::vector<HostTensor> change_selection_future(const Workload& w, std::span<const HostTensor> inputs, std::int64_t position) {
  std::vector<HostTensor> changed(inputs.begin(), inputs.end());
  move_ignored_entries(w, position, changed[kSel]);
  flip_queries_after(w, changed[kQ], position);
  for (const std::size_t tensor : {kK, kV}) flip_keys_from(w, changed[tensor], sequence_starts(w), position + 1);
  return changed;
}

}  // namespace nsajit::templates
