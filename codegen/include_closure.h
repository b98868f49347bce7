#pragma once
// Include closure: a device source and every embedded file that it includes, found by reading the text once
// instead of by failing compilations. Feeds NVRTC's in-memory headers and the digests in cache keys.
// Pure functions over embedded_files(); safe to call from any thread.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codegen/embedded_templates.h"

namespace nsajit::codegen {

// The paths of the #include lines of `text`, in order. Comments are skipped; conditional includes count.
std::vector<std::string> scan_includes(std::string_view text);

// `roots` and all that they include, sorted by path. Bitcode includes nothing.
// Throws Error{NotFound} naming the missing path and `asker` or the file that includes it.
std::vector<EmbeddedFile> include_closure(std::span<const std::string> roots, std::string_view asker);

// Over path, size and text of each file.
std::string digest_files(std::span<const EmbeddedFile> files);

}  // namespace nsajit::codegen
