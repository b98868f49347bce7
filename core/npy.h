#pragma once
// Npy: reads NumPy's .npy files of int32, versions 1.0 to 3.0 of the format. A file is data from elsewhere: everything
// is checked and bounded, and whatever is not exactly such a file is refused with what to do.

#include <cstdint>
#include <string>
#include <vector>

namespace nsajit {

struct NpyArray {
  std::vector<std::int64_t> shape;   // none: one value
  std::vector<std::int32_t> values;  // C order
};

// Throws Error{InvalidArgument} that names the file: it cannot be read, is no .npy file, is cut off or has bytes beyond its
// end, or holds another type than little-endian int32 or another order than C.
NpyArray read_npy(const std::string& path);

}  // namespace nsajit
