#pragma once
// Embedded templates: the checked-in device code inside the binary, by path, with the digest of each
// file's include closure. NSAJIT_TEMPLATE_DIR replaces the CUDA ones by the files of a folder.

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nsajit::codegen {

struct EmbeddedFile {
  std::string path;  // "common/mma.cuh", "nsajit/selection_args.h", "selection/selection_cpu.bc"
  std::string_view text;
};

// All device headers and bitcode modules of this build (or of the folder, once set).
std::span<const EmbeddedFile> embedded_files();
std::optional<std::string_view> find_embedded(std::string_view path);

// Digest over `path` and every file that it includes, recursively, in a fixed order.
// Throws Error{NotFound} naming the missing include and who includes it.
std::string closure_digest(std::string_view path);

// Development: read templates from `directory`: all .cuh files, and those .bc modules that lie there. Call
// before any compilation; the files are read once, a second call with the same folder does nothing. "" goes
// back to the embedded ones. Throws Error{NotFound} where it is no folder.
void use_template_directory(const std::string& directory);

}  // namespace nsajit::codegen
