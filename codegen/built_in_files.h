#pragma once
// Built-in files: the device code that the build step put into this binary (cmake/NsajitEmbed.cmake).
// Read only by embedded_templates.cpp; the rest of nsajit asks embedded_files().

#include <span>

#include "codegen/embedded_templates.h"

namespace nsajit::codegen {

std::span<const EmbeddedFile> built_in_files();

}  // namespace nsajit::codegen
