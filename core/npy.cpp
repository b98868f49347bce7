// Npy: the header is a Python literal of three known keys, so that a parser of just these is strict and small.

#include "core/npy.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "nsajit/error.h"

namespace nsajit {
namespace {

static_assert(std::endian::native == std::endian::little, "values are read as they lie in the file");

constexpr std::string_view kMagic = "\x93NUMPY";
// NumPy pads its headers to 64 or 128 bytes, and refuses more than 10000 itself.
constexpr std::uint32_t kLongestHeader = 10000;
constexpr std::size_t kMostDimensions = 32;
constexpr std::string_view kSaveHint = "save it with numpy.save(path, numpy.ascontiguousarray(x, dtype='<i4'))";

[[noreturn]] void refuse(const std::string& path, std::string_view why) {
  throw Error(ErrorCode::InvalidArgument, fmt::format("read {}: {}; {}", path, why, kSaveHint));
}

struct Header {
  std::optional<std::string> type;
  std::optional<bool> fortran;
  std::optional<std::vector<std::int64_t>> shape;
};

// Reads the literal from the front; each take_ function stops at what it does not know and says so.
class HeaderText {
 public:
  HeaderText(std::string_view text, const std::string& path) : text_(text), path_(path) {}

  Header read() {
    Header header;
    expect('{');
    while (!accept('}')) {
      read_entry(header);
      if (accept(',')) continue;
      expect('}');
      break;
    }
    skip_blanks();
    if (!text_.empty()) refuse(path_, fmt::format("its header goes on after the dictionary: '{}'", rest()));
    return header;
  }

 private:
  void read_entry(Header& header) {
    const std::string key = take_string();
    expect(':');
    if (key == "descr" && !header.type)
      header.type = take_type();
    else if (key == "fortran_order" && !header.fortran)
      header.fortran = take_bool();
    else if (key == "shape" && !header.shape)
      header.shape = take_shape();
    else
      refuse(path_,
             fmt::format("its header has the key '{}' {}", key,
                         key == "descr" || key == "fortran_order" || key == "shape" ? "twice" : "which .npy does not know"));
  }

  void skip_blanks() { text_.remove_prefix(std::min(text_.find_first_not_of(" \t\n"), text_.size())); }

  bool accept(char wanted) {
    skip_blanks();
    if (text_.empty() || text_.front() != wanted) return false;
    text_.remove_prefix(1);
    return true;
  }

  void expect(char wanted) {
    if (!accept(wanted)) refuse(path_, fmt::format("its header has '{}' where '{}' is to be", rest(), wanted));
  }

  bool accept_word(std::string_view word) {
    skip_blanks();
    if (!text_.starts_with(word)) return false;
    text_.remove_prefix(word.size());
    return true;
  }

  std::string take_string() {
    const char quote = accept('\'') ? '\'' : '"';
    if (quote == '"') expect('"');
    const std::size_t end = text_.find(quote);
    if (end == std::string_view::npos) refuse(path_, fmt::format("its header has a text without an end: '{}'", rest()));
    const std::string value(text_.substr(0, end));
    text_.remove_prefix(end + 1);
    return value;
  }

  std::string take_type() {
    skip_blanks();
    if (text_.starts_with('[')) refuse(path_, "its values are records; int32 values are needed");
    return take_string();
  }

  bool take_bool() {
    if (accept_word("True")) return true;
    if (accept_word("False")) return false;
    refuse(path_, fmt::format("its header has '{}' where True or False is to be", rest()));
  }

  std::vector<std::int64_t> take_shape() {
    std::vector<std::int64_t> shape;
    expect('(');
    while (!accept(')')) {
      shape.push_back(take_length());
      if (shape.size() > kMostDimensions) refuse(path_, fmt::format("it has more than {} dimensions", kMostDimensions));
      if (accept(',')) continue;
      expect(')');
      break;
    }
    return shape;
  }

  std::int64_t take_length() {
    skip_blanks();
    std::int64_t value = -1;
    const auto [end, status] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
    if (status != std::errc() || value < 0) refuse(path_, fmt::format("its header has '{}' where a length is to be", rest()));
    text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
    return value;
  }

