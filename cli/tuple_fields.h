#pragma once
// Tuple fields: the names by which a sweep file and the flags set the parts of a Workload, in one table.

#include <string>
#include <string_view>
#include <vector>

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
  struct Given {
    bool keys_given = false, blocks_given = false;
  };  // S_kv, n

  TupleBuilder() = default;
  TupleBuilder(const Workload& workload, Given given) : workload_(workload), given_(given) {}

  // Throws Error{InvalidArgument} for an unknown name or a value that is not one of the field.
  void set(std::string_view name, std::string_view value);
  Workload build() const;

 private:
  Workload workload_;
  Given given_;
};

}  // namespace nsajit::cli
