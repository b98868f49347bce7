#pragma once
// Npy files for tests, written byte by byte as numpy.save does.

#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

namespace nsajit::testing {

// The text between the braces' ends, padded as NumPy does, behind magic, version and length.
inline std::string npy_header(const std::string& dictionary, int major = 1) {
  const std::size_t prefix = major == 1 ? 10 : 12;
  std::string text = dictionary;
  while ((prefix + text.size() + 1) % 64 != 0) text += ' ';
  text += '\n';
  std::string bytes = "\x93NUMPY";
  bytes += static_cast<char>(major);
  bytes += '\0';
  for (std::size_t i = 0; i < prefix - 8; ++i) bytes += static_cast<char>(text.size() >> (8 * i) & 255);
  return bytes + text;
}

inline std::string npy_dictionary(const std::vector<std::int64_t>& shape) {
  std::string lengths;
  for (const std::int64_t length : shape) lengths += std::to_string(length) + ", ";
  return "{'descr': '<i4', 'fortran_order': False, 'shape': (" + lengths + "), }";
}

inline std::string npy_bytes(const std::vector<std::int64_t>& shape, const std::vector<std::int32_t>& values, int major = 1) {
  std::string bytes = npy_header(npy_dictionary(shape), major);
  const std::size_t begin = bytes.size();
  bytes.resize(begin + 4 * values.size());
  if (!values.empty()) std::memcpy(bytes.data() + begin, values.data(), 4 * values.size());
  return bytes;
}

inline std::string write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

inline std::string write_npy(const std::string& path, const std::vector<std::int64_t>& shape,
                             const std::vector<std::int32_t>& values) {
  return write_bytes(path, npy_bytes(shape, values));
}

}  // namespace nsajit::testing
