#pragma once
// Tuple fields: the names by which a sweep file and the flags set the parts of a Workload, in one table.

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "nsajit/recording.h"
#include "nsajit/workload.h"

namespace nsajit::cli {

struct TupleField {
  std::string_view name;  // "l_sel"
  bool number = true;     // else a word: "bf16"
  std::string_view help;
};

const std::vector<TupleField>& tuple_fields();

// Collects fields; what was not given follows from the rest: S_kv = S, n = n_sel.
class TupleBuilder {
 public:
  TupleBuilder() = default;
  // Starts from the text of a problem or a workload. Throws what parse_workload throws.
  explicit TupleBuilder(std::string_view problem_text);

  // Throws Error{InvalidArgument} for an unknown name or a value that is not one of the field.
  void set(std::string_view name, std::string_view value);
  Workload build() const;
  // Of a recorded selection, which decides B, S, G, n, ranges or blocks, and the overlap; n_sel follows n. Valid, and so are
  // the recording's entries. Throws Error{InvalidArgument} that names both where one of them was given and is another.
  Workload build(const Recording& recording) const;

 private:
  bool given(std::string_view name) const { return given_.contains(name); }
  void set_field(std::string_view name, std::string_view value);
  void check_agreement(const Workload& recorded, const Recording& recording) const;

  Workload workload_;
  std::set<std::string, std::less<>> given_;
};

}  // namespace nsajit::cli
