# How other projects find the installed tree: find_package(nsajit) and pkg-config. Both by their own place, so that the tree can
# be moved. Component "library": what a program needs that is built against nsajit.
include(CMakePackageConfigHelpers)
set(package_dir "${PROJECT_BINARY_DIR}/package")
configure_file(cmake/nsajit-config.cmake.in "${package_dir}/nsajit-config.cmake" @ONLY)
configure_file(cmake/nsajit.pc.in "${package_dir}/nsajit.pc" @ONLY)
write_basic_package_version_file("${package_dir}/nsajit-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${package_dir}/nsajit-config.cmake" "${package_dir}/nsajit-config-version.cmake" DESTINATION lib/cmake/nsajit
        COMPONENT library)
install(FILES "${package_dir}/nsajit.pc" DESTINATION lib/pkgconfig COMPONENT library)
