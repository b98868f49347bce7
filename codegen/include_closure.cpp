// Include closure: see the header.

#include "codegen/include_closure.h"

#include <fmt/format.h>

#include <map>

#include "core/digest.h"
#include "nsajit/error.h"

namespace nsajit::codegen {
namespace {

// Blanks comments, so that a commented #include is not followed. String literals with comment marks in
// them do not occur on #include lines and need no care.
std::string without_comments(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    if (text.substr(at, 2) == "//") {
      at = std::min(text.find('\n', at), text.size());
    } else if (text.substr(at, 2) == "/*") {
      const std::size_t end = text.find("*/", at + 2);
      at = end == std::string_view::npos ? text.size() : end + 2;
      out += ' ';
    } else {
      out += text[at++];
    }
  }
  return out;
}

std::string_view skip_blanks(std::string_view line) {
  const std::size_t at = line.find_first_not_of(" \t");
  return at == std::string_view::npos ? std::string_view() : line.substr(at);
}

// The path of an #include line, empty for any other line.
std::string_view included_path(std::string_view line) {
  constexpr std::string_view word = "include";
  line = skip_blanks(line);
  if (!line.starts_with('#')) return {};
  line = skip_blanks(line.substr(1));
  if (!line.starts_with(word)) return {};
  line = skip_blanks(line.substr(word.size()));
  if (line.empty() || (line.front() != '"' && line.front() != '<')) return {};
  const std::size_t end = line.find(line.front() == '"' ? '"' : '>', 1);
  return end == std::string_view::npos ? std::string_view() : line.substr(1, end - 1);
}

bool is_text(std::string_view path) { return !path.ends_with(".bc"); }

struct Asked {
  std::string path;
  std::string by;
};

}  // namespace

std::vector<std::string> scan_includes(std::string_view text) {
  std::vector<std::string> paths;
  const std::string code = without_comments(text);
  for (std::size_t begin = 0; begin < code.size();) {
    const std::size_t end = std::min(code.find('\n', begin), code.size());
    const std::string_view path = included_path(std::string_view(code).substr(begin, end - begin));
    if (!path.empty()) paths.emplace_back(path);
    begin = end + 1;
  }
  return paths;
}

std::vector<EmbeddedFile> include_closure(std::span<const std::string> roots, std::string_view asker) {
  std::map<std::string, EmbeddedFile> found;  // by path: the order of the digest
  std::vector<Asked> open;
  for (const std::string& root : roots) open.push_back({root, std::string(asker)});
  while (!open.empty()) {
    const Asked asked = std::move(open.back());
    open.pop_back();
    if (found.contains(asked.path)) continue;
    const auto text = find_embedded(asked.path);
    if (!text)
      throw Error(
          ErrorCode::NotFound,
          fmt::format("'{}', included by {}, is not among the templates of this build. Include paths are relative to "
                      "templates/, or nsajit/*_args.h; CUDA toolkit headers are not available to device code.",
                      asked.path, asked.by));
    found.emplace(asked.path, EmbeddedFile{asked.path, *text});
    if (!is_text(asked.path)) continue;
    for (std::string& path : scan_includes(*text)) open.push_back({std::move(path), asked.path});
  }
  std::vector<EmbeddedFile> files;
  for (auto& [path, file] : found) files.push_back(std::move(file));
  return files;
}

std::string digest_files(std::span<const EmbeddedFile> files) {
  std::string all;
  // The size keeps two different splits of the same bytes apart.
  for (const EmbeddedFile& file : files) all += fmt::format("{}\n{}\n{}\n", file.path, file.text.size(), file.text);
  return digest_text(all);
}

std::string closure_digest(std::string_view path) {
  const std::string root(path);
  return digest_files(include_closure({&root, 1}, "the caller"));
}

}  // namespace nsajit::codegen
