// NetworkDisk: which file systems get no write-ahead log.

#include "cache/network_disk.h"

#include <catch2/catch_all.hpp>

namespace nsajit::cache {

TEST_CASE("disks shared between machines are told from local ones") {
  const auto [name, magic, network] = GENERATE(table<std::string, unsigned long, bool>({
      {"nfs", 0x6969, true},
      {"smb2", 0xFE534D42, true},
      {"smb2, sign-extended", 0xFFFFFFFFFE534D42, true},
      {"lustre", 0x0BD00BD0, true},
      {"9p", 0x01021997, true},
      {"fuse", 0x65735546, true},
      {"ext4", 0xEF53, false},
      {"xfs", 0x58465342, false},
      {"btrfs", 0x9123683E, false},
      {"tmpfs", 0x01021994, false},
      {"overlayfs", 0x794C7630, false},
  }));
  INFO(name);
  REQUIRE(is_network_magic(magic) == network);
}

TEST_CASE("a folder that is not there is taken for local") {
  REQUIRE_FALSE(is_on_network_disk("/there/is/no/such/folder/cache.db"));
}

}  // namespace nsajit::cache
