// Error: names of the error codes.
#include "nsajit/error.h"

#include "core/enum_names.h"

namespace nsajit {

std::string_view to_string(ErrorCode code) {
  static constexpr EnumNames<ErrorCode, 10> kNames{{{ErrorCode::InvalidArgument, "invalid argument"},
                                                   {ErrorCode::NotFound, "not found"},
                                                   {ErrorCode::Unsupported, "unsupported"},
                                                   {ErrorCode::Io, "input/output"},
                                                   {ErrorCode::Cache, "cache"},
                                                   {ErrorCode::Compile, "compile"},
                                                   {ErrorCode::Driver, "driver"},
                                                   {ErrorCode::Worker, "worker"},
                                                   {ErrorCode::Interrupted, "interrupted"},
                                                    {ErrorCode::Frozen, "frozen"}}};
  return find_enum_name(kNames, code);
}

}  // namespace nsajit
