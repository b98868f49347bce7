#pragma once
// ExportFile: content as text, to be carried to another machine, and back. JSON lines: one header, then a row each, in
// a fixed order. Equal content gives equal bytes. A file is data: what it brings is bounded and checked, and never code.

#include <cstddef>
#include <iosfwd>
#include <string>

#include "cache/content.h"

namespace nsajit::cache {

void write_export(std::ostream& out, const Content& content);

struct ImportLimits {
  std::size_t file_bytes = std::size_t{256} << 20;
  std::size_t line_bytes = std::size_t{16} << 20;
  std::size_t rows = 1'000'000;
};

// Throws Error{InvalidArgument} that names `name`, the line and what is wrong with it: not an export, over a limit, a
// field that is missing or false, a row that leads nowhere, a file that ends early. Nothing is kept of such a file.
Content read_export(std::istream& in, const std::string& name, const ImportLimits& limits = {});

}  // namespace nsajit::cache
