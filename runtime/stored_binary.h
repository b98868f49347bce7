#pragma once
// StoredBinary: a compiled kernel as the cache keeps it, and back. Pure conversions, and the lookup that uses them.

#include <optional>

#include "cache/cache.h"
#include "cache/cache_key.h"
#include "codegen/compiler.h"

namespace nsajit::runtime {

cache::BinaryRecord make_binary_record(const cache::CacheKey& key, const codegen::Binary& binary);
// Throws Error{Cache} where the record's entries cannot be read.
codegen::Binary make_binary(const cache::BinaryRecord& record);

// What cannot be read is a miss and one warning: it is compiled anew.
std::optional<codegen::Binary> find_stored_binary(cache::Cache& cache, const cache::CacheKey& key);

}  // namespace nsajit::runtime