  std::string rest() const { return std::string(text_.substr(0, 20)); }

  std::string_view text_;
  const std::string& path_;
};

std::string read_bytes(std::ifstream& file, std::size_t count, const std::string& path, std::string_view what) {
  std::string bytes(count, '\0');
  if (!file.read(bytes.data(), static_cast<std::streamsize>(count)))
    refuse(path, fmt::format("it ends inside its {}, which has {} bytes", what, count));
  return bytes;
}

// Bytes of the header's text: 16 bits in version 1.0, 32 in 2.0 and 3.0.
std::uint32_t read_header_length(std::ifstream& file, const std::string& path) {
  const std::string start = read_bytes(file, kMagic.size() + 2, path, "first bytes");
  if (!start.starts_with(kMagic)) refuse(path, "it is not a .npy file: it does not begin with \\x93NUMPY");
  const int major = static_cast<unsigned char>(start[6]), minor = static_cast<unsigned char>(start[7]);
  if (major < 1 || major > 3 || minor != 0)
    refuse(path, fmt::format("it is of .npy version {}.{}; 1.0, 2.0 and 3.0 are read", major, minor));
  const std::string length = read_bytes(file, major == 1 ? 2 : 4, path, "header length");
  std::uint32_t bytes = 0;
  std::memcpy(&bytes, length.data(), length.size());
  if (bytes > kLongestHeader) refuse(path, fmt::format("its header has {} bytes; {} at most", bytes, kLongestHeader));
  return bytes;
}

void check_header(const Header& header, const std::string& path) {
  if (!header.type || !header.fortran || !header.shape)
    refuse(path, fmt::format("its header lacks '{}'", !header.type ? "descr" : !header.fortran ? "fortran_order" : "shape"));
  if (*header.type != "<i4")
    refuse(path, fmt::format("its values are '{}'; '<i4', little-endian int32, is needed", *header.type));
  // One dimension at most is the same in both orders, but numpy then says False.
  if (*header.fortran) refuse(path, "it is in Fortran order; C order is needed");
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text;
  for (const std::int64_t length : shape) text += fmt::format("{}{}", text.empty() ? "" : ", ", length);
  return text;
}

// Of all values; refused where that does not fit 63 bits.
std::uint64_t count_bytes(const std::vector<std::int64_t>& shape, const std::string& path) {
  std::uint64_t bytes = sizeof(std::int32_t);
  for (const std::int64_t length : shape) {
    if (length != 0 &&
        bytes > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / static_cast<std::uint64_t>(length))
      refuse(path, fmt::format("its shape ({}) is larger than any file", shape_text(shape)));
    bytes *= static_cast<std::uint64_t>(length);
  }
  return bytes;
}

}  // namespace

NpyArray read_npy(const std::string& path) {
  std::error_code failure;
  const auto file_bytes = std::filesystem::file_size(path, failure);
  if (failure) throw Error(ErrorCode::InvalidArgument, fmt::format("read {}: {}; is the path right?", path, failure.message()));
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(ErrorCode::InvalidArgument, fmt::format("read {}: it cannot be opened; may you read it?", path));

  const std::string text = read_bytes(file, read_header_length(file, path), path, "header");
  const Header header = HeaderText(text, path).read();
  check_header(header, path);
  NpyArray array{.shape = *header.shape};
  const std::uint64_t bytes = count_bytes(array.shape, path), begin = static_cast<std::uint64_t>(file.tellg());
  if (file_bytes - begin != bytes)
    refuse(path, fmt::format("its shape ({}) needs {} bytes of values, but {} follow the header", shape_text(array.shape), bytes,
                             file_bytes - begin));
  array.values.resize(static_cast<std::size_t>(bytes / sizeof(std::int32_t)));
  if (!file.read(reinterpret_cast<char*>(array.values.data()), static_cast<std::streamsize>(bytes)))
    refuse(path, fmt::format("{} bytes of values cannot be read", bytes));
  return array;
}

}  // namespace nsajit
