#pragma once
// NVRTC search: the places where a libnvrtc may lie, in the order they are tried. Reads folders, opens nothing.

#include <string>
#include <vector>

namespace nsajit {
struct Environment;
}

namespace nsajit::codegen {

// NSAJIT_NVRTC alone where it is set; else names for the loader, newest first, then the files found in
// nvrtc_folders(). What dlopen takes.
std::vector<std::string> nvrtc_candidates(const Environment& environment);

// Toolkits and pip's nvidia packages, as glob patterns: for the candidates and for messages.
std::vector<std::string> nvrtc_folders(const Environment& environment);

}  // namespace nsajit::codegen
