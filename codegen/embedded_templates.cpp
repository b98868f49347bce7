// Embedded templates: the built-in files, or a folder's in their place. A set of files, once handed out, is never
// changed or freed, so that views into it stay valid: a folder makes a new set.

#include "codegen/embedded_templates.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>

#include "codegen/built_in_files.h"
#include "nsajit/error.h"

namespace nsajit::codegen {
namespace {

namespace fs = std::filesystem;

struct FileSet {
  std::string directory;          // empty: the built-in files alone
  std::deque<std::string> texts;  // what the views of a folder's files point into
  std::vector<EmbeddedFile> files;
};

// The one place of mutable state that the contract of use_template_directory asks for.
struct Shelf {
  std::mutex mutex;
  std::vector<std::unique_ptr<FileSet>> sets;
  std::atomic<const FileSet*> current{nullptr};
};

Shelf& shelf() {
  static Shelf the_shelf;
  return the_shelf;
}

std::string read_file(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  if (!stream) throw Error(ErrorCode::Io, fmt::format("cannot read the template '{}'", path.string()));
  return text;
}

bool replaceable(const fs::path& path) { return path.extension() == ".cuh" || path.extension() == ".bc"; }

std::unique_ptr<FileSet> built_in_set() {
  auto set = std::make_unique<FileSet>();
  set->files.assign(built_in_files().begin(), built_in_files().end());
  return set;
}

// Every .cuh is the folder's, so that a deleted header is missed; bitcode and argument headers are built,
// not written, so the built-in ones stay unless the folder has a file of that path.
std::unique_ptr<FileSet> directory_set(const std::string& directory) {
  if (!fs::is_directory(directory))
    throw Error(ErrorCode::NotFound,
                fmt::format("the template folder '{}' (NSAJIT_TEMPLATE_DIR) is not a folder", directory));
  auto set = std::make_unique<FileSet>();
  set->directory = directory;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file() || !replaceable(entry.path())) continue;
    const std::string& text = set->texts.emplace_back(read_file(entry.path()));
    set->files.push_back({fs::relative(entry.path(), directory).generic_string(), text});
  }
  const auto has = [&](const std::string& path) {
    return std::ranges::any_of(set->files, [&](const EmbeddedFile& file) { return file.path == path; });
  };
  for (const EmbeddedFile& file : built_in_files())
    if (!file.path.ends_with(".cuh") && !has(file.path)) set->files.push_back(file);
  return set;
}

void publish(std::unique_ptr<FileSet> set) {
  std::ranges::sort(set->files, {}, &EmbeddedFile::path);
  shelf().current = shelf().sets.emplace_back(std::move(set)).get();
}

}  // namespace

std::span<const EmbeddedFile> embedded_files() {
  if (const FileSet* set = shelf().current) return set->files;
  const std::scoped_lock lock(shelf().mutex);
  if (!shelf().current) publish(built_in_set());
  return shelf().current.load()->files;
}

std::optional<std::string_view> find_embedded(std::string_view path) {
  const auto files = embedded_files();
  const auto at = std::ranges::lower_bound(files, path, {}, &EmbeddedFile::path);
  if (at == files.end() || at->path != path) return std::nullopt;
  return at->text;
}

void use_template_directory(const std::string& directory) {
  const std::scoped_lock lock(shelf().mutex);
  const FileSet* current = shelf().current;
  if (current != nullptr && current->directory == directory) return;
  publish(directory.empty() ? built_in_set() : directory_set(directory));
}

}  // namespace nsajit::codegen
