// NetworkDisk: statfs and the magic numbers of network and cluster file systems (statfs(2), linux/magic.h).

#include "cache/network_disk.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include <sys/vfs.h>

namespace nsajit::cache {
namespace {

constexpr std::array<unsigned long, 16> kNetworkMagics{
    0x6969,      // NFS
    0x517B,      // SMB
    0xFF534D42,  // CIFS
    0xFE534D42,  // SMB2
    0x0BD00BD0,  // Lustre
    0x47504653,  // GPFS
    0x00C36400,  // Ceph
    0x19830326,  // BeeGFS
    0xAAD7AAEA,  // PanFS
    0x5346414F,  // OpenAFS
    0x6B414653,  // kAFS
    0x73757245,  // Coda
    0x01161970,  // GFS2
    0x7461636F,  // OCFS2
    0x01021997,  // 9p
    0x65735546,  // FUSE
};

}  // namespace

bool is_network_magic(unsigned long magic) {
  // Some kernels sign-extend the 32-bit number.
  return std::find(kNetworkMagics.begin(), kNetworkMagics.end(), magic & 0xFFFFFFFFUL) != kNetworkMagics.end();
}

bool is_on_network_disk(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  struct statfs facts {};
  if (statfs(folder.empty() ? "." : folder.c_str(), &facts) != 0) return false;
  return is_network_magic(static_cast<unsigned long>(facts.f_type));
}

}  // namespace nsajit::cache
